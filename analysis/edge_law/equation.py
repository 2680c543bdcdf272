"""The equation of the orbits, dq/dy = −4y/β + e q: what solves it, by substitution, with β > 0 and κ₄ < 0 symbols."""

from functools import cache

from sympy import Dummy, Expr, Integer, LambertW, Symbol, diff, exp, simplify, solve

from analysis.study import Evidence, supported
from eos_sym.edge import EdgeNormalForm

FORM = EdgeNormalForm(Symbol("beta", positive=True), Symbol("kappa4", negative=True))
Y, EXCESS = Symbol("y", real=True), Symbol("y0", positive=True)


def orbit() -> Expr:
    """q(y) from q(y₀) = 0."""
    e = FORM.e
    return 4 / (FORM.beta * e**2) * (1 + e * Y - (1 + e * EXCESS) * exp(e * (Y - EXCESS)))


@cache
def orbit_solves() -> Evidence:
    """The orbit in the equation, and where it begins."""
    found = [diff(orbit(), Y), orbit().subs(Y, EXCESS)]
    return supported("dq/dy on the orbit, and q(y₀)", [-4 * Y / FORM.beta + FORM.e * orbit(), Integer(0)], found)


@cache
def end_solves() -> Evidence:
    """q(y∞) = 0: with w = W₀(z) it is a multiple of z e^{−w} − w, and z = w e^w."""
    end = FORM.end(EXCESS)
    (lambert,) = end.atoms(LambertW)
    root = Dummy("w")
    at_end = orbit().subs(Y, end.subs(lambert, root))
    vanishing = 4 / (FORM.beta * FORM.e**2) * (lambert.args[0] * exp(-root) - root)
    return supported("q(y∞), as a multiple of z exp(−w) − w with w = W₀(z)", vanishing, at_end)


@cache
def parabola_solves() -> Evidence:
    """The parabola, solved for q, in the equation, and where it meets q = 0."""
    amplitude = Symbol("q", real=True)
    (parabola,) = solve(FORM.parabola(amplitude) - Y, amplitude)
    expected = [-4 * Y / FORM.beta + FORM.e * parabola, -1 / FORM.e]
    return supported("dq/dy on the parabola, and y at q = 0", expected, [diff(parabola, Y), FORM.parabola(0)])


@cache
def mirrored_without_quartic() -> Evidence:
    """The orbit as κ₄ → 0, which vanishes at −y₀."""
    leading = simplify(orbit().series(FORM.quartic, 0, 1).removeO())
    return supported("q(y) as κ₄ → 0", 2 * (EXCESS**2 - Y**2) / FORM.beta, leading)
