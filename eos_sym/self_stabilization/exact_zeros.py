"""Whether ∇S⊥ = 0, or α = 0, exactly: at a rational point of a polynomial loss.

The top eigenvalue λ is a root of an irreducible factor m of the characteristic polynomial, over ℚ, and a column of the
adjugate of ∇²L − λ is its eigenvector v(λ), a polynomial in λ. With T(λ) = ∇³L(v, v, ·) and g = ∇L, of rational numbers
at such a point,

    ∇S⊥ = 0  iff every Tᵢvⱼ − Tⱼvᵢ = 0,        α = 0  iff (g·T)(v·v) − (v·T)(v·g) = 0,

and a polynomial in λ is 0 iff m divides it. No eigenvalue is ever computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from sympy import Dummy, Expr, Matrix, Poly, Rational, Symbol, diff, eye

from eos_sym.losses import Objective

_EIGENVALUE = Dummy("lambda", real=True)


@dataclass(frozen=True)
class ExactZeros:
    """What is known to vanish at a point."""

    steepness: bool
    sharpening: bool


def exact_zeros(objective: Objective, point: Mapping[Symbol, Rational]) -> ExactZeros:
    """Both False where the derivatives at the point are not rational numbers: nothing is known then."""
    hessian, gradient = Matrix(objective.hessian.subs(point)), Matrix(objective.gradient.subs(point))
    if not all(entry.is_Rational for entry in (*hessian, *gradient)):
        return ExactZeros(steepness=False, sharpening=False)
    factors = Poly(hessian.charpoly().all_coeffs(), _EIGENVALUE).factor_list()[1]
    top = max((part for part, _ in factors), key=lambda part: max(part.real_roots(radicals=False)))
    adjugate = (hessian - _EIGENVALUE * eye(hessian.rows)).adjugate().applyfunc(lambda entry: _reduced(entry, top))
    vector = next((adjugate.col(j) for j in range(adjugate.cols) if not adjugate.col(j).is_zero_matrix), None)
    names = [Dummy() for _ in objective.weights]
    curvature = objective.directional_derivative(names, names)
    slopes = [diff(curvature, weight).subs(point) for weight in objective.weights]
    if vector is None or not all(slope.is_polynomial(*names) for slope in slopes):
        return ExactZeros(steepness=False, sharpening=False)
    third = Matrix(slopes).subs(dict(zip(names, vector, strict=True)), simultaneous=True)
    pairs = combinations(range(len(names)), 2)
    minors = (third[i] * vector[j] - third[j] * vector[i] for i, j in pairs)
    drive = gradient.dot(third) * vector.dot(vector) - vector.dot(third) * vector.dot(gradient)
    steepness = all(_reduced(minor, top) == 0 for minor in minors)
    return ExactZeros(steepness, _reduced(drive, top) == 0)


def _reduced(quantity: Expr, modulus: Poly) -> Expr:
    return Poly(quantity, _EIGENVALUE).rem(modulus).as_expr()
