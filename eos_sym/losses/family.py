"""A finite family of losses, one an example: what stochastic gradient descent draws its batches from.

    L = (1/n) Σ Lᵢ

is the loss of full-batch gradient descent. Losses may be written with min, max and |·|; their derivatives are those of
the cases, and a point where two cases meet has a kink.

Errors: `BadInput` for an empty or mismatched family and for a point that is not a minimum of all the losses;
`Undecided` for a point where a loss has a kink.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sympy import Expr, ImmutableMatrix, Integer, Piecewise, Symbol, diff, hessian
from sympy.core.relational import Relational

from eos_sym.algebra import vanishes
from eos_sym.errors import BadInput, Undecided
from eos_sym.losses.objective import Objective
from eos_sym.reasons import brief
from eos_sym.values import Values, named

Point = Values


@dataclass(frozen=True)
class LossFamily:
    """Losses of the same weights and parameters, one an example."""

    name: str
    losses: tuple[Expr, ...]
    weights: tuple[Symbol, ...]
    parameters: tuple[Symbol, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an empty family, and what an objective refuses of the mean loss."""
        if not self.losses:
            raise BadInput(f"the family {self.name} has no losses; give at least one")
        for index, loss in enumerate(self.losses, start=1):
            unknown = sorted(str(symbol) for symbol in loss.free_symbols - {*self.weights, *self.parameters})
            if unknown:
                raise BadInput(f"{', '.join(unknown)}: in loss {index} of {self.name}, but undeclared; declare it")
        _ = self.mean

    @cached_property
    def pieces(self) -> tuple[Expr, ...]:
        """The losses with min, max and |·| written as cases, whose derivatives are the cases' own."""
        return tuple(loss.rewrite(Piecewise) for loss in self.losses)

    @cached_property
    def mean(self) -> Objective:
        """L = (1/n) Σ Lᵢ, the loss of full-batch gradient descent."""
        total = sum(self.pieces, Integer(0))
        return Objective(f"mean of {self.name}", total / len(self.losses), self.weights, self.parameters)

    def hessians(self, minimum: Point) -> tuple[ImmutableMatrix, ...]:
        """∇²Lᵢ at a common minimum, after checking that all gradients vanish there and no loss has a kink."""
        minimum = named("the minimum", self.weights, minimum)
        if set(minimum) != set(self.weights):
            raise BadInput(
                f"the minimum names {', '.join(map(str, minimum))}; {self.name} needs a value for each weight"
            )
        found = []
        for index, loss in enumerate(self.pieces, start=1):
            switches = [condition.lhs - condition.rhs for condition in loss.atoms(Relational)]
            if any(vanishes(switch.subs(minimum)) for switch in switches):
                raise Undecided(f"the curvature of loss {index} of {self.name}: it has a kink at {brief(minimum)}")
            slopes = [diff(loss, weight).subs(minimum) for weight in self.weights]
            if not all(map(vanishes, slopes)):
                raise BadInput(
                    f"{dict(minimum)}: no minimum of loss {index} of {self.name}, whose gradient is {slopes}"
                )
            found.append(ImmutableMatrix(hessian(loss, self.weights)).subs(minimum))
        return tuple(found)
