"""The equation of the orbits, dq/dy = −4y/β + e q, with β > 0 and κ₄ < 0 symbols: what solves it, and where it ends.

    q(y) = 4/(βe²) [1 + e y − (1 + e y₀) exp(e(y − y₀))]

is 0 at y₀, and as q'' = −(4/β)(1 + e y₀) exp(e(y − y₀)) < 0 at one other y at most. With w = −(1 + e y) the equation
q = 0 is w eʷ = z, z = −(1 + e y₀) exp(−(1 + e y₀)): the branch W₋₁ is y₀, the other one is y∞ = −(1 + W₀(z))/e.
"""

from collections.abc import Iterator
from functools import cache

from scipy.integrate import solve_ivp
from scipy.optimize import brentq
from sympy import Dummy, Expr, Float, Integer, LambertW, Rational, Symbol, diff, exp, limit, oo, simplify, solve

from analysis.study import Evidence, agreement, identity
from eos_sym.edge import EdgeNormalForm

FORM = EdgeNormalForm(Symbol("beta", positive=True), Symbol("kappa4", negative=True))
Y, EXCESS = Symbol("y", real=True), Symbol("y0", positive=True)
INTEGRATED = (0.1, 1.0, 5.0)  # e y₀


@cache
def orbit() -> Expr:
    """q(y) from q(y₀) = 0."""
    e = FORM.e
    return 4 / (FORM.beta * e**2) * (1 + e * Y - (1 + e * EXCESS) * exp(e * (Y - EXCESS)))


def orbit_solves() -> Evidence:
    """The orbit in the equation, and where it begins."""
    found = [diff(orbit(), Y), orbit().subs(Y, EXCESS)]
    return identity("dq/dy on the orbit, and q(y₀)", [-4 * Y / FORM.beta + FORM.e * orbit(), Integer(0)], found)


def end_solves() -> Evidence:
    """q(y∞) with w = W₀(z): z − w eʷ times a factor, and 0 by what W₀ is; and q'', which lets no third zero be."""
    end, root = FORM.end(EXCESS), Dummy("w")
    (lambert,) = end.atoms(LambertW)
    factor = 4 / (FORM.beta * FORM.e**2) * exp(-root)
    bent = -4 / FORM.beta * (1 + FORM.e * EXCESS) * exp(FORM.e * (Y - EXCESS))
    found = [orbit().subs(Y, end.subs(lambert, root)), diff(orbit(), Y, 2)]
    return identity("q(y∞) in w = W₀(z), and q''", [factor * (lambert.args[0] - root * exp(root)), bent], found)


def end_by_integration() -> Iterator[Evidence]:
    """Where SciPy's integration of the equation ends; with y in units of 1/e and q in 4/(βe²) it is dq/dy = q − y."""
    scaled = EdgeNormalForm(Integer(1), Rational(-3, 2))  # e = 1
    for start in INTEGRATED:
        path = solve_ivp(lambda below, q: -below - q, (-start, 5), [0.0], dense_output=True, rtol=1e-11, atol=1e-12).sol
        found = -brentq(lambda below, path=path: path(below)[0], 0, 5)
        quantity = f"e y∞ by integration, e y₀ = {start:g}"
        yield agreement("simulation", quantity, float(scaled.end(Float(start))), found, absolute=1e-8)


def parabola_is_near() -> Evidence:
    """The orbit less the parabola, solved for q; the parabola in the equation; and where it meets q = 0."""
    amplitude = Symbol("q", real=True)
    (parabola,) = solve(FORM.parabola(amplitude) - Y, amplitude)
    between = -4 / (FORM.beta * FORM.e**2) * (1 + FORM.e * EXCESS) * exp(FORM.e * (Y - EXCESS))
    expected = [between, -4 * Y / FORM.beta + FORM.e * parabola, -1 / FORM.e]
    found = [orbit() - parabola, diff(parabola, Y), FORM.parabola(Integer(0))]
    return identity("q less the parabola, dq/dy on it, and its y at q = 0", expected, found)


def far_end() -> Evidence:
    """With t = e y₀ the end is e y∞ = −1 − W₀(−(1 + t) exp(−1 − t)), and W₀ is continuous at 0."""
    scaled = Symbol("t", positive=True)
    argument = limit((1 + scaled) * exp(-1 - scaled), scaled, oo)
    return identity(
        "argument of W₀ and e y∞ for e y₀ → ∞", [Integer(0), Integer(-1)], [argument, -1 - LambertW(-argument)]
    )


def mirrored_without_quartic() -> Evidence:
    """The orbit as κ₄ → 0, which vanishes at −y₀."""
    leading = simplify(orbit().series(FORM.quartic, 0, 1).removeO())
    return identity("q(y) as κ₄ → 0", 2 * (EXCESS**2 - Y**2) / FORM.beta, leading)
