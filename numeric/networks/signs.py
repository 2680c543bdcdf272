"""Signs of directions that are known up to their sign: eigenvectors and singular vectors.

    positive    the entry with the largest magnitude is positive; of several whose magnitudes are the same within a
                millionth, as symmetries make them and rounding parts them, the first
    onward      on the side of the direction before that it goes on from

Libraries choose the signs differently, even from one processor to the next, and otherwise at every call.
"""

from __future__ import annotations

import torch
from torch import Tensor

ALIKE = 1e-6  # relative difference of magnitudes that counts as none
PIECE = 1 << 16  # entries
GOES_ON = 0.5  # overlap below which a direction goes on from no other


def positive(directions: Tensor) -> Tensor:
    """The signs, ±1, (k,), of the columns of (d, k) that make the first of their largest entries positive."""
    signs = [_first_of_the_largest(direction).sign() for direction in directions.T]
    return torch.stack(signs) if signs else directions.new_zeros(0)


def _first_of_the_largest(direction: Tensor) -> Tensor:
    """The entry; a piece at a time, since a direction may be as long as the memory allows."""
    least = (1 - ALIKE) * torch.linalg.vector_norm(direction, torch.inf)
    for piece in direction.split(PIECE):
        among = piece.abs() >= least
        if among.any():
            first: Tensor = piece[among][0]
            return first
    return direction.new_tensor(torch.nan)


def onward(directions: Tensor, overlaps: Tensor) -> Tensor:
    """The signs, ±1, (k,), of the columns of (d, k), of which these are the overlaps (m, k) with m directions before.

    A direction that goes on from none has the sign of `positive`.
    """
    nearest = overlaps.gather(0, overlaps.abs().argmax(0, keepdim=True))[0].to(directions)
    return torch.where(nearest.abs() < GOES_ON, positive(directions), nearest.sign())
