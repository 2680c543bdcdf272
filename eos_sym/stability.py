"""Linear stability of a fixed point or cycle: multipliers, Jury margins, critical values of a parameter.

The multipliers of a fixed point are the eigenvalues of the Jacobian there, the roots of its characteristic polynomial
p(z). On a manifold of minima of dimension k, k of them are exactly 1: they are *neutral*, say nothing about
stability across the manifold, and are divided out as (z − 1)ᵏ. The remaining factor is stable, all |z| < 1, iff every
Jury margin is positive. For p = zⁿ + a₁zⁿ⁻¹ + … + a_n, a₀ = 1, these are

    p(1),   (−1)ⁿ p(−1),   and a₀² − a_n² at every level of the recursion a_i ← a₀ a_i − a_n a_{n−i},

which divides by nothing, so that the margins are polynomials in the coefficients of p. Coordinates that do not act on
each other in a circle have multipliers of their own, and are treated block by block.
Source: E. I. Jury, Theory and Application of the z-Transform Method, 1964.

Errors: `BadInput` for a matrix that is not square; `Undecided` for a critical value without a closed form, or of
unknown sign or order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Expr, Matrix, Poly, Symbol, factor, factor_list, fraction, nsimplify, roots, together

from eos_sym.errors import BadInput, Undecided
from eos_sym.signs import positive_where_defined, sign_changes


@dataclass(frozen=True)
class StabilityCondition:
    """Stable iff every margin is positive; `neutral` multipliers equal to 1 were divided out.

    `multipliers` are the other ones in closed form, with multiplicity, or None where there is no closed form. `degree`
    is that of the largest factor that the margins belong to: up to 2, margins that are nonnegative leave all
    multipliers in the closed unit disc; beyond, a vanishing margin may hide a pair such as 2 and ½.
    """

    margins: tuple[Expr, ...]
    neutral: int
    multipliers: Mapping[Expr, int] | None
    degree: int

    def verdict(self, at: Mapping[Symbol, Expr]) -> str:
        """``stable``, ``unstable`` or ``marginal`` at the given values, or ``undecided`` if a sign is not settled."""
        margins = [factor(margin.subs(at)) for margin in self.margins]
        if not margins:
            return "marginal"  # every multiplier is 1
        if any(margin.is_negative for margin in margins):
            return "unstable"
        if all(margin.is_positive for margin in margins):
            return "stable"
        vanishing = any(margin.is_zero for margin in margins)
        if vanishing and self.degree <= 2 and all(margin.is_nonnegative for margin in margins):
            return "marginal"
        return "undecided"

    def critical_value(self, parameter: Symbol) -> Expr:
        """The least positive value of the parameter, such as the step size, at which a margin vanishes.

        Below it all margins are positive: they have no zero there, and are positive close to 0, which is checked.
        """
        zeros = {zero for margin in self.margins for zero in _positive_zeros(margin, parameter)}
        if not zeros:
            raise Undecided(f"the critical {parameter}: no margin vanishes at a positive value")
        least = [zero for zero in zeros if all(factor(other - zero).is_nonnegative for other in zeros)]
        if not least:
            raise Undecided(f"the critical {parameter} is the least of {', '.join(sorted(map(str, zeros)))}")
        if not all(positive_where_defined(_lowest_coefficient(margin, parameter)) for margin in self.margins):
            raise Undecided(f"the critical {parameter}: not known to be stable below {least[0]}")
        return least[0]


def _positive_zeros(margin: Expr, parameter: Symbol) -> list[Expr]:
    """The positive zeros of a margin in closed form, proved to be all of them.

    Descartes' rule comes first: as many sign changes among the coefficients, so many positive zeros at most, and one if
    there is one change. That zero is never 0, so which of the closed forms it is can be told at any parameters.
    """
    numerator = Poly(fraction(together(margin))[0], parameter)
    changes = sign_changes(numerator)
    if changes == 0:
        return []
    zeros = roots(numerator)
    if sum(zeros.values()) != numerator.degree():
        raise Undecided(f"the critical {parameter}: {margin} = 0 has no closed-form solution")
    candidates = [zero for zero in map(factor, zeros) if not (zero.is_nonpositive or zero.is_real is False)]
    if changes == 1:
        sample = {symbol: 1 for zero in candidates for symbol in zero.free_symbols}
        candidates = [zero for zero in candidates if zero.subs(sample).is_positive]
    elif not all(positive_where_defined(zero) for zero in candidates):
        raise Undecided(f"the critical {parameter}: {margin} has a zero of unknown sign")
    return candidates


def _lowest_coefficient(margin: Expr, parameter: Symbol) -> Expr:
    """The coefficient that the sign of a margin depends on as the parameter goes to 0."""
    numerator, denominator = (Poly(part, parameter) for part in fraction(together(margin)))
    return factor(numerator.EC() / denominator.EC())


def stability(jacobian: Matrix) -> StabilityCondition:
    """The condition for the fixed point or cycle with this Jacobian (of a cycle: the product along it)."""
    if jacobian.rows != jacobian.cols:
        raise BadInput(f"a Jacobian of shape {jacobian.shape} is not square")
    jacobian = jacobian.applyfunc(lambda entry: nsimplify(entry, rational=True))  # floats mean the rationals they are
    neutral = degree = 0
    margins: list[Expr] = []
    multipliers: dict[Expr, int] = {}
    for block in jacobian.strongly_connected_components():
        characteristic = jacobian.extract(block, block).charpoly()
        for part, multiplicity in factor_list(characteristic.as_expr(), characteristic.gen)[1]:
            polynomial = Poly(part, characteristic.gen)
            if polynomial.degree() == 1 and polynomial.eval(1) == 0:
                neutral += multiplicity
                continue
            degree = max(degree, polynomial.degree())
            margins += jury_margins(polynomial)
            for root, count in roots(polynomial).items():
                multiplier = factor(root)
                multipliers[multiplier] = multipliers.get(multiplier, 0) + count * multiplicity
    if neutral and (jacobian - Matrix.eye(jacobian.rows)).rank(simplify=True) != jacobian.rows - neutral:
        raise Undecided("the multipliers equal to 1 are defective: perturbations grow linearly, whatever the others do")
    closed_form = sum(multipliers.values()) + neutral == jacobian.rows
    return StabilityCondition(tuple(dict.fromkeys(margins)), neutral, multipliers if closed_form else None, degree)


def jury_margins(polynomial: Poly) -> list[Expr]:
    """The margins of p(z): all its roots satisfy |z| < 1 iff each is positive, whatever the sign of a₀."""
    leading = polynomial.LC()
    margins = [polynomial.eval(1) / leading, (-1) ** polynomial.degree() * polynomial.eval(-1) / leading]
    coefficients = [coefficient / leading for coefficient in polynomial.all_coeffs()]
    while len(coefficients) > 2:
        first, last = coefficients[0], coefficients[-1]
        margins.append(first**2 - last**2)
        reversed_coefficients = reversed(coefficients)
        coefficients = [first * a - last * b for a, b in zip(coefficients, reversed_coefficients, strict=True)][:-1]
    return [factor(margin) for margin in margins]
