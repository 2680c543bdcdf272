"""One recorded run trained again, from the same weights, in float64, by a loop of torch's own and a `SharpnessTracker`.

    θ_{t+1} = θ_t − η∇L(θ_t)

and *shadows* of it: the same run from weights of which each is moved by one unit in its last place, up or down, by a
coin of the shadow's own. What tells a shadow from the run is rounding alone, and so is what tells another program that
adds in another order.

Over step, those that were recorded: loss and recorded_loss; over (shadow, step): shadow_loss, and shadow_moved, the
largest |L_shadow/L − 1| so far, of all steps: a shadow may part and come back between two of them. Over reading:
sharpness and bound, recorded_sharpness, and nearest_kink, the smallest |argument| of a ReLU over all examples, NaN for
smooth activations. At the first `MOST_DENSE` readings where the recorded eigenvalue is off by more than `OFF`, dense
is the largest eigenvalue of the whole Hessian, row by row, which shares no iteration with the readings; elsewhere NaN.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from analysis.training.recorded import Recorded, half_mean_squares
from numeric.networks.curvature import sharpness
from numeric.networks.data import Examples
from numeric.networks.tracker import SharpnessTracker
from numeric.progress import Progress

ROUNDING = 2.0**-52
OFF = 1e-4  # of the eigenvalue, from where the whole Hessian is asked
MOST_DENSE = 50


@dataclass(frozen=True)
class Replay:
    """The first steps of a recorded run, with a reading every so many of them, and its shadows."""

    record: Recorded
    steps: int
    every: int
    shadows: int
    relative: float

    def run(self, folder: Path, progress: Progress) -> xr.Dataset:
        """The run beside the recorded one."""
        module, examples = self._module(), self.record.load()
        tracker = SharpnessTracker(
            module,
            half_mean_squares,
            examples.inputs,
            examples.targets,
            every=self.every,
            relative=self.relative,
            midpoint=False,  # the recorded ones are of the iterates
        )
        recorded = np.append(np.nan, self.record.eigenvalues[:, 0])  # at the steps 0, e, 2e …
        losses, kinks = [], []
        suspects: dict[int, Tensor] = {}
        for step, loss in enumerate(self._descent(module, examples)):
            tracker.step()
            losses.append(loss)
            if step % self.every == 0:
                kinks.append(nearest_kink(module, examples.inputs))
                assert tracker.latest is not None
                off = abs(recorded[step // self.record.every] / float(tracker.latest.eigenvalues[0]) - 1) > OFF
                if off and len(suspects) < MOST_DENSE:
                    suspects[step] = tracker.loss.parameters
            progress(1)
        shadows = np.array([[*self._descent(self._shadow(n), examples)] for n in range(self.shadows)])
        moved = np.maximum.accumulate(np.abs(shadows / losses - 1), axis=1)
        readings = tracker.history[["sharpness"]].assign(bound=tracker.history.bound[:, 0])
        dense = {step: sharpness(tracker.loss, weights) for step, weights in suspects.items()}
        kept = slice(None, None, self.record.every)
        return readings.drop_vars("index").assign(
            step=np.arange(len(losses))[kept],
            loss=("step", losses[kept]),
            recorded_loss=("step", self.record.loss[: len(losses[kept])]),
            shadow_loss=(("shadow", "step"), shadows[:, kept]),
            shadow_moved=(("shadow", "step"), moved[:, kept]),
            recorded_sharpness=("reading", recorded[readings.reading.values // self.record.every]),
            nearest_kink=("reading", kinks),
            dense=("reading", [dense.get(int(step), np.nan) for step in readings.reading.values]),
        )

    def _module(self) -> nn.Module:
        return self.record.build(self.record.load(), torch.Generator())

    def _descent(self, module: nn.Module, examples: Examples) -> Iterator[float]:
        """The loss at the weights that the module has meanwhile."""
        optimizer = torch.optim.SGD(module.parameters(), lr=self.record.eta)
        for _ in range(self.steps + 1):
            optimizer.zero_grad()
            loss = half_mean_squares(module(examples.inputs), examples.targets)
            loss.backward()
            yield float(loss.detach())
            optimizer.step()

    def _shadow(self, number: int) -> nn.Module:
        """The network with weights moved by rounding."""
        module, generator = self._module(), torch.Generator().manual_seed(number)
        with torch.no_grad():
            for weights in module.parameters():
                signs = 2 * torch.randint(2, weights.shape, generator=generator).double() - 1
                weights.mul_(1 + ROUNDING * signs)
        return module


@torch.no_grad()
def nearest_kink(module: nn.Module, inputs: Tensor) -> float:
    """The smallest |argument| of a ReLU."""
    nearest, values = np.inf, inputs
    for layer in module.children():
        if isinstance(layer, nn.ReLU):
            nearest = min(nearest, float(values.abs().min()))
        values = layer(values)
    return nearest if np.isfinite(nearest) else np.nan
