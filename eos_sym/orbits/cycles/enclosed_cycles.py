"""All two-cycles of a periodic map of one variable, F(x + T) = F(x) + T, enclosed in intervals: a proof of the list.

Of the two points the lower one, a, has D(a) = F(a) − a > 0 and h(a) = F(F(a)) − a = 0, and one of its shifts lies in
any interval of length T. That is divided into intervals I, each until it is decided; with J = F(I) enclosed:

    D < 0 on I                                   no lower point
    0 ∉ h(I)                                     no two-cycle
    F' ≠ −1 between the least and the largest    no two-cycle, since F(b) − F(a) = −(b − a) makes the mean of F' −1
    point of I and J
    h' = F'(J) F'(I) − 1 ≠ 0 on I                one zero of h, or none, as the signs at the ends tell; if D > 0 on I
                                                 it is a two-cycle

Errors: `Undecided` if intervals stay undecided, as at a fixed point with the multiplier −1 or a degenerate two-cycle.
"""

from __future__ import annotations

from typing import Any

from mpmath import iv
from sympy import Expr

from eos_sym.algebra import Evaluator, decimal, distance, evaluator, interval_digits, to_ball
from eos_sym.errors import Undecided
from eos_sym.orbits.orbit import Orbit
from eos_sym.rules import Map

DIGITS, WORKING_DIGITS = 30, 50
MOST_INTERVALS, SMALLEST = 4000, 1e-9  # and the part of T that the smallest of them have
START, SPLIT = (
    "0.12345678912345",
    "0.47654321987654",
)  # in units of T and of an interval, where no zero is likely to lie
Interval = Any


def enclosed_cycles(dynamics: Map, shift: Expr) -> list[Orbit]:
    """One member of every family of two-cycles, and no other there is."""
    (variable,) = dynamics.state
    (step,) = dynamics.step
    with interval_digits(WORKING_DIGITS):
        evaluate = evaluator([step, dynamics.jacobian[0]], (variable,), iv)
        (length,) = evaluator([shift], (), iv)(())
        first = length * iv.mpf(START)
        pending = [iv.mpf([first.a, (first + length).b])]
        found: list[Orbit] = []
        for _ in range(MOST_INTERVALS):
            if not pending:
                break
            part = pending.pop()
            answer = _answer(evaluate, part)
            if answer is None:
                if part.delta < SMALLEST * length:
                    raise Undecided(f"two-cycles: near {variable} = {part.mid} intervals of any size stay undecided")
                middle = (part.a + (part.b - part.a) * iv.mpf(SPLIT)).mid
                pending += [iv.mpf([part.a, middle]), iv.mpf([middle, part.b])]
            elif answer:
                lower = _narrowed(evaluate, part)
                lower -= length * round(float(((lower + evaluate([lower])[0]) / 2 / length).mid))
                found.append(_orbit(dynamics, lower, evaluate([lower])[0]))
        if pending:
            raise Undecided(f"two-cycles: {len(pending)} intervals of a period stay undecided")
        return found


def _answer(evaluate: Evaluator, part: Interval) -> bool | None:
    """Whether a lower point lies in an interval, and then a single one; None if that is not decided."""
    middle = part.mid
    (image, slope), (ahead, _) = evaluate([part]), evaluate([middle])
    rise = ahead - middle + (slope - 1) * (part - middle)
    if rise < 0 or -1 not in evaluate([_hull(part, image)])[1]:
        return False
    turn = evaluate([image])[1] * slope - 1  # h'
    if 0 not in evaluate([ahead])[0] - middle + turn * (part - middle):
        return False
    if 0 in turn:
        return None
    ends = [iv.mpf(end) for end in (part.a, part.b)]
    returned = [_sign(evaluate(evaluate([end])[:1])[0] - end) for end in ends]
    if 0 in returned:
        return None
    if returned[0] == returned[1]:
        return False
    return True if rise > 0 else None


def _sign(value: Interval) -> int:
    return 1 if value > 0 else -1 if value < 0 else 0


def _hull(first: Interval, second: Interval) -> Interval:
    return iv.mpf([min(first.a, second.a), max(first.b, second.b)])


def _narrowed(evaluate: Evaluator, part: Interval) -> Interval:
    """An interval around the same zero of h, by the interval Newton method."""
    while True:
        image, slope = evaluate([part])
        middle = part.mid
        (again,) = evaluate(evaluate([middle])[:1])[:1]
        newton = middle - (again - middle) / (evaluate([image])[1] * slope - 1)
        closer = iv.mpf([max(part.a, newton.a), min(part.b, newton.b)])
        if not closer.delta < part.delta / 2:
            return closer
        part = closer


def _orbit(dynamics: Map, lower: Interval, upper: Interval) -> Orbit:
    """The two-cycle in two intervals, with an upper bound of the error of its decimals."""
    (variable,) = dynamics.state
    points, errors = [], []
    for ball in map(to_ball, (lower, upper)):
        value = decimal(ball, DIGITS)
        points.append({variable: value})
        errors.append(distance(ball, value))
    return Orbit(dynamics, tuple(points), max(errors))
