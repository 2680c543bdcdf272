"""Systems that are polynomial in some of their unknowns and in one monotone function of each of the others.

    e^x + e^(−2x) = 3,  x free      ↦      t³ + 1 = 3t²,  t = e^x > 0

Every unknown x that occurs in a single function f(ax + b) only, with a, b rational and f one of exp, log, sinh, asinh,
tanh, atanh, atan, erf, is replaced by the value t of that function; t lies in the open range of f, and x is
(f⁻¹(t) − b)/a, a number where f is erf, whose inverse is not of the language. So the real solutions are the real zeros,
in these ranges, of an ideal with rational coefficients, all of which are found. Denominators are nonzero by equations
1 = τ·q.

Errors: `Undecided` for other systems.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flint import arb, ctx, fmpq
from sympy import Expr, Integer, Mul, Rational, Symbol, default_sort_key, erf, fraction, pi, simplify, together

from eos_sym.algebra.functions.inverses import OPEN
from eos_sym.algebra.functions.kernels import Kernels
from eos_sym.algebra.polynomials.factors import irreducible_factors
from eos_sym.algebra.polynomials.ideals import Ideal
from eos_sym.algebra.polynomials.points import DIGITS, AlgebraicPoint
from eos_sym.algebra.polynomials.pure_parts import without_last
from eos_sym.algebra.polynomials.roots import decimal, distance
from eos_sym.errors import Undecided
from eos_sym.reasons import brief


@dataclass(frozen=True)
class _Replaced:
    """The unknown x with f(ax + b) = t."""

    value: Symbol
    function: type
    slope: Rational
    intercept: Rational


@dataclass(frozen=True)
class System:
    """The ideal in the unknowns or the values that replace them, and what these are."""

    unknowns: tuple[Symbol, ...]
    ideal: Ideal
    replaced: dict[Symbol, _Replaced]

    @classmethod
    def of(cls, equations: Sequence[Expr], unknowns: Sequence[Symbol], nonzero: Sequence[Expr] = ()) -> System:
        """The system of equations that hold where other expressions, and all denominators, are not 0."""
        nonzero = [expression for expression in nonzero if not expression.is_nonzero]
        kernels = Kernels([*equations, *nonzero])
        forms = [fraction(together(kernels.algebraic(equation))) for equation in equations]
        others = [part for expression in nonzero for part in fraction(together(kernels.algebraic(expression)))]
        replaced: dict[Symbol, _Replaced] = {}
        for value, kernel in kernels.meaning.items():
            unknown, replacement = _replacement(value, kernel, unknowns)
            plain = any(unknown in part.free_symbols for form in (*forms, others) for part in form)
            if plain or unknown in replaced:
                raise Undecided(f"{unknown} occurs in {brief(kernel)} and elsewhere")
            replaced[unknown] = replacement
        variables = tuple(replaced[unknown].value if unknown in replaced else unknown for unknown in unknowns)
        ideal = Ideal.of([numerator for numerator, _ in forms], variables)
        ends = [new.value - end for new in replaced.values() for end in OPEN[new.function][1:] if end.is_Rational]
        apart = {
            part for whole in (*(below for _, below in forms), *others, *ends) for part, _ in irreducible_factors(whole)
        }
        if apart:
            ideal = ideal.where_nonzero(Mul(*sorted(apart, key=default_sort_key)))
        return cls(tuple(unknowns), ideal, replaced)

    @property
    def functions(self) -> list[Expr]:
        """The functions f(ax + b) in which the system is polynomial."""
        return [new.function(new.slope * unknown + new.intercept) for unknown, new in self.replaced.items()]

    def equations(self, ideal: Ideal) -> tuple[Expr, ...]:
        """What an ideal in the variables of the system says of the unknowns."""
        plain = ideal if len(ideal.variables) == len(self.unknowns) else without_last(ideal)
        functions = {new.value: function for new, function in zip(self.replaced.values(), self.functions, strict=True)}
        return tuple(plain.expression(element).subs(functions) for element in plain.basis)

    def solution(self, zero: AlgebraicPoint) -> tuple[dict[Symbol, Expr], Expr] | None:
        """The unknowns at a zero of the ideal and a bound of their error, None if they are not real."""
        if not zero.is_real or not all(self._is_reached(zero, new) for new in self.replaced.values()):
            return None
        names = [self.replaced[unknown].value if unknown in self.replaced else unknown for unknown in self.unknowns]
        values, error = zero.values(names), zero.error(names)
        if not self.replaced:
            return values, error
        closed = all(new.function is not erf or values[new.value] == 0 for new in self.replaced.values())
        if error == 0 and closed:
            return {u: self._unknown(u, values[n]) for u, n in zip(self.unknowns, names, strict=True)}, Integer(0)
        balls = dict(zip(zero.variables, zero.enclosure, strict=True))
        with ctx.workdps(3 * DIGITS):
            exact = [self._enclosed(u, balls[n].real) for u, n in zip(self.unknowns, names, strict=True)]
        if not all(ball.is_finite() for ball in exact):
            raise Undecided("the zeros of a system are too close to the end of a range to be told from it")
        printed = [decimal(ball, DIGITS) for ball in exact]
        error = max(distance(ball, value) for ball, value in zip(exact, printed, strict=True))
        return dict(zip(self.unknowns, printed, strict=True)), error

    def _is_reached(self, zero: AlgebraicPoint, new: _Replaced) -> bool:
        ball = dict(zip(zero.variables, zero.enclosure, strict=True))[new.value].real
        _, lower, upper = OPEN[new.function]
        with ctx.workdps(3 * DIGITS):
            signed = [(sign, end) for sign, end in ((1, lower), (-1, upper)) if end.is_finite]
            distances = [(ball - _ball(end)) * sign for sign, end in signed]
            if any(part.contains(0) for part in distances):
                raise Undecided("the zeros of a system are too close to the end of a range to be told from it")
        return all(part > 0 for part in distances)

    def _unknown(self, unknown: Symbol, value: Expr) -> Expr:
        if unknown not in self.replaced:
            return value
        new = self.replaced[unknown]
        return simplify((OPEN[new.function][0](value) - new.intercept) / new.slope)

    def _enclosed(self, unknown: Symbol, ball: arb) -> arb:
        if unknown not in self.replaced:
            return ball
        new = self.replaced[unknown]
        inverse = OPEN[new.function][0].__name__
        argument: arb = getattr(ball, inverse)()
        return (argument - _ball(new.intercept)) / _ball(new.slope)


def _replacement(value: Symbol, kernel: Expr, unknowns: Sequence[Symbol]) -> tuple[Symbol, _Replaced]:
    inside = kernel.free_symbols & {*unknowns}
    if len(inside) != 1:
        raise Undecided(f"{brief(kernel)} is {'a function of several unknowns' if inside else 'no rational number'}")
    if kernel.func not in OPEN:
        raise Undecided(f"{brief(kernel)} is not known to be a monotone function")
    (unknown,) = inside
    (argument,) = kernel.args
    slope, intercept = argument.diff(unknown), argument.subs(unknown, 0)
    if not (slope.is_Rational and intercept.is_Rational):
        raise Undecided(f"{brief(kernel)} is not a function of a linear form with rational coefficients")
    return unknown, _Replaced(value, kernel.func, slope, intercept)


def _ball(number: Expr) -> arb:
    """A rational number, or a rational multiple of π."""
    factor = number if number.is_Rational else number / pi
    exact = arb(fmpq(int(factor.p), int(factor.q)))
    return exact if number.is_Rational else arb.pi() * exact
