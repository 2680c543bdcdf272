"""Vectors of one length in one piece of memory, whose span is turned where it lies.

    X ← X Z,    Z (n, m), m ≤ n

Such a product needs the memory of its result beside that of X, which for a network of 10⁷ weights is what the search
for eigenvectors would cost most of. A row of X needs no other row: so `turn` takes `PIECE` rows at a time.

Shapes: X (p, n) with every vector contiguous, Z float64 on the CPU.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

PIECE = 1 << 13  # entries of a vector: the pieces of some ten vectors stay in a processor's cache


class Columns:
    """At most `room` vectors of the length, precision and device of a block's (p, any number)."""

    def __init__(self, like: Tensor, room: int) -> None:
        self._rows = like.new_empty(room, len(like))
        self._have(0)

    def append(self, block: Tensor) -> None:
        """Add the columns of a block (p, m)."""
        count = self.count + block.shape[1]
        self._rows[self.count : count] = block.T
        self._have(count)

    def make_room(self, room: int) -> None:
        """For so many vectors, at least as many as there are."""
        rows = self._rows.new_empty(room, self._rows.shape[1])
        rows[: self.count] = self._rows[: self.count]
        self._rows = rows
        self._have(self.count)

    def turn(self, mix: Tensor) -> None:
        """X ← X Z: as many vectors as Z has columns are left."""
        turn([self._rows[: self.count]], [mix], self._rows[: mix.shape[1]])
        self._have(mix.shape[1])

    def _have(self, count: int) -> None:
        """`count` vectors, and `all` of them, (p, n): the memory itself."""
        self.count, self.all = count, self._rows[:count].T


def turn(sources: Sequence[Tensor | list[Tensor]], mixes: Sequence[Tensor], into: Tensor | list[Tensor]) -> None:
    """Σ Xᵢ Zᵢ into vectors that may be some of the sources'; all as rows (n, p), or as lists of vectors (p,)."""
    for piece in _pieces(into):
        parts = [_rows(source, piece) for source in sources]
        mixed = sum(mix.T.to(part) @ part for mix, part in zip(mixes, parts, strict=True))
        if isinstance(into, Tensor):
            into[:, piece] = mixed
            continue
        for vector, values in zip(into, torch.as_tensor(mixed), strict=True):
            vector[piece] = values


def without(vector: Tensor, others: list[Tensor]) -> Tensor:
    """The vector (p,) less its parts along orthonormal others, where it lies."""
    if others:
        along = sum(_rows(others, piece) @ vector[piece] for piece in _pieces([vector]))
        for piece in _pieces([vector]):
            vector[piece].addmv_(_rows(others, piece).T, torch.as_tensor(along), alpha=-1)
    return vector


def _pieces(vectors: Tensor | list[Tensor]) -> Iterator[slice]:
    length = len(vectors[0]) if len(vectors) else 0
    return (slice(start, start + PIECE) for start in range(0, length, PIECE))


def _rows(vectors: Tensor | list[Tensor], piece: slice) -> Tensor:
    return torch.stack([vector[piece] for vector in vectors]) if isinstance(vectors, list) else vectors[:, piece]
