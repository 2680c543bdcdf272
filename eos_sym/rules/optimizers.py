"""Optimizers, each written once, as its formula; g = ∇L(θ), η the step size, β the momentum coefficient.

    gradient descent          θ' = θ − ηg
    heavy ball                v' = βv − ηg,                θ' = θ + v'
    Nesterov                  v' = βv − η∇L(θ + βv),       θ' = θ + v'
    preconditioned momentum   m' = βm + (1 − β)g,          θ' = θ − ηP⁻¹m'      (Adam, RMSProp at fixed second moment)
    preconditioned Nesterov   m' = βm + (1 − β)g,          θ' = θ − ηP⁻¹(ag + bm')    (NAdam at fixed second moment)
    normalized GD             θ' = θ − ηg/‖g‖
    root-loss GD              θ' = θ − η∇√L = θ − ηg/(2√L)
    SAM                       θ' = θ − η∇L(θ + ρg/‖g‖),    or ρg for ρg/‖g‖: the unnormalized variant

A rule turns an objective into a `Map`, whose state is the weights and then the rule's own variables; its Jacobian,
multipliers, simulator and LaTeX follow from that map, and the optimizer of a network from the formula. The symbols are
``eta`` (shown as η), ``momentum``, ``rho``, ``gradient_share`` and ``average_share`` (a and b), and for the diagonal
preconditioner ``p_`` followed by the name of the weight. Adam and RMSProp with all of their state are in `adaptive`,
weight decay in `weight_decay`.

`RULES` holds the rules by the names that they have on the command line. Sources: :cite:t:`polyak1964some` (heavy
ball), :cite:t:`nesterov1983method`, :cite:t:`foret2021sharpness` (SAM), :cite:t:`arora2022understanding` (the two that
divide by ‖g‖ and √L).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sympy import Symbol, sqrt

from eos_sym.losses import Objective
from eos_sym.rules.rule import MOMENTUM, RADIUS, STEP_SIZE, Preconditioned, Printed, Rule, WrittenRule, formula
from eos_sym.rules.update import AT_THETA, GRADIENT, THETA, GradientAt, LossAt, Norm, Update

__all__ = [
    "AVERAGE",
    "AVERAGE_SHARE",
    "GRADIENT_SHARE",
    "MOMENTUM",
    "RADIUS",
    "RULES",
    "STEP_SIZE",
    "VELOCITY",
    "GradientDescent",
    "HeavyBall",
    "Nesterov",
    "NormalizedGradientDescent",
    "Preconditioned",
    "PreconditionedMomentum",
    "PreconditionedNesterov",
    "Printed",
    "RootLossGradientDescent",
    "Rule",
    "SharpnessAwareMinimization",
    "formula",
]

VELOCITY = Symbol("v", real=True)
AVERAGE = Symbol("m", real=True)
GRADIENT_SHARE, AVERAGE_SHARE = Symbol("gradient_share", positive=True), Symbol("average_share", positive=True)
_SCALE = Symbol("p", positive=True)
_UPHILL = Symbol("u", real=True)


class GradientDescent(WrittenRule):
    """θ' = θ − ηg."""

    @property
    def update(self) -> Update:
        """The formula of the weights."""
        return Update({THETA: THETA - STEP_SIZE * GRADIENT}, (STEP_SIZE,))


class HeavyBall(WrittenRule):
    """v' = βv − ηg, θ' = θ + v'."""

    @property
    def update(self) -> Update:
        """The formula of the weights and their velocities."""
        moved = MOMENTUM * VELOCITY - STEP_SIZE * GRADIENT
        return Update({THETA: THETA + moved, VELOCITY: moved}, (STEP_SIZE, MOMENTUM))


class Nesterov(WrittenRule):
    """v' = βv − η∇L(θ + βv), θ' = θ + v'."""

    @property
    def update(self) -> Update:
        """The formula of the weights and their velocities."""
        moved = MOMENTUM * VELOCITY - STEP_SIZE * GRADIENT
        ahead = GradientAt(THETA + MOMENTUM * VELOCITY)
        return Update({THETA: THETA + moved, VELOCITY: moved}, (STEP_SIZE, MOMENTUM), {GRADIENT: ahead})


class PreconditionedMomentum(WrittenRule):
    """m' = βm + (1 − β)g, θ' = θ − ηP⁻¹m' with a constant diagonal P > 0."""

    @property
    def update(self) -> Update:
        """The formula of the weights and the averages of their gradients."""
        moved = MOMENTUM * AVERAGE + (1 - MOMENTUM) * GRADIENT
        step = {THETA: THETA - STEP_SIZE * (moved / _SCALE), AVERAGE: moved}
        return Update(step, (STEP_SIZE, MOMENTUM), scales=(_SCALE,))

    def scales(self, objective: Objective) -> tuple[Symbol, ...]:
        """The diagonal of P, in the order of the weights."""
        return self.map(objective).parameters[-len(objective.weights) :]


class PreconditionedNesterov(WrittenRule):
    """m' = βm + (1 − β)g, θ' = θ − ηP⁻¹(ag + bm') with a constant diagonal P > 0 and constant shares a, b > 0."""

    @property
    def update(self) -> Update:
        """The formula of the weights and the averages of their gradients."""
        moved = MOMENTUM * AVERAGE + (1 - MOMENTUM) * GRADIENT
        along = (GRADIENT_SHARE * GRADIENT + AVERAGE_SHARE * moved) / _SCALE
        parameters = (STEP_SIZE, MOMENTUM, GRADIENT_SHARE, AVERAGE_SHARE)
        return Update({THETA: THETA - STEP_SIZE * along, AVERAGE: moved}, parameters, scales=(_SCALE,))

    def scales(self, objective: Objective) -> tuple[Symbol, ...]:
        """The diagonal of P, in the order of the weights."""
        return self.map(objective).parameters[-len(objective.weights) :]


class NormalizedGradientDescent(WrittenRule):
    """θ' = θ − ηg/‖g‖; undefined where g = 0."""

    @property
    def update(self) -> Update:
        """The formula of the weights."""
        return Update({THETA: THETA - STEP_SIZE * GRADIENT / Norm(GRADIENT)}, (STEP_SIZE,))


class RootLossGradientDescent(WrittenRule):
    """θ' = θ − ηg/(2√L), gradient descent on √L; undefined where L = 0."""

    @property
    def update(self) -> Update:
        """The formula of the weights."""
        return Update({THETA: THETA - STEP_SIZE * GRADIENT / (2 * sqrt(LossAt(THETA)))}, (STEP_SIZE,))


@dataclass(frozen=True)
class SharpnessAwareMinimization(WrittenRule):
    """θ' = θ − η∇L(θ + ρg/‖g‖), or with ρg for ρg/‖g‖ if not `normalized`."""

    normalized: bool

    @property
    def update(self) -> Update:
        """The formula of the weights."""
        length = Norm(GRADIENT) if self.normalized else 1
        gradients = {**AT_THETA, _UPHILL: GradientAt(THETA + RADIUS * GRADIENT / length)}
        return Update({THETA: THETA - STEP_SIZE * _UPHILL}, (STEP_SIZE, RADIUS), gradients)


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "gradient_descent": GradientDescent(),
        "heavy_ball": HeavyBall(),
        "nesterov": Nesterov(),
        "preconditioned_momentum": PreconditionedMomentum(),
        "normalized_gd": NormalizedGradientDescent(),
        "root_loss_gd": RootLossGradientDescent(),
        "sam": SharpnessAwareMinimization(normalized=True),
        "sam_unnormalized": SharpnessAwareMinimization(normalized=False),
    }
)
