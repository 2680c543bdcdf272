"""What is claimed of the cubic family, and the evidence, from at least two channels for every claim.

The claims about cascades, chaos, and gradient descent in it are in `analysis.bifurcation.claims_about_chaos`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import xarray as xr
from sympy import Integer, Rational, log, sqrt

from analysis.bifurcation.cascade import Cascade
from analysis.bifurcation.measurements import Measured
from analysis.bifurcation.theory import Family, K, verdicts_between, z
from analysis.study.claim import Claim, agreement, bounded, identity, same, theorem
from analysis.minimalist.theory import P
from analysis.shallow.experiments import Pair
from analysis.shallow.measurements import Comparison

CHEN_BRUNA = "Chen, Bruna 2022"
HERE = "derived here"
ROUNDING = 1e-12
EXAMPLE = Rational(11, 10)
EXAMPLE_POINTS = (0.8145516, 1.1160630)


@dataclass(frozen=True)
class Context:
    """What the checks draw on."""

    measured: Measured
    cascade: Cascade
    window: Cascade
    data: Mapping[str, xr.Dataset]
    seed: int

    @property
    def family(self) -> Family:
        """The derivation under test."""
        return self.measured.simulations.family

    def sides(self, threshold: str, group: str = "thresholds") -> str:
        """How the runs just below and just above a threshold ended, with their periods."""
        runs = self.data[group].sel(threshold=threshold)
        ends = zip(runs.outcome.values, runs.period.values, strict=True)
        return ", ".join(f"periodic {period}" if outcome == "periodic" else str(outcome) for outcome, period in ends)


def claims_about_cycles(context: Context) -> list[Claim]:
    """The family, the minimum, and the two-cycle."""
    family, measured = context.family, context.measured
    cubic = {name: name * (1 + K - K * name**2) for name in (P, z)}
    thresholds = family.thresholds
    exact = float(family.two_cycle_multiplier.subs(K, EXAMPLE))
    doublings = [thresholds["first_doubling"], thresholds["second_doubling"]]
    return [
        Claim(
            "one_family",
            "z ↦ z(1 + K − Kz²) is GD on ¼(x² − μ)² with z = x/√μ, K = ημ; the product xy of the minimalist example at "
            "frozen imbalance as η → 0, K = ηD; and its reduced map b(1 + 8A − 16b²) with z = b/√(A/2), K = 8A",
            HERE,
            [
                lambda: identity(
                    [cubic[z], cubic[P], cubic[z]], [family.map.step[0], family.frozen_map, family.reduced_in_z]
                ),
                lambda: agreement("simulation", 2, Comparison(Pair(), context.seed).frozen_exponent(4), absolute=0.1),
            ],
        ),
        Claim(
            "first_doubling",
            "the minimum is stable for K < 1 (sharpness below 2/η) and unstable beyond; A = 1/8 in the reduced map",
            f"{CHEN_BRUNA}; reduced map {HERE}",
            [
                lambda: identity(Integer(1), thresholds["first_doubling"]),
                lambda: theorem("stable, unstable", verdicts_between(family.minimum_condition, doublings[:1])),
                lambda: same("simulation", "converged, periodic 2", context.sides("first_doubling")),
                lambda: same(
                    "simulation", "converged, periodic 2", context.sides("first_doubling", "reduced_thresholds")
                ),
            ],
        ),
        Claim(
            "all_two_cycles",
            "F(F(z)) = z has the 3 fixed points, 2 points of the symmetric cycle z² = 1 + 2/K, always unstable, and 4 "
            "of two mirrored two-cycles, real for K > 1, and no other solutions",
            HERE,
            [
                lambda: identity(
                    [Integer(9), (K + 2) / K, Integer(1)],
                    [Integer(family.count), family.symmetric_square, family.birth],
                ),
                lambda: theorem("unstable", verdicts_between(family.symmetric_condition, [])),
                lambda: bounded("simulation", measured.symmetric_miss(EXAMPLE), below=ROUNDING),
            ],
        ),
        Claim(
            "two_cycle",
            "at K = 1.1 the two-cycle is {0.8145516, 1.1160630}; its multiplier is 9 − 2(1 + K)² at every K",
            CHEN_BRUNA,
            [
                lambda: identity(9 - 2 * (1 + K) ** 2, family.two_cycle_multiplier),
                lambda: identity(family.two_cycle_multiplier.subs(K, EXAMPLE), measured.exact_multiplier(EXAMPLE)),
                lambda: bounded("simulation", measured.cycle_miss(EXAMPLE, EXAMPLE_POINTS), below=6e-8),
                lambda: agreement(
                    "simulation",
                    exact,
                    measured.simulated_multiplier(EXAMPLE),
                    absolute=1e-6,
                ),
                lambda: agreement(
                    "autograd",
                    exact,
                    measured.autograd_cycle(EXAMPLE)[1],
                    absolute=ROUNDING,
                ),
            ],
        ),
        Claim(
            "superstable",
            "the two-cycle is superstable at K = 3/√2 − 1: it holds the critical point",
            CHEN_BRUNA,
            [
                lambda: identity(3 / sqrt(2) - 1, thresholds["superstable"]),
                lambda: bounded("simulation", measured.superstable_return(), below=ROUNDING),
            ],
        ),
        Claim(
            "second_doubling",
            "the two-cycle is stable exactly for 1 < K < √5 − 1, in the reduced map for 1/8 < A < (√5 − 1)/8, and "
            "gives way to a four-cycle",
            f"{CHEN_BRUNA}; reduced map {HERE}",
            [
                lambda: identity(sqrt(5) - 1, thresholds["second_doubling"]),
                lambda: theorem("unstable, stable, unstable", verdicts_between(family.two_cycle_condition, doublings)),
                lambda: same("simulation", "periodic 2, periodic 4", context.sides("second_doubling")),
                lambda: same(
                    "simulation", "periodic 2, periodic 4", context.sides("second_doubling", "reduced_thresholds")
                ),
            ],
        ),
    ]


def claims_about_crises(context: Context) -> list[Claim]:
    """Where orbits cross zero, and where they escape."""
    family, thresholds = context.family, context.family.thresholds
    lowest = context.data["thresholds"].lowest.sel(threshold="merging")
    crossed = ", ".join("z < 0" if value < 0 else "z > 0" for value in lowest.values)
    return [
        Claim(
            "merging",
            "orbits about z = 1 stay positive up to K = 3√3/2 − 1, where the critical orbit reaches 0, and cross it "
            "beyond",
            HERE,
            [
                lambda: identity(3 * sqrt(3) / 2 - 1, thresholds["merging"]),
                lambda: same("simulation", "z > 0, z < 0", crossed),
            ],
        ),
        Claim(
            "escape",
            "up to K = 2 (sharpness 4/η) the interval of the symmetric cycle is mapped into itself; beyond, the "
            "critical point leaves it, and outside of it |z| grows; A = 1/4 in the reduced map",
            HERE,
            [
                lambda: identity(Integer(2), thresholds["escape"]),
                lambda: theorem(
                    "|z| grows outside: True", f"|z| grows outside: {bool(family.escape_margin.is_positive)}"
                ),
                lambda: same("simulation", "undecided, diverged", context.sides("escape")),
                lambda: same("simulation", "undecided, diverged", context.sides("escape", "reduced_thresholds")),
            ],
        ),
        Claim(
            "chebyshev",
            "at K = 2 the map takes √2 cos φ to −√2 cos 3φ, Chebyshev's −T₃, so that its Lyapunov exponent is ln 3",
            HERE,
            [
                lambda: identity(Integer(0), family.at_escape),
                lambda: agreement("simulation", float(log(3)), float(context.data["escape"].exponent), absolute=1e-3),
            ],
        ),
    ]
