"""What strict monotonicity says of the orbits of a map: the only fixed point, and that there is no two-cycle.

A field g is strictly monotone, and so takes no value twice, where the symmetric part of Dg or of −Dg is positive
definite everywhere, as its leading minors say (Sylvester): for a ≠ b

    (g(a) − g(b))·(a − b) = ∫₀¹ (a − b)ᵀ Dg(b + s(a − b)) (a − b) ds ≠ 0,

whether or not g is a gradient.

    F − id = c g, c never 0    has one zero at most: gradient descent on a strictly convex loss. Newton's method looks
                               for it, and Krawczyk's test proves that there is one in a box about what it finds:
                               eˣ x + x = 10 has no closed form, and one solution. Of one variable g may have factors
                               that are positive everywhere, which are left out: silu has one minimum.
    F + id                     has the value θ + φ at both points of a two-cycle, and so there is none: gradient descent
                               where the Hessian is below 2/η everywhere.
    a coordinate of F − id     of one sign everywhere never comes back, whatever the step size: logistic losses of
                               separable data.

Errors: `Undecided` where a field has another form, is not proved to be monotone, or where nothing is found.
"""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr, Matrix, Mul, Symbol, factor, factor_terms, fraction, sinh, together, trigsimp

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
    whole = _displacement_over_its_factor(dynamics)
    forms = {"the displacement": whole}
    if len(whole) == 1:
        forms["the displacement, over a positive function,"] = [_without_positive_factors(*whole)]
    for what, field in forms.items():
        if any(_is_strictly_monotone(side, dynamics.state) for side in (field, [-part for part in field])):
            values, error = regular_zero(field, dynamics.state)
            orbit = Orbit(dynamics, (values,), error)
            return Orbits(1, (orbit,), (), True, f"{what} is strictly monotone, and so vanishes once at most")
    raise Undecided("the displacement is not known to be monotone")


def no_two_cycles(dynamics: Map) -> Orbits:
    """The empty list, with the reason why no two points go to each other."""
    if not all(map(is_smooth, dynamics.step)):
        raise Undecided("the map is not known to be smooth everywhere")
    for name, step in dynamics.substitution.items():
        move = factor_terms(step - name)
        if _is_positive(move) or _is_positive(-move):
            return _none(f"{name} moves the same way in every step, and never comes back")
    sums = [step + name for name, step in dynamics.substitution.items()]
    if _is_strictly_monotone(sums, dynamics.state):
        return _none("the sum of a point and its image is strictly monotone, and would be the same at both points")
    raise Undecided("two-cycles are not known to be ruled out")


def _none(reason: str) -> Orbits:
    return Orbits(2, (), (), True, reason, 0)


def _displacement_over_its_factor(dynamics: Map) -> list[Expr]:
    """The field g, without parameters, of F − id = c g."""
    moves = [factor_terms(step - name) for name, step in dynamics.substitution.items()]
    common = moves[0].as_independent(*dynamics.state, as_Add=False)[0]
    field = [move / common for move in moves]
    if not common.is_nonzero or any(part.free_symbols - {*dynamics.state} or not is_smooth(part) for part in field):
        raise Undecided("the displacement is not a factor times a smooth field without parameters")
    return field


def _without_positive_factors(slope: Expr) -> Expr:
    """A function with the same zeros; denominators of what is smooth everywhere are not 0."""
    above, _ = fraction(factor(together(slope)))
    return Mul(*(part for part in Mul.make_args(above) if not is_positive_everywhere(part)))


def _is_strictly_monotone(field: Sequence[Expr], variables: Sequence[Symbol]) -> bool:
    """Whether the symmetric part of Dg is known to be positive definite everywhere."""
    if len(variables) > LARGEST:
        return False
    slopes = Matrix(field).jacobian(variables)
    symmetric = (slopes + slopes.T) / 2
    return all(_is_positive(symmetric[:size, :size].det()) for size in range(1, len(variables) + 1))


def _is_positive(minor: Expr) -> bool:
    """Whether it is known to be positive everywhere: as it stands, by its factors, or as cosh² − sinh² is."""
    above, below = fraction(factor(minor))
    if is_positive_everywhere(minor) or all(map(is_positive_everywhere, (above, below))):
        return True
    return minor.has(sinh) and is_positive_everywhere(trigsimp(minor))
