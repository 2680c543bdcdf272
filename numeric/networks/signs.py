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
GOES_ON = 0.5  # overlap below which a direction goes on from no other


def positive(directions: Tensor) -> Tensor:
    """The signs, ±1, (k,), of the columns of (d, k) that make the first of their largest entries positive."""
    magnitudes = directions.abs()
    largest = magnitudes >= (1 - ALIKE) * magnitudes.amax(0)
    return directions.gather(0, largest.byte().argmax(0, keepdim=True))[0].sign()


def onward(directions: Tensor, overlaps: Tensor) -> Tensor:
    """The signs, ±1, (k,), of the columns of (d, k), of which these are the overlaps (m, k) with m directions before.

    A direction that goes on from none has the sign of `positive`.
    """
    nearest = overlaps.gather(0, overlaps.abs().argmax(0, keepdim=True))[0]
    return torch.where(nearest.abs() < GOES_ON, positive(directions), nearest.to(directions).sign())
