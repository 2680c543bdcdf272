"""Optimizers, each written once, as its formula; g = ∇L(θ), η the step size, β the momentum coefficient.

    gradient descent          θ' = θ − ηg
    heavy ball                v' = βv − ηg,                θ' = θ + v'
    Nesterov                  v' = βv − η∇L(θ + βv),       θ' = θ + v'
    preconditioned momentum   m' = βm + (1 − β)g,          θ' = θ − ηP⁻¹m'      (Adam, RMSProp at fixed second moment)
    normalized GD             θ' = θ − ηg/‖g‖
    root-loss GD              θ' = θ − η∇√L = θ − ηg/(2√L)
    SAM                       θ' = θ − η∇L(θ + ρg/‖g‖),    or ρg for ρg/‖g‖: the unnormalized variant

A rule turns an objective into a `Map`, whose state is the weights and then the rule's own variables; its Jacobian,
multipliers, simulator and LaTeX follow from that map. A new rule is a class with a method ``map(objective) -> Map``:
nothing needs to be registered, and one derived from `Printed` shows its formula in a notebook. The symbols are positive
and are named as they are typed: ``eta`` (shown as η), ``momentum``, ``rho``, and for the diagonal preconditioner ``p_``
followed by the name of the weight.

With its second moment v held fixed, Adam is preconditioned momentum with P = √v, and RMSProp the same at β = 0.
`RULES` holds the rules by the names that they have on the command line. Sources: :cite:t:`polyak1964some` (heavy ball),
:cite:t:`nesterov1983method`, :cite:t:`kingma2015adam`, :cite:t:`foret2021sharpness` (SAM),
:cite:t:`arora2022understanding` (the two that divide by ‖g‖ and √L).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from sympy import Abs, Expr, Function, Symbol, latex, sqrt
from sympy.printing.latex import LatexPrinter

from eos_sym.losses import Objective
from eos_sym.rules.map import Map

STEP_SIZE = Symbol("eta", positive=True)
MOMENTUM = Symbol("momentum", positive=True)
RADIUS = Symbol("rho", positive=True)


class Rule(Protocol):
    """An optimizer: anything that turns an objective into the map of one step."""

    def map(self, objective: Objective) -> Map:
        """The map of one step of this rule on the objective."""


@runtime_checkable
class Preconditioned(Protocol):
    """A rule that divides the gradient by constants of its own, one a weight."""

    def scales(self, objective: Objective) -> tuple[Symbol, ...]:
        """The diagonal of P, in the order of the weights."""


class Printed:
    """A rule that shows its formula in a notebook."""

    def _repr_latex_(self: Rule) -> str:
        return f"${formula(self)}$"


class GradientDescent(Printed):
    """θ' = θ − ηg."""

    def map(self, objective: Objective) -> Map:
        """The map of the weights."""
        step = _against(objective.weights, objective.gradient)
        return Map(objective.weights, (*objective.parameters, STEP_SIZE), step)


class HeavyBall(Printed):
    """v' = βv − ηg, θ' = θ + v'."""

    def map(self, objective: Objective) -> Map:
        """The map of the weights and their velocities."""
        return _with_velocity(objective, objective.gradient)


class Nesterov(Printed):
    """v' = βv − η∇L(θ + βv), θ' = θ + v'."""

    def map(self, objective: Objective) -> Map:
        """The map of the weights and their velocities."""
        velocities = _companions("v", objective)
        ahead = {w: w + MOMENTUM * v for w, v in zip(objective.weights, velocities, strict=True)}
        return _with_velocity(objective, objective.gradient.subs(ahead, simultaneous=True))


class PreconditionedMomentum(Printed):
    """m' = βm + (1 − β)g, θ' = θ − ηP⁻¹m' with a constant diagonal P > 0."""

    def map(self, objective: Objective) -> Map:
        """The map of the weights and the averages of their gradients."""
        averages = _companions("m", objective)
        scales = self.scales(objective)
        pairs = zip(averages, objective.gradient, strict=True)
        moved = tuple(MOMENTUM * average + (1 - MOMENTUM) * slope for average, slope in pairs)
        step = _against(objective.weights, [m / scale for m, scale in zip(moved, scales, strict=True)])
        parameters = (*objective.parameters, STEP_SIZE, MOMENTUM, *scales)
        return Map((*objective.weights, *averages), parameters, (*step, *moved))

    def scales(self, objective: Objective) -> tuple[Symbol, ...]:
        """The diagonal of P, in the order of the weights."""
        return tuple(Symbol(f"p_{weight.name}", positive=True) for weight in objective.weights)


class NormalizedGradientDescent(Printed):
    """θ' = θ − ηg/‖g‖; undefined where g = 0."""

    def map(self, objective: Objective) -> Map:
        """The map of the weights."""
        direction = [slope / _norm(objective.gradient) for slope in objective.gradient]
        return Map(objective.weights, (*objective.parameters, STEP_SIZE), _against(objective.weights, direction))


class RootLossGradientDescent(Printed):
    """θ' = θ − ηg/(2√L), gradient descent on √L; undefined where L = 0."""

    def map(self, objective: Objective) -> Map:
        """The map of the weights."""
        direction = [slope / (2 * sqrt(objective.loss)) for slope in objective.gradient]
        return Map(objective.weights, (*objective.parameters, STEP_SIZE), _against(objective.weights, direction))


@dataclass(frozen=True)
class SharpnessAwareMinimization(Printed):
    """θ' = θ − η∇L(θ + ρg/‖g‖), or with ρg for ρg/‖g‖ if not `normalized`."""

    normalized: bool

    def map(self, objective: Objective) -> Map:
        """The map of the weights."""
        length = _norm(objective.gradient) if self.normalized else 1
        pairs = zip(objective.weights, objective.gradient, strict=True)
        uphill = {weight: weight + RADIUS * slope / length for weight, slope in pairs}
        step = _against(objective.weights, objective.gradient.subs(uphill, simultaneous=True))
        return Map(objective.weights, (*objective.parameters, STEP_SIZE, RADIUS), step)


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


class _Gradient(Function):  # type: ignore[misc]  # SymPy has no types
    """∇L of a loss without a formula."""

    is_real = True

    def _latex(self, printer: LatexPrinter) -> str:
        return rf"\nabla L\left({printer.doprint(self.args[0])}\right)"


class _Loss(Function):  # type: ignore[misc]
    """A loss without a formula."""

    is_positive = True

    def fdiff(self, argindex: int = 1) -> Expr:
        return _Gradient(self.args[argindex - 1])

    def _latex(self, printer: LatexPrinter) -> str:
        return rf"L\left({printer.doprint(self.args[0])}\right)"


class _Norm(Function):  # type: ignore[misc]
    """The norm of a vector, which SymPy takes for a number and its absolute value."""

    def _latex(self, printer: LatexPrinter) -> str:
        return rf"\left\|{printer.doprint(self.args[0])}\right\|"


def formula(rule: Rule) -> str:
    """The rule as LaTeX: its map on a loss L(θ) without a formula."""
    theta = Symbol("theta", real=True)
    objective = Objective("L", _Loss(theta), (theta,))
    dynamics = rule.map(objective)
    shown = {MOMENTUM: Symbol("beta", real=True)}
    for own in {*dynamics.state, *dynamics.parameters} - {theta, MOMENTUM}:
        shown[own] = Symbol(own.name.removesuffix("_theta"), real=True)
    steps = ((name.subs(shown), step.replace(Abs, _Norm).subs(shown)) for name, step in dynamics.substitution.items())
    return r",\quad ".join(rf"{latex(name)} \mapsto {latex(step, order='none')}" for name, step in steps)


def _against(weights: Sequence[Symbol], direction: Sequence[Expr]) -> tuple[Expr, ...]:
    """θ − η · direction."""
    return tuple(weight - STEP_SIZE * slope for weight, slope in zip(weights, direction, strict=True))


def _companions(letter: str, objective: Objective) -> tuple[Symbol, ...]:
    """One more state variable for every weight, named after it."""
    return tuple(Symbol(f"{letter}_{weight.name}", real=True) for weight in objective.weights)


def _with_velocity(objective: Objective, gradient: Sequence[Expr]) -> Map:
    velocities = _companions("v", objective)
    moved = tuple(MOMENTUM * v - STEP_SIZE * slope for v, slope in zip(velocities, gradient, strict=True))
    step = tuple(weight + v for weight, v in zip(objective.weights, moved, strict=True))
    return Map((*objective.weights, *velocities), (*objective.parameters, STEP_SIZE, MOMENTUM), (*step, *moved))


def _norm(gradient: Sequence[Expr]) -> Expr:
    return sqrt(sum(slope**2 for slope in gradient))
