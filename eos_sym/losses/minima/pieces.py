"""The set of minima of a loss: points, manifolds with a chart, or several of both.

Errors: `Undecided` for a sharpness without closed form, and for what is asked of the only piece where there are more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Expr, Matrix, S, Symbol, simplify

from eos_sym.algebra import point_where_positive, top_eigenvalue
from eos_sym.errors import Undecided
from eos_sym.notebook import aligned
from eos_sym.reasons import brief


@dataclass(frozen=True)
class Piece:
    """The real solutions of `equations`, where the loss equals `value`; a point where no weight is `free`.

    `chart` solves the equations for some of the weights; substituting it puts an expression on the piece, at all of its
    points but those where the solution is undefined. The numbers in it are exact up to the `error`. The minima of a
    loss with kinks are those points of the piece at which the expressions in `where` are not negative.
    """

    equations: tuple[Expr, ...]
    chart: Mapping[Symbol, Expr]
    free: tuple[Symbol, ...]
    value: Expr
    error: Expr = S.Zero
    where: tuple[Expr, ...] = ()

    def __str__(self) -> str:
        conditions = [f"{condition} ≥ 0" for condition in self.where]
        return ", ".join([*(f"{name} = {value}" for name, value in self.chart.items()), *conditions])

    @property
    def sample(self) -> Mapping[Symbol, Expr]:
        """A point of the piece, not on the edge of `where`."""
        free = point_where_positive(self.where, self.free)
        if free is None:
            raise Undecided(f"the minima: {brief(self.where)} are positive nowhere together")
        return {**free, **{name: simplify(value.subs(free)) for name, value in self.chart.items()}}

    def on(self, expression: Expr) -> Expr:
        """The expression, or matrix of expressions, restricted to the piece and simplified."""
        return simplify(expression.subs(self.chart))

    def sharpness(self, hessian: Matrix) -> Expr:
        """λ₁, the largest eigenvalue of a loss's Hessian, in the free weights."""
        return top_eigenvalue(hessian.subs(self.chart))


@dataclass(frozen=True)
class Minima:
    """All minima of an objective, the `pieces` together; none if it has no minimum, for the `reason` that is given.

    They are the global ones if `are_global`, and all of the value `value`. Where a loss is not known to be least
    anywhere, they are its local minima, each proved by the second derivatives.
    """

    pieces: tuple[Piece, ...]
    are_global: bool = True
    reason: str = ""

    def __str__(self) -> str:
        if not self.pieces:
            return f"none: {self.reason}"
        return f"{'global' if self.are_global else 'local'}: {'; '.join(map(str, self.pieces))}"

    def _repr_latex_(self) -> str:
        rows = [
            row
            for piece in self.pieces
            for row in (*((equation, "=", "0") for equation in piece.equations), ("L", "=", piece.value))
        ]
        return aligned(rows or [("", "", r"\text{none}")])

    @property
    def piece(self) -> Piece:
        """The only piece."""
        if not self.pieces:
            raise Undecided(f"there is no minimum: {self.reason}")
        if len(self.pieces) > 1:
            raise Undecided(f"the minima: there are {len(self.pieces)} pieces of them; take one of `pieces`")
        return self.pieces[0]

    @property
    def equations(self) -> tuple[Expr, ...]:
        """The equations of the only piece."""
        return self.piece.equations

    @property
    def chart(self) -> Mapping[Symbol, Expr]:
        """The chart of the only piece."""
        return self.piece.chart

    @property
    def value(self) -> Expr:
        """The loss at the minima, where it is the same at all of them."""
        values = {piece.value for piece in self.pieces}
        if not self.pieces or not (self.are_global or len(values) == 1):
            raise Undecided("the least loss: it is not known, or not attained")
        return self.pieces[0].value

    def on(self, expression: Expr) -> Expr:
        """The expression, or matrix of expressions, restricted to the only piece and simplified."""
        return self.piece.on(expression)
