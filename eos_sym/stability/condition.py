"""Linear stability of a fixed point or cycle: multipliers, Jury margins, critical values of a parameter.

The multipliers of a fixed point are the eigenvalues of the Jacobian there, the roots of its characteristic polynomial
p(z). On a manifold of minima of dimension k, k of them are exactly 1: they are *neutral*, say nothing about
stability across the manifold, and are divided out as (z − 1)ᵏ. The remaining factor is stable, all |z| < 1, iff every
Jury margin is positive. For p = zⁿ + a₁zⁿ⁻¹ + … + a_n, a₀ = 1, these are

    p(1),   (−1)ⁿ p(−1),   and a₀² − a_n² at every level of the recursion a_i ← a₀ a_i − a_n a_{n−i},

which divides by nothing, so that the margins are polynomials in the coefficients of p. Coordinates that do not act on
each other in a circle have multipliers of their own, and are treated block by block.
Source: :cite:t:`jury1964theory`.

Errors: `BadInput` for a matrix that is not square, and for parameters without the values that a critical number needs;
`Undecided` for a critical value that has no closed form where one is wanted, is of unknown sign or order, or lies
behind a pole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sympy import (
    Dummy,
    Expr,
    Float,
    Matrix,
    Poly,
    Symbol,
    cancel,
    factor,
    factor_list,
    fraction,
    nan,
    nsimplify,
    prod,
    roots,
    together,
    zoo,
)

from eos_sym.algebra import positive_where_defined, rank_one_pivot, roots_of, sign_changes
from eos_sym.errors import BadInput, Undecided
from eos_sym.notebook import aligned
from eos_sym.stability.jury import jury_margins
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
        margins = [factor(margin) for margin in self._margins(at)]
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

    def critical_value(self, parameter: Symbol | str, at: Values | None = None, digits: int | None = None) -> Expr:
        """The least positive value of the parameter, such as the step size, at which a margin vanishes.

        Below it all margins are positive: they have neither zeros nor poles there, and are positive close to 0, which
        is checked. `at` gives other parameters their values. The answer comes in closed form where one is found; else,
        if `digits` are given, as a number of so many digits, for which the other parameters need rational values.
        """
        margins = [factor(margin) for margin in self._margins(at)]
        named_so = [symbol for margin in margins for symbol in margin.free_symbols if symbol.name == name_of(parameter)]
        parameter = named_so[0] if named_so else Symbol(name_of(parameter))
        try:
            least = _least_closed_form(margins, parameter)
        except Undecided:
            if digits is None:
                raise
            least = _least_number(margins, parameter, digits)
        if not all(positive_where_defined(_lowest_coefficient(margin, parameter)) for margin in margins):
            raise Undecided(f"the critical {parameter}: not known to be stable below {least}")
        return least

    def _margins(self, at: Values | None) -> list[Expr]:
        symbols = set().union(*(margin.free_symbols for margin in self.margins))
        values = known_among(symbols, at)
        return [margin.subs(values) for margin in self.margins]


def _least_closed_form(margins: Sequence[Expr], parameter: Symbol) -> Expr:
    fractions = [fraction(together(margin)) for margin in margins]
    zeros = {zero for numerator, _ in fractions for zero in _positive_zeros(numerator, parameter)}
    poles = {pole for _, denominator in fractions for pole in _positive_zeros(denominator, parameter)}
    if not zeros:
        raise Undecided(f"the critical {parameter}: no margin vanishes at a positive value")
    least = [zero for zero in zeros if all(factor(other - zero).is_nonnegative for other in zeros | poles)]
    if not least:
        names = ", ".join(sorted(map(str, zeros | poles)))
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
        raise Undecided(f"the critical {parameter}: a margin has a pole below {zeros[0].value(digits)}")
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
        raise Undecided(f"the critical {parameter}: {expression} = 0 has no closed-form solution")
    candidates = [zero for zero in map(factor, zeros) if not (zero.is_nonpositive or zero.is_real is False)]
    if changes == 1:
        sample = {symbol: 1 for zero in candidates for symbol in zero.free_symbols}
        candidates = [zero for zero in candidates if zero.subs(sample).is_positive]
        told = len(candidates) == 1  # not so if three real roots are written with complex radicals
    else:
        told = all(positive_where_defined(zero) for zero in candidates)
    if not told:
        raise Undecided(f"the critical {parameter}: {expression} has a zero of unknown sign")
    return candidates


def _lowest_coefficient(margin: Expr, parameter: Symbol) -> Expr:
    """The coefficient that the sign of a margin depends on as the parameter goes to 0."""
    numerator, denominator = (Poly(part, parameter) for part in fraction(together(margin)))
    return factor(numerator.EC() / denominator.EC())


def stability(jacobian: Matrix) -> StabilityCondition:
    """The condition for the fixed point or cycle with this Jacobian (of a cycle: the product along it)."""
    if jacobian.rows != jacobian.cols:
        raise BadInput(f"a Jacobian of shape {jacobian.shape} is not square")
    if jacobian.has(nan, zoo):
        raise Undecided("the multipliers: the map is not differentiable there")
    jacobian = jacobian.applyfunc(lambda entry: nsimplify(entry, rational=True))  # 0.1 is meant to be 1/10
    neutral = degree = 0
    margins: list[Expr] = []
    multipliers: dict[Expr, int] = {}
    blocks = jacobian.strongly_connected_components()
    semisimple = False
    for block in blocks:
        matrix = jacobian.extract(block, block)
        excess = _rank_one_trace(matrix - Matrix.eye(matrix.rows))
        semisimple = excess is not None and len(blocks) == 1  # all of ℝⁿ but one direction is kept fixed
        for polynomial, multiplicity in _characteristic_factors(matrix, excess):
            if polynomial.degree() == 1 and polynomial.eval(1) == 0:
                neutral += multiplicity
                continue
            degree = max(degree, polynomial.degree())
            margins += map(factor, jury_margins([part / polynomial.LC() for part in polynomial.all_coeffs()]))
            for root, count in roots(polynomial).items():
                multiplier = factor(root)
                multipliers[multiplier] = multipliers.get(multiplier, 0) + count * multiplicity
    if (
        neutral
        and not semisimple
        and (jacobian - Matrix.eye(jacobian.rows)).rank(simplify=True) != jacobian.rows - neutral
    ):
        raise Undecided("the multipliers equal to 1 are defective: perturbations grow linearly, whatever the others do")
    closed_form = sum(multipliers.values()) + neutral == jacobian.rows
    return StabilityCondition(tuple(dict.fromkeys(margins)), neutral, multipliers if closed_form else None, degree)


def _rank_one_trace(matrix: Matrix) -> Expr | None:
    """The trace of a matrix known to have rank one, if it is not 0; None for all others."""
    matrix = matrix.applyfunc(cancel)
    if rank_one_pivot(matrix, lambda entry: _has_a_sign(factor(entry))) is None:
        return None
    trace = factor(matrix.trace())
    return trace if _has_a_sign(trace) else None


def _has_a_sign(expression: Expr) -> bool:
    """Whether an expression is known not to be 0, wherever it is defined and not degenerate."""
    return bool(expression.is_nonzero) or positive_where_defined(expression) or positive_where_defined(-expression)


def _characteristic_factors(matrix: Matrix, excess: Expr | None) -> list[tuple[Poly, int]]:
    """The irreducible factors of the characteristic polynomial; `excess` is the trace of J − 1 if that has rank one."""
    if excess is not None:
        z = Dummy("z")
        neutral = [(Poly(z - 1, z), matrix.rows - 1)] if matrix.rows > 1 else []
        return [*neutral, (Poly(z - 1 - excess, z), 1)]
    characteristic = matrix.charpoly()
    factors = factor_list(characteristic.as_expr(), characteristic.gen)[1]
    return [(Poly(part, characteristic.gen), multiplicity) for part, multiplicity in factors]
