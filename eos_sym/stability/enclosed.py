"""The verdict on an orbit that is known up to an error: Jury margins enclosed in balls.

Every coordinate lies in [x − ε, x + ε]. Interval arithmetic encloses the entries of the Jacobians there, hence their
product along the orbit, its characteristic polynomial and the Jury margins of that. If all margins are positive, the
true orbit is stable; if one is negative, it is not. A margin whose ball contains 0 decides nothing.

Errors: `Undecided` where the map cannot be evaluated in intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from flint import arb, arb_mat, ctx, fmpq
from mpmath import iv
from sympy import Expr, Rational

from eos_sym.algebra import Evaluator, evaluator, interval_digits, to_ball, to_interval
from eos_sym.rules import Map
from eos_sym.stability.jury import jury_margins

WORKING_DIGITS = 50


def enclosed_verdict(dynamics: Map, points: Sequence[Sequence[Expr]], error: Expr) -> str:
    """``stable`` or ``unstable``, which is then proved, or ``undecided``; the map has no parameters left."""
    size = len(dynamics.state)
    with interval_digits(WORKING_DIGITS), ctx.workdps(WORKING_DIGITS):
        entries = _jacobian_evaluator(dynamics)
        product = arb_mat([[int(row == column) for column in range(size)] for row in range(size)])
        for point in points:
            box = [to_interval(_exactly(value) + arb(0, 1) * _exactly(error)) for value in point]
            product = arb_mat(size, size, [to_ball(entry) for entry in entries(box)]) * product
        margins = jury_margins(product.charpoly().coeffs()[::-1])
    if any(margin < 0 for margin in margins):
        return "unstable"
    return "stable" if all(margin > 0 for margin in margins) else "undecided"


@lru_cache(maxsize=16)
def _jacobian_evaluator(dynamics: Map) -> Evaluator:
    return evaluator(list(dynamics.jacobian), dynamics.state, iv)


def _exactly(value: Expr) -> arb:
    number = Rational(value)
    return arb(fmpq(int(number.p), int(number.q)))
