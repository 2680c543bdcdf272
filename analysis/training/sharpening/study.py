"""The study of some factors: trained all in one sweep, with the medians in a table and a row of the figure for each."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import xarray as xr

from analysis.study import Study
from analysis.training import train
from analysis.training.sharpening.factor import Factor
from analysis.training.sharpening.figure import draw
from analysis.training.sharpening.options import SharpeningOptions
from analysis.training.sharpening.trend import Histories, ends, repeated, sharpening
from eos_sym import GradientDescent, critical_sharpness
from numeric.networks.training.experiment import Experiment
from numeric.runs import combine

Factors = TypeVar("Factors", bound=Callable[..., Sequence[Factor]])


def along_the_flow(study: Study) -> Callable[[Factors], Factors]:
    """Decorates the function ``factors`` of the options: the study follows the gradient flow as these vary."""
    study.theory(edge)
    study.experiments(training)
    study.summary(medians)
    study.figure(draw)
    return study.measurement


def edge() -> Mapping[str, Any]:
    """The edge of gradient descent, which the flow does not have."""
    return {"critical_sharpness": critical_sharpness(GradientDescent())}


def training(
    options: SharpeningOptions, folder: Path, factors: Sequence[Factor]
) -> Mapping[str, Callable[[], xr.Dataset]]:
    """The flows of each factor, and the run repeated by descent; all are trained when the first is asked for.

    Flows have the dimensions of the factor and ``seed`` before those of a history; the repeated run says as coordinates
    which of them it repeats.
    """
    seeds = range(options.seed, options.seed + options.seeds)
    planned = {one: one for factor in factors for one in (*factor.flows(seeds), factor.descent(options.seed))}

    @cache
    def histories() -> Mapping[Experiment, xr.Dataset]:
        return {one: essentials(history) for one, history in train(options, folder, planned).items()}

    def flows(factor: Factor) -> xr.Dataset:
        known = histories()
        return combine([known[one] for one in factor.flows(seeds)], {factor.name: factor.values, "seed": seeds})

    def descent(factor: Factor) -> xr.Dataset:
        which = {factor.name: factor.middle, "seed": options.seed}
        return histories()[factor.descent(options.seed)].assign_coords(which)

    return {factor.name: partial(flows, factor) for factor in factors} | {
        repeated(factor.name): partial(descent, factor) for factor in factors
    }


def essentials(history: xr.Dataset) -> xr.Dataset:
    """What claims and figure need of a history, its ending among it."""
    kept = history[["loss", "sharpness"]].assign_coords(reading_time=history.reading_time)
    return kept.assign(ending=history.attrs["ending"]).drop_attrs()


def medians(training: Histories, factors: Sequence[Factor]) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Medians over the seeds for each value: the sharpness at both ends, and the η from which GD reaches the edge."""
    return {factor.name: table(training[factor.name], factor.name) for factor in factors}


def table(flows: xr.Dataset, name: str) -> list[dict[str, Any]]:
    """A row for each value of the factor."""
    start, end, ratio = (one.median("seed").values for one in (*ends(flows), sharpening(flows)))
    columns = {"start": start, "end": end, "sharpening": ratio, "edge_from_eta": 2 / end}
    return [
        {name: value} | {column: round(float(medians[row]), 3) for column, medians in columns.items()}
        for row, value in enumerate(flows[name].values.tolist())
    ]
