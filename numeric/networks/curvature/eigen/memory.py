"""How many vectors of the length of the weights are kept, and for what.

With b = k + guards vectors in a block, a reading holds at its peak

    past (1 + b)      past readings: their weights and blocks
    beyond            the model beyond the block
    2 room            a subspace and its images
    b + k             residuals, and what becomes of them

which is 23 for one eigenvalue, unless less is asked for. What is given up first is what costs the fewest products: the
second past reading, then the model, then the room beyond b + 1, then the guards. With fewer than 16 vectors, for one
eigenvalue, there is no model and so no scout, with fewer than 12 no guard: what comes up from below is then seen by a
search only, and those are four times as many.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from eos_sym import BadInput


@dataclass(frozen=True)
class Memory:
    """Numbers of vectors."""

    count: int
    guards: int
    past: int
    beyond: int
    room: int

    @property
    def block(self) -> int:
        """b."""
        return self.count + self.guards

    @property
    def peak(self) -> int:
        """What a reading holds at most."""
        return self.past * (1 + self.block) + self.beyond + 2 * self.room + self.block + self.count


def memory_of(count: int, guards: int, vectors: int | None) -> Memory:
    """The best use of so many vectors."""
    for memory in _choices(count, guards):
        if vectors is None or memory.peak <= vectors:
            return memory
    raise BadInput(f"{vectors} vectors for {count} eigenvalues: must be {memory.peak} or more, or not given")


def _choices(count: int, guards: int) -> Iterator[Memory]:
    """From the most generous to the least."""
    for fewer in range(guards, -1, -1):
        b = count + fewer
        for past, beyond, room in ((2, 4, b + 3), (1, 4, b + 3), (1, 2, b + 2), (1, 0, b + 1)):
            yield Memory(count, fewer, past, beyond, room)
