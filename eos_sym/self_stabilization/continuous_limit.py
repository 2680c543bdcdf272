"""The continuous limit of the self-stabilization cycle: what it conserves, how far and how fast it goes around.

The limit ε → 0 of the scaled map is Ẋ = XY, Ẏ = 1 − X². A planar flow whose orbits satisfy dY/dX = A(X) B(Y) conserves

    h = ∫ dY/B(Y) − ∫ A(X) dX,

here h = ½(X² − 2 ln X − 1 + Y²), 0 at the equilibrium X = 1, Y = 0 and positive elsewhere. Its level sets are closed.
On one of them X² lies between the two solutions of X² − ln X² = 1 + 2h, which are −W(−e^{−1−2h}) on the two real
branches of Lambert's W, and Y between ±√(2h). The period is a quadrature, and √2 π for h → 0. A step of the map, which
is Euler's method for this flow, changes h at second order in ε, by a quadratic form in the rates: in a turn of O(1/ε)
steps by ε times its integral around the orbit. A turn of the map is one of the flow as long as that is small against
h, which as h → 0 is ε √8 π ≪ 1; where they are alike, h is not conserved, and the map has no turn on the level h.

Source: :cite:t:`damian2022selfstabilization`; extremes, period and the change of h are derived here. Errors: `BadInput`
for levels that are not positive; `Undecided` for flows that are not separable, have not exactly one equilibrium, or do
not turn about it, and for turns of the map in which h changes by as much as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from mpmath import mp
from sympy import (
    Expr,
    Float,
    Integer,
    LambertW,
    Matrix,
    Symbol,
    diff,
    factor,
    integrate,
    pi,
    separatevars,
    simplify,
    solve,
    sqrt,
)

from eos_sym.algebra import evaluator, vanishes
from eos_sym.errors import BadInput, Undecided
from eos_sym.rules import Map
from eos_sym.self_stabilization.cycle import EPSILON, SQUARE, X, Y, undamped

LEVEL = Symbol("h", positive=True)


def conserved_by_separation(rates: Mapping[Symbol, Expr]) -> Expr:
    """A quantity that a separable planar flow conserves, 0 at its equilibrium: ∫dY/B(Y) − ∫A(X)dX if Y' = A(X) B(Y)."""
    (first, along), (second, across) = rates.items()
    parts = separatevars(factor(across / along), symbols=[first, second], dict=True)
    equilibria = solve([along, across], [first, second], dict=True)
    if parts is None or len(equilibria) != 1:
        raise Undecided(f"the conserved quantity: not a separable flow with one equilibrium ({len(equilibria)} found)")
    potential = integrate((parts["coeff"] * parts[first]).expand(), first)
    quantity = integrate(1 / parts[second], second) - potential
    quantity = (quantity - quantity.subs(equilibria[0])).expand()
    if not vanishes(diff(quantity, first) * along + diff(quantity, second) * across):
        raise Undecided(f"the conserved quantity: {quantity} failed its check")
    return quantity


def rise_per_step(dynamics: Map, conserved: Expr) -> Expr:
    """The coefficient of ε² in the change of a quantity, which the flow conserves, in one step of the map.

    Written as a quadratic form in the rates, so that its sign can be read off.
    """
    changes = [(step - variable).expand() for variable, step in dynamics.substitution.items()]
    first, second = ([change.coeff(EPSILON, order) for change in changes] for order in (1, 2))
    slopes = [diff(conserved, variable) for variable in dynamics.state]
    if not vanishes(Matrix(slopes).dot(Matrix(first))):
        raise Undecided(f"{conserved} changes at first order in {EPSILON} already")
    curvature = Matrix(slopes).jacobian(dynamics.state)
    form = [
        simplify(curvature[row, column] * first[row] * first[column] / 2)
        for row in range(len(first))
        for column in range(len(first))
    ]
    return sum(form, Matrix(slopes).dot(Matrix(second)))


def extremes(level: Expr) -> dict[Symbol, tuple[Expr, Expr]]:
    """The least and the greatest X and Y on the orbit of the flow with h = level > 0.

    X is extreme at Y = 0, where X² − ln X² = 1 + 2h; SymPy solves it by one branch of Lambert's W, and the other branch
    solves it as well, since only W e^W enters. Y is extreme at X = 1.
    """
    if level.is_nonpositive:
        raise BadInput(f"h = {level}: orbits have h > 0")
    return {
        variable: (low.subs(LEVEL, level), high.subs(LEVEL, level)) for variable, (low, high) in _extremes().items()
    }


@cache
def _extremes() -> dict[Symbol, tuple[Expr, Expr]]:
    limit = undamped().limit
    conserved = conserved_by_separation(limit)
    (turning,) = solve(conserved.subs({Y: 0, X: sqrt(SQUARE)}) - LEVEL, SQUARE)
    (lambert,) = turning.atoms(LambertW)
    least, greatest = (sqrt(turning.subs(lambert, LambertW(lambert.args[0], branch))) for branch in (0, -1))
    (middle,) = solve(limit[Y], X)
    low, high = sorted(solve(conserved.subs(X, middle) - LEVEL, Y), key=lambda height: height.subs(LEVEL, 1))
    return {X: (least, greatest), Y: (low, high)}


def period(level: float | Expr, digits: int) -> Float:
    """The period of the flow's orbit with h = level > 0, in the time εt, by quadrature to so many digits.

    As h → 0 it tends to √2 π.
    """
    return _around(Integer(1), level, digits)


def rise_per_turn(level: float | Expr, digits: int) -> Float:
    """The coefficient of ε in the change of h over a turn of the map on the level h > 0; √8 π h as h → 0."""
    cycle = undamped()
    return _around(rise_per_step(cycle.scaled, conserved_by_separation(cycle.limit)), level, digits)


def steps_of_a_turn(level: float | Expr, epsilon: float | Expr, digits: int) -> Float:
    """The steps in which the map turns once, to leading order in ε."""
    change = epsilon * rise_per_turn(level, digits) / level
    if not change < 1:
        raise Undecided(f"the turn of the map: on the level h = {level}, it would change h by {change.n(3)} h")
    return Float(period(level, digits) / epsilon, digits)


def _around(quantity: Expr, level: float | Expr, digits: int) -> Float:
    """The integral of a quantity that is even in Y over a period of the flow's orbit with h = level > 0.

    ∮ dY/|1 − X²| with Y = √(2h) sin φ, where X² = −W(−e^{−1 − 2h cos²φ}) on its two branches: the integrand is smooth.
    """
    values = evaluator([quantity], [X, Y])
    with mp.workdps(2 * digits + 10):
        number = (Integer(0) + level).evalf(mp.dps)
        if not (number.is_Float and number.is_positive):
            raise BadInput(f"h = {level}: give a positive number")
        height = mp.mpf(number)

        def rate(angle: mp.mpf) -> mp.mpf:
            argument = -mp.exp(-1 - 2 * height * mp.cos(angle) ** 2)
            squares = [-mp.lambertw(argument, branch).real for branch in (0, -1)]
            at = mp.sqrt(2 * height) * mp.sin(angle)
            parts = (values([mp.sqrt(square), at])[0] / abs(1 - square) for square in squares)
            return mp.sqrt(2 * height) * mp.cos(angle) * sum(parts)

        return Float(2 * mp.quad(rate, [0, mp.pi / 2], method="gauss-legendre"), digits)


def small_period(rates: Mapping[Symbol, Expr]) -> Expr:
    """The period of small oscillations of a planar flow about its equilibrium, if that is a centre."""
    (equilibrium,) = solve(list(rates.values()), list(rates), dict=True)
    linear = Matrix(list(rates.values())).jacobian(list(rates)).subs(equilibrium)
    if linear.trace() != 0 or not linear.det().is_positive:
        raise Undecided("the period of small oscillations: the equilibrium of the flow is not a centre")
    return 2 * pi / sqrt(linear.det())
