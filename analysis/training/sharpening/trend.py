"""What is claimed of a factor of progressive sharpening: that a measure rises, or falls, with it.

Pieces of evidence, all of which have to agree:

    medians    the medians over the seeds are in order
    trend      Page's test of ordered alternatives, the series of one seed being a block: a one-sided p below 0.01;
               above, and with fewer than five seeds, nothing is decided
    descent    the run that is repeated by gradient descent with small steps has the flow's sharpness at the time of its
               last reading, within 5 %
"""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise

import numpy as np
import xarray as xr

from analysis.study import Evidence, Pieces, agreement
from analysis.training.estimate import FEWEST_RUNS
from eos_sym import Undecided

Histories = Mapping[str, xr.Dataset]
Measured = Callable[[xr.Dataset], xr.DataArray]
GOALS = ("accuracy", "loss")  # the endings of runs that have reached theirs
SIGNIFICANCE = 0.01
DESCENT_ERROR = 0.05


def ends(runs: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
    """The sharpness at the first and at the last reading of every run."""
    sharpness = runs.sharpness
    last = sharpness.notnull().cumsum("reading").argmax("reading")  # runs that end early are padded with NaN
    return sharpness.isel(reading=0), sharpness.isel(reading=last)


def sharpening(runs: xr.Dataset) -> xr.DataArray:
    """S(end)/S(0) of every run."""
    first, last = (sharpness.drop_vars(["reading", "reading_time"]) for sharpness in ends(runs))
    return (last / first).rename("S(end)/S(0)")


def change(runs: xr.Dataset) -> xr.DataArray:
    """|log S(end)/S(0)| of every run."""
    logarithm: xr.DataArray = xr.ufuncs.log(sharpening(runs))
    return abs(logarithm).rename("|log S(end)/S(0)|")


def final(runs: xr.Dataset) -> xr.DataArray:
    """S(end) of every run."""
    return ends(runs)[1].drop_vars(["reading", "reading_time"]).rename("S(end)")


def repeated(name: str) -> str:
    """The name of a factor's run by gradient descent."""
    return f"{name}_by_descent"


def trend(training: Histories, name: str, *, rising: bool, measure: Measured = sharpening) -> Pieces:
    """Evidence that the measure rises with the factor of this name, or falls.

    Medians and trend are two statistics of the same runs; the run by descent shares all with them but the integrator.
    """
    flows = training[name]
    yield partial(in_order, flows, name, measure, rising)
    yield partial(significant, flows, name, measure, rising)
    yield partial(same_by_descent, flows, name, training[repeated(name)])


def in_order(flows: xr.Dataset, name: str, measure: Measured, rising: bool) -> Evidence:
    """Evidence that the medians rise, or fall, from each value of the factor to the next."""
    measured = series(flows, name, measure)
    medians = measured.median("seed").values.tolist()
    agrees = all(a < b if rising else a > b for a, b in pairwise(medians))
    return Evidence(
        "network",
        f"medians of {measured.name} over the seeds, by {shown(name)}",
        "supported" if agrees else "refuted",
        f"{'rising' if rising else 'falling'} medians",
        ", ".join(f"{median:.3g}" for median in medians),
    )


def significant(flows: xr.Dataset, name: str, measure: Measured, rising: bool) -> Evidence:
    """Evidence that chance does not explain the trend; where it may, nothing is decided."""
    measured = series(flows, name, measure)
    if measured.sizes["seed"] < FEWEST_RUNS:
        raise Undecided(f"{measured.sizes['seed']} random starts; {FEWEST_RUNS} tell a trend")
    p = page_p_value(measured, rising=rising)
    if not p < SIGNIFICANCE:
        raise Undecided(f"Page's test: chance explains a trend like this with p = {p:.2g}; more seeds may decide")
    quantity = f"one-sided p of the trend of {measured.name} with {shown(name)}, a block for each seed"
    return Evidence("network", quantity, "supported", f"p < {SIGNIFICANCE:g} by Page's test", p)


def same_by_descent(flows: xr.Dataset, name: str, descent: xr.Dataset) -> Evidence:
    """Evidence that gradient descent with small steps has the flow's sharpness, at the last reading of both."""
    value = descent[name].item()
    followed = flows.sel({name: value, "seed": descent.seed})
    check_goals(followed, f"the gradient flow at {name} {value}")
    check_goals(descent, f"gradient descent with small steps at {name} {value}")
    known = followed.dropna("reading", subset=["sharpness"])
    last = ends(descent)[1]
    expected = np.interp(float(last.reading_time), known.reading_time.values, known.sharpness.values)
    quantity = f"sharpness at the end of gradient descent with small steps, beside the flow's, {shown(name)} {value:g}"
    return agreement("network", quantity, float(expected), float(last), relative=DESCENT_ERROR)


def series(flows: xr.Dataset, name: str, measure: Measured) -> xr.DataArray:
    """The measure of runs that have all reached their goal, a series (seed, factor) for each seed."""
    check_goals(flows, f"sharpening against {name}")
    return measure(flows).transpose("seed", name)


def page_p_value(measured: xr.DataArray, *, rising: bool) -> float:
    """The one-sided p of a trend along the factor, within the series (seed, factor)."""
    from scipy.stats import page_trend_test  # takes half as long to load as torch

    values = np.asarray(measured.values)
    return float(page_trend_test(values if rising else -values).pvalue)


def check_goals(runs: xr.Dataset, what: str) -> None:
    """`Undecided` unless all runs have reached their goal."""
    endings = runs.ending.values.ravel().astype(str).tolist()
    short = [ending for ending in endings if ending not in GOALS]
    if short:
        ways = ", ".join(sorted(set(short)))
        raise Undecided(f"{what}: {len(short)} of {len(endings)} runs ended before their goal ({ways})")


def shown(name: str) -> str:
    """The factor in words."""
    return name.replace("_", " ")
