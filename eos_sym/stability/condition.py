"""The condition of linear stability: Jury margins, verdicts at given values, critical values of a parameter.

The multipliers of a fixed point are the eigenvalues of the Jacobian there (`eos_sym.stability.multipliers`). On a
manifold of minima of dimension k, k of them are exactly 1: they are *neutral*, say nothing about stability across the
manifold, and are left away. The polynomial p of the others is stable, all |z| < 1, iff every Jury margin is positive.
For p = zⁿ + a₁zⁿ⁻¹ + … + a_n, a₀ = 1, these are

    p(1),   (−1)ⁿ p(−1),   and a₀² − a_n² at every level of the recursion a_i ← a₀ a_i − a_n a_{n−i},

which divides by nothing, so that the margins are polynomials in the coefficients of p. A margin that is identically
zero, as of a multiplier −1 at all values, is 0. Source: :cite:t:`jury1964theory`.

Errors: `BadInput` for parameters without the values that a critical number needs; `Undecided` for a critical value that
has no closed form where one is wanted, is of unknown sign or order, or lies behind a pole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from sympy import (
    Expr,
    Float,
    Integer,
    Mul,
    Poly,
    Symbol,
    factor,
    factor_list,
    fraction,
    prod,
    roots,
    together,
)

from eos_sym.algebra import positive_where_defined, roots_of, sign_changes, sign_of, without_floats
from eos_sym.errors import BadInput, Undecided
from eos_sym.notebook import aligned
from eos_sym.reasons import brief
from eos_sym.values import Values, known_among, name_of


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

    def _repr_latex_(self) -> str:
        return aligned((margin, ">", "0") for margin in self.margins)

    def verdict(self, at: Values) -> str:
        """``stable``, ``unstable`` or ``marginal`` at the given values, or ``undecided`` if a sign is not settled."""
        margins = self._margins(at)
        margins = [factor(margin) if margin.free_symbols else margin for margin in margins]
        signs = [sign_of(margin) for margin in margins]
        if not signs:
            return "marginal"  # every multiplier is 1
        if -1 in signs:
            return "unstable"
        if all(sign == 1 for sign in signs):
            return "stable"
        if (
            0 in signs
            and self.degree <= 2
            and all(sign or margin.is_nonnegative for sign, margin in zip(signs, margins, strict=True))
        ):
            return "marginal"
        return "undecided"

    @property
    def unstable_unless_zero(self) -> Expr | None:
        """An expression wherever which is not 0 a margin is negative, or None where none is known.

        It has the factors of a margin that is nowhere positive, or is a negative multiple of another: across a line of
        saddles of ½(1 − xyz)², where the multipliers are 1 ± ηz, it is z.
        """
        opposite = (
            first for first, second in combinations(self.margins, 2) if second and (-first / second).is_positive
        )
        for margin in (*(margin for margin in self.margins if positive_where_defined(factor(-margin))), *opposite):
            factors = factor_list(fraction(together(margin))[0])[1]
            return Mul(*(part for part, _ in factors if not part.is_positive))
        return None

    def critical_value(self, parameter: Symbol | str, at: Values | None = None, digits: int | None = None) -> Expr:
        """The least positive value of the parameter, such as the step size, at which a margin vanishes.

        Below it all margins are positive: they have neither zeros nor poles there, and are positive close to 0, which
        is checked. `at` gives other parameters their values. The answer comes in closed form where one is found; else,
        if `digits` are given, as a number of so many digits, for which the other parameters need rational values.
        """
        margins = [factor(margin) for margin in self._margins(at)]
        if Integer(0) in margins:
            raise Undecided(f"the critical {parameter}: a multiplier is on the unit circle at all values")
        named_so = [symbol for margin in margins for symbol in margin.free_symbols if symbol.name == name_of(parameter)]
        parameter = named_so[0] if named_so else Symbol(name_of(parameter))
        try:
            least = _least_closed_form(margins, parameter)
        except Undecided:
            if digits is None:
                raise
            least = _least_number(margins, parameter, digits)
        if not all(positive_where_defined(_lowest_coefficient(margin, parameter)) for margin in margins):
            raise Undecided(f"the critical {parameter}: not known to be stable below {brief(least)}")
        return least

    def _margins(self, at: Values | None) -> list[Expr]:
        symbols = set().union(*(margin.free_symbols for margin in self.margins))
        values = {name: without_floats(value) for name, value in known_among(symbols, at).items()}
        return [margin.subs(values) for margin in self.margins]


def _least_closed_form(margins: Sequence[Expr], parameter: Symbol) -> Expr:
    fractions = [fraction(together(margin)) for margin in margins]
    zeros = {zero for numerator, _ in fractions for zero in _positive_zeros(numerator, parameter)}
    poles = {pole for _, denominator in fractions for pole in _positive_zeros(denominator, parameter)}
    if not zeros:
        raise Undecided(f"the critical {parameter}: no margin vanishes at a positive value")
    least = [zero for zero in zeros if all(factor(other - zero).is_nonnegative for other in zeros | poles)]
    if not least:
        names = brief(sorted(zeros | poles, key=str))
        raise Undecided(f"the critical {parameter} is the least of {names}" + " or a pole of a margin" * bool(poles))
    return least[0]


def _least_number(margins: Sequence[Expr], parameter: Symbol, digits: int) -> Float:
    """The least positive zero among the isolated roots of the margins."""
    strangers = sorted({str(symbol) for margin in margins for symbol in margin.free_symbols - {parameter}})
    if strangers:
        raise BadInput(f"{', '.join(strangers)}: without a value, so that the critical {parameter} is not a number")
    numerators, denominators = zip(*(fraction(together(margin)) for margin in margins), strict=True)
    zeros, poles = (
        [root for root in roots_of(prod(parts), parameter, digits) if root.is_real and root.ball.real > 0]
        for parts in (numerators, denominators)
    )
    if not zeros:
        raise Undecided(f"the critical {parameter}: no margin vanishes at a positive value")
    if not all(zeros[0].ball.real < pole.ball.real for pole in poles):
        raise Undecided(f"the critical {parameter}: a margin has a pole below {brief(zeros[0].value(digits))}")
    return zeros[0].value(digits)


def _positive_zeros(expression: Expr, parameter: Symbol) -> list[Expr]:
    """The positive zeros of a polynomial in closed form, proved to be all of them.

    Descartes' rule comes first: as many sign changes among the coefficients, so many positive zeros at most, and one if
    there is one change. That zero is never 0, so which of the closed forms it is can be told at any parameters.
    """
    polynomial = Poly(expression, parameter)
    changes = sign_changes(polynomial)
    if changes == 0:
        return []
    zeros = roots(polynomial)
    if sum(zeros.values()) != polynomial.degree():
        raise Undecided(f"the critical {parameter}: {brief(expression)} = 0 has no closed-form solution")
    candidates = [zero for zero in map(factor, zeros) if not (zero.is_nonpositive or zero.is_real is False)]
    if changes == 1:
        sample = {symbol: 1 for zero in candidates for symbol in zero.free_symbols}
        candidates = [zero for zero in candidates if zero.subs(sample).is_positive]
        told = len(candidates) == 1  # not so if three real roots are written with complex radicals
    else:
        told = all(positive_where_defined(zero) for zero in candidates)
    if not told:
        raise Undecided(f"the critical {parameter}: {brief(expression)} has a zero of unknown sign")
    return candidates


def _lowest_coefficient(margin: Expr, parameter: Symbol) -> Expr:
    """The coefficient that the sign of a margin depends on as the parameter goes to 0."""
    numerator, denominator = (Poly(part, parameter) for part in fraction(together(margin)))
    return factor(numerator.EC() / denominator.EC())
