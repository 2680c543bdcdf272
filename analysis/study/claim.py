"""Claims: statements under test, part by part, and the status that follows from their evidence.

The parts of a statement are divided by semicolons, and each piece of evidence speaks of one of them. A part is

    refuted      if any of its evidence is,
    undecided    if any of it is, or if there is none,
    proved       if a symbolic identity or an interval proof is among it, which is to be a proof of all that it says,
    supported    by numerical agreement alone,

and a statement is the weakest of its parts: refuted, undecided, supported or proved. A claim marked `open` is a
prediction under test: its refutation is a finding, not a failure.

Pieces that raise `Undecided` are undecided evidence with the reason; other exceptions are bugs and pass. So is evidence
that does not say of which of several parts it speaks: `ValueError`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from analysis.study.evidence import Evidence, Piece, Status, all_heard

SEPARATOR = "; "
WEAKEST_FIRST: tuple[Status, ...] = ("refuted", "undecided", "supported", "proved")


@dataclass(frozen=True)
class Claim:
    """A statement under test; `id` is its name in reports and files, `evidence` gives the pieces."""

    id: str
    statement: str
    source: str
    evidence: Callable[[], Iterable[Piece]]
    open: bool = False


@dataclass(frozen=True)
class Part:
    """One part of a statement, what its evidence says, and the channels of the evidence that decided something."""

    statement: str
    status: Status
    channels: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """A claim with its evidence and the statuses that follow from it."""

    id: str
    statement: str
    source: str
    open: bool
    status: Status
    parts: tuple[Part, ...]
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
    statements = claim.statement.split(SEPARATOR)
    evidence = tuple(_placed(one, statements) for one in all_heard(_pieces(claim)))
    parts = tuple(_part(one, [piece for piece in evidence if piece.part in (one, None)]) for one in statements)
    status = min((part.status for part in parts), key=WEAKEST_FIRST.index)
    return Verdict(claim.id, claim.statement, claim.source, claim.open, status, parts, evidence)


def _pieces(claim: Claim) -> Iterator[Piece]:
    """The claim's evidence, which is asked for where it is heard: what it is made of may be undecided already."""
    yield from claim.evidence()


def _part(statement: str, evidence: Sequence[Evidence]) -> Part:
    channels = dict.fromkeys(one.channel for one in evidence if one.channel and one.status != "undecided")
    return Part(statement, combine(evidence), tuple(channels))


def _placed(evidence: Evidence, statements: Sequence[str]) -> Evidence:
    """The evidence with the part of which it speaks, which may be left out where it cannot be mistaken."""
    if evidence.part is None and evidence.channel is None:  # the claim gave up: this is why nothing more is known
        return evidence if len(statements) > 1 else replace(evidence, part=statements[0])
    meant = [one for one in statements if (evidence.part or "") in one]
    if len(meant) != 1:
        said = "it names none" if evidence.part is None else f"{evidence.part!r} is in {len(meant)} of them"
        raise ValueError(
            f"{evidence.quantity}: must name one part of {SEPARATOR.join(statements)!r}, and {said}; "
            'yield it as about("words of that part alone", …), or write the statement without the semicolon'
        )
    return replace(evidence, part=meant[0])


def combine(evidence: Sequence[Evidence]) -> Status:
    """The status of a part with this evidence."""
    found = {item.status for item in evidence}
    for status in ("refuted", "undecided", "proved"):
        if status in found:
            return status
    return "supported" if found else "undecided"
