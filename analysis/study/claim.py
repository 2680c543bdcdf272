"""Claims: statements under test, and the status that follows from their evidence.

A claim's status is ``proved`` (symbolic identity or interval proof), ``supported`` (numerical agreement), ``refuted``
or ``undecided``: it is refuted if any of its evidence is, undecided if any is undecided, else proved if any is proved,
else supported. A claim marked `open` is a prediction under test: its refutation is a finding, not a failure.

Pieces that raise `Undecided` are undecided evidence with the reason; other exceptions are bugs and pass.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from analysis.study.evidence import Evidence, Piece, Status, heard, undecided
from eos_sym import Undecided


@dataclass(frozen=True)
class Claim:
    """A statement under test; `id` is its name in reports and files, `evidence` gives the pieces."""

    id: str
    statement: str
    source: str
    evidence: Callable[[], Iterable[Piece]]
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
    """Hear the evidence of a claim and combine it."""
    found: list[Evidence] = []
    try:
        found.extend(map(heard, claim.evidence()))  # one at a time: those before an `Undecided` are kept
    except Undecided as reason:
        found.append(undecided(reason))
    return Verdict(claim.id, claim.statement, claim.source, claim.open, combine(found), tuple(found))


def combine(evidence: Sequence[Evidence]) -> Status:
    """The status of a claim with this evidence."""
    found = {item.status for item in evidence}
    for status in ("refuted", "undecided", "proved"):
        if status in found:
            return status
    return "supported" if found else "undecided"
