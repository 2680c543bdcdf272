"""Flows θ̇ = v(θ; p), and gradient flow, θ̇ = −∇L(θ): the limit of gradient descent as η → 0 at fixed time ηt.

Along a flow a quantity q(θ) changes at the rate ∇q·v. Gradient flow conserves q iff ∇q·∇L = 0 identically; among
polynomials of bounded degree this is a linear system for the coefficients of q, so all of them are found, not guessed.

A velocity may depend on the top eigenvector u of a symmetric matrix M(θ), which has no formula in general: the velocity
of a `TopEigenvectorFlow` is an expression in θ and u, even in u, and u is found numerically where it is integrated.

The limit flows on a manifold of minima are in `eos_sym.flows.limit_flow`, the central flow is in
`eos_sym.flows.central_flow`, and `numeric.flows.integrate` integrates all of them. Errors: `BadInput` for a velocity
that does not fit the state; `Undecided` for conserved quantities of a loss that is not a polynomial in its weights.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from sympy import (
    Dummy,
    Expr,
    ImmutableMatrix,
    Integer,
    Matrix,
    Poly,
    PolynomialError,
    Symbol,
    default_sort_key,
    diff,
    itermonomials,
    latex,
    linsolve,
    symbols,
)

from eos_sym.algebra import derivative
from eos_sym.errors import BadInput, Undecided
from eos_sym.losses import Objective
from eos_sym.notebook import aligned


@dataclass(frozen=True)
class Flow:
    """An ordinary differential equation; `velocity[i]` is the rate of change of `state[i]`."""

    state: tuple[Symbol, ...]
    parameters: tuple[Symbol, ...]
    velocity: tuple[Expr, ...]

    def __post_init__(self) -> None:
        """Refuse a velocity that does not say how every state variable changes, or uses undeclared symbols."""
        _check_velocity(self.state, self.velocity, {*self.state, *self.parameters})

    @cached_property
    def jacobian(self) -> ImmutableMatrix:
        """Dv, the n × n matrix of ∂ velocity[i] / ∂ state[j]."""
        size = len(self.state)
        return ImmutableMatrix(size, size, [derivative(rate, name) for rate in self.velocity for name in self.state])

    def along(self, quantity: Expr) -> Expr:
        """∇q·v, the rate of change of the quantity along the flow."""
        pairs = zip(self.state, self.velocity, strict=True)
        return sum((diff(quantity, variable) * rate for variable, rate in pairs), Integer(0))

    def _repr_latex_(self) -> str:
        pairs = zip(self.state, self.velocity, strict=True)
        return aligned((rf"\dot{{{latex(name)}}}", "=", rate) for name, rate in pairs)


@dataclass(frozen=True)
class TopEigenvectorFlow:
    """A flow whose velocity contains the unit top eigenvector of a symmetric matrix, under the names `direction`.

    The velocity must not depend on the eigenvector's sign, which is left to chance.
    """

    state: tuple[Symbol, ...]
    parameters: tuple[Symbol, ...]
    matrix: ImmutableMatrix
    direction: tuple[Symbol, ...]
    velocity: tuple[Expr, ...]

    def __post_init__(self) -> None:
        """Refuse a velocity, a matrix and a direction that do not fit together."""
        known = {*self.state, *self.parameters}
        _check_velocity(self.state, self.velocity, {*known, *self.direction})
        if self.matrix.shape != (len(self.direction),) * 2 or not self.matrix.free_symbols <= known:
            raise BadInput(
                f"a direction of {len(self.direction)} components needs a square matrix of them in the state"
            )


def _check_velocity(state: tuple[Symbol, ...], velocity: tuple[Expr, ...], known: Iterable[Symbol]) -> None:
    if len(velocity) != len(state) or not state:
        raise BadInput(f"a flow of {len(state)} state variables has {len(velocity)} velocities; give one for each")
    used = set().union(*(rate.free_symbols for rate in velocity))
    unknown = sorted(str(symbol) for symbol in used - {*known})
    if unknown:
        raise BadInput(f"{', '.join(unknown)}: in the velocity, but neither state nor parameter; declare it")


def gradient_flow(objective: Objective) -> Flow:
    """θ̇ = −∇L(θ)."""
    return Flow(objective.weights, objective.parameters, tuple(-slope for slope in objective.gradient))


def top_direction(objective: Objective) -> tuple[Symbol, ...]:
    """Symbols for the components of the top eigenvector of the Hessian, named after the weights."""
    return tuple(Dummy(f"direction_{weight.name}", real=True) for weight in objective.weights)


def sharpness_gradient(objective: Objective, direction: tuple[Symbol, ...]) -> Matrix:
    """∇λ₁ = ∇³L(u, u, ·) for the unit top eigenvector u of the Hessian, where λ₁ is simple."""
    curvature = objective.directional_derivative(direction, direction)
    return Matrix([diff(curvature, weight) for weight in objective.weights])


def conserved_quantities(objective: Objective, degree: int) -> tuple[Expr, ...]:
    """A basis of the polynomials of degree 1 … `degree` that gradient flow on the objective conserves."""
    monomials = sorted(set(itermonomials(objective.weights, degree)) - {1}, key=default_sort_key)
    coefficients = symbols(f"coefficient0:{len(monomials)}", cls=Dummy)
    quantity = sum((c * monomial for c, monomial in zip(coefficients, monomials, strict=True)), Integer(0))
    try:
        equations = Poly(gradient_flow(objective).along(quantity), *objective.weights).coeffs()
    except PolynomialError as error:
        raise Undecided("conserved quantities: looked for only where the loss is a polynomial") from error
    (solution,) = linsolve(equations, coefficients)
    general = quantity.subs(dict(zip(coefficients, solution, strict=True)))
    return tuple(diff(general, coefficient) for coefficient in coefficients if general.has(coefficient))
