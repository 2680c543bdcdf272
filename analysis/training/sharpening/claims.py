"""What is claimed of a factor of progressive sharpening: that a measure rises, or falls, with it.

Checks of such a claim, all of which have to agree:

    medians    the medians over the seeds are in order
    trend      Page's test of ordered alternatives, the series of one seed being a block: a one-sided p below 0.01;
               above, nothing is decided
    descent    the run that is repeated by gradient descent with small steps has the flow's sharpness at the time of its
               last reading, within 5 %
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np
import xarray as xr

from analysis.study.claim import Claim, Evidence, agreement
from analysis.training.sharpening.factor import Factor
from analysis.training.sharpening.measures import check_goals, ends, sharpening
from eos_sym import Undecided

SIGNIFICANCE = 0.01
DESCENT_ERROR = 0.05


def trend(
    name: str,
    statement: str,
    source: str,
    data: Mapping[str, xr.Dataset],
    factor: Factor,
    *,
    rising: bool,
    measure: Callable[[xr.Dataset], xr.DataArray] = sharpening,
    prediction: bool = False,
) -> Claim:
    """The claim of this name that the measure rises with the factor, or falls; a `prediction` is open."""
    runs = data[factor.name]

    def measured() -> xr.DataArray:
        check_goals(runs, f"sharpening against {factor.name}")
        return measure(runs).transpose("seed", factor.name)

    return Claim(
        name,
        statement,
        source,
        [
            lambda: in_order(measured().median("seed"), rising=rising),
            lambda: significant(measured(), rising=rising),
            lambda: same_by_descent(runs, data[factor.repeated], factor),
        ],
        open=prediction,
    )


def in_order(medians: xr.DataArray, *, rising: bool) -> Evidence:
    """Evidence that the medians rise, or fall, from each value of the factor to the next."""
    values = medians.values.tolist()
    agrees = all(a < b if rising else a > b for a, b in pairwise(values))
    expected = f"{'rising' if rising else 'falling'} medians"
    return Evidence("network", "supported" if agrees else "refuted", expected, ", ".join(f"{v:.3g}" for v in values))


def significant(measured: xr.DataArray, *, rising: bool) -> Evidence:
    """Evidence that chance does not explain the trend; where it may, nothing is decided."""
    p = page_p_value(measured, rising=rising)
    if not p < SIGNIFICANCE:
        raise Undecided(f"Page's test: chance explains a trend like this with p = {p:.2g}; more seeds may decide")
    return Evidence("network", "supported", f"p < {SIGNIFICANCE:g} by Page's test", p)


def page_p_value(measured: xr.DataArray, *, rising: bool) -> float:
    """The one-sided p of a trend along the factor, within the series (seed, factor)."""
    from scipy.stats import page_trend_test  # slow to load

    values = np.asarray(measured.values)
    return float(page_trend_test(values if rising else -values).pvalue)


def same_by_descent(runs: xr.Dataset, repeated: xr.Dataset, factor: Factor) -> Evidence:
    """Evidence that gradient descent with small steps has the flow's sharpness, at the last reading of both."""
    followed = runs.sel({factor.name: factor.middle}).isel(seed=0)
    for run, rule in ((followed, "the gradient flow"), (repeated, "gradient descent with small steps")):
        check_goals(run, f"{rule} at {factor.name} {factor.middle}")
    known = followed.dropna("reading", subset=["sharpness"])
    last = ends(repeated)[1]
    expected = np.interp(float(last.reading_time), known.reading_time.values, known.sharpness.values)
    return agreement("network", float(expected), float(last), relative=DESCENT_ERROR)
