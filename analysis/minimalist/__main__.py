"""``python -m analysis.minimalist``: the options of the minimalist example, and its study put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import xarray as xr

from analysis.study.arguments import assignments
from analysis.study.claim import Claim
from analysis.cli import CommonOptions, Number, Study, check_step_sizes, check_steps, main
from analysis.minimalist.claims import Context, claims_about_maps, claims_about_minima, claims_about_the_edge
from analysis.minimalist.claims_about_ends import claims_about_cycles, claims_about_ends
from analysis.minimalist.experiments import Experiments
from analysis.minimalist.figures import draw
from analysis.minimalist.theory import derive
from eos_sym import BadInput

GRID_RESOLUTION = {"quick": 160, "full": 800}
GAP_STEP_SIZES = {"quick": np.geomspace(0.02, 0.4, 9), "full": np.geomspace(0.005, 0.45, 25)}


@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """Gradient descent on ½(1 − xyzw)² from a symmetric start, at the edge of stability."""

    eta: tuple[Number, ...] = (Fraction(2, 8), Fraction(2, 10), Fraction(2, 12))
    """step sizes of the trajectories in panel (a), each below 1/2"""
    start: tuple[str, ...] = ("x=2.5", "y=0.33")
    """where the trajectories in panel (a) start, with z = x and w = y"""
    steps: int = 300
    """iterations of the trajectories in panel (a)"""


def analyse(options: Options) -> Study:
    """Check the options and set up the study."""
    check_step_sizes(options.eta)
    shown = " ".join(map(str, options.eta))
    if max(options.eta) >= Fraction(1, 2):
        raise BadInput(f"--eta {shown}: the coordinate a = √D − (η⁻² − 4)^¼ needs step sizes below 1/2")
    check_steps(options.steps)
    start = {name: float(value) for name, value in assignments("--start", options.start, ("x", "y")).items()}

    theory = derive()
    experiments = Experiments(theory)
    step_sizes = [float(eta) for eta in options.eta]
    resolution = GRID_RESOLUTION[options.preset]
    gap_step_sizes = GAP_STEP_SIZES[options.preset]

    def claims(data: Mapping[str, xr.Dataset]) -> list[Claim]:
        context = Context(experiments, data, options.seed)
        groups = (claims_about_maps, claims_about_minima, claims_about_the_edge, claims_about_ends, claims_about_cycles)
        return [claim for group in groups for claim in group(context)]

    return Study(
        theory=theory.as_report(),
        experiments={
            "trajectories": lambda progress: experiments.trajectories(step_sizes, start, options.steps, progress),
            "reference": experiments.reference,
            "initializations": lambda progress: experiments.initializations(resolution, progress),
            "terminal_gap": lambda progress: experiments.terminal_gap(gap_step_sizes, progress),
        },
        claims=claims,
        figure=lambda data: draw(theory, data),
    )


if __name__ == "__main__":
    main("minimalist", Options, analyse)
