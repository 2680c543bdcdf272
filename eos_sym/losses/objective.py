"""An objective: a loss L(θ; p) with its weights θ and its parameters p, and everything its derivatives say.

    gradient                  ∇L,                    an n × 1 matrix
    hessian                   ∇²L,                   an n × n matrix
    directional derivative    ∇ᵏL(u₁, …, u_k) = Σ u₁ⁱ…u_kʲ ∂ᵢ…∂ⱼ L,   a scalar
    smooth near a point       the loss without kinks that it is there, beside its own kinks
    minima                    the set on which L attains its least value, proved to be so

A directional derivative is contracted one direction at a time, so no tensor of order three or more is ever built.
Errors: `BadInput` for a loss that is not an expression in the given symbols; `Undecided` for minima that cannot be
proved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from sympy import (
    Dummy,
    Expr,
    I,
    ImmutableMatrix,
    Integer,
    Matrix,
    Poly,
    Symbol,
    latex,
    ring,
)

from eos_sym.algebra import derivative, has_kinks, smooth_near
from eos_sym.errors import BadInput, Undecided
from eos_sym.losses.domain import Domain, domain_of
from eos_sym.losses.minima import Minima, Piece, global_minima
from eos_sym.reading import declare, parse
from eos_sym.values import Values, named


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
        if self.loss.has(I):
            raise BadInput(f"the loss {self.loss} is not real; write it without the imaginary unit")
        unused = sorted(str(weight) for weight in set(self.weights) - self.loss.free_symbols)
        if unused:
            raise BadInput(f"{', '.join(unused)}: declared as a weight, but the loss does not depend on it")

    @classmethod
    def from_text(
        cls,
        text: str,
        weights: str | Sequence[str],
        parameters: str | Sequence[str] = (),
        name: str = "loss",
        positive: str | Sequence[str] = (),
    ) -> Objective:
        """The objective of a typed loss, for example ``Objective.from_text("(1 - x*y)**2/2", "x y")``.

        Parameters are real, and those that are named in `positive` are positive: ``a*x**2`` with ``positive="a"`` has
        its minimum at x = 0.
        """
        weights, parameters, positive = (
            names.split() if isinstance(names, str) else names for names in (weights, parameters, positive)
        )
        strangers = ", ".join(one for one in positive if one not in parameters)
        if strangers:
            raise BadInput(f"{strangers}: said to be positive, but no parameter; declare it as one")
        weight_symbols = tuple(declare(weight, real=True) for weight in weights)
        parameter_symbols = tuple(
            declare(parameter, positive=True) if parameter in positive else declare(parameter, real=True)
            for parameter in parameters
        )
        return cls(name, parse(text, (*weight_symbols, *parameter_symbols)), weight_symbols, parameter_symbols)

    @cached_property
    def gradient(self) -> ImmutableMatrix:
        """∇L, an n × 1 matrix."""
        return ImmutableMatrix([derivative(self.loss, weight) for weight in self.weights])

    @cached_property
    def hessian(self) -> ImmutableMatrix:
        """∇²L, an n × n matrix."""
        size = len(self.weights)
        upper = {
            (row, column): derivative(self.gradient[row], self.weights[column])
            for row in range(size)
            for column in range(row, size)
        }
        return ImmutableMatrix(size, size, lambda *place: upper[min(place), max(place)])

    def directional_derivative(self, *directions: Iterable[Expr]) -> Expr:
        """∇ᵏL(u₁, …, u_k), the k-th derivative of the loss along k constant directions of n components each."""
        columns = [Matrix(list(direction)) for direction in directions]
        for column in columns:
            if column.free_symbols & set(self.weights):
                raise BadInput(f"the direction {list(column)} depends on the weights; directions are constant")
            if column.shape != (len(self.weights), 1):
                raise BadInput(
                    f"a direction has {len(column)} components; {self.name} needs {len(self.weights)}, one a weight"
                )
        if self.loss.is_polynomial(*self.weights):
            return self._derivative_of_polynomial(columns)
        contracted = self.loss
        for column in columns:
            pairs = zip(column, self.weights, strict=True)
            contracted = sum((component * derivative(contracted, weight) for component, weight in pairs), Integer(0))
        return contracted

    def _derivative_of_polynomial(self, columns: Sequence[Matrix]) -> Expr:
        """The same in a ring of sparse polynomials: products of many weights have many equal terms, found at once."""
        components = {component: Dummy() for column in columns for component in column if component != 0}
        expanded = Poly(self.loss, *self.weights, *components.values())
        sparse, *generators = ring(expanded.gens, expanded.domain)
        weights = generators[: len(self.weights)]
        symbols = dict(zip(components, generators[len(self.weights) :], strict=True))
        contracted = sparse.from_dict(expanded.as_dict(native=True))
        for column in columns:
            pairs = [(symbols[part], weight) for part, weight in zip(column, weights, strict=True) if part != 0]
            contracted = sum((part * contracted.diff(weight) for part, weight in pairs), sparse.zero)
        return contracted.as_expr().xreplace({symbol: component for component, symbol in components.items()})

    @cached_property
    def domain(self) -> Domain:
        """Expressions all of which are positive where the loss is defined; none if it is so everywhere."""
        return domain_of(self.loss, self.weights)

    def smooth_near(self, point: Values) -> Objective:
        """The objective without kinks that this one is in a neighbourhood of a point; `Undecided` on a kink."""
        if not has_kinks(self.loss):
            return self
        (loss,) = smooth_near([self.loss], named("the point", (*self.weights, *self.parameters), point))
        if not {*self.weights} <= loss.free_symbols:
            missing = ", ".join(sorted(weight.name for weight in {*self.weights} - loss.free_symbols))
            raise Undecided(f"near the point the loss does not depend on {missing}: it is flat there")
        return Objective(self.name, loss, self.weights, self.parameters)

    @cached_property
    def minima(self) -> Minima:
        """The global minima, where they can be proved."""
        return global_minima(self.loss, self.weights)

    def beside(self, piece: Piece) -> Objective:
        """The objective without kinks that this one is around a point of its minima; `Undecided` on a kink."""
        return self.smooth_near(piece.sample) if has_kinks(self.loss) else self

    def _repr_latex_(self) -> str:
        variables = ", ".join(latex(symbol) for symbol in self.weights)
        return f"$L({variables}) = {latex(self.loss)}$"
