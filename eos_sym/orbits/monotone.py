"""The only fixed point of a map whose displacement is strictly monotone, as gradient descent's on a convex loss.

Let F − id = c g, with a factor c that is never 0 and has all the parameters, and let the symmetric part of Dg be
positive definite everywhere, as its leading minors say (Sylvester). For a ≠ b

    (g(a) − g(b))·(a − b) = ∫₀¹ (a − b)ᵀ Dg(b + s(a − b)) (a − b) ds > 0,

so that there is at most one fixed point, whether or not g is a gradient. Newton's method looks for it, and Krawczyk's
test proves that there is one in a box about what it finds: eˣ x + x = 10 has no closed form, and one solution.

Errors: `Undecided` where the displacement has another form, is not proved to be monotone, or where nothing is found.
"""

from __future__ import annotations

from sympy import Expr, Matrix, factor, factor_terms, fraction

from eos_sym.algebra import is_positive_everywhere
from eos_sym.errors import Undecided
from eos_sym.losses.minima.convex import regular_zero
from eos_sym.losses.minima.smooth import is_smooth
from eos_sym.orbits.manifolds import Orbits
from eos_sym.orbits.orbit import Orbit
from eos_sym.rules import Map

LARGEST = 3  # unknowns: the minors of more are long


def only_fixed_point(dynamics: Map) -> Orbits:
    """The fixed point, with a bound of its error."""
    values, error = regular_zero(_monotone_field(dynamics), dynamics.state)
    orbit = Orbit(dynamics, (values,), error)
    return Orbits(1, (orbit,), (), True, "the displacement is strictly monotone, and so vanishes once at most")


def _monotone_field(dynamics: Map) -> list[Expr]:
    """The field g, without parameters."""
    if len(dynamics.state) > LARGEST:
        raise Undecided(f"monotone displacements are not looked for in more than {LARGEST} variables")
    moves = [factor_terms(step - name) for name, step in dynamics.substitution.items()]
    common = moves[0].as_independent(*dynamics.state, as_Add=False)[0]
    field = [move / common for move in moves]
    if not common.is_nonzero or any(part.free_symbols - {*dynamics.state} or not is_smooth(part) for part in field):
        raise Undecided("the displacement is not a factor times a smooth field without parameters")
    for signed in (field, [-part for part in field]):
        slopes = Matrix(signed).jacobian(dynamics.state)
        symmetric = (slopes + slopes.T) / 2
        minors = (symmetric[:size, :size].det() for size in range(1, len(field) + 1))
        if all(map(_is_positive, minors)):
            return signed
    raise Undecided("the displacement is not known to be monotone")


def _is_positive(minor: Expr) -> bool:
    """Whether it is known to be positive everywhere, as it stands, or by its factors."""
    above, below = fraction(factor(minor))
    return is_positive_everywhere(minor) or all(map(is_positive_everywhere, (above, below)))
