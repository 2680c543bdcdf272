"""β and κ₄ in closed form where the Hessian has a rank above one and its largest eigenvalue a closed form.

With u the unit eigenvector of λ₁, T = ∇³L(u, u, ·) and the columns of B a basis of the range of H, whose directions are
fast, Woodbury's way of projecting and inverting on the range gives

    β = T² − Tᵀ B (BᵀB)⁻¹ Bᵀ T,      κ₄ = Q − 3 Tᵀ B (BᵀHB)⁻¹ Bᵀ T,

without any other eigenvector. The next order is not derived. Errors: `Undecided` where λ₁ has no closed form, is not
the same eigenvalue everywhere, or is not known to be simple.
"""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Dummy, Expr, Matrix, Max, Symbol, cancel, diff, eye, factor

from eos_sym.algebra import top_eigenvalue
from eos_sym.edge.normal_forms.next_order import NextOrder
from eos_sym.errors import Undecided
from eos_sym.losses import Objective
from eos_sym.reasons import brief


def fast_coefficients(objective: Objective, point: Mapping[Symbol, Expr], hessian: Matrix) -> tuple[Expr, Expr, Expr]:
    """β, κ₄ and λ₁ at the minima, in their coordinates."""
    sharpness = top_eigenvalue(hessian)
    if sharpness.has(Max):
        raise Undecided(f"the edge law: which eigenvalue is the largest changes along the minima, {brief(sharpness)}")
    kernel = (hessian - sharpness * eye(hessian.rows)).applyfunc(cancel).nullspace(simplify=cancel)
    if len(kernel) != 1:
        raise Undecided(f"the edge law: the largest eigenvalue {brief(sharpness)} is not known to be simple")
    (column,) = kernel
    square = cancel(column.dot(column))
    distance = Dummy("t", real=True)
    pairs = zip(objective.weights, column, strict=True)
    line = {weight: point[weight] + distance * part for weight, part in pairs}
    slopes = Matrix([slope.xreplace(line) for slope in objective.gradient])
    third = (diff(slopes, distance, 2).subs(distance, 0) / square).applyfunc(cancel)
    fourth = cancel(diff(slopes, distance, 3).subs(distance, 0).dot(column) / square**2)
    basis = Matrix.hstack(*(hessian.col(index) for index in hessian.rref(simplify=cancel)[1]))
    inside = basis.T * third
    projected = (inside.T * (basis.T * basis).applyfunc(cancel).inv() * inside)[0]
    followed = (inside.T * (basis.T * hessian * basis).applyfunc(cancel).inv() * inside)[0]
    return factor(third.dot(third) - projected), factor(fourth - 3 * followed), sharpness


def not_derived() -> NextOrder:
    """The next order, which there is for rank one only."""
    raise Undecided("the edge law: how far it reaches is not derived where the Hessian has a rank above one")
