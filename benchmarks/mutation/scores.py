"""How many mutants the tests notice, by room, with the interval of Wilson, in which the share of all lies with 95 %."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

NOTICED = ("killed", "late")
OUTCOMES = (*NOTICED, "survived", "not reached")


def wilson(noticed: int, number: int) -> tuple[float, float]:
    """The ends of the interval."""
    from scipy.stats import binomtest  # takes a second, and options are read before

    found = binomtest(noticed, number).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


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
