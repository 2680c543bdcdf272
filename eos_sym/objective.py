"""An objective: a loss L(θ; p) with its weights θ and its parameters p, and everything its derivatives say.

    gradient                  ∇L,                    an n × 1 matrix
    hessian                   ∇²L,                   an n × n matrix
    directional derivative    ∇ᵏL(u₁, …, u_k) = Σ u₁ⁱ…u_kʲ ∂ᵢ…∂ⱼ L,   a scalar
    minima                    the set on which L attains its least value, proved to be so

A directional derivative is contracted one direction at a time, so no tensor of order three or more is ever built.
Errors: `BadInput` for a loss that is not an expression in the given symbols; `Undecided` for minima that cannot be
proved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from sympy import (
    Expr,
    ImmutableMatrix,
    Integer,
    Matrix,
    Poly,
    PolynomialError,
    Symbol,
    diff,
    factor_list,
    hessian,
    latex,
    linsolve,
    simplify,
)

from eos_sym.errors import BadInput, Undecided
from eos_sym.language import declare
from eos_sym.parse import parse


@dataclass(frozen=True)
class Minima:
    """The global minima of an objective: the real solutions of `equations`, where the loss equals `value`.

    `chart` solves the equations for some of the weights; substituting it puts an expression on the set of minima, at
    all of its points but those where the solution is undefined.
    """

    equations: tuple[Expr, ...]
    value: Expr
    chart: Mapping[Symbol, Expr]

    def on(self, expression: Expr) -> Expr:
        """The expression, or matrix of expressions, restricted to the minima and simplified."""
        return simplify(expression.subs(self.chart))


@dataclass(frozen=True)
class Objective:
    """A loss, its weights and its parameters; everything derived is computed once, on first use."""

    name: str
    loss: Expr
    weights: tuple[Symbol, ...]
    parameters: tuple[Symbol, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a loss that does not depend on exactly the symbols it declares."""
        if not self.weights:
            raise BadInput(f"the objective {self.name} has no weights; name at least one")
        declared = [*self.weights, *self.parameters]
        names = [symbol.name for symbol in declared]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise BadInput(f"{', '.join(repeated)}: declared more than once; a name is one weight or one parameter")
        unknown = sorted(str(symbol) for symbol in self.loss.free_symbols - set(declared))
        if unknown:
            raise BadInput(f"{', '.join(unknown)}: in the loss, but neither a weight nor a parameter; declare it")
        unused = sorted(str(weight) for weight in set(self.weights) - self.loss.free_symbols)
        if unused:
            raise BadInput(f"{', '.join(unused)}: declared as a weight, but the loss does not depend on it")

    @classmethod
    def from_text(
        cls, text: str, weights: str | Sequence[str], parameters: str | Sequence[str] = (), name: str = "loss"
    ) -> Objective:
        """The objective of a typed loss, for example ``Objective.from_text("(1 - x*y)**2/2", "x y")``."""
        weights, parameters = (names.split() if isinstance(names, str) else names for names in (weights, parameters))
        weight_symbols = tuple(declare(weight, real=True) for weight in weights)
        parameter_symbols = tuple(declare(parameter, real=True) for parameter in parameters)
        return cls(name, parse(text, (*weight_symbols, *parameter_symbols)), weight_symbols, parameter_symbols)

    @cached_property
    def gradient(self) -> ImmutableMatrix:
        """∇L, an n × 1 matrix."""
        return ImmutableMatrix([diff(self.loss, weight) for weight in self.weights])

    @cached_property
    def hessian(self) -> ImmutableMatrix:
        """∇²L, an n × n matrix."""
        return ImmutableMatrix(hessian(self.loss, self.weights))

    def directional_derivative(self, *directions: Iterable[Expr]) -> Expr:
        """∇ᵏL(u₁, …, u_k), the k-th derivative of the loss along k constant directions of n components each."""
        derivative = self.loss
        for direction in directions:
            components = Matrix(list(direction))
            if components.free_symbols & set(self.weights):
                raise BadInput(f"the direction {list(components)} depends on the weights; directions are constant")
            if components.shape != (len(self.weights), 1):
                raise BadInput(
                    f"a direction has {len(components)} components; {self.name} needs {len(self.weights)}, one a weight"
                )
            pairs = zip(components, self.weights, strict=True)
            derivative = sum((component * diff(derivative, weight) for component, weight in pairs), Integer(0))
        return derivative

    @cached_property
    def minima(self) -> Minima:
        """The global minima, with the proof in the way they are found.

        Two forms of loss are decided. An even power with a positive factor, L = c f²ᵐ with f irreducible, is
        nonnegative and vanishes exactly where f does; that f vanishes somewhere is clear if some weight enters it
        linearly. A quadratic with a positive definite Hessian is strictly convex, and its only critical point is its
        minimum. Everything else is `Undecided`.
        """
        try:
            polynomial = Poly(self.loss, *self.weights)
        except PolynomialError as error:
            raise Undecided(f"the minima of {self.name}: its loss is not a polynomial in the weights") from error
        if polynomial.domain.is_EX or not polynomial.domain.is_Exact:
            raise Undecided(f"the minima of {self.name}: write its coefficients as rational numbers or parameters")
        if polynomial.total_degree() == 2 and self.hessian.is_positive_definite:
            (point,) = linsolve(list(self.gradient), *self.weights)
            chart = dict(zip(self.weights, point, strict=True))
            equations = tuple(weight - value for weight, value in chart.items())
            return Minima(equations, simplify(self.loss.subs(chart)), chart)
        constant, factors = factor_list(self.loss, *self.weights)
        if not constant.is_positive or len(factors) != 1 or factors[0][1] % 2:
            raise Undecided(f"the minima of {self.name}: its loss is neither a convex quadratic nor an even power")
        ((equation, _),) = factors
        return Minima((equation,), Integer(0), self._chart(equation))

    def _chart(self, equation: Expr) -> dict[Symbol, Expr]:
        """The equation of the minima solved for the last weight that enters it linearly."""
        for weight in reversed(self.weights):
            if Poly(equation, weight).degree() == 1:
                slope, intercept = Poly(equation, weight).all_coeffs()
                if any(coefficient.is_nonzero for coefficient in Poly(slope, *self.weights).coeffs()):
                    return {weight: simplify(-intercept / slope)}
        raise Undecided(f"the minima of {self.name}: no weight is known to enter {equation} = 0 linearly")

    def _repr_latex_(self) -> str:
        variables = ", ".join(latex(symbol) for symbol in self.weights)
        return f"$L({variables}) = {latex(self.loss)}$"
