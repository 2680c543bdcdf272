"""Optimizers, each written once, as its formula; g = ∇L(θ), η the step size, β the momentum coefficient.

    gradient descent          θ' = θ − ηg
    heavy ball                v' = βv − ηg,                θ' = θ + v'          (Polyak)
    Nesterov                  v' = βv − η∇L(θ + βv),       θ' = θ + v'
    preconditioned momentum   m' = βm + (1 − β)g,          θ' = θ − ηP⁻¹m'      (Adam, RMSProp at fixed second moment)
    normalized GD             θ' = θ − ηg/‖g‖
    root-loss GD              θ' = θ − η∇√L = θ − ηg/(2√L)
    SAM                       θ' = θ − η∇L(θ + ρg/‖g‖),    or ρg for ρg/‖g‖: the unnormalized variant

A rule turns an objective into a `Map`, whose state is the weights and then the rule's own variables; its Jacobian,
multipliers, simulator and LaTeX follow from that map. A new rule is a class with a method ``map(objective) -> Map``:
nothing needs to be registered. The symbols are positive and are named as they are typed: ``eta`` (shown as η),
``momentum``, ``rho``, and for the diagonal preconditioner ``p_`` followed by the name of the weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sympy import Expr, Symbol, sqrt

from eos_sym.maps import Map
from eos_sym.objective import Objective

STEP_SIZE = Symbol("eta", positive=True)
MOMENTUM = Symbol("momentum", positive=True)
RADIUS = Symbol("rho", positive=True)


class Rule(Protocol):
    """An optimizer: anything that turns an objective into the map of one step."""

    def map(self, objective: Objective) -> Map:
        """The map of one step of this rule on the objective."""


class GradientDescent:
    """θ' = θ − ηg."""

    def map(self, objective: Objective) -> Map:
        """The map of the weights."""
        step = _against(objective.weights, objective.gradient)
        return Map(objective.weights, (*objective.parameters, STEP_SIZE), step)


class HeavyBall:
    """v' = βv − ηg, θ' = θ + v'."""

    def map(self, objective: Objective) -> Map:
        """The map of the weights and their velocities."""
        return _with_velocity(objective, objective.gradient)


class Nesterov:
    """v' = βv − η∇L(θ + βv), θ' = θ + v'."""

    def map(self, objective: Objective) -> Map:
        """The map of the weights and their velocities."""
        velocities = _companions("v", objective)
        ahead = {w: w + MOMENTUM * v for w, v in zip(objective.weights, velocities, strict=True)}
        return _with_velocity(objective, objective.gradient.subs(ahead, simultaneous=True))


class PreconditionedMomentum:
    """m' = βm + (1 − β)g, θ' = θ − ηP⁻¹m' with a constant diagonal P > 0."""

    def map(self, objective: Objective) -> Map:
        """The map of the weights and the averages of their gradients."""
        averages = _companions("m", objective)
        scales = tuple(Symbol(f"p_{weight.name}", positive=True) for weight in objective.weights)
        pairs = zip(averages, objective.gradient, strict=True)
        moved = tuple(MOMENTUM * average + (1 - MOMENTUM) * slope for average, slope in pairs)
        step = _against(objective.weights, [m / scale for m, scale in zip(moved, scales, strict=True)])
        parameters = (*objective.parameters, STEP_SIZE, MOMENTUM, *scales)
        return Map((*objective.weights, *averages), parameters, (*step, *moved))


class NormalizedGradientDescent:
    """θ' = θ − ηg/‖g‖; undefined where g = 0."""

    def map(self, objective: Objective) -> Map:
        """The map of the weights."""
        direction = [slope / _norm(objective.gradient) for slope in objective.gradient]
        return Map(objective.weights, (*objective.parameters, STEP_SIZE), _against(objective.weights, direction))


class RootLossGradientDescent:
    """θ' = θ − ηg/(2√L), gradient descent on √L; undefined where L = 0."""

    def map(self, objective: Objective) -> Map:
        """The map of the weights."""
        direction = [slope / (2 * sqrt(objective.loss)) for slope in objective.gradient]
        return Map(objective.weights, (*objective.parameters, STEP_SIZE), _against(objective.weights, direction))


@dataclass(frozen=True)
class SharpnessAwareMinimization:
    """θ' = θ − η∇L(θ + ρg/‖g‖), or with ρg for ρg/‖g‖ if not `normalized`."""

    normalized: bool

    def map(self, objective: Objective) -> Map:
        """The map of the weights."""
        length = _norm(objective.gradient) if self.normalized else 1
        pairs = zip(objective.weights, objective.gradient, strict=True)
        uphill = {weight: weight + RADIUS * slope / length for weight, slope in pairs}
        step = _against(objective.weights, objective.gradient.subs(uphill, simultaneous=True))
        return Map(objective.weights, (*objective.parameters, STEP_SIZE, RADIUS), step)


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
