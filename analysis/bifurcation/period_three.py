"""Where three-cycles are born, from one discriminant: nothing is searched for, and all is counted.

The points of three-cycles of F(z) = z(1 + K − Kz²) solve (F³(z) − z)/(F(z) − z) = 0, a polynomial Φ of degree 12 in
s = z². Two of its zeros meet only where its discriminant vanishes, and that is

    disc Φ = c K^a (λ₀² + λ₀ + 1)² (λ₁² + λ₁ + 1)² T(K)³

with the multipliers λ₀ = 1 + K and λ₁ = 1 − 2K of the fixed points, which are primitive cube roots of unity for no real
K. So for K > 0 real three-cycles come and go at zeros of T alone, where two of them meet in all three points (hence the
cube), and the multiplier is 1. None comes through s = 0 or infinity, as the first and the last coefficient of Φ are
positive. Sturm's theorem counts the zeros of T, and between them those of Φ.

Beyond its birth a three-cycle doubles in its turn: the window is a small copy of the family's quadratic cousin z² + c,
with c = 1/4 at the birth, c = 0, −1, … where a cycle is superstable, and c = −2 at the end.

Source: :cite:t:`morton1995bifurcations` for discriminants of this form; T is derived here.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from sympy import Expr, Poly, Rational, cancel, discriminant, factor_list, oo, sqrt

from analysis.bifurcation.cascade import Cascade
from analysis.bifurcation.theory import SQUARE, Family, K, z
from eos_sym import Undecided

SUPERSTABLE = 1.4532  # a guess of the superstable parameter of period 3


@dataclass(frozen=True)
class PeriodThree:
    """The three-cycles of the cubic family, each part computed on first use."""

    family: Family

    @cached_property
    def points(self) -> Expr:
        """Φ: its zeros s = z² are the points of all three-cycles."""
        thrice, once = (self.family.map.iterate(count).step[0] for count in (3, 1))
        quotient = cancel((thrice - z).expand() / (once - z).expand())
        return quotient.subs(z, sqrt(SQUARE)).expand()

    @cached_property
    def discriminant(self) -> dict[Expr, int]:
        """The irreducible factors of disc Φ with their multiplicities."""
        return dict(factor_list(discriminant(Poly(self.points, SQUARE)), K)[1])

    @cached_property
    def birth_polynomial(self) -> Expr:
        """T, the one factor with positive zeros."""
        polynomials = [Poly(part, K) for part in self.discriminant]
        found = [part for part in polynomials if part.count_roots(0, oo) > part.count_roots(0, 0)]
        if len(found) != 1:
            raise Undecided(f"the birth of period three: {len(found)} factors of the discriminant have positive zeros")
        return found[0].as_expr()

    @cached_property
    def births(self) -> list[Expr]:
        """The positive zeros of T, exact, in increasing order."""
        return [zero for zero in Poly(self.birth_polynomial, K).real_roots() if zero.is_positive]

    @cached_property
    def counts(self) -> list[int]:
        """The number of three-cycles before, between and after the births, mirror images counted as one."""
        ends = [0.0, *map(float, self.births), 2 * float(self.births[-1])]
        return [self.count_at(Rational((low + high) / 2)) for low, high in pairwise(ends)]

    def count_at(self, value: Rational) -> int:
        """The number of three-cycles at a rational K > 0."""
        return int(Poly(self.points.subs(K, value), SQUARE).count_roots(0, oo)) // 3

    @property
    def signs_at_the_ends(self) -> str:
        """Signs, for all K > 0, of Φ at s = ∞ and at s = 0."""
        coefficients = Poly(self.points, SQUARE).all_coeffs()
        ends = (coefficients[0].factor(), coefficients[-1].factor())
        return ", ".join("positive" if end.is_positive else "undecided" for end in ends)

    @property
    def unit(self) -> float:
        """The unit of c in the window of the first birth."""
        return 4 * (SUPERSTABLE - float(self.births[0]))

    def cascade(self, levels: int) -> Cascade:
        """The doublings in that window."""
        return Cascade(self.family, levels, 3, (SUPERSTABLE, SUPERSTABLE + self.unit))

    def as_report(self) -> dict[str, object]:
        """What is printed and written."""
        return {
            "zero_of": self.birth_polynomial,
            "births": [float(birth) for birth in self.births],
            "three_cycles": self.counts,
        }
