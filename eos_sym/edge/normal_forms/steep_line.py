"""A loss on the line through a minimum along u, in closed form, where the Hessian has rank one.

Then ∇²L = S u uᵀ, so that u is any column h of the Hessian over its length, every other direction is slow, and β, κ₄
and the next order are rational in the coordinates of the minima. With D_k the k-th derivative of ∇L(θ + th) at t = 0,
and ⊥ for the part across u,

    T = D₂/h²,   Q⃗ = D₃/|h|³,   P = D₄/h⁴,   R = D₅/|h|⁵,      β = T⊥²,   κ₄ = Q_u − 3T_u²/S,

and the formulas of `eos_sym.edge.normal_forms.next_order`, in which odd powers of |h| go in pairs. Errors: `Undecided`
for the next order on a curve along which the sharpness does not rise the fastest: slow coordinates do not stay on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from sympy import Dummy, Expr, Matrix, Poly, PolynomialError, Symbol, cancel, diff, factor, factorial

from eos_sym.edge.normal_forms.next_order import NextOrder, closed
from eos_sym.errors import Undecided
from eos_sym.losses import Objective

_DISTANCE = Dummy("t", real=True)


@dataclass(frozen=True)
class SteepLine:
    """The weights of the minima in their coordinates, the Hessian there, and where on its diagonal it is not 0."""

    objective: Objective
    point: Mapping[Symbol, Expr]
    hessian: Matrix
    pivot: int

    @cached_property
    def sharpness(self) -> Expr:
        """S."""
        return cancel(self.hessian.trace())

    @cached_property
    def beta(self) -> Expr:
        """β."""
        return factor(self._third.dot(self._third) - self._along**2 / self._square)

    @cached_property
    def quartic(self) -> Expr:
        """κ₄."""
        return factor(self._fourth - 3 * self._along**2 / self._square / self.sharpness)

    def next_order(self) -> NextOrder:
        """All in closed form."""
        square, sharpness, h = self._square, self.sharpness, self._column
        mean = -self._along / (2 * sharpness)  # |h| m₂
        steep, fourth = self._across(self._third), self._across(self._derivative(3)) / square  # T⊥, |h| Q⊥
        fifth = self._derivative(4) / square**2
        along_fifth = fifth.dot(h)  # |h| P_u
        wobble = ((mean * steep + fourth / 6) / sharpness).applyfunc(cancel)  # |h| z₃
        higher = self._along * mean**2 / square / 2 + self._fourth * mean / 2 + along_fifth / 24 + wobble.dot(steep)
        growth = (
            self._derivative(5).dot(h) / square**3 / 120
            + (
                -self._along * higher / sharpness
                + self._fourth * mean**2 / 2
                + along_fifth * mean / 6
                + wobble.dot(mean * steep + fourth / 2)
            )
            / square
        )
        bent = diff((wobble.T * self.objective.hessian.xreplace(self._line) * steep)[0], _DISTANCE).subs(_DISTANCE, 0)
        drift = (mean**2 * self.beta + mean * steep.dot(fourth) + 2 * bent) / square + steep.dot(fifth) / 12
        return closed(
            self._slope(self.beta),
            self._slope(self.quartic),
            factor(self._along**2 / square / sharpness**2),
            factor(growth),
            factor(drift / self.beta),
        )

    def _slope(self, quantity: Expr) -> Expr:
        """The derivative by the sharpness, in the direction T⊥ in which that rises the fastest."""
        weights = self.objective.weights
        steep = self._across(self._third)
        free = [index for index, weight in enumerate(weights) if self.point[weight] == weight]
        tangent = sum((steep[i] * Matrix([diff(self.point[w], weights[i]) for w in weights]) for i in free), 0 * steep)
        if any(cancel(defect) != 0 for defect in tangent - steep):
            raise Undecided("the edge law to the next order: the curve is not one of steepest ascent of the sharpness")
        return factor(sum(steep[i] * diff(quantity, weights[i]) for i in free) / self.beta)

    @cached_property
    def _column(self) -> Matrix:
        return self.hessian.col(self.pivot)

    @cached_property
    def _square(self) -> Expr:
        """h²."""
        return cancel(self._column[self.pivot] * self.sharpness)

    @cached_property
    def _line(self) -> dict[Symbol, Expr]:
        pairs = zip(self.point.items(), self._column, strict=True)
        return {weight: value + _DISTANCE * part for (weight, value), part in pairs}

    @cached_property
    def _slopes(self) -> list[Expr]:
        return [slope.xreplace(self._line) for slope in self.objective.gradient]

    @cached_property
    def _third(self) -> Matrix:
        """T."""
        return self._derivative(2) / self._square

    @cached_property
    def _along(self) -> Expr:
        """h·T."""
        return cancel(self._third.dot(self._column))

    @cached_property
    def _fourth(self) -> Expr:
        """Q_u."""
        return cancel(self._derivative(3).dot(self._column) / self._square**2)

    def _across(self, vector: Matrix) -> Matrix:
        return (vector - vector.dot(self._column) / self._square * self._column).applyfunc(cancel)

    def _derivative(self, order: int) -> Matrix:
        """D_k; of polynomials from their coefficients, which is a hundred times faster."""
        return Matrix([_derivative(slope, order) for slope in self._slopes])


def _derivative(slope: Expr, order: int) -> Expr:
    try:
        return factorial(order) * Poly(slope, _DISTANCE).coeff_monomial(_DISTANCE**order)
    except PolynomialError:
        return diff(slope, _DISTANCE, order).subs(_DISTANCE, 0)
