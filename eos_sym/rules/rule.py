"""What a rule is: anything that turns an objective into a `Map`; and a rule written as one formula.

A rule of one's own is a class with ``map(objective) -> Map``, or better with its formula, from which a network's
optimizer follows as well (`numeric.networks.training`):

    class SignDescent(WrittenRule):
        @property
        def update(self):
            return Update({THETA: THETA - STEP_SIZE * sign(GRADIENT)}, (STEP_SIZE,))

Nothing needs to be registered. The symbols of parameters are positive and named as they are typed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol, runtime_checkable

from sympy import Abs, Expr, Symbol, latex

from eos_sym.losses import Objective
from eos_sym.rules.map import Map
from eos_sym.rules.update import THETA, LossAt, Norm, Update

STEP_SIZE = Symbol("eta", positive=True)
MOMENTUM = Symbol("momentum", positive=True)
RADIUS = Symbol("rho", positive=True)
DECAY = Symbol("gamma", positive=True)
BETA1, BETA2 = Symbol("beta1", positive=True), Symbol("beta2", positive=True)
EPSILON = Symbol("epsilon", positive=True)


class Rule(Protocol):
    """An optimizer: anything that turns an objective into the map of one step, and is a value: it can be looked up."""

    def __hash__(self) -> int:
        """As every object has one; a dataclass, if it is frozen."""

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


class WrittenRule(Printed, ABC):
    """A rule written once, as its formula."""

    @property
    @abstractmethod
    def update(self) -> Update:
        """The formula."""

    @property
    def preconditioner(self) -> Expr | None:
        """P in θ' = θ − ηP⁻¹g, or m' for g, where it varies: in the own variables after the step."""
        return None

    def map(self, objective: Objective) -> Map:
        """The map of the weights and the rule's own variables."""
        return self.update.on(objective)


def formula(rule: Rule) -> str:
    """The rule as LaTeX: its map on a loss L(θ) without a formula, where an absolute value is the norm of a vector."""
    dynamics = rule.map(Objective("L", LossAt(THETA), (THETA,)))
    shown = {own: Symbol(own.name.removesuffix("_theta")) for own in {*dynamics.state, *dynamics.parameters} - {THETA}}
    shown[MOMENTUM] = Symbol("beta")
    steps = ((name.subs(shown), step.replace(Abs, Norm).subs(shown)) for name, step in dynamics.substitution.items())
    return r",\quad ".join(rf"{latex(name)} \mapsto {latex(step, order='none')}" for name, step in steps)
