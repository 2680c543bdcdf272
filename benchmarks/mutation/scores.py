"""How many mutants the tests notice, by room, with the interval of Wilson.

Of n mutants, drawn at random, k are noticed. With z = 1.96 the share of all lies with a probability of 95 % in

    (k + z²/2)/(n + z²) ± z/(n + z²) · √(k(n − k)/n + z²/4).

(Wilson 1927, Probable inference, the law of succession, and statistical inference.)
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from math import sqrt
from pathlib import PurePosixPath

NOTICED = ("killed", "late")
OUTCOMES = (*NOTICED, "survived", "not reached")
Z = 1.959964


def wilson(noticed: int, number: int) -> tuple[float, float]:
    """The ends of the interval."""
    middle = (noticed + Z**2 / 2) / (number + Z**2)
    half = Z / (number + Z**2) * sqrt(noticed * (number - noticed) / number + Z**2 / 4)
    return max(0.0, middle - half), min(1.0, middle + half)


def table(outcomes: Iterable[tuple[str, str]]) -> list[str]:
    """Lines of a table in Markdown, made of files and what became of their mutants."""
    rooms: Mapping[str, Counter[str]] = defaultdict(Counter)
    for file, outcome in outcomes:
        rooms[PurePosixPath(file).parent.as_posix()][outcome] += 1
    lines = [f"| room | mutants | {' | '.join(OUTCOMES)} | noticed | 95 % |", "|---" * 8 + "|"]
    everything = sum(rooms.values(), Counter[str]())
    for room, counts in [*sorted(rooms.items()), ("all", everything)]:
        number, noticed = counts.total(), sum(counts[outcome] for outcome in NOTICED)
        low, high = wilson(noticed, number)
        numbers = " | ".join(str(counts[outcome]) for outcome in OUTCOMES)
        lines.append(f"| {room} | {number} | {numbers} | {noticed / number:.0%} | {low:.0%}–{high:.0%} |")
    return lines
