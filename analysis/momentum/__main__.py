"""Momentum moves the edge: the critical sharpness of every rule, derived and then tested on both sides.

On a quadratic every linear rule multiplies its state by a constant matrix, and diverges where the sharpness λ passes a
value that depends on the rule alone. For gradient descent it is 2/η. With momentum β the matrix is 2 × 2, its
characteristic polynomial has a root that leaves the unit disc through −1, and Jury's conditions say where:

    heavy ball                  (2 + 2β)/η                  higher: the velocity averages the oscillation away
    Nesterov                    (2 + 2β)/(η(1 + 2β))        lower: looking ahead, it sees the gradient amplified
    averaged gradient           (2 + 2β)/(η(1 − β))         for λ₁(P⁻¹H): Adam and RMSProp at fixed second moment
    SAM, unnormalized           (√(1 + 8ρ/η) − 1)/(2ρ)      lower: a step uphill makes the curvature λ(1 + ρλ)
    SGD, mean square            2/(η(1 + ν²(n−B)/(B(n−1)))) lower: B of n examples, curvatures of relative spread ν

Everywhere the instability is a flip, an oscillation from step to step. Heavy ball and the averaged gradient are one
rule at two scales: with η(1 − β) for η the first becomes the second. That is why Adam with β₁ = 0.9 trains at
λ₁(P⁻¹H) ≈ 38/η (:cite:t:`cohen2022adaptive`). torch's Nesterov keeps its weights at the point looked ahead to, θ + βv;
that is a change of variables, so the threshold is the same.

A rule that divides by the norm of the gradient, as normalized GD, GD on √L and normalized SAM do, is not differentiable
at a minimum and has no critical sharpness: on a quadratic it oscillates, however flat that is.
"""

from dataclasses import dataclass
from fractions import Fraction

from analysis.study import CommonOptions, Number, Study, check_step_sizes
from eos_sym.errors import BadInput

study = Study(__name__, source="Cohen et al. 2021")
MOST_MOMENTUM = Fraction(999, 1000)  # beyond, runs take too long to show on which side they are


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """The critical sharpness of every rule, on both sides."""

    eta: tuple[Number, ...] = (Fraction(1, 100), Fraction(1, 10), Fraction(1))
    """step sizes"""
    momentum: tuple[Number, ...] = (Fraction(1, 10), Fraction(1, 2), Fraction(9, 10), Fraction(99, 100))
    """momentum coefficients β, between 0 and 0.999"""

    def __post_init__(self) -> None:
        check_step_sizes(self.eta)
        shown = " ".join(map(str, self.momentum))
        if not self.momentum or min(self.momentum) <= 0 or max(self.momentum) > MOST_MOMENTUM:
            raise BadInput(f"--momentum {shown}: give coefficients above 0, up to {float(MOST_MOMENTUM)}")
        if len({float(coefficient) for coefficient in self.momentum}) < len(self.momentum):
            raise BadInput(f"--momentum {shown}: give each coefficient once")


import math
from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import xarray as xr
from sympy import Expr, Rational, sqrt

from analysis.momentum.figure import draw
from analysis.momentum.runs import (
    BISECTION_STEPS,
    BISECTIONS,
    FAMILY_SIDES,
    PARABOLA,
    edge,
    parameters,
    run,
    sgd,
    torch_growth,
    turning_point,
)
from analysis.study import Evidence, Pieces, about, axis, both_sides, bounded, expect, identity, same
from eos_sym import Undecided, critical_sharpness
from eos_sym.rules import MOMENTUM, RADIUS, RULES, STEP_SIZE
from eos_sym.stability import mean_square_critical_sharpness
from eos_sym.stability.stochastic import BATCH_SIZE, EXAMPLES, RELATIVE_SPREAD

ETA, BETA, RHO = STEP_SIZE, MOMENTUM, RADIUS


@dataclass(frozen=True)
class Row:
    """A row of the essay's table: a rule, what its critical sharpness is said to be, and where."""

    rule: str
    formula: Expr
    shown: str
    source: str = "Cohen et al. 2021"


TABLE = (
    Row("gradient_descent", 2 / ETA, "gradient descent: 2/η"),
    Row("heavy_ball", (2 + 2 * BETA) / ETA, "heavy ball: (2 + 2β)/η"),
    Row("nesterov", (2 + 2 * BETA) / (ETA * (1 + 2 * BETA)), "Nesterov: (2 + 2β)/(η(1 + 2β))"),
    Row(
        "preconditioned_momentum",
        (2 + 2 * BETA) / (ETA * (1 - BETA)),
        "averaged gradient, frozen preconditioner (Adam): λ₁(P⁻¹H) = (2 + 2β)/(η(1 − β))",
        "Cohen et al. 2022",
    ),
    Row(
        "sam_unnormalized",
        (sqrt(1 + 8 * RHO / ETA) - 1) / (2 * RHO),
        "SAM, unnormalized: (√(1 + 8ρ/η) − 1)/(2ρ)",
        "Long, Bartlett 2024, with ρ for ρ/‖∇L‖",
    ),
)
NORMALIZED = ("normalized_gd", "root_loss_gd", "sam")
NEAR_THRESHOLD = 1e-3  # each threshold is tested this far, relatively, on either side
POINTS = {"quick": 9, "full": 49}
BISECTION_ERROR = 1e-3
NORMALIZED_STEPS = 20_000
TORCH_SIDES = (0.98, 1.02)
TORCH_RATIOS = (0.1, 1.0)  # ρ/η


@study.measurement
def critical() -> Mapping[str, Expr]:
    """The critical sharpness of every rule of the table, from its formula alone."""
    return {row.rule: critical_sharpness(RULES[row.rule]) for row in TABLE}


@study.theory
def derived(critical: Mapping[str, Expr]) -> Mapping[str, Any]:
    """The rules on a parabola, and their critical sharpness."""
    return {
        "map": {rule: RULES[rule].map(PARABOLA) for rule in critical},
        "critical_sharpness": {**critical, "sgd_mean_square": mean_square_critical_sharpness()},
    }


@study.experiment
def sides(critical: Mapping[str, Expr], options: Options) -> xr.Dataset:
    """The outcomes of runs just below and just above the critical sharpness of each rule, all over a grid."""
    values = parameters(list(map(float, options.eta)), list(map(float, options.momentum)), [0.01, 0.1, 1.0, 10.0])
    sharpness = {rule: edge(formula, values) * both_sides(NEAR_THRESHOLD) for rule, formula in critical.items()}
    slowest = min(2 * NEAR_THRESHOLD, (1 - float(max(options.momentum))) / 2)  # rate, next to an edge or of a velocity
    steps = math.ceil(40 / slowest)
    expect(steps * sum(curvature.size for curvature in sharpness.values()))
    return xr.Dataset({rule: run(rule, curvature, values, steps).outcome for rule, curvature in sharpness.items()})


@study.experiment
def boundaries(critical: Mapping[str, Expr], options: Options) -> xr.Dataset:
    """For each rule the sharpness at which a run turns from shrinking to growing, relative to the derived one."""
    points = POINTS[options.preset]
    values = parameters([float(options.eta[0])], np.linspace(0.05, 0.95, points), np.geomspace(0.01, 10, points))
    edges = {rule: edge(formula, values) for rule, formula in critical.items()}
    expect(BISECTIONS * BISECTION_STEPS * sum(one.size for one in edges.values()))
    return xr.Dataset({rule: turning_point(rule, one, values) / one for rule, one in edges.items()})


@study.experiment
def normalized_rules() -> xr.Dataset:
    """Rules that divide by the norm of the gradient, far below 2/η and close to it: the outcome of a run."""
    below = axis("fraction", [0.01, 0.5, 0.99])
    values = {"eta": xr.DataArray(0.1), "rho": xr.DataArray(0.03)}
    expect(len(NORMALIZED) * below.size * NORMALIZED_STEPS)
    return xr.Dataset(
        {rule: run(rule, 2 / values["eta"] * below, values, NORMALIZED_STEPS).outcome for rule in NORMALIZED}
    )


study.experiment(sgd)


@study.claim("critical sharpness of {row.shown}", "{row.source}", id="{row.rule}", row=TABLE)
def threshold(
    row: Row, critical: Mapping[str, Expr], sides: xr.Dataset, boundaries: xr.Dataset, options: Options
) -> Pieces:
    """The formula typed in, the runs on both sides of it and torch's, and where runs turn."""
    rule = row.rule
    yield identity("critical sharpness", row.formula, critical[rule])
    found = (",".join(np.unique(sides[rule].sel(side=side))) for side in ("below", "above"))
    beside = f"outcomes of all runs {NEAR_THRESHOLD:.1%} below the critical sharpness, and above"
    yield same("simulation", beside, "converged, diverged", ", ".join(found))
    error = float(abs(boundaries[rule] - 1).max())
    quantity = "largest relative error of the critical sharpness against the one found by bisection of runs"
    yield bounded("simulation", quantity, error, below=BISECTION_ERROR)
    patterns = {torch_pattern(row, critical[rule], *setting) for setting in torch_settings(row, options)}
    beside = f"what all of torch's iterates do {TORCH_SIDES[1] - 1:.0%} below the critical sharpness, and above"
    yield same("autograd", beside, "shrinks, grows", "; ".join(sorted(patterns)))


def torch_settings(row: Row, options: Options) -> list[tuple[Fraction, Fraction]]:
    """The first step size with all momentum coefficients; all step sizes with radii for SAM, and alone for GD."""
    if RHO in row.formula.free_symbols:
        return [(eta, Fraction(ratio) * eta) for eta, ratio in product(options.eta, TORCH_RATIOS)]
    if BETA in row.formula.free_symbols:
        return list(product(options.eta[:1], options.momentum))
    return [(eta, Fraction(0)) for eta in options.eta]


def torch_pattern(row: Row, critical: Expr, eta: Fraction, parameter: Fraction) -> str:
    """Whether torch's iterates shrink or grow, 2 % below and above the derived sharpness."""
    level = float(critical.subs({ETA: Rational(eta), BETA: Rational(parameter), RHO: Rational(parameter)}))
    return ", ".join(torch_growth(row.rule, float(eta), float(parameter), side * level) for side in TORCH_SIDES)


@study.claim(
    "normalized GD, GD on √L and normalized SAM have no critical sharpness: they are not differentiable at a minimum; "
    "they oscillate at 0.01, 0.5 and 0.99 of 2/η",
    "Arora, Li, Panigrahi 2022; Bartlett, Long, Bousquet 2023",
)
def normalized(normalized_rules: xr.Dataset) -> Pieces:
    """Why there is none; that they oscillate is seen in runs."""
    yield from about("have no critical sharpness", map(no_critical_sharpness, NORMALIZED))
    found = {str(outcome) for rule in NORMALIZED for outcome in normalized_rules[rule].values}
    outcomes = same("simulation", "outcomes of all runs, each once", "periodic", ", ".join(sorted(found)))
    yield from about("they oscillate", outcomes)


def no_critical_sharpness(rule: str) -> Evidence:
    """Evidence that the derivation finds none, for the reason that is expected."""
    expected = "the critical sharpness: the rule is not differentiable at a minimum"
    try:
        found = str(critical_sharpness(RULES[rule]))
    except Undecided as undecided:
        found = str(undecided)
    return same("symbolic", f"what the derivation says of {rule.replace('_', ' ')}", expected, found)


@study.claim("critical mean sharpness of SGD, mean square, one weight: 2/(η(1 + ν²(n−B)/(B(n−1))))", "Wu, Ma, E 2018")
def sgd_mean_square(derived: Mapping[str, Any], sgd: xr.Dataset) -> Pieces:
    """Direction of growth and its zero are two readings of the same runs."""
    variance = RELATIVE_SPREAD**2 * (EXAMPLES - BATCH_SIZE) / (BATCH_SIZE * (EXAMPLES - 1))  # of a batch's mean
    formula = 2 / (ETA * (1 + variance))
    yield identity("critical mean sharpness", formula, derived["critical_sharpness"]["sgd_mean_square"])
    tested = sgd.rate.sel(relative=[0.95, 1.05]).values
    found = {", ".join("grows" if rate > 0 else "shrinks" for rate in pair) for pair in tested}
    beside = "what the second moment does 5% below the critical mean sharpness, and above, all batch sizes"
    yield same("simulation", beside, "shrinks, grows", "; ".join(sorted(found)))
    error = float(abs(sgd.measured / sgd.derived - 1).max())
    quantity = "largest relative error of the critical mean sharpness against the zero of the measured growth"
    yield bounded("simulation", quantity, error, below=(FAMILY_SIDES[-1] - 1) / 5)


study.figure(draw)


if __name__ == "__main__":
    study.main()
