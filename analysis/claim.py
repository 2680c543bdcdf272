"""Claims, and the evidence that decides them.

A claim is a statement with its source and the checks that test it. A check returns evidence from one channel: an
exact identity (symbolic), an interval proof, a simulation, automatic differentiation, or a trained network. Its
status is ``proved`` (symbolic identity or interval proof), ``supported`` (numerical agreement), ``refuted`` or
``undecided``. A claim is refuted if any of its evidence is, undecided if any is undecided, else proved if any is
proved, else supported. A claim marked `open` is a prediction under test: its refutation is a finding, not a failure.

A check that raises `eos_sym.Undecided` yields undecided evidence with the reason; other exceptions are bugs and pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from sympy import Expr, simplify

from eos_sym import Undecided

Channel = Literal["symbolic", "interval", "simulation", "autograd", "network"]
Status = Literal["proved", "supported", "refuted", "undecided"]
Value = str | float | None


@dataclass(frozen=True)
class Evidence:
    """What one channel says: a value that was expected, the one observed, and how far apart they may be."""

    channel: Channel
    status: Status
    expected: Value
    observed: Value
    tolerance: float | None = None


Check = Callable[[], Evidence]


@dataclass(frozen=True)
class Claim:
    """A statement under test; `id` is its name in reports and files."""

    id: str
    statement: str
    source: str
    checks: Sequence[Check]
    open: bool = False


@dataclass(frozen=True)
class Verdict:
    """A claim with its evidence and the status that follows from it."""

    id: str
    statement: str
    source: str
    open: bool
    status: Status
    evidence: tuple[Evidence, ...]

    @property
    def fails(self) -> bool:
        """Whether this verdict turns the exit code to 1."""
        return self.status == "refuted" and not self.open

    def as_json(self) -> dict[str, Any]:
        """The verdict in the form of the command-line contract."""
        return asdict(self)


def decide(claim: Claim) -> Verdict:
    """Run the checks of a claim and combine their evidence."""
    evidence = tuple(_run(check) for check in claim.checks)
    return Verdict(claim.id, claim.statement, claim.source, claim.open, combine(evidence), evidence)


def combine(evidence: Sequence[Evidence]) -> Status:
    """The status of a claim with this evidence."""
    found = {item.status for item in evidence}
    for status in ("refuted", "undecided", "proved"):
        if status in found:
            return status
    return "supported" if found else "undecided"


def _run(check: Check) -> Evidence:
    try:
        return check()
    except Undecided as reason:
        return Evidence("symbolic", "undecided", None, str(reason))


def identity(expected: Expr | Sequence[Expr], observed: Expr | Sequence[Expr]) -> Evidence:
    """Symbolic evidence: proved if the expressions are identical, one by one, refuted if some difference is not 0."""
    left = [expected] if isinstance(expected, Expr) else list(expected)
    right = [observed] if isinstance(observed, Expr) else list(observed)
    differences = [simplify(a - b) for a, b in zip(left, right, strict=True)]
    status: Status = "proved"
    zero = [difference == 0 or difference.equals(0) for difference in differences]
    if not all(zero):
        status = "refuted" if False in zero else "undecided"
    return Evidence("symbolic", status, ", ".join(map(str, left)), ", ".join(map(str, right)))


def theorem(expected: str, observed: str) -> Evidence:
    """Symbolic evidence from a decision procedure: proved if it found what was expected, in the same words."""
    if "undecided" in observed:
        return Evidence("symbolic", "undecided", expected, observed)
    return Evidence("symbolic", "proved" if expected == observed else "refuted", expected, observed)


def supported(expected: Expr, observed: Expr) -> Evidence:
    """Symbolic evidence from a formal argument: the formulas agree exactly, but the argument is no proof."""
    evidence = identity(expected, observed)
    return replace(evidence, status="supported") if evidence.status == "proved" else evidence


def agreement(
    channel: Channel, expected: float, observed: float, *, relative: float = 0.0, absolute: float = 0.0
) -> Evidence:
    """Numerical evidence: supported if |observed − expected| ≤ relative·|expected| + absolute."""
    tolerance = relative * abs(expected) + absolute
    if not math.isfinite(observed):
        return Evidence(channel, "refuted", float(expected), str(observed), tolerance)
    status: Status = "supported" if abs(observed - expected) <= tolerance else "refuted"
    return Evidence(channel, status, float(expected), float(observed), tolerance)


def bounded(channel: Channel, observed: float, *, below: float) -> Evidence:
    """Numerical evidence that an error or defect is smaller than a bound."""
    status: Status = "supported" if observed < below else "refuted"
    return Evidence(
        channel, status, f"< {below:g}", float(observed) if math.isfinite(observed) else str(observed), below
    )


def same(channel: Channel, expected: str, observed: str) -> Evidence:
    """Numerical evidence in words, such as the outcomes of runs; a run that did not end decides nothing."""
    if "undecided" in observed and "undecided" not in expected:
        return Evidence(channel, "undecided", expected, observed)
    return Evidence(channel, "supported" if expected == observed else "refuted", expected, observed)
