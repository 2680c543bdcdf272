"""The reduced-order model of training at the edge: a polynomial loss in k edge coordinates and m across them.

Near a reference point θ*, with the unit eigenvectors u₁ … u_k at the edge and orthonormal directions κ₁ … κ_m across
them, the loss at θ* + Σ x_a u_a + Σ z_i κ_i is modelled to second order in z, with polynomials in x for coefficients,

    V(x, z) = a(x) + z·b(x) + ½ z·C(x) z,

    a(x) = Σ_{1 ≤ |e| ≤ A} a_e xᵉ,   b(x) = Σ_{0 ≤ |e| ≤ B} b_e xᵉ,   C(x) = Σ_{|e| = 0, 2 … Γ} C_e xᵉ,

xᵉ the monomial with exponents e. The degrees (A, B, Γ) are the order of the model. With x of weight 1 and z of weight
2, `BASE` = (4, 2, 0) has every term of weight 4 or less: what makes the oscillation grow, what it does to the
sharpness, and the fourth derivative. `EXPANDED` = (6, 5, 2) is what forecasts a spike. The coefficients of x z are zero
in exact eigenvectors, and what computed ones lack otherwise. The terms x z z stay out: truncated there, it runs away.

What training does on V is the map that a rule makes of it; for gradient descent with k = 1 and `BASE`

    x⁺ = x − η(a₁ + 2a₂x + 3a₃x² + 4a₄x³ + (b₁ + 2b₂x)·z),   z⁺ = z − η(b₀ + b₁x + b₂x² + C₀z),

with a₁ = u·∇L, 2a₂ = λ, 24a₄ = ∇⁴L(u,u,u,u), b₀ = ∇L⊥, b₁ = (∇²L u)⊥, 2b₂ = ∇³L(u,u,·)⊥, C₀ = ∇²L on the κ. Damian,
Nichani and Lee's predicted dynamics are those without a₃, a₄ and b₁, and with a constant drive.

Symbols: x1 …, z1 …; the coefficients a_e, b_i_e, C_ij_e are parameters, where e has a digit for each x. Errors:
`BadInput` for numbers of coordinates or degrees that are no whole numbers in their range.
Source: derived for this project; :cite:t:`damian2022selfstabilization` for the cubic terms.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from sympy import Add, Expr, Mul, Rational, Symbol

from eos_sym.errors import BadInput
from eos_sym.losses import Objective

BASE = (4, 2, 0)
EXPANDED = (6, 5, 2)
HIGHEST_DEGREE = 9  # a digit


def exponents(variables: int, degrees: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The exponents of all monomials of these degrees, by degree."""
    return [e for degree in degrees for e in product(range(degree, -1, -1), repeat=variables) if sum(e) == degree]


@dataclass(frozen=True)
class ReducedOrderModel:
    """V of k = `edge` and m = `across` coordinates; `quadratic` of the z have a C that depends on x, the first ones."""

    edge: int
    across: int
    order: tuple[int, int, int] = EXPANDED
    quadratic: int | None = None

    def __post_init__(self) -> None:
        if self.edge < 1 or self.across < 0:
            raise BadInput(f"{self.edge} coordinates at the edge and {self.across} across: take 1 or more, 0 or more")
        if min(self.order) < 0 or max(self.order) > HIGHEST_DEGREE or self.order[0] < 2:
            raise BadInput(f"order {self.order}: degrees from 0 to {HIGHEST_DEGREE}, that of a from 2")

    @property
    def edge_coordinates(self) -> tuple[Symbol, ...]:
        """x₁ … x_k."""
        return tuple(Symbol(f"x{a + 1}", real=True) for a in range(self.edge))

    @property
    def across_coordinates(self) -> tuple[Symbol, ...]:
        """z₁ … z_m."""
        return tuple(Symbol(f"z{i + 1}", real=True) for i in range(self.across))

    @property
    def along(self) -> list[tuple[int, ...]]:
        """The exponents of a(x)."""
        return exponents(self.edge, tuple(range(1, self.order[0] + 1)))

    @property
    def linear(self) -> list[tuple[int, ...]]:
        """The exponents of b(x)."""
        return exponents(self.edge, tuple(range(self.order[1] + 1)))

    @property
    def curved(self) -> list[tuple[int, ...]]:
        """The exponents of C(x)."""
        return exponents(self.edge, (0, *range(2, self.order[2] + 1)))

    def pairs(self, e: tuple[int, ...]) -> Iterator[tuple[int, int]]:
        """The places i ≤ j of C's coefficient of xᵉ that are not zero."""
        size = self.across if not sum(e) or self.quadratic is None else min(self.quadratic, self.across)
        return ((i, j) for i in range(size) for j in range(i, size))

    @cached_property
    def objective(self) -> Objective:
        """V, with its coefficients as parameters."""
        x, z = self.edge_coordinates, self.across_coordinates
        terms: dict[Symbol, Expr] = {coefficient("a", e): _monomial(x, e) for e in self.along}
        for i, e in product(range(self.across), self.linear):
            terms[coefficient("b", e, i)] = z[i] * _monomial(x, e)
        for e in self.curved:
            for i, j in self.pairs(e):
                half = Rational(1, 2) if i == j else 1
                terms[coefficient("C", e, i, j)] = half * z[i] * z[j] * _monomial(x, e)
        potential = Add(*(symbol * term for symbol, term in terms.items()))
        return Objective("reduced-order model", potential, (*x, *z), tuple(terms))


def coefficient(name: str, e: tuple[int, ...], *places: int) -> Symbol:
    """The symbol of a coefficient: a_31 of x₁³x₂, b_2_31 of z₂ times that, C_1_2_31 of z₁z₂ times that."""
    return Symbol("_".join([name, *(str(place + 1) for place in places), "".join(map(str, e))]), real=True)


def _monomial(x: tuple[Symbol, ...], e: tuple[int, ...]) -> Expr:
    return Mul(*(variable**power for variable, power in zip(x, e, strict=True)))
