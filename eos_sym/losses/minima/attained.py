"""Whether a loss is least somewhere.

    convex          at every critical point: sums of h(e), e affine and h'' ≥ 0, and of a semidefinite quadratic form
    one weight      if some critical value is no larger than the limits at ±∞
    coercive        L → ∞ as |θ| → ∞, if every weight has a pure even power c xᵢ^dᵢ, c > 0, and all other monomials x^m
                    have Σ mᵢ/dᵢ < 1, or even powers and a positive coefficient
    balanced        if L ≥ 0 does not change under xᵢ → e^{s kᵢ} xᵢ, for the vectors k orthogonal to all its exponents.
                    The point of least norm in the closure of such an orbit has Σ kᵢ xᵢ² = 0, and the same loss: it is
                    enough that L is coercive among these balanced points. It is if its form of highest degree, which is
                    nowhere negative, vanishes at none of them but the origin: (2 − ac)² + (ad)² + (bc)² + (1 − bd)²

A convex loss whose critical point has no closed form gets it from Newton's method; that there is one in a box about it,
with a regular Hessian, is proved by Krawczyk's test, and convexity says that there is no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flint import arb, arb_mat, ctx, fmpq
from mpmath import iv, mp
from sympy import (
    Add,
    Dummy,
    Expr,
    Float,
    Integer,
    Matrix,
    Mul,
    Poly,
    PolynomialError,
    Rational,
    Symbol,
    diff,
    hessian,
    limit,
    oo,
    preorder_traversal,
    simplify,
)

from eos_sym.algebra import evaluator, interval_digits, real_zeros, to_ball, to_interval
from eos_sym.errors import Undecided
from eos_sym.losses.minima.pieces import Piece
from eos_sym.losses.minima.smooth import is_smooth

DIGITS, SHOWN, RADIUS = 50, 30, Rational(1, 10**28)
NEWTON_STEPS, HALVINGS, FOUND = 100, 40, mp.mpf(10) ** -40


def is_convex(loss: Expr, weights: Sequence[Symbol]) -> bool:
    """Whether the loss is known to be convex."""
    terms = Add.make_args(loss)
    polynomial = sum((term for term in terms if term.is_polynomial(*weights)), Integer(0))
    others = [term for term in terms if not term.is_polynomial(*weights)]
    if polynomial.free_symbols & {*weights}:
        if Poly(polynomial, *weights).total_degree() <= 2:
            if not hessian(polynomial, weights).is_positive_semidefinite:
                return False
        else:
            others += Add.make_args(polynomial)
    return all(_is_convex_along_a_line(term, weights) for term in others)


def _is_convex_along_a_line(term: Expr, weights: Sequence[Symbol]) -> bool:
    """Whether the term is h(e), e affine and h'' ≥ 0."""
    if not term.free_symbols & {*weights}:
        return True
    argument = Dummy("t", real=True)
    for part in dict.fromkeys(preorder_traversal(term)):
        if not (isinstance(part, Expr) and part.free_symbols & {*weights} and part.is_polynomial(*weights)):
            continue
        outer = term.xreplace({part: argument})
        if Poly(part, *weights).total_degree() == 1 and not outer.free_symbols & {*weights} and is_smooth(outer):
            return bool(simplify(diff(outer, argument, 2)).is_nonnegative)
    return False


def is_attained(loss: Expr, weights: Sequence[Symbol], values: Sequence[Expr]) -> bool:
    """Whether the loss, with these critical values, is known to be least at one of its critical points."""
    if len(weights) == 1 and is_smooth(loss):
        return any(all(_is_not_above(value, end) for end in _ends(loss, weights[0])) for value in values)
    try:
        polynomial = Poly(loss, *weights)
    except PolynomialError:
        return False
    return _is_coercive(polynomial) or (bool(loss.is_nonnegative) and _is_coercive_where_balanced(polynomial))


def _ends(loss: Expr, weight: Symbol) -> list[Expr]:
    try:
        return [limit(loss, weight, end) for end in (oo, -oo)]
    except (NotImplementedError, ValueError, ArithmeticError):
        return [-oo]


def _is_not_above(value: Expr, end: Expr) -> bool:
    difference = (end - value).evalf(SHOWN)
    return bool(difference == oo or difference.is_positive)


def _is_coercive(polynomial: Poly) -> bool:
    terms = dict(polynomial.terms())
    heights = []
    for index in range(len(polynomial.gens)):
        pure = [powers for powers in terms if powers[index] == sum(powers) > 0]
        highest = max(pure, key=sum, default=None)
        if highest is None or sum(highest) % 2 or not terms[highest].is_positive:
            return False
        heights.append(sum(highest))
    return all(
        sum(Rational(power, height) for power, height in zip(powers, heights, strict=True)) < 1
        or (all(power % 2 == 0 for power in powers) and coefficient.is_positive)
        for powers, coefficient in terms.items()
    )


def _is_coercive_where_balanced(polynomial: Poly) -> bool:
    weights, terms, degree = polynomial.gens, polynomial.terms(), polynomial.total_degree()
    symmetries = Matrix([powers for powers, _ in terms]).nullspace()
    balances = [sum((k * w**2 for k, w in zip(scaling, weights, strict=True)), Integer(0)) for scaling in symmetries]
    top = [
        coefficient * Mul(*(w**power for w, power in zip(weights, powers, strict=True)))
        for powers, coefficient in terms
        if sum(powers) == degree
    ]
    try:
        zeros = real_zeros([Add(*top), *balances], weights)
    except Undecided:
        return False
    return all(not zero.free and not any(zero.chart.values()) for zero in zeros)


def convex_minimum(loss: Expr, gradient: Sequence[Expr], weights: Sequence[Symbol]) -> Piece:
    """The only minimum of a convex loss, as a point in numbers."""
    with mp.workdps(DIGITS):
        center = [Rational(Float(value, DIGITS)) for value in _newton(loss, gradient, weights)]
        _prove(gradient, weights, center)
        chart = {weight: Float(value, SHOWN) for weight, value in zip(weights, center, strict=True)}
        (value,) = evaluator([loss], weights, mp)([mp.mpf(place.p) / place.q for place in center])
    equations = tuple(weight - place for weight, place in chart.items())
    rounding = max(abs(exact - Rational(chart[weight])) for weight, exact in zip(weights, center, strict=True))
    return Piece(equations, chart, (), Float(value, SHOWN), RADIUS + rounding)


def _newton(loss: Expr, gradient: Sequence[Expr], weights: Sequence[Symbol]) -> list[mp.mpf]:
    """A zero of the gradient, from the origin, by steps that are halved until the loss falls."""
    size = len(weights)
    second = list(Matrix(gradient).jacobian(weights))
    height, slope, bend = (evaluator(parts, weights, mp) for parts in ([loss], list(gradient), second))
    point = [mp.mpf(0)] * size
    for _ in range(NEWTON_STEPS):
        slopes, entries = slope(point), bend(point)
        if max(map(abs, slopes)) < FOUND:
            return point
        try:
            rows = mp.matrix([entries[size * row : size * (row + 1)] for row in range(size)])
            step = mp.lu_solve(rows, -mp.matrix(slopes))
        except ZeroDivisionError:
            break
        length, (here,) = mp.mpf(1), height(point)
        for _ in range(HALVINGS):
            ahead = [place + length * move for place, move in zip(point, step, strict=True)]
            if height(ahead)[0] <= here:
                break
            length /= 2
        point = ahead
    raise Undecided("a convex loss, of which Newton's method finds no minimum: perhaps it has none")


def enclosed(value: Expr, error: Expr) -> Any:
    """An interval that contains a number known up to an error."""
    number = Rational(Float(value.evalf(DIGITS), DIGITS))
    radius = Rational(error) + abs(number) / 10 ** (DIGITS - 5)
    return to_interval(_ball(number) + arb(0, 1) * _ball(radius))


def _ball(number: Rational) -> arb:
    return arb(fmpq(int(number.p), int(number.q)))


def _prove(gradient: Sequence[Expr], weights: Sequence[Symbol], center: Sequence[Rational]) -> None:
    """K = c − Y∇L(c) + (1 − Y∇²L(B))(B − c) lies inside the box B of the radius about c, Y near the inverse."""
    size = len(weights)
    second = list(Matrix(gradient).jacobian(weights))
    with interval_digits(DIGITS), ctx.workdps(DIGITS):
        slopes, entries = evaluator(list(gradient), weights, iv), evaluator(second, weights, iv)
        middle = [_ball(value) for value in center]
        radius = arb(0, 1) * _ball(RADIUS)
        slope = arb_mat(size, 1, [to_ball(s) for s in slopes([to_interval(ball) for ball in middle])])
        bend = arb_mat(size, size, [to_ball(e) for e in entries([to_interval(ball + radius) for ball in middle])])
        try:
            inverse = bend.mid().inv()
        except ZeroDivisionError as error:
            raise Undecided("a convex loss with a degenerate minimum") from error
        spread = arb_mat(size, 1, [radius] * size)
        one = arb_mat([[int(row == column) for column in range(size)] for row in range(size)])
        moved = (one - inverse * bend) * spread - inverse * slope
        if not all(abs(entry) < _ball(RADIUS) for entry in moved.entries()):
            raise Undecided("a convex loss whose minimum is not proved by interval arithmetic")
