"""The statements of the essay, each with its checks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from analysis.claim import Check, Claim, Evidence, agreement, bounded, identity, same
from analysis.training.measures import crossing, hovering, loss_of, share_of_falls, sharpness_of
from analysis.vgg.theory import ScaleInvariance
from eos_sym import STEP_SIZE, Undecided
from eos_sym.rules import GradientDescent
from eos_sym.stability import critical_sharpness

SOURCE = "Cohen et al. 2021, Figure 90"
FEWEST_READINGS = 5  # at the edge
LEVEL = (0.8, 1.4)  # of 2/η
EXPONENT_ERROR = 0.3
LONG_WINDOWS = 4
SCALE_ERROR = 1e-2  # what the ε in the normalization leaves of the invariance
SECOND_READING = 0.05


@dataclass(frozen=True)
class Run:
    """One run."""

    eta: float
    history: xr.Dataset

    @property
    def edge(self) -> float:
        """2/η."""
        return 2 / self.eta

    @property
    def crossing(self) -> int | None:
        """The step of the first reading at or above 2/η."""
        return crossing(self.history, self.edge)

    @property
    def crossed(self) -> int:
        """The same, for a run that has one and enough readings after it."""
        if str(self.history.ending.values) == "diverged":
            raise Undecided(f"eta = {self.eta:g}: diverged")
        if self.crossing is None:
            highest = sharpness_of(self.history)[1].max() / self.edge
            raise Undecided(f"eta = {self.eta:g}: ended at {highest:.2f} of the edge at most; train for longer")
        if hovering(self.history, self.edge, self.crossing).readings < FEWEST_READINGS:
            raise Undecided(f"eta = {self.eta:g}: fewer than {FEWEST_READINGS} readings from 2/η on; train for longer")
        return self.crossing

    @property
    def level(self) -> float:
        """The mean of the sharpness over 2/η, from the crossing to the end."""
        return hovering(self.history, self.edge, self.crossed).mean


def runs_of(training: xr.Dataset) -> list[Run]:
    """The runs by ascending step size."""
    return [Run(float(eta), training.sel(eta=eta)) for eta in training.eta.values]


def claims(theory: ScaleInvariance, training: xr.Dataset, scale: xr.Dataset) -> list[Claim]:
    """All claims."""
    runs = runs_of(training)
    zero = 0 * STEP_SIZE
    return [
        Claim(
            "reaches_the_edge",
            "with batch normalization, too, the sharpness starts below 2/η and rises until it reaches 2/η",
            SOURCE,
            [lambda: identity(2 / STEP_SIZE, critical_sharpness(GradientDescent())), lambda: _reach(runs)],
        ),
        Claim(
            "hovers_at_the_edge",
            f"from then on it hovers at 2/η: its mean is {LEVEL[0]:g} to {LEVEL[1]:g} times 2/η",
            SOURCE,
            [*(_hover(run) for run in runs), lambda: _second_reading(scale)],
        ),
        Claim(
            "inversely_with_the_step_size",
            "the level at which it hovers is proportional to 1/η",
            SOURCE,
            [lambda: _exponent(runs)],
        ),
        Claim(
            "loss_falls_over_long_windows",
            f"at the edge the loss falls over each of {LONG_WINDOWS} windows",
            SOURCE,
            [_falls(run) for run in runs],
        ),
        Claim(
            "no_scale",
            "the loss does not depend on the scale of the convolutions' weights w: w·∇L = 0, and the curvature in w "
            "goes with 1/‖w‖²",
            "van Laarhoven 2017",
            [
                lambda: identity([zero] * 5, [theory.along_the_weights, *theory.curvature_defect]),
                lambda: _everywhere(scale.alignment),
                lambda: _everywhere(scale.loss_change),
                lambda: _everywhere(abs(4 * scale.curvature_at_twice / scale.curvature - 1)),
            ],
        ),
        Claim(
            "weights_grow",
            "so every step makes these weights longer, by η²‖∇L‖² in the square",
            "van Laarhoven 2017",
            [lambda: identity(zero, theory.growth_defect), lambda: _growth(scale)],
        ),
    ]


def _reach(runs: list[Run]) -> Evidence:
    for run in runs:
        if run.crossing == 0:
            raise Undecided(f"eta = {run.eta:g}: starts above the edge; take a smaller step size")
        _ = run.crossed
    reached = sum(run.crossing is not None for run in runs)
    return same("network", f"{len(runs)} of {len(runs)}", f"{reached} of {len(runs)}")


def _hover(run: Run) -> Check:
    middle, half = sum(LEVEL) / 2, (LEVEL[1] - LEVEL[0]) / 2
    return lambda: agreement("network", middle, run.level, absolute=half)


def _second_reading(scale: xr.Dataset) -> Evidence:
    last = scale.isel(snapshot=-1)
    if not np.isfinite(last.independent):
        raise Undecided("the run diverged")
    return agreement("autograd", float(last.independent), float(last.tracked), relative=SECOND_READING)


def _exponent(runs: list[Run]) -> Evidence:
    if len(runs) < 2:
        raise Undecided("one step size has no exponent; give two or more")
    levels = [run.level * run.edge for run in runs]
    slope = np.polyfit(np.log([run.eta for run in runs]), np.log(levels), 1)[0]
    return agreement("network", -1.0, float(slope), absolute=EXPONENT_ERROR)


def _falls(run: Run) -> Check:
    def check() -> Evidence:
        at_edge = loss_of(run.history)[run.crossed :]
        return agreement("network", 1.0, share_of_falls(at_edge, (len(at_edge) - 1) // LONG_WINDOWS))

    return check


def _everywhere(defect: xr.DataArray) -> Evidence:
    if not np.isfinite(defect).all():
        raise Undecided("the run diverged")
    return bounded("autograd", float(defect.max()), below=SCALE_ERROR)


def _growth(scale: xr.Dataset) -> Evidence:
    if scale.sizes["snapshot"] < 2 or not np.isfinite(scale.norm).all():
        raise Undecided("the run has no weights at its end")
    ratio = float(scale.norm[-1] / scale.norm[0])
    return Evidence("network", "supported" if ratio > 1 else "refuted", "> 1", ratio)
