"""The theory of both basins: one form of the two maps, the ellipse of degree 2, its angle, and a region of no return.

Either loss is a function of the product P = xy alone, so that with the pull g = h ℓ'(P), h the step size, and the
square s = x² + y² one step of gradient descent is

    x' = x − gy,   y' = y − gx,      P' = P(1 + g²) − gs,   s' = s(1 + g²) − 4gP.

*No return.* Where q = gP/s ≥ 4/3, P' = mP with m = 1 + g²(1 − 1/q) ≥ 1 + g²/4, and s' = s(1 + g² − 4q). As s ≥ 2|P|,
|g| ≥ 2q. The pull grows with |P|, at degree 4 by m³ at least, at degree 2 with h < 1, where |P| ≥ |g|/h − 1 ≥ 5/3, by
(5m + 3)/8. So q' ≥ q if m⁴, or m(5m + 3)/8, is at least 1 + g² − 16/3: a polynomial inequality in g².

*Kept at degree 4.* The box |P| ≤ p, |D| ≤ d is kept where |P'| ≤ p and g² ≤ 2, since D' = D(1 − g²); which boxes are
is decided by intervals in `analysis.basins.proofs`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import (
    Dummy,
    Expr,
    Poly,
    Rational,
    Symbol,
    acosh,
    cancel,
    cos,
    expand,
    fraction,
    pi,
    simplify,
    sin,
    sqrt,
    symbols,
    together,
)

from analysis.minimalist.theory import DISTANCE_SQUARED, P, Theory, derive
from analysis.minimalist.two_cycles import SQUARE
from analysis.shallow.theory import degree_two
from eos_sym import STEP_SIZE, Map, shallow

STEP_SIZE_RATIO = {4: 1, 2: 2}  # of the degree's own step size to η: then both are at the edge at the same minima
x, y = shallow().weights
ANGLE, PULL = (Symbol(name, real=True) for name in ("phi", "g"))
UNIT = Symbol("w")  # e^{2iφ}
NO_RETURN = Rational(4, 3)


@dataclass(frozen=True)
class Basins:
    """What is derived of both losses, by degree; step sizes are each loss's own."""

    @cached_property
    def theories(self) -> Mapping[int, Theory]:
        """The derivations of the maps, the minima and the coordinates at the edge."""
        return {4: derive(), 2: degree_two()}

    def map(self, degree: int) -> Map:
        """One step on x and y."""
        return self.theories[degree].reduced_map

    @cached_property
    def pulls(self) -> Mapping[int, Expr]:
        """g as a function of P."""
        return {degree: cancel(cancel((x - self.map(degree).step[0]) / y).subs(y, P / x)) for degree in self.theories}

    def common_form(self) -> tuple[Expr, Expr]:
        """P' and s' through g, P and s."""
        return P * (1 + PULL**2) - PULL * DISTANCE_SQUARED, DISTANCE_SQUARED * (1 + PULL**2) - 4 * PULL * P

    def common_form_defect(self, degree: int) -> list[Expr]:
        """P' and s' from the map itself, less their common form with this degree's pull; zero if the form is right."""
        at = {PULL: self.pulls[degree].subs(P, x * y), P: x * y, DISTANCE_SQUARED: x**2 + y**2}
        common = (form.subs(at, simultaneous=True) for form in self.common_form())
        return [
            expand(self.map(degree).after(at[name]) - form)
            for name, form in zip((P, DISTANCE_SQUARED), common, strict=True)
        ]

    def commutator(self, degree: int, image: Sequence[Expr]) -> list[Expr]:
        """F(σ(θ)) − σ(F(θ)) for the reflection σ that takes (x, y) to this image; zero if F commutes with it."""
        dynamics = self.map(degree)
        reflected = [step.subs({x: image[0], y: image[1]}, simultaneous=True) for step in dynamics.step]
        return [expand(before - dynamics.after(part)) for before, part in zip(reflected, image, strict=True)]

    @cached_property
    def ellipse(self) -> Expr:
        """h(x² + y²) − h²(xy − 1) − 4, zero on the boundary of degree 2 and negative inside."""
        return STEP_SIZE * (x**2 + y**2) - STEP_SIZE**2 * (x * y - 1) - 4

    @cached_property
    def ellipse_factor(self) -> Expr:
        """What one step multiplies the ellipse's polynomial by, found by division, through g."""
        return Poly(self.map(2).cofactor(self.ellipse).subs(y, (PULL / STEP_SIZE + 1) / x), PULL).as_expr()

    @cached_property
    def on_ellipse(self) -> tuple[Expr, Expr]:
        """x and y at the angle φ: x + y = √(8/h + 4) cos φ, x − y = √(8/h − 4) sin φ."""
        along, across = sqrt(8 / STEP_SIZE + 4) * cos(ANGLE), sqrt(8 / STEP_SIZE - 4) * sin(ANGLE)
        return (along + across) / 2, (along - across) / 2

    def angle_defect(self) -> list[Expr]:
        """One step from the angle φ less the point at the angle π − 3φ; zero if the angle is tripled."""
        at = dict(zip((x, y), self.on_ellipse, strict=True))
        moved = [step.subs(at, simultaneous=True) for step in self.map(2).step]
        tripled = [coordinate.subs(ANGLE, pi - 3 * ANGLE) for coordinate in self.on_ellipse]
        return [simplify((a - b).expand(trig=True)) for a, b in zip(moved, tripled, strict=True)]

    @cached_property
    def rate_polynomial(self) -> Poly:
        """w² times the factor of the ellipse at w = e^{2iφ}; on it, g = 2 cos 2φ = w + 1/w."""
        pull = self.pulls[2].subs(P, self.on_ellipse[0] * self.on_ellipse[1])
        assert simplify(pull - 2 * cos(2 * ANGLE)) == 0
        return Poly((self.ellipse_factor.subs(PULL, UNIT + 1 / UNIT) * UNIT**2).expand(), UNIT)

    @cached_property
    def twice_cosh_of_rate(self) -> Expr:
        """T = M + 1/M, M the product of the zeros of the rate polynomial outside the unit circle.

        With these zeros conjugate it is (w² − aw + M)(w² − aw/M + 1/M): comparing coefficients, a = −hM/(M + 1) and
        T + h²/(T + 2) = 3.
        """
        return (1 + sqrt(25 - 4 * STEP_SIZE**2)) / 2

    @cached_property
    def rate(self) -> Expr:
        """λ, the mean of ln(1 + hg + g²) over the angle: by Jensen's formula ln M, with cosh λ = T/2."""
        return acosh(self.twice_cosh_of_rate / 2)

    @cached_property
    def rate_defect(self) -> list[Expr]:
        """The coefficients of the rate polynomial less those of its factors; zero if T is right."""
        outside, total = Dummy("M", positive=True), self.twice_cosh_of_rate
        middle = -STEP_SIZE * outside / (outside + 1)
        product = (UNIT**2 - middle * UNIT + outside) * (UNIT**2 - middle / outside * UNIT + 1 / outside)
        difference = Poly((product - self.rate_polynomial.as_expr()).expand(), UNIT)
        root = (total + sqrt(total**2 - 4)) / 2
        return [simplify(coefficient.subs(outside, root)) for coefficient in difference.all_coeffs()]

    @property
    def zeros_outside(self) -> str:
        """Signs, for all h < 2, of T − 2, so that M > 1, and of 4M − a², so that w² − aw + M has conjugate zeros.

        Then they have the modulus √M, and those of the other factor 1/√M. T > 2 iff 25 − 4h² > 9.
        """
        step_size, outside = 2 / (1 + Symbol("d", positive=True)), 1 + Symbol("m", positive=True)
        total = 25 - 4 * step_size**2 - 9
        conjugate = 4 * outside - (step_size * outside / (outside + 1)) ** 2
        numerators = [fraction(together(one))[0].expand() for one in (total, conjugate)]
        return ", ".join("positive" if one.is_positive else "undecided" for one in numerators)

    @cached_property
    def diagonal_multipliers(self) -> Mapping[int, Expr]:
        """The slope of the map on y = x at the two-cycle x ↦ −x: at degree 2 in h, at degree 4 in x²."""
        cycles = {
            2: {x: sqrt(1 + 2 / STEP_SIZE)},
            4: {x: sqrt(SQUARE), STEP_SIZE: self.theories[4].two_cycles.symmetric_step_size},
        }
        slopes = {degree: self.map(degree).restrict({y: x}).step[0].diff(x) for degree in cycles}
        return {degree: cancel(slopes[degree].subs(at, simultaneous=True)) for degree, at in cycles.items()}

    def margins_of_no_return(self, degree: int) -> list[Expr]:
        """What must not be negative for q ≥ 4/3 to last: see the top; in g², m and |P| shifted to start at 0."""
        square, extra, more = symbols("t mu nu", nonnegative=True)
        at_least, needed, growth = 1 + square / 4, 1 + square - 4 * NO_RETURN, 1 + extra
        if degree == 4:
            pull = self.pulls[4] / STEP_SIZE
            return [expand(at_least**4 - needed), cancel((pull.subs(P, growth * P) - growth**3 * pull) / P)]
        product = Rational(5, 3) + more
        slow = (growth * product + 1) / (product + 1) - (5 * growth + 3) / 8
        return [expand(at_least * (5 * at_least + 3) / 8 - needed), cancel(slow)]

    def as_report(self) -> dict[str, Any]:
        """What is printed and written."""
        product, square = self.common_form()
        return {
            "maps": {f"degree {degree}": self.map(degree) for degree in self.theories},
            "pull": {f"degree {degree}": pull for degree, pull in self.pulls.items()},
            "product_and_square": {"P": product, "s": square},
            "boundary_of_degree_2": {"zero on it": self.ellipse, "times in one step": self.ellipse_factor},
            "rate_away_from_the_boundary_of_degree_2": self.rate,
            "multipliers_on_the_diagonal": {
                "degree 2": self.diagonal_multipliers[2],
                "degree 4, in s = x^2": self.diagonal_multipliers[4],
            },
            "no_return_where": "P*g/(x**2 + y**2) >= 4/3",
        }


def nonnegative(polynomial: Expr) -> bool:
    """Whether it is proved, by signs or as a quadratic, that an expression in nonnegative symbols is not negative."""
    if polynomial.is_nonnegative:
        return True
    (variable,) = polynomial.free_symbols
    leading, middle, last = (polynomial.coeff(variable, power) for power in (2, 1, 0))
    remainder = expand(polynomial - leading * variable**2 - middle * variable - last)
    return bool(remainder == 0 and leading > 0 and middle**2 < 4 * leading * last)
