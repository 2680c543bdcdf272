"""All two-cycles of the reduced map (x, y) ↦ (x − ηxy²(x²y² − 1), y − ηx²y(x²y² − 1)).

Every two-cycle lies on x² = y², which a Gröbner basis of the pair's equations proves. There, by the symmetry
y ↦ −y, it is a two-cycle of the odd map f(x) = x − ηx³(x⁴ − 1). Writing its points as x and rx, the step size is the
same in f(x) = rx and in f(rx) = x; eliminating it leaves one polynomial in x and r, which factors into

    r = 1      the fixed points,
    r = −1     the symmetric cycles x ↦ −x, with f(x) = −x: one for every η > 0,
    the rest   the asymmetric cycles, a curve with the parameter r.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import (
    Dummy,
    Expr,
    Poly,
    Symbol,
    cancel,
    factor,
    factor_list,
    fraction,
    oo,
    simplify,
    solve,
    sqrt,
)

from eos_sym import STEP_SIZE, Map, Undecided
from eos_sym.algebra import sign_changes
from eos_sym.orbits import Orbit, vanishes_on_two_cycles

RATIO = Symbol("r", real=True)
SQUARE = Symbol("s", positive=True)  # x²


@dataclass(frozen=True)
class TwoCycles:
    """The two-cycles of the reduced map, by kind, with the proofs that these are all."""

    reduced_map: Map

    @cached_property
    def balanced(self) -> bool:
        """Whether every two-cycle is proved to lie on x² = y²."""
        x, y = self.reduced_map.state
        return vanishes_on_two_cycles(self.reduced_map, x**2 - y**2)

    @cached_property
    def diagonal_map(self) -> Map:
        """f, the map on the invariant line y = x."""
        x, y = self.reduced_map.state
        return self.reduced_map.restrict({y: x})

    @cached_property
    def antidiagonal_is_a_mirror_image(self) -> bool:
        """Whether the map on y = −x is the same f."""
        x, y = self.reduced_map.state
        difference = self.reduced_map.restrict({y: -x}).step[0] - self.diagonal_map.step[0]
        return bool(simplify(difference) == 0)

    @cached_property
    def step_size_of_ratio(self) -> Expr:
        """η from f(x) = rx, in s = x² and r."""
        (x,) = self.diagonal_map.state
        (eta,) = solve(self.diagonal_map.step[0] - RATIO * x, STEP_SIZE)
        return factor(eta.subs(x, sqrt(SQUARE)))

    @cached_property
    def families(self) -> list[Expr]:
        """The factors in s and r of f(rx) = x after the elimination of η, without those that are fixed points."""
        (x,) = self.diagonal_map.state
        second = self.diagonal_map.after(x).subs(x, RATIO * x) - x
        eliminated = fraction(cancel(second.subs(x, sqrt(SQUARE)).subs(STEP_SIZE, self.step_size_of_ratio)))[0]
        factors = [part for part, _ in factor_list(eliminated, SQUARE, RATIO)[1]]
        return [part for part in factors if part.has(RATIO) and part not in (RATIO - 1, RATIO)]

    @cached_property
    def symmetric_step_size(self) -> Expr:
        """The step size with the symmetric cycle x ↦ −x, in s = x²."""
        return factor(self.step_size_of_ratio.subs(RATIO, -1))

    def symmetric_point(self, step_size: Expr) -> Expr:
        """x > 0 of the symmetric cycle at a step size given as a number: the only positive root of its equation."""
        equation = Poly(fraction(cancel(self.symmetric_step_size - step_size))[0], SQUARE)
        positive = [root for root in equation.real_roots() if root.is_positive]
        if len(positive) != 1:
            raise Undecided(f"{len(positive)} symmetric cycles at eta = {step_size}, not one")
        return sqrt(positive[0])

    @cached_property
    def one_symmetric_cycle(self) -> bool:
        """Whether the equation for s has exactly one positive root for every η > 0, by Descartes' rule of signs."""
        numerator, _ = fraction(cancel(self.symmetric_step_size - STEP_SIZE))
        return sign_changes(Poly(numerator, SQUARE)) == 1

    @cached_property
    def symmetric_cycle(self) -> Orbit:
        """The symmetric cycle as an exact orbit of the reduced map, its step size expressed through s."""
        x, y = self.reduced_map.state
        step = tuple(expression.subs(STEP_SIZE, self.symmetric_step_size) for expression in self.reduced_map.step)
        root = sqrt(SQUARE)
        return Orbit(Map((x, y), (SQUARE,), step), ({x: root, y: root}, {x: -root, y: -root}))

    @cached_property
    def symmetric_verdict(self) -> str:
        """The verdict on the symmetric cycle at every η > 0, that is, at every s > 1."""
        beyond_one = Symbol("s_minus_1", positive=True)
        return self.symmetric_cycle.stability.verdict({SQUARE: 1 + beyond_one})

    @cached_property
    def asymmetric_square(self) -> Expr:
        """s² = x⁴ on the asymmetric cycles, in r."""
        (family,) = (part for part in self.families if part.has(SQUARE))
        fourth_power = Dummy("fourth_power")
        (solution,) = solve(family.subs(SQUARE, sqrt(fourth_power)), fourth_power)
        return factor(solution)

    @cached_property
    def asymmetric_step_size_squared(self) -> Expr:
        """η² on the asymmetric cycles, in r."""
        return factor(cancel((self.step_size_of_ratio**2).subs(SQUARE, sqrt(self.asymmetric_square))))

    @cached_property
    def asymmetric_birth(self) -> Expr:
        """The step size at which the asymmetric cycles leave the minimum x = 1, at r = 1."""
        return sqrt(self.asymmetric_step_size_squared.subs(RATIO, 1))

    @cached_property
    def asymmetric_only_beyond_birth(self) -> bool:
        """Whether no asymmetric cycle has a positive step size at or below the birth, by counting real roots (Sturm).

        For r > 0, η² − η_birth² is positive but at r = 1. For r < 0, s² < 1, and η = (1 − r)/(s(s² − 1)) is negative.
        """
        excess = factor((self.asymmetric_step_size_squared - self.asymmetric_birth**2) / (RATIO - 1) ** 2)
        beyond = _keeps_sign(excess, 0, oo) and excess.subs(RATIO, 2).is_positive
        depth = factor(self.asymmetric_square - 1)
        return bool(beyond and _keeps_sign(depth, -oo, 0) and depth.subs(RATIO, -2).is_negative)

    def as_report(self) -> dict[str, Any]:
        """The cycles as they are printed and written."""
        x, y = self.reduced_map.state
        return {
            "zero_on_all": x**2 - y**2 if self.balanced else None,
            "letters": {SQUARE: "the square of x", RATIO: "the ratio of the two points, x and rx"},
            "symmetric_step_size": self.symmetric_step_size,
            "symmetric_multipliers": list(self.symmetric_cycle.stability.multipliers or ()),
            "asymmetric_fourth_power": self.asymmetric_square,
            "asymmetric_step_size_squared": self.asymmetric_step_size_squared,
            "asymmetric_birth": self.asymmetric_birth,
        }


def _keeps_sign(expression: Expr, low: Expr, high: Expr) -> bool:
    """Whether a rational function of r has neither zeros nor poles strictly between the bounds."""
    parts = [factor for side in fraction(expression) for factor, _ in factor_list(side, RATIO)[1]]
    ends = [part for part in parts if part != RATIO]  # r itself vanishes at the bound 0, not between
    return all(
        Poly(part, RATIO).count_roots(*(None if abs(end) == oo else end for end in (low, high))) == 0 for part in ends
    )
