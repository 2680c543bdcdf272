"""Gradient descent θ' = θ − η∇L(θ) with a step size that is chosen on the way, and what choosing it costs.

    fixed        η
    tracked      a fraction of 2/S by `EdgeStep`, read every `EVERY` steps
    forecast     of fractions of 2/S the one whose loss is forecast to be least `AHEAD` steps on, anew after `ANEW`
    forward      a fraction of the critical step η_c, the largest found along −∇L that does not raise the loss
    normalized   ρ/‖∇L‖
    polyak       (L − L*)/‖∇L‖² with L* = 0

η_c is found to a tenth by the forward passes of `numeric.networks.curvature.critical_step`, from the one before. On a
quadratic η_c = 2‖g‖²/(g·Hg), never below 2/S, and the same where the gradient lies along the top eigenvector.

Forecasts expand what the loss is applied to (`numeric.networks.forecast`): the cheaper expansion of the loss itself is
left within a few steps where training begins, and then says of every step size that it diverges. The other one reaches
as far as the step size that it is made with takes the weights. The first is made with the smallest of the candidates,
by a reading of the sharpness that is counted.

Costs are in gradients of the full batch: a forward pass is a third of one, readings and forecasts count themselves.
What the program checks of a loss before it reads it is not counted. A gradient that a reading computes at the same
weights is counted again, as a training loop computes it again.

Sources: :cite:t:`kalra2026critical` for η_c; :cite:t:`polyak1987introduction` for his step size;
:cite:t:`roulet2024stepping` for steps that are kept at the edge.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

from analysis.training.lanczos import lanczos_sharpness
from eos_sym import BadInput
from numeric.networks.curvature import HessianAt, TopEigenpairs, critical_step_along
from numeric.networks.edge_step import EdgeStep
from numeric.networks.forecast import Forecast, forecast
from numeric.networks.loss import FlatLoss
from numeric.networks.tracker import SharpnessTracker

FORWARD = 1 / 3  # of a gradient
EVERY = 30  # steps between readings
RELATIVE = 1e-2  # the bound of a reading
AHEAD, ANEW = 50, 200  # steps of a forecast, and from one to the next
CANDIDATES = (0.5, 0.7, 0.85, 0.95, 1.05, 1.2, 1.4, 1.7, 2.0)  # of 2/S where the forecast is made
FIRST = 1e-2  # the step size from which a bracket begins, and SGD where the sharpness is read before its first step
OF_STEP = 0.1  # the precision of a critical step


class Stepper(ABC):
    """One run: the weights, and the step sizes so far."""

    def __init__(self, loss: FlatLoss) -> None:
        self.loss, self.weights = loss, loss.parameters
        self.taken: list[float] = []

    @abstractmethod
    def choose(self, value: float, gradient: Tensor) -> tuple[float, float]:
        """The step size at weights with this loss and gradient, and what choosing it cost."""

    def advance(self, value: float, gradient: Tensor) -> float:
        """Take a step; what it cost beside the gradient."""
        eta, cost = self.choose(value, gradient)
        self.weights = self.weights - eta * gradient
        self.taken.append(eta)
        return cost

    @property
    def held(self) -> float:
        """ηS/2 of the last reading, S by Lanczos iteration; NaN where the sharpness is not read."""
        return math.nan


class Chosen(Stepper):
    """A step size that is a function of loss and gradient, at no cost."""

    def __init__(self, loss: FlatLoss, rule: Callable[[float, Tensor], float]) -> None:
        super().__init__(loss)
        self.rule = rule

    def choose(self, value: float, gradient: Tensor) -> tuple[float, float]:
        """By the function."""
        return self.rule(value, gradient), 0.0


class Tracked(Stepper):
    """A fraction of the edge, by the program's `EdgeStep` around torch's gradient descent."""

    def __init__(self, loss: FlatLoss, fraction: float) -> None:
        super().__init__(loss)
        optimizer = torch.optim.SGD(loss.module.parameters(), lr=FIRST)
        tracker = SharpnessTracker(
            loss.module,
            loss.criterion,
            loss.inputs,
            loss.targets,
            optimizer=optimizer,
            every=EVERY,
            midpoint=False,  # the step is set by the curvature where it is taken
            relative=RELATIVE,
        )
        self.edge_step, self.read_at = EdgeStep(tracker, fraction=fraction), (self.weights, FIRST)

    def choose(self, value: float, gradient: Tensor) -> tuple[float, float]:
        """The step is taken by torch, on the module, and so is known here afterwards."""
        before = self.edge_step.tracker.latest
        for own, piece in zip(self.loss.trainable.values(), self.loss.split(gradient).values(), strict=True):
            own.grad = piece.clone()
        self.edge_step.step()
        now = self.edge_step.tracker.latest
        assert now is not None  # the first step has a reading
        (group,) = self.edge_step.optimizer.param_groups
        eta = float(group["lr"])
        if now is before:
            return eta, 0.0
        self.read_at = self.weights, eta
        return eta, now.evaluations

    def advance(self, value: float, gradient: Tensor) -> float:
        """The module's weights after torch's step."""
        eta, cost = self.choose(value, gradient)
        self.weights = self.loss.parameters
        self.taken.append(eta)
        return cost

    @property
    def held(self) -> float:
        """By another method than that of the readings."""
        weights, eta = self.read_at
        return eta * lanczos_sharpness(self.loss, weights.numpy()) / 2


class Foreseen(Stepper):
    """The step size whose forecast ends lowest."""

    def __init__(self, loss: FlatLoss) -> None:
        super().__init__(loss)
        self.eta = math.nan

    def choose(self, value: float, gradient: Tensor) -> tuple[float, float]:
        """Where a forecast is due, by that; one that cannot be made leaves the step size as it is."""
        if len(self.taken) % ANEW:
            return self.eta, 0.0
        loss, cost, known = self.loss, 0.0, None
        loss.load(self.weights)
        if not self.taken:
            reading = TopEigenpairs(1, relative=RELATIVE).read(HessianAt(loss, self.weights), self.weights, gradient)
            cost, known = reading.evaluations, reading.eigenvectors
            self.eta = min(CANDIDATES) * 2 / float(reading.eigenvalues[0])
        try:
            made = forecast(
                loss.module,
                loss.criterion,
                loss.inputs,
                loss.targets,
                eta=self.eta,
                steps=AHEAD,
                expansion="cut",
                eigenvectors=known,
            )
        except BadInput:
            return self.eta, cost
        edge = 2 / float(made.anchor.eigenvalues[0])
        if edge > 0:
            foreseen = {share * edge: loss_ahead(made.at(share * edge)) for share in CANDIDATES}
            self.eta = min(foreseen, key=lambda eta: foreseen[eta])
        return self.eta, cost + made.anchor.cost.evaluations


def loss_ahead(made: Forecast) -> float:
    """The loss at the end of a forecast; infinite where it diverges."""
    path = made.path
    if path.diverges:
        return math.inf
    return made.anchor.value + float(made.expansion.model.potential(path.x[-1:], path.z[-1:])[0])


class Forward(Stepper):
    """A fraction of the critical step, found every so many steps."""

    def __init__(self, loss: FlatLoss, fraction: float, every: int) -> None:
        super().__init__(loss)
        self.fraction, self.every, self.critical = fraction, every, FIRST

    def choose(self, value: float, gradient: Tensor) -> tuple[float, float]:
        """From the critical step before."""
        if len(self.taken) % self.every:
            return self.fraction * self.critical, 0.0
        loss = self.loss
        loss.load(self.weights)
        slope = float(gradient @ gradient)
        found = critical_step_along(loss, gradient, start=value, guess=self.critical, slope=slope, relative=OF_STEP)
        self.critical = found.lower or self.critical
        return self.fraction * found.lower, FORWARD * found.passes
