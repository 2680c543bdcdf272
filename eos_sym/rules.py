"""Optimizers, each written once, as its formula.

    gradient descent    θ ← θ − η ∇L(θ)

A rule turns an objective into a `Map`; its Jacobian, multipliers, simulator and LaTeX follow from that map. A new
rule is a class with a method ``map(objective) -> Map``: nothing needs to be registered. The step size is the positive
symbol `STEP_SIZE`, written ``eta`` in text and shown as η.
"""

from __future__ import annotations

from typing import Protocol

from sympy import Symbol

from eos_sym.maps import Map
from eos_sym.objective import Objective

STEP_SIZE = Symbol("eta", positive=True)


class Rule(Protocol):
    """An optimizer: anything that turns an objective into the map of one step."""

    def map(self, objective: Objective) -> Map:
        """The map of one step of this rule on the objective."""


class GradientDescent:
    """θ ← θ − η ∇L(θ), with the step size η as the map's last parameter."""

    def map(self, objective: Objective) -> Map:
        """The map of one step of gradient descent on the objective."""
        pairs = zip(objective.weights, objective.gradient, strict=True)
        step = tuple(weight - STEP_SIZE * slope for weight, slope in pairs)
        return Map(objective.weights, (*objective.parameters, STEP_SIZE), step)
