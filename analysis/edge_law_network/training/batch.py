"""Many runs of one small network, trained as one batch to the end, and the weights that are kept of them.

    θ_{t+1} = θ_t − η ∇L(θ_t)     for every seed and every η = 2/(c S₁), c the fractions

where S₁ is the largest sharpness on the way of a run with the small step 2/(`SMALL` S₀), S₀ that at the start: so the
edge is at a fraction c of what small steps reach, and the nearer c is to 1 the more gently it is crossed. The gradients
of all runs are one, that of the sum of their losses, through a forward pass that is mapped over the runs.

A run ends when ‖∇L‖ < `CONVERGED`, when its loss exceeds `DIVERGED`, or after `steps` steps. Every `EVERY` steps the
sharpness is read at the midpoint (θ_{t−1} + 2θ_t + θ_{t+1})/4 by power iteration that goes on from the last reading; of
every step its *swing* is kept, ‖2θ_t − θ_{t−1} − θ_{t+1}‖/4, the amplitude of what changes sign from step to step.

    crossing       the last reading at which the sharpness has risen to 2/η, −1 if it never does
    peak           the step of the largest swing from there on
    third          the last step at which the swing rises through a third of the largest one that is still to come, in
                   the last burst; −1 if it never does after the first reading at the edge

Six consecutive weights are kept around the crossing, around the third, and at `readings` further steps, evenly spread
from the crossing to where the swing has fallen below `GONE` of its peak; besides those at the end. They are found again
by training on from weights that were kept every `KEPT` steps.

Shapes: weights (member, window, offset, weight), offset −2 … 3; swing (member, step), nan after the end; sharpness
(member, reading). A member is a seed with a step size. Units: steps; the sharpness in units of the loss over weights
squared.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn
from torch.func import functional_call, vmap

from analysis.edge_law_network.data import DATA
from numeric.compile import Array
from numeric.networks.architectures import FullyConnected
from numeric.networks.architectures.layers import Activation
from numeric.networks.data import Examples
from numeric.networks.loss import FlatLoss, half_squared_error
from numeric.progress import Progress, unheard

CONVERGED, DIVERGED = 3e-8, 1e4
EVERY, ITERATIONS, FIRST = 10, 2, 200  # power iterations of a reading, and of the first one
SMALL = 5.0
KEPT = 50
GONE = 1e-3
BEFORE, AFTER = 2, 3  # steps of a window about its middle
CROSSING, THIRD = 0, 1  # the first windows


@dataclass(frozen=True)
class Descents:
    """Gradient descent on one architecture and kind of data, from several seeds, with several step sizes each."""

    data: str
    activation: Activation
    seeds: tuple[int, ...]
    fractions: tuple[float, ...]  # c = 2/(ηS₁)
    steps: int
    readings: int

    def losses(self) -> list[FlatLoss]:
        """The loss of every seed, of a network at its start."""
        build, widths = DATA[self.data]
        network = FullyConnected(widths, self.activation)
        losses = []
        for seed in self.seeds:
            examples: Examples = build(seed)
            module = network.build(examples, torch.Generator().manual_seed(seed))
            losses.append(FlatLoss(module, examples.inputs, examples.targets, half_squared_error))
        return losses

    def run(self, folder: Path, progress: Progress) -> xr.Dataset:
        """All runs, to their ends."""
        small = Batch.of(self.losses())
        reached = np.nanmax(train(small, self.steps - self.steps // 2, progress).sharpness, axis=1)
        batch = small.repeated(torch.from_numpy(reached), self.fractions)
        trained = train(batch, self.steps, unheard)
        edge = 2 / batch.eta.numpy()
        moments = [
            Moments.of(swing, sharpness, top)
            for swing, sharpness, top in zip(trained.swing, trained.sharpness, edge, strict=True)
        ]
        middles = np.array([one.windows(self.readings) for one in moments])
        labels = [(seed, fraction) for seed in self.seeds for fraction in self.fractions]
        return xr.Dataset(
            {
                "seed": ("member", [seed for seed, _ in labels]),
                "fraction": ("member", [fraction for _, fraction in labels]),
                "eta": ("member", batch.eta.numpy()),
                "outcome": ("member", trained.outcomes),
                "ended": ("member", trained.ended, {"units": "step"}),
                "crossing": ("member", [one.crossing for one in moments], {"units": "step"}),
                "peak": ("member", [one.peak for one in moments], {"units": "step"}),
                "third": ("member", [one.third for one in moments], {"units": "step"}),
                "swing": (("member", "step"), trained.swing),
                "sharpness": (("member", "reading"), trained.sharpness),
                "middle": (("member", "window"), middles, {"units": "step"}),
                "weights": (("member", "window", "offset", "weight"), windows(batch, trained.kept, middles)),
                "end": (("member", "weight"), trained.end.numpy()),
            },
            {"step": np.arange(trained.swing.shape[1]), "reading": EVERY * np.arange(trained.sharpness.shape[1]) + 1},
        )


def label(descents: Descents, member: int) -> str:
    """The run in words."""
    seed, fraction = divmod(member, len(descents.fractions))
    return f"{descents.data} {descents.activation} {descents.seeds[seed]} {descents.fractions[fraction]:g}"


@dataclass(frozen=True)
class Batch:
    """The weights (R, p) of many runs of one architecture, with their step sizes and examples."""

    module: nn.Module
    weights: Tensor
    eta: Tensor
    inputs: Tensor
    targets: Tensor

    @classmethod
    def of(cls, losses: list[FlatLoss]) -> "Batch":
        """Every loss from its start, with a small step size."""
        weights, inputs, targets = (
            torch.stack(one)
            for one in zip(*((loss.parameters, loss.inputs, loss.targets) for loss in losses), strict=True)
        )
        batch = cls(losses[0].module, weights, weights.new_ones(len(weights)), inputs, targets)
        sharpness, _ = batch.sharpness(batch.weights, torch.ones_like(weights), FIRST)
        return batch.at(weights, 2 / (SMALL * sharpness))

    def repeated(self, sharpness: Tensor, fractions: tuple[float, ...]) -> "Batch":
        """Every run with the edge at each of the fractions of its sharpness (R,)."""
        again = torch.arange(len(self.weights)).repeat_interleave(len(fractions))
        edges = (sharpness[:, None] * torch.tensor(fractions, dtype=sharpness.dtype)).flatten()
        many = self.chosen(again)
        return many.at(many.weights, 2 / edges)

    def at(self, weights: Tensor, eta: Tensor | None = None) -> "Batch":
        """The same runs elsewhere."""
        return Batch(self.module, weights, self.eta if eta is None else eta, self.inputs, self.targets)

    def chosen(self, runs: Any) -> "Batch":
        """Some of the runs."""
        return Batch(self.module, self.weights[runs], self.eta[runs], self.inputs[runs], self.targets[runs])

    def losses(self, weights: Tensor) -> Tensor:
        """L of every run, (R,), with its graph."""
        shapes = {name: own.shape for name, own in self.module.named_parameters()}

        def one(theta: Tensor, inputs: Tensor, targets: Tensor) -> Tensor:
            pieces = theta.split([shape.numel() for shape in shapes.values()])
            named = {name: piece.view(shape) for (name, shape), piece in zip(shapes.items(), pieces, strict=True)}
            return half_squared_error(functional_call(self.module, named, (inputs,)), targets)

        losses: Tensor = vmap(one)(weights, self.inputs, self.targets)
        return losses

    def value_and_gradient(self) -> tuple[Tensor, Tensor]:
        """L (R,) and ∇L (R, p)."""
        point = self.weights.detach().requires_grad_()
        losses = self.losses(point)
        return losses.detach(), torch.autograd.grad(losses.sum(), point)[0]

    def sharpness(self, weights: Tensor, start: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
        """The eigenvalue of largest modulus at the weights, (R,), and its eigenvector, by power iteration."""
        point = weights.detach().requires_grad_()
        gradient = torch.autograd.grad(self.losses(point).sum(), point, create_graph=True)[0]
        vector = start / start.norm(dim=1, keepdim=True)
        for _ in range(iterations):
            image = torch.autograd.grad((gradient * vector).sum(), point, retain_graph=True)[0]
            value = (vector * image).sum(1)
            vector = image / image.norm(dim=1, keepdim=True)
        return value, vector

    def path(self, steps: int) -> Iterator[Tensor]:
        """The weights after 0, 1 … `steps` steps."""
        here = self
        yield here.weights
        for _ in range(steps):
            here = here.at(here.weights - here.eta[:, None] * here.value_and_gradient()[1])
            yield here.weights


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
