"""What is claimed of the basins, and the evidence, from at least two channels for every claim.

The claims about where runs end, and how finely that is mixed, are in `analysis.basins.claims_about_ends`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import xarray as xr
from sympy import Expr, Integer, Symbol, acosh, expand, limit, log, sqrt

from analysis.basins.experiments import Simulations
from analysis.basins.measurements import Measured, escape_slope
from analysis.basins.theory import PULL, Basins
from analysis.study.claim import Claim, Evidence, agreement, bounded, identity, same, theorem
from analysis.minimalist.cycles import SQUARE
from eos_sym import STEP_SIZE as ETA

HERE = "derived here"
LARGE_STEPS = "derived here; Liang, Montúfar 2025 for the critical step size"
ROUNDING = 1e-12
MIXED = 0.01  # of a square's starts: rounding decides so many of them at most
SLOPE_TOLERANCE = 0.04
PROVED = 60  # starts, at random


@dataclass(frozen=True)
class Context:
    """What the checks draw on."""

    measured: Measured
    data: Mapping[str, xr.Dataset]

    @property
    def simulations(self) -> Simulations:
        """The simulations that the data are from."""
        return self.measured.simulations

    @property
    def basins(self) -> Basins:
        """The derivation under test."""
        return self.simulations.basins

    def of(self, name: str, degree: int) -> xr.Dataset:
        """One degree's part of a group of the data."""
        return self.data[name].sel(degree=degree)

    def at(self, expression: Expr) -> float:
        """A formula of degree 2 at its step size."""
        return float(expression.subs(ETA, self.simulations.step_size(2)))


def formal(evidence: Evidence) -> Evidence:
    """Evidence that proves a step of an argument, or single cases, but not the whole of what is claimed."""
    return replace(evidence, status="supported") if evidence.status == "proved" else evidence


def claims_about_symmetry(context: Context) -> list[Claim]:
    """Which reflections take basins to basins."""
    basins, measured = context.basins, context.measured
    planes = {degree: context.of("plane", degree) for degree in (4, 2)}
    zero = Integer(0)

    def seen(degree: int, image: str) -> Evidence:
        return bounded("simulation", measured.asymmetry(planes[degree], image), below=MIXED)

    def reflection_of_degree_2() -> Evidence:
        asymmetric = measured.asymmetry(planes[2], "(x, -y)") > MIXED
        return same("simulation", "not at degree 2: True", f"not at degree 2: {asymmetric}")

    return [
        Claim(
            "symmetries",
            "both maps commute with (x, y) → (y, x) and (x, y) → (−x, −y), that of ½(1 − xyzw)² also with (x, −y), "
            "that of ½(1 − xy)² not; so do the pictures",
            HERE,
            [
                *(
                    lambda degree=degree, image=image: identity([zero, zero], commutator(basins, degree, image))
                    for degree, image in (
                        (4, "(y, x)"),
                        (4, "(-x, -y)"),
                        (4, "(x, -y)"),
                        (2, "(y, x)"),
                        (2, "(-x, -y)"),
                    )
                ),
                lambda: theorem("at degree 2: False", f"at degree 2: {not any(commutator(basins, 2, '(x, -y)'))}"),
                *(lambda degree=degree: seen(degree, "(y, x)") for degree in (4, 2)),
                *(lambda degree=degree: seen(degree, "(-x, -y)") for degree in (4, 2)),
                lambda: seen(4, "(x, -y)"),
                reflection_of_degree_2,
            ],
        ),
    ]


def commutator(basins: Basins, degree: int, image: str) -> list[Expr]:
    """F(σ(θ)) − σ(F(θ)) for one of the reflections σ."""
    dynamics = basins.map(degree)
    x, y = dynamics.state
    reflections: Mapping[str, Sequence[Expr]] = {"(y, x)": (y, x), "(-x, -y)": (-x, -y), "(x, -y)": (x, -y)}
    reflected = reflections[image]
    at = dict(zip(dynamics.state, reflected, strict=True))
    before = [step.subs(at, simultaneous=True) for step in dynamics.step]
    return [expand(first - dynamics.after(second)) for first, second in zip(before, reflected, strict=True)]


def claims_about_the_ellipse(context: Context) -> list[Claim]:
    """The boundary of degree 2, the chaos on it, and how fast runs leave it."""
    basins, measured = context.basins, context.measured
    plane, zero = context.of("plane", 2), Integer(0)

    crossings, rate = measured.across_ellipse(plane), context.at(basins.rate)

    def proved_to_escape() -> Evidence:
        count = measured.proved_outside(plane, PROVED)
        return Evidence("interval", "proved" if count == PROVED else "undecided", str(PROVED), str(count))

    return [
        Claim(
            "invariant_ellipse",
            "one step of ½(1 − xy)² multiplies W = h(x² + y²) − h²(xy − 1) − 4 by 1 + hg + g², g = h(xy − 1), which is "
            "positive for h < 2; so runs from inside the ellipse W = 0, and from outside, stay there for ever",
            LARGE_STEPS,
            [
                lambda: identity(1 + ETA * PULL + PULL**2, basins.ellipse_factor),
                lambda: identity(1 - ETA**2 / 4, (basins.ellipse_factor - (PULL + ETA / 2) ** 2).expand()),
                lambda: same("simulation", "0 diverge from inside", f"{crossings[0]} diverge from inside"),
            ],
        ),
        Claim(
            "outside_the_ellipse",
            "all starts of the square outside the ellipse diverge; it reaches |x| = √(4/h)",
            LARGE_STEPS,
            [
                lambda: same("simulation", "0 stay from outside", f"{crossings[1]} stay from outside"),
                lambda: agreement("simulation", 1, measured.reach_of_bounded(plane), absolute=measured.cell(plane)),
                lambda: formal(proved_to_escape()),
            ],
        ),
        Claim(
            "angle_tripling",
            "on the ellipse x + y = √(8/h + 4) cos φ, x − y = √(8/h − 4) sin φ one step takes φ to π − 3φ: every orbit "
            "parts from its neighbours by 3 a step",
            HERE,
            [
                lambda: identity([zero, zero], basins.angle_defect()),
                lambda: bounded("simulation", measured.tripling_error(), below=ROUNDING * context.simulations.reach),
            ],
        ),
        Claim(
            "rate_at_the_ellipse",
            "the mean over the angle of ln(1 + hg + g²), at which runs leave the ellipse, is "
            "λ = arcosh((1 + √(25 − 4h²))/4); it tends to 2 ln((1 + √5)/2) as h → 0",
            HERE,
            [
                lambda: identity([zero] * 3, basins.rate_defect()),
                lambda: identity(acosh((1 + sqrt(25 - 4 * ETA**2)) / 4), basins.rate),
                lambda: identity(
                    2 * log((1 + sqrt(5)) / 2), acosh(limit(basins.twice_cosh_of_rate, ETA, 0) / 2).rewrite(log)
                ),
                lambda: agreement("simulation", rate, measured.rate_by_average(), absolute=1e-9),
            ],
        ),
        Claim(
            "escape_from_the_ellipse",
            "from the distance ε outside the ellipse runs escape after ln(1/ε)/λ + O(1) steps on average",
            HERE,
            [
                lambda: formal(identity([zero] * 3, basins.rate_defect())),
                lambda: agreement("simulation", 1 / rate, escape_slope(context.data["ring"]), relative=SLOPE_TOLERANCE),
            ],
        ),
    ]


def claims_about_escape(context: Context) -> list[Claim]:
    """Where nothing returns from, and escape times along the diagonal."""
    basins, measured = context.basins, context.measured
    zero = Integer(0)

    def returns(degree: int) -> Evidence:
        starts, kept = measured.returns(degree, context.of("plane", degree))
        return same("simulation", f"0 of {starts} starts return", f"{kept} of {starts} starts return")

    def never_negative(degree: int) -> Evidence:
        signs = [nonnegative(margin) for margin in basins.margins_of_no_return()[degree]]
        return theorem("True, True", ", ".join(map(str, signs)))

    def slope(degree: int) -> Evidence:
        multiplier = basins.diagonal_multipliers[degree].subs(SQUARE, context.simulations.cycle_point(4) ** 2)
        expected = 1 / float(log(abs(context.at(multiplier))))
        observed = escape_slope(context.of("diagonal", degree))
        return agreement("simulation", expected, observed, relative=SLOPE_TOLERANCE)

    return [
        Claim(
            "no_return",
            "for both losses, at degree 2 with h < 1, a run is lost once Pg ≥ (4/3)(x² + y²), P = xy: this lasts, and "
            "|P| grows by 1 + g²/4 or more in every step, |g| ≥ 8/3",
            HERE,
            [
                *(lambda degree=degree: identity([zero] * 2, basins.product_and_square(degree)) for degree in (4, 2)),
                *(lambda degree=degree: never_negative(degree) for degree in (4, 2)),
                *(lambda degree=degree: returns(degree) for degree in (4, 2)),
            ],
        ),
        Claim(
            "escape_on_the_diagonal",
            "on y = x the basin ends at the two-cycle x ↦ −x, x² = 1 + 2/h at degree 2 and hx²(x⁴ − 1) = 2 at degree "
            "4; from the distance ε beyond, runs escape after ln(1/ε)/ln μ + O(1) steps, with μ = 5 + 2h and "
            "μ = (13x⁴ − 5)/(x⁴ − 1)",
            HERE,
            [
                lambda: formal(
                    identity(
                        [-5 - 2 * ETA, -(13 * SQUARE**2 - 5) / (SQUARE**2 - 1)],
                        [basins.diagonal_multipliers[2], basins.diagonal_multipliers[4]],
                    )
                ),
                lambda: slope(2),
                lambda: slope(4),
            ],
        ),
    ]


def nonnegative(polynomial: Expr) -> bool:
    """Whether it is proved that an expression in nonnegative symbols is not negative: by signs, or as a quadratic."""
    if polynomial.is_nonnegative:
        return True
    (variable,) = polynomial.free_symbols
    assert isinstance(variable, Symbol)
    leading, middle, last = (polynomial.coeff(variable, power) for power in (2, 1, 0))
    remainder = expand(polynomial - leading * variable**2 - middle * variable - last)
    return bool(remainder == 0 and leading > 0 and middle**2 < 4 * leading * last)
