"""All complex roots of a polynomial with rational coefficients, isolated with proof by python-flint.

FLINT splits the polynomial into squarefree parts, so multiplicities are exact, and encloses every root of a part in a
disc that contains no other one. Roots come in conjugate pairs, and a disc that touches the real axis without being
real would touch its mirror image too: whether a root is real is therefore decided, and a real one is returned with the
imaginary part exactly 0. A ball [m ± r] means: the number differs from m by at most r.

Errors: `BadInput` for the polynomial 0; `Undecided` for coefficients that are not rational.
Source: :cite:t:`johansson2017arb`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flint import acb, arb, ctx, fmpq, fmpz_poly
from sympy import Expr, Float, I, Integer, Poly, Rational, Symbol

from eos_sym.errors import BadInput, Undecided
from eos_sym.reasons import brief


@dataclass(frozen=True)
class Root:
    """A root: the ball that contains it and no other root, and its multiplicity."""

    ball: acb
    multiplicity: int

    @property
    def is_real(self) -> bool:
        """Whether the root is real; never in doubt."""
        return bool(self.ball.imag.is_zero())

    def value(self, digits: int) -> Expr:
        """The root as a floating-point number of so many digits."""
        real = decimal(self.ball.real, digits)
        return real if self.is_real else real + I * decimal(self.ball.imag, digits)


def roots_of(expression: Expr, variable: Symbol, digits: int) -> list[Root]:
    """All complex roots, real ones first and in ascending order; their multiplicities add up to the degree."""
    polynomial = Poly(expression, variable)
    if not (polynomial.domain.is_ZZ or polynomial.domain.is_QQ):
        raise Undecided(f"the roots of {brief(expression)}: its coefficients are not rational numbers")
    if polynomial.is_zero:
        raise BadInput("the polynomial 0 vanishes everywhere; its roots cannot be listed")
    integers = [int(coefficient) for coefficient in reversed(polynomial.clear_denoms()[1].all_coeffs())]
    return isolated_roots(fmpz_poly(integers), digits)


def isolated_roots(polynomial: fmpz_poly, digits: int) -> list[Root]:
    """All complex roots of a polynomial of FLINT's, their balls at least so many digits sharp."""
    with ctx.workdps(digits + 5):
        pairs: Any = polynomial.complex_roots()
        found = [Root(acb(ball), multiplicity) for ball, multiplicity in pairs]
    if sum(root.multiplicity for root in found) != polynomial.degree():
        raise Undecided("the roots of a polynomial: their multiplicities do not add up to its degree")
    return sorted(found, key=lambda root: (not root.is_real, float(root.ball.real.mid()), float(root.ball.imag.mid())))


def decimal(ball: arb, digits: int) -> Float:
    """The midpoint of a ball, rounded to a number of digits."""
    with ctx.workdps(digits + 5):
        mantissa, _, exponent = ball.mid().mid_rad_10exp(digits + 2)
    return Float(Rational(int(mantissa)) * Integer(10) ** int(exponent), digits)


def distance(ball: arb, number: Expr) -> Float:
    """An upper bound for the distance between a rational or floating-point number and whatever the ball contains."""
    exact = Rational(number)
    with ctx.workdps(400):
        return decimal(abs(ball - arb(fmpq(int(exact.p), int(exact.q)))).upper() * arb(1.001), 3)
