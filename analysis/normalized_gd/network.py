"""The two rules on many small networks at once, each with examples of its own, and more weights than examples: a Γ.

    f(x) = W₂ tanh(W₁x + b₁) + b₂,    or deep linear, W₂W₁x

The runs are NumPy's, with the gradients written out here. What is measured of them, and what is predicted, is torch's,
by automatic differentiation of the module that `Shape.draw` gives, from the same weights: it shares nothing with them.
The deep linear ones are looked at after a number of steps; `walk` follows the others from their start.

Shapes: weights (networks, p), in the order of the module's parameters; inputs (networks, n, wide), targets
(networks, n, 1).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
import torch
from torch import nn

from analysis.normalized_gd.theory import KINDS, NORMALIZED, Kind
from analysis.study import CommonOptions
from numeric.compile import Array
from numeric.networks.flows.minima import Oscillation
from numeric.networks.loss import FlatLoss, half_squared_error

NETWORKS, STEPS, STEP_SIZE = 5, 1000, 0.04  # of the deep linear ones


@dataclass(frozen=True)
class Shape:
    """The widths of the layers and the number of examples; with tanh between the layers and biases, or linear."""

    widths: tuple[int, ...]
    examples: int
    tanh: bool

    def draw(self, seed: int) -> FlatLoss:
        """A network and its examples, all normal; with tanh the last layer's weights are divided by √(its inputs)."""
        generator = torch.Generator().manual_seed(seed)
        inputs, targets = (
            torch.randn(self.examples, width, dtype=torch.float64, generator=generator)
            for width in (self.widths[0], self.widths[-1])
        )
        layers: list[nn.Module] = []
        for wide, after in pairwise(self.widths):
            layers += [nn.Linear(wide, after, bias=self.tanh, dtype=torch.float64), nn.Tanh()]
        module = nn.Sequential(*(layers[:-1] if self.tanh else layers[::2]))
        loss = FlatLoss(module, inputs, targets, half_squared_error)
        loss.load(torch.randn(len(loss.parameters), dtype=torch.float64, generator=generator))
        if self.tanh:
            loss.load(loss.parameters / torch.tensor(self._divisors, dtype=torch.float64))
        return loss

    @property
    def _divisors(self) -> list[float]:
        """What the drawn weights are divided by."""
        last, biases = self.widths[-2] * self.widths[-1], self.widths[-1]
        before = sum((wide + 1) * after for wide, after in pairwise(self.widths[:-1]))
        return [1.0] * before + [self.widths[-2] ** 0.5] * last + [1.0] * biases


@dataclass(frozen=True)
class Descent:
    """A rule on each of many networks of one shape."""

    shape: Shape
    kinds: Sequence[Kind]
    losses: Sequence[FlatLoss]

    def steps(self, weights: Array, eta: float) -> Iterator[tuple[Array, Array]]:
        """The weights (networks, p), those given first, and the losses (networks,) there, without end."""
        inputs, targets = (
            np.stack([getattr(loss, name).numpy() for loss in self.losses]) for name in ("inputs", "targets")
        )
        normalized = np.array([kind is NORMALIZED for kind in self.kinds])
        while True:
            value, slope = losses_and_gradients(self.shape, weights, inputs, targets)
            yield weights, value
            size = np.where(normalized, np.sqrt((slope**2).sum(1)), 2 * np.sqrt(value))
            weights = weights - eta * slope / size[:, None]


def networks(options: CommonOptions) -> Mapping[str, Mapping[str, float]]:
    """For each rule, of every quantity the value farthest from 1 on NETWORKS deep linear networks after STEPS steps.

    `cosine`, |cosine| to the top eigenvector; `reciprocals`, 1/S_t + 1/S_{t+1}; `root_losses`, √L_t + √L_{t+1} over
    the theory's.
    """
    shape = Shape((3, 4, 1), 3, tanh=False)
    drawn = [shape.draw(NETWORKS * options.seed + index) for index in range(NETWORKS)]
    members = [(kind, loss) for kind in KINDS for loss in drawn]
    descent = Descent(shape, *map(list, zip(*members, strict=True)))
    start = np.stack([loss.parameters.numpy() for _, loss in members])
    path = np.stack([weights for weights, _ in islice(descent.steps(start, STEP_SIZE), STEPS - 2, STEPS + 1)], axis=1)
    found: dict[str, list[Mapping[str, float]]] = {kind.name: [] for kind in KINDS}
    for (kind, loss), last in zip(members, path, strict=True):
        here = Oscillation(kind.rule, loss, STEP_SIZE, torch.from_numpy(last))
        over = here.root_losses / here.expected_root_losses
        found[kind.name].append({"cosine": here.cosine, "reciprocals": here.reciprocals, "root_losses": over})
    return {
        name: {quantity: max((run[quantity] for run in runs), key=lambda value: abs(value - 1)) for quantity in runs[0]}
        for name, runs in found.items()
    }


def losses_and_gradients(shape: Shape, weights: Array, inputs: Array, targets: Array) -> tuple[Array, Array]:
    """L (networks,) and ∇L (networks, p), of half the mean squared error."""
    values, matrices, at = [inputs], [], 0
    for wide, after in pairwise(shape.widths):
        matrices.append(weights[:, at : at + wide * after].reshape(-1, after, wide))
        at += wide * after
        reached = values[-1] @ matrices[-1].transpose(0, 2, 1)
        if shape.tanh:
            reached += weights[:, None, at : at + after]
            at += after
        values.append(np.tanh(reached) if shape.tanh and at < weights.shape[1] else reached)
    residual = values[-1] - targets
    back, slopes = residual / shape.examples, []
    for before, matrix in zip(values[-2::-1], matrices[::-1], strict=True):
        if shape.tanh:
            slopes.append(back.sum(1))
        slopes.append((back.transpose(0, 2, 1) @ before).reshape(len(weights), -1))
        back = back @ matrix
        if shape.tanh:
            back *= 1 - before**2
    return (residual**2).sum((1, 2)) / (2 * shape.examples), np.concatenate(slopes[::-1], axis=1)
