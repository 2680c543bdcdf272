"""Evidence: what was measured, in words and with its unit, the value expected, the one observed, and the channel.

A claim yields pieces of evidence. A piece is an `Evidence`, or a function without arguments that gives one; where the
function raises `Undecided`, the piece says why and the pieces after it are still heard:

    yield bounded("simulation", "largest relative error of 1,000 gradients", error, below=1e-9)
    yield lambda: agreement("network", "exponent of the level in η", -1.0, exponent(runs), absolute=0.25)
    yield from over(runs, lambda run: agreement("network", f"mean of ηS/2, {run.name}", 1.0, run.level, absolute=0.1))

Where a statement has several parts, divided by semicolons, `about` says of which one a piece speaks, by words of it:

    yield from about("gives way to a four-cycle", same("simulation", "periods beyond the threshold", "4", found))

Channels share as little as can be, and a claim says what they share: an exact identity (symbolic), an interval proof, a
simulation of the compiled map, automatic differentiation, or a trained network.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, TypeVar

from sympy import Expr, simplify

from eos_sym import Undecided

Channel = Literal["symbolic", "interval", "simulation", "autograd", "network"]
Status = Literal["proved", "supported", "refuted", "undecided"]
Value = str | float | None
NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Evidence:
    """What one channel says of a quantity: the value expected, the one observed, and how far apart they may be."""

    channel: Channel | None
    quantity: str
    status: Status
    expected: Value
    observed: Value
    tolerance: float | None = None
    part: str | None = None  # of the statement; until the claim is decided, words of it


Piece = Evidence | Callable[[], Evidence]
Pieces = Iterator[Piece]
Item = TypeVar("Item")


def heard(piece: Piece) -> Evidence:
    """The evidence of a piece; undecided, with the reason, where there is none."""
    try:
        return piece if isinstance(piece, Evidence) else piece()
    except Undecided as reason:
        return undecided(reason)


def undecided(reason: Undecided) -> Evidence:
    """Evidence of no channel that decides nothing, for this reason."""
    return Evidence(None, NOT_MEASURED, "undecided", None, str(reason))


def all_heard(pieces: Iterable[Piece]) -> Iterator[Evidence]:
    """The evidence of the pieces one at a time, so that those before an `Undecided` are kept."""
    try:
        yield from map(heard, pieces)
    except Undecided as reason:
        yield undecided(reason)


def over(items: Iterable[Item], check: Callable[[Item], Evidence]) -> Iterator[Evidence]:
    """The evidence of every item; one that cannot be decided leaves the others alone."""
    for item in items:
        yield heard(partial(check, item))


def about(words: str, *pieces: Piece | Iterable[Piece]) -> Iterator[Evidence]:
    """The evidence of these pieces, or of whole series of them, for the part of the statement with these words."""
    for one in pieces:
        for evidence in all_heard([one] if isinstance(one, Evidence) or callable(one) else one):
            yield replace(evidence, part=words)


def identity(quantity: str, expected: Expr | Sequence[Expr], observed: Expr | Sequence[Expr]) -> Evidence:
    """Symbolic evidence: proved if the expressions are identical, one by one, refuted if some difference is not 0."""
    left = [expected] if isinstance(expected, Expr) else list(expected)
    right = [observed] if isinstance(observed, Expr) else list(observed)
    differences = [simplify(a - b) for a, b in zip(left, right, strict=True)]
    status: Status = "proved"
    zero = [difference == 0 or difference.equals(0) for difference in differences]
    if not all(zero):
        status = "refuted" if False in zero else "undecided"
    return Evidence("symbolic", quantity, status, ", ".join(map(str, left)), ", ".join(map(str, right)))


def theorem(quantity: str, expected: str, observed: str) -> Evidence:
    """Symbolic evidence from a decision procedure: proved if it found what was expected, in the same words."""
    if "undecided" in observed:
        return Evidence("symbolic", quantity, "undecided", expected, observed)
    return Evidence("symbolic", quantity, "proved" if expected == observed else "refuted", expected, observed)


def supported(quantity: str, expected: Expr | Sequence[Expr], observed: Expr | Sequence[Expr]) -> Evidence:
    """Symbolic evidence from a formal argument: the formulas agree exactly, but the argument is no proof."""
    evidence = identity(quantity, expected, observed)
    return replace(evidence, status="supported") if evidence.status == "proved" else evidence


def agreement(
    channel: Channel, quantity: str, expected: float, observed: float, *, relative: float = 0.0, absolute: float = 0.0
) -> Evidence:
    """Numerical evidence: supported if |observed − expected| ≤ relative·|expected| + absolute."""
    tolerance = relative * abs(expected) + absolute
    if not math.isfinite(observed):
        return Evidence(channel, quantity, "refuted", float(expected), str(observed), tolerance)
    status: Status = "supported" if abs(observed - expected) <= tolerance else "refuted"
    return Evidence(channel, quantity, status, float(expected), float(observed), tolerance)


def bounded(channel: Channel, quantity: str, observed: float, *, below: float) -> Evidence:
    """Numerical evidence that an error or defect is smaller than a bound."""
    status: Status = "supported" if observed < below else "refuted"
    value = float(observed) if math.isfinite(observed) else str(observed)
    return Evidence(channel, quantity, status, f"< {below:g}", value, below)


def exceeds(channel: Channel, quantity: str, observed: float, *, above: float) -> Evidence:
    """Numerical evidence that a value is larger than a bound."""
    value = float(observed) if math.isfinite(observed) else str(observed)
    return Evidence(channel, quantity, "supported" if observed > above else "refuted", f"> {above:g}", value)


def between(channel: Channel, quantity: str, observed: float, least: float, largest: float) -> Evidence:
    """Numerical evidence that a value lies between two others; the tolerance is that about their mean."""
    value = float(observed) if math.isfinite(observed) else str(observed)
    status: Status = "supported" if least <= observed <= largest else "refuted"
    return Evidence(channel, quantity, status, f"{least:g} to {largest:g}", value, (largest - least) / 2)


def same(channel: Channel, quantity: str, expected: str, observed: str) -> Evidence:
    """Numerical evidence in words, such as the outcomes of runs; a run that did not end decides nothing."""
    if "undecided" in observed and "undecided" not in expected:
        return Evidence(channel, quantity, "undecided", expected, observed)
    return Evidence(channel, quantity, "supported" if expected == observed else "refuted", expected, observed)
