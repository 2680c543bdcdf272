"""``python -m analysis.momentum``: the options, and the study put together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from analysis.cli import CommonOptions, Number, Study, check_step_sizes, main
from analysis.momentum.claims import RULE_NAMES, claims
from analysis.momentum.experiments import (
    NEAR_THRESHOLD,
    PARABOLA,
    both_sides,
    boundaries,
    family_rates,
    normalized_runs,
    parameters,
)
from analysis.momentum.figures import draw
from eos_sym import BadInput
from eos_sym.rules import RULES
from eos_sym.stability import critical_sharpness, mean_square_critical_sharpness

MOST_MOMENTUM = Fraction(999, 1000)  # beyond, runs take too long to show on which side they are
POINTS = {"quick": 9, "full": 49}
FAMILY_RUNS = {"quick": 20_000, "full": 400_000}


@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """The critical sharpness of every rule, on both sides."""

    eta: tuple[Number, ...] = (Fraction(1, 100), Fraction(1, 10), Fraction(1))
    """step sizes"""
    momentum: tuple[Number, ...] = (Fraction(1, 10), Fraction(1, 2), Fraction(9, 10), Fraction(99, 100))
    """momentum coefficients β, between 0 and 0.999"""


def analyse(options: Options) -> Study:
    """Check the options and set up the study."""
    check_step_sizes(options.eta)
    shown = " ".join(map(str, options.momentum))
    if not options.momentum or min(options.momentum) <= 0 or max(options.momentum) > MOST_MOMENTUM:
        raise BadInput(f"--momentum {shown}: give coefficients above 0, up to {float(MOST_MOMENTUM)}")
    if len({float(coefficient) for coefficient in options.momentum}) < len(options.momentum):
        raise BadInput(f"--momentum {shown}: give each coefficient once")
    critical = {name: critical_sharpness(RULES[name]) for name in RULE_NAMES}
    grid = parameters(
        [float(eta) for eta in options.eta], [float(momentum) for momentum in options.momentum], [0.01, 0.1, 1.0, 10.0]
    )
    points = POINTS[options.preset]
    curve = parameters(grid["eta"].values[:1], np.linspace(0.05, 0.95, points), np.geomspace(0.01, 10, points))
    slowest = min(2 * NEAR_THRESHOLD, (1 - float(max(options.momentum))) / 2)  # rate, next to an edge or of a velocity
    steps = math.ceil(40 / slowest)
    derived = mean_square_critical_sharpness()
    return Study(
        theory={
            "map": {name: RULES[name].map(PARABOLA) for name in RULE_NAMES},
            "critical_sharpness": {**critical, "sgd_mean_square": derived},
        },
        experiments={
            "sides": lambda progress: both_sides(critical, grid, steps, progress),
            "boundaries": lambda progress: boundaries(critical, curve, progress),
            "normalized_rules": normalized_runs,
            "sgd": lambda progress: family_rates(FAMILY_RUNS[options.preset], options.seed, progress),
        },
        claims=lambda data: claims(critical, derived, options.eta, options.momentum, data),
        figure=lambda data: draw(critical, data),
    )


if __name__ == "__main__":
    main("momentum", Options, analyse)
