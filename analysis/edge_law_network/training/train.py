"""A batch of runs trained to their ends, with the swing at every step and the sharpness at midpoints on the way.

A run ends as converged, when ‖∇L‖ < `CONVERGED` or it is settled (`settling`), as diverged, when its loss exceeds
`DIVERGED`, or undecided after so many steps. Every `EVERY` steps the sharpness is read at the midpoint
(θ_{t−1} + 2θ_t + θ_{t+1})/4 by power iteration that goes on from the last reading; of every step its *swing* is kept,
‖2θ_t − θ_{t−1} − θ_{t+1}‖/4, the amplitude of what changes sign from step to step.

Shapes: R runs, p weights; swing (R, steps + 1), nan after the end; sharpness (R, readings).
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from analysis.edge_law_network.training.batch import FIRST, Batch
from analysis.edge_law_network.training.settling import CONVERGED, QUIET, settled
from numeric.compile import Array
from numeric.progress import Progress

DIVERGED = 1e4
EVERY, ITERATIONS = 10, 2  # power iterations of a reading
SETTLING = 500  # steps from one look at what is settled to the next
KEPT = 50


@dataclass(frozen=True)
class Trained:
    """What was recorded of the runs, and weights after 0, KEPT, 2 KEPT … steps, of runs that are not at their end."""

    outcomes: list[str]
    ended: Array
    swing: Array
    sharpness: Array
    end: Tensor
    kept: list[Tensor]  # (R, p) each


def train(batch: Batch, steps: int, progress: Progress) -> Trained:
    """Train all runs until they end."""
    size = len(batch.weights)
    outcomes, ended = ["undecided"] * size, np.full(size, steps)
    swing, sharpness = np.full((size, steps + 1), np.nan), np.full((size, steps // EVERY + 1), np.nan)
    weights, before, kept = batch.weights.clone(), batch.weights.clone(), []
    vectors, active = torch.ones_like(weights), torch.arange(size)
    for step in range(steps + 1):
        here = batch.chosen(active).at(weights[active])
        values, gradients = here.value_and_gradient()
        if step % KEPT == 0:
            kept.append(weights.clone())
        after = here.weights - here.eta[:, None] * gradients
        if step:
            turn = 2 * here.weights - before[active] - after
            swing[active, step] = turn.norm(dim=1) / 4
            if step % EVERY == 1:
                middle = here.weights - turn / 4
                found, vectors[active] = here.sharpness(middle, vectors[active], FIRST if step == 1 else ITERATIONS)
                sharpness[active, step // EVERY] = found
        converged, diverged = gradients.norm(dim=1) < CONVERGED, ~(values < DIVERGED)
        if step % SETTLING == 1:
            quiet = ((turn.norm(dim=1) / 4 < QUIET) & ~converged & ~diverged).nonzero()[:, 0]
            if len(quiet):
                rest, ends = settled(here.chosen(quiet), vectors[active[quiet]])
                weights[active[quiet[rest]]] = ends[rest]
                converged[quiet[rest]] = True
        for outcome, which in {"converged": converged, "diverged": diverged}.items():
            for run in active[which].tolist():
                outcomes[run], ended[run] = outcome, step
        before[active] = here.weights
        going = ~(converged | diverged)
        weights[active[going]] = after[going]
        active = active[going]
        progress(1)
        if not len(active):
            progress(steps - step)
            break
    return Trained(outcomes, ended, swing[:, : step + 1], sharpness[:, : step // EVERY + 1], weights, kept)
