"""``python -m analysis.shallow``: the options of the comparison, and its study put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import numpy as np
import xarray as xr

from analysis.study.claim import Claim
from analysis.cli import CommonOptions, Number, Study, check_step_sizes, check_steps, main
from analysis.shallow.claims import claims_about_ellipses, claims_about_the_pair
from analysis.shallow.claims_about_ends import (
    claims_about_scale,
    claims_about_the_edge_law,
    claims_about_the_table,
)
from analysis.shallow.experiments import STEP_SIZE_RATIO, TABLE_STEP_SIZE, Pair, Progress
from analysis.shallow.figures import draw
from analysis.shallow.measurements import Comparison
from analysis.shallow.theory import DegreeTwo, edge_law
from eos_sym import BadInput

EXCESSES = {"quick": np.geomspace(1e-3, 0.2, 9), "full": np.geomspace(2e-4, 0.25, 25)}
GAP_STEP_SIZES = {"quick": np.geomspace(0.03, 0.4, 7), "full": np.geomspace(0.01, 0.45, 20)}


@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """Gradient descent on ½(1 − xy)² and on ½(1 − x²y²)² from the same starts."""

    eta: Number = Fraction(1, 5)
    """step size of ½(1 − xy)² in panels (a) to (c), below 1; ½(1 − x²y²)² has a quarter of it"""
    x: tuple[Number, ...] = (Fraction(32, 10), Fraction(34, 10), Fraction(36, 10))
    """first weights of the starts in panels (a) to (c)"""
    y: tuple[Number, ...] = (Fraction(33, 100), Fraction(25, 100), Fraction(30, 100))
    """second weights of the starts, as many"""
    steps: int = 100
    """iterations shown as dots in panels (a) and (b)"""


def analyse(options: Options) -> Study:
    """Check the options and set up the study."""
    check_step_sizes([options.eta])
    if options.eta >= 1:
        raise BadInput(f"--eta {options.eta}: the coordinate a = √D − (4η⁻² − 4)^¼ needs a step size below 1")
    check_steps(options.steps)
    starts = [(float(x), float(y)) for x, y in zip(options.x, options.y, strict=False)]
    if not starts or len(options.x) != len(options.y):
        raise BadInput(
            f"--x with {len(options.x)} and --y with {len(options.y)} values: give as many of each, at least 1"
        )
    for x, y in starts:
        if abs(x) <= abs(y):
            raise BadInput(f"--x {x:g} --y {y:g}: the coordinate a = √D − (4η⁻² − 4)^¼ needs starts with |x| > |y|")

    pair = Pair()
    theory = pair.theories[2]
    assert isinstance(theory, DegreeTwo)
    eta = float(options.eta)
    excesses, step_sizes = EXCESSES[options.preset], GAP_STEP_SIZES[options.preset]
    experiments: dict[str, Callable[[Progress], xr.Dataset]] = {"table": pair.table}
    for degree in STEP_SIZE_RATIO:
        experiments |= {
            f"trajectories_of_degree_{degree}": partial(pair.trajectories, degree, starts, eta, options.steps),
            f"ends_of_degree_{degree}": partial(pair.ends, degree, excesses, TABLE_STEP_SIZE),
            f"gaps_of_degree_{degree}": partial(pair.gaps, degree, step_sizes),
        }
    compared = Comparison(pair, options.seed)

    def claims(data: Mapping[str, xr.Dataset]) -> list[Claim]:
        return [
            *claims_about_the_pair(compared),
            *claims_about_ellipses(compared),
            *claims_about_the_edge_law(compared, data),
            *claims_about_scale(compared, data),
            *claims_about_the_table(data),
        ]

    return Study(
        theory=theory.as_report()
        | {f"edge_law_of_degree_{degree}": edge_law(form) for degree, form in pair.forms.items()},
        experiments=experiments,
        claims=claims,
        figure=lambda data: draw(compared, data, options.steps),
    )


if __name__ == "__main__":
    main("shallow", Options, analyse)
