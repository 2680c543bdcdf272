"""When a run crosses its edge for the last time, when it swings widest after that, and the weights around such steps.

    crossing       the last reading at which the sharpness has risen to 2/η, −1 if it never does
    peak           the step of the largest swing from there on
    third          the last step at which the swing rises through a third of the largest one that is still to come, in
                   the last burst; −1 if it never does after the first reading at the edge

Six consecutive weights are kept around the crossing, around the third, and at further steps, evenly spread from the
crossing to where the swing has fallen below `GONE` of its peak; besides those at the end. They are found again by
training on from weights that were kept every `KEPT` steps.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from analysis.edge_law_network.training.batch import Batch
from analysis.edge_law_network.training.train import EVERY, KEPT
from numeric.compile import Array

GONE = 1e-3
BEFORE, AFTER = 2, 3  # steps of a window about its middle
CROSSING, THIRD = 0, 1  # the first windows


@dataclass(frozen=True)
class Moments:
    """When a run crosses its edge for the last time, when it swings widest after that, and when a third as wide."""

    crossing: int
    peak: int
    third: int
    last: int  # step up to which the swing is not yet gone

    @classmethod
    def of(cls, swing: Array, sharpness: Array, edge: float) -> "Moments":
        """From the swing at every step and the sharpness at the readings."""
        (rises,) = np.nonzero((sharpness[1:] >= edge) & (sharpness[:-1] < edge))
        if not len(rises):
            return cls(-1, -1, -1, -1)
        crossing = int(rises[-1] + 1) * EVERY + 1
        later = swing[crossing:]
        peak = crossing + int(np.nanargmax(later))
        (wide,) = np.nonzero(later > GONE * swing[peak])
        known = np.nan_to_num(swing)
        to_come = np.maximum.accumulate(known[::-1])[::-1]
        (thirds,) = np.nonzero((known[1:] >= to_come[1:] / 3) & (known[:-1] < to_come[1:] / 3))
        entered = int(rises[0] + 1) * EVERY + 1
        third = int(thirds[-1]) + 1 if len(thirds) and thirds[-1] >= entered else -1
        return cls(crossing, peak, third, crossing + int(wide[-1]))

    def windows(self, readings: int) -> list[int]:
        """The middles of the windows that are kept; −1 where there is none."""
        if self.crossing < 0:
            return [-1] * (readings + 2)
        spread = np.linspace(self.crossing, max(self.last - AFTER, self.crossing), readings).round()
        return [self.crossing, self.third, *map(int, spread)]


def windows(batch: Batch, kept: list[Tensor], middles: Array) -> Array:
    """Consecutive weights around the middles (R, windows), (R, windows, 6, p); nan where there is none."""
    found = np.full((*middles.shape, BEFORE + AFTER + 1, batch.weights.shape[1]), np.nan)
    runs, places = np.nonzero(middles >= BEFORE)
    if not len(runs):
        return found
    first = middles[runs, places] - BEFORE
    starts = torch.stack([kept[step // KEPT][run] for run, step in zip(runs, first, strict=True)])
    again = batch.chosen(torch.from_numpy(runs)).at(starts)
    for passed, weights in enumerate(again.path(KEPT + BEFORE + AFTER)):
        offset = passed - first % KEPT
        (inside,) = np.nonzero((offset >= 0) & (offset <= BEFORE + AFTER))
        found[runs[inside], places[inside], offset[inside]] = weights[inside].numpy()
    return found
