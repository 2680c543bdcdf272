"""The rules of `eos_sym.rules` for networks: frozen numbers, from which the rule's formula makes an optimizer.

    GradientDescent             θ' = θ − ηg
    HeavyBall                   v' = βv − ηg,            θ' = θ + v'              by b = −v/η
    Nesterov                    v' = βv − η∇L(θ + βv),   θ' = θ + v'              by b = −v/η and θ + βv
    NormalizedGradientDescent   θ' = θ − ηg/‖g‖                                   ‖·‖ over all parameters together
    RootLossGradientDescent     θ' = θ − ηg/(2√L)
    SAM                         θ' = θ − η∇L(θ + ρg/‖g‖)
    RMSProp                     s' = β₂s + (1 − β₂)g²,   θ' = θ − ηP⁻¹g,   P = √s' + ε
    ScalarRMSProp               s' = β₂s + (1 − β₂)‖g‖²,  θ' and P as there
    Adam                        the same s', m' = β₁m + (1 − β₁)g,  θ' = θ − ηP⁻¹m'/(1 − β₁ᵗ),  P = √(s'/(1 − β₂ᵗ)) + ε
    WeightDecay                 any of these with g + γθ for g, coupled; or with −ηγθ beside its step

Where torch.optim has a rule, the optimizer takes its steps bit for bit on a CPU, and understands its ``state_dict``.
For that, momentum is kept as torch keeps it, b' = βb + g. Nesterov's rule moves θ and takes the gradient at θ + βv;
torch's moves the points w = θ + βv, where the gradient is taken: w' = w − η(g + βb'). At v = 0, the start, and at fixed
points the two agree, and so do multipliers and thresholds. Stochastic gradient descent is gradient descent on
mini-batches: the experiment's `batch_size`.

`critical_sharpness` is the curvature beyond which the rule is unstable, from eos_sym's derivation; of P⁻¹∇²L for
RMSProp and Adam, whose P is taken as fixed; None for the rules that have none, which are not differentiable at a
minimum, and for weight decay around RMSProp or Adam, for which none is derived. Where g = 0 the rules divided by its
size or by √L stay in place.

Errors: `BadInput` for a step size that is not positive, coefficients outside [0, 1), Nesterov's rule without momentum,
and an ε, a radius or a weight decay that is not positive.
Sources: :cite:t:`cohen2021edge`, appendix B, for the momentum rules; :cite:t:`cohen2022adaptive` for P⁻¹∇²L.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import ClassVar, Protocol

import torch
from sympy import Expr, Rational, Symbol
from torch import nn

from eos_sym import BadInput, Undecided, rules
from eos_sym.rules import DECAY, MOMENTUM, RADIUS, STEP_SIZE, THETA, Update, WrittenRule
from eos_sym.rules.optimizers import VELOCITY
from eos_sym.stability import critical_sharpness
from numeric.networks.training.optimizers.formula_optimizer import FormulaOptimizer
from numeric.values import positive_number, real_number

BUFFER = Symbol("b", real=True)
_POSITIVE = ("eta", "epsilon", "radius")


class Rule(Protocol):
    """A description of an optimizer: a frozen dataclass of numbers, so that it can be stored and compared."""

    @property
    def eta(self) -> float:
        """The step size."""

    @property
    def critical_sharpness(self) -> float | None:
        """The sharpness beyond which the rule is unstable; None if it has none."""

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """The optimizer; its `step` is given a function that returns the loss the gradient was taken of."""


class _Described(ABC):
    """What all descriptions have: a formula, the numbers in it, and what follows from the two."""

    stored_as: ClassVar[Mapping[str, str]] = {}

    @property
    @abstractmethod
    def formula(self) -> WrittenRule:
        """The rule's formula."""

    @property
    @abstractmethod
    def values(self) -> dict[str, float]:
        """The values of its parameters, by name."""

    @property
    def critical_sharpness(self) -> float | None:
        """The sharpness beyond which the rule is unstable."""
        return critical_sharpness_at(self.formula, self.values)

    def build(self, parameters: Iterable[nn.Parameter]) -> FormulaOptimizer:
        """The optimizer that takes the steps of the formula."""
        formula = self.formula
        return FormulaOptimizer(
            parameters,
            self.in_stored_variables(formula.update),
            self.values,
            stored_as=self.stored_as,
            preconditioner=formula.preconditioner,
        )

    def in_stored_variables(self, update: Update) -> Update:
        """The formula in the variables that the optimizer keeps."""
        return update


@dataclass(frozen=True)
class _Numbers(_Described):
    """A description by a step size and other numbers, which have the names of the formula's parameters."""

    eta: float

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in _POSITIVE:
                positive_number(field.name, value)
            elif not 0 <= real_number(field.name, value) < 1:
                raise BadInput(f"{field.name} = {value}: must be 0 or more and less than 1")

    @property
    def values(self) -> dict[str, float]:
        """The fields."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True)
class GradientDescent(_Numbers):
    """θ' = θ − ηg; stable below 2/η."""

    formula: ClassVar = rules.GradientDescent()


@dataclass(frozen=True)
class HeavyBall(_Numbers):
    """v' = βv − ηg, θ' = θ + v'; stable below 2(1 + β)/η."""

    momentum: float

    formula: ClassVar = rules.HeavyBall()
    stored_as: ClassVar = {"b": "momentum_buffer"}

    def in_stored_variables(self, update: Update) -> Update:
        """By b = −v/η."""
        return update.conjugate({BUFFER: -VELOCITY / STEP_SIZE}, {VELOCITY: -STEP_SIZE * BUFFER})


@dataclass(frozen=True)
class Nesterov(_Numbers):
    """θ' = θ + v', v' = βv − η∇L(θ + βv), by the points θ + βv; stable below 2(1 + β)/(η(1 + 2β))."""

    momentum: float

    formula: ClassVar = rules.Nesterov()
    stored_as: ClassVar = {"b": "momentum_buffer"}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.momentum == 0:
            raise BadInput("momentum = 0: that is gradient descent; use GradientDescent")

    def in_stored_variables(self, update: Update) -> Update:
        """By b = −v/η and the points θ + βv."""
        ahead = {THETA: THETA + MOMENTUM * VELOCITY, BUFFER: -VELOCITY / STEP_SIZE}
        back = {THETA: THETA + MOMENTUM * STEP_SIZE * BUFFER, VELOCITY: -STEP_SIZE * BUFFER}
        return update.conjugate(ahead, back)


@dataclass(frozen=True)
class NormalizedGradientDescent(_Numbers):
    """θ' = θ − ηg/‖g‖, steps of length η; it converges on no quadratic."""

    formula: ClassVar = rules.NormalizedGradientDescent()


@dataclass(frozen=True)
class RootLossGradientDescent(_Numbers):
    """θ' = θ − η∇√L = θ − ηg/(2√L); √L has a kink at a minimum of loss 0. Its `step` needs the loss."""

    formula: ClassVar = rules.RootLossGradientDescent()


@dataclass(frozen=True)
class SAM(_Numbers):
    """θ' = θ − η∇L(θ + ρg/‖g‖) with the radius ρ. Its `step` needs a function that evaluates loss and gradient."""

    radius: float

    formula: ClassVar = rules.SharpnessAwareMinimization(normalized=True)

    @property
    def values(self) -> dict[str, float]:
        """η and ρ."""
        return {STEP_SIZE.name: self.eta, RADIUS.name: self.radius}


@dataclass(frozen=True)
class RMSProp(_Numbers):
    """θ' = θ − ηP⁻¹g, P = √s' + ε; stable up to λ₁(P⁻¹∇²L) = 2/η."""

    beta2: float = 0.99
    epsilon: float = 1e-8

    formula: ClassVar = rules.RMSProp()
    stored_as: ClassVar = {"s": "square_avg"}

    @property
    def critical_sharpness(self) -> float | None:
        """That of preconditioned momentum at β = 0."""
        return critical_sharpness_at(_FIXED, {STEP_SIZE.name: self.eta, MOMENTUM.name: 0.0})


@dataclass(frozen=True)
class ScalarRMSProp(RMSProp):
    """θ' = θ − ηP⁻¹g with one number P = √s' + ε for all weights, of the gradient's length; stable up to 2/η."""

    formula: ClassVar = rules.ScalarRMSProp()


@dataclass(frozen=True)
class Adam(_Numbers):
    """θ' = θ − ηP⁻¹m'/(1 − β₁ᵗ); after the start stable up to λ₁(P⁻¹∇²L) = 2(1 + β₁)/(η(1 − β₁)), 38/η at β₁ = 0.9."""

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    formula: ClassVar = rules.Adam()
    stored_as: ClassVar = {"m": "exp_avg", "s": "exp_avg_sq", "t": "step"}

    @property
    def critical_sharpness(self) -> float | None:
        """That of preconditioned momentum at β = β₁."""
        return critical_sharpness_at(_FIXED, {STEP_SIZE.name: self.eta, MOMENTUM.name: self.beta1})


@dataclass(frozen=True)
class WeightDecay(_Described):
    """A rule with weight decay γ: coupled, on L + ½γ‖θ‖²; or decoupled, with −ηγθ beside its step."""

    rule: _Described
    gamma: float
    coupled: bool

    def __post_init__(self) -> None:
        positive_number("gamma", self.gamma)
        if not isinstance(self.rule, _Described) or isinstance(self.rule, WeightDecay):
            raise BadInput("rule: must be the description of one without weight decay, such as Adam(0.001)")

    @property
    def eta(self) -> float:
        """The step size of the rule."""
        return self.values[STEP_SIZE.name]

    @property
    def formula(self) -> WrittenRule:
        """The rule's formula with weight decay."""
        return rules.WeightDecay(self.rule.formula, self.coupled)

    @property
    def values(self) -> dict[str, float]:
        """Those of the rule, and γ."""
        return {**self.rule.values, DECAY.name: self.gamma}

    @property
    def stored_as(self) -> Mapping[str, str]:  # type: ignore[override]  # of the rule, not of the class
        """As of the rule."""
        return self.rule.stored_as

    def in_stored_variables(self, update: Update) -> Update:
        """As of the rule."""
        return self.rule.in_stored_variables(update)

    @property
    def critical_sharpness(self) -> float | None:
        """That of the loss without the decay; None for RMSProp and Adam, where P does not scale the decay alike."""
        if self.rule.formula.preconditioner is not None:
            return None
        try:
            numbers = {Symbol(name, positive=True): Rational(repr(value)) for name, value in self.values.items()}
            return float(critical_sharpness(self.formula, numbers))
        except Undecided:
            return None


_FIXED = rules.PreconditionedMomentum()  # RMSProp and Adam with P held fixed


@cache
def _symbolic(rule: WrittenRule) -> Expr | None:
    try:
        return critical_sharpness(rule)
    except Undecided:
        return None


def critical_sharpness_at(rule: WrittenRule, values: Mapping[str, float]) -> float | None:
    """The rule's critical sharpness at these values of its parameters, if it has one."""
    expression = _symbolic(rule)
    if expression is None:
        return None
    return float(expression.subs({symbol: values[symbol.name] for symbol in expression.free_symbols}))
