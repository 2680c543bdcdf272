"""What is claimed of progressive sharpening, and how it is decided."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import xarray as xr
from scipy.integrate import cumulative_trapezoid

from analysis.study.claim import Check, Claim, Evidence, agreement, bounded
from analysis.training.measures import loss_of, share_of_rises, sharpness_of
from eos_sym import Undecided
from numeric.compile import Array

SOURCE = "Cohen et al. 2021, Figure 3"
LEAST_RISE = 2.0  # final over least sharpness
FEWEST_READINGS = 50
PIECES = 20  # of a run, over each of which the sharpness should rise
SETTLED = 0.1  # of a run: the initial transient, in which S changes between two snapshots by much of its size
RATE_AGREEMENT = 0.05
RESTING = 0.99  # accuracy at which nearly everything is learnt


def claims(training: xr.Dataset, rates: xr.Dataset) -> Sequence[Claim]:
    """The claims on these runs."""
    squared, entropy = (training.sel(criterion=name) for name in ("mse", "cross_entropy"))
    return [
        Claim(
            "rises_with_squared_error",
            f"with the squared error the sharpness rises over nearly every twentieth of the run, {LEAST_RISE:g}-fold "
            "or more in all",
            SOURCE,
            [lambda: _rise(squared), lambda: _share_of_pieces(squared)],
        ),
        Claim(
            "rises_then_falls_with_cross_entropy",
            "with the cross-entropy the sharpness rises while there is something to learn, and has fallen from its "
            "largest value when the accuracy rests",
            SOURCE,
            [lambda: _rise(entropy), lambda: _peak_before_the_end(entropy)],
        ),
        *(
            Claim(
                f"rate_is_the_third_derivative_{name}",
                "the sharpness that second derivatives give at the end is what the rate −∇³L(u, u, ∇L) adds up to over "
                f"the last nine tenths of the run ({label})",
                "first-order perturbation; Damian et al. 2022",
                [partial(_integrated, rates.sel(criterion=name))],
            )
            for name, label in (("mse", "squared error"), ("cross_entropy", "cross-entropy"))
        ),
        Claim(
            "descent_below_the_edge",
            "the sharpness stays below 2/η, and the loss falls in every step",
            "the descent lemma",
            [check for history in (squared, entropy) for check in _descent(history)],
        ),
    ]


def _readings(history: xr.Dataset) -> Array:
    values = sharpness_of(history)[1]
    if len(values) < FEWEST_READINGS:
        raise Undecided(f"the run has {len(values)} readings of the sharpness; {FEWEST_READINGS} tell how it goes on")
    return values


def _rise(history: xr.Dataset) -> Evidence:
    """The largest sharpness, over the least one before it."""
    values = _readings(history)
    rise = float((values / np.minimum.accumulate(values)).max())
    return Evidence("network", "supported" if rise > LEAST_RISE else "refuted", f"> {LEAST_RISE:g}", rise)


def _share_of_pieces(history: xr.Dataset) -> Evidence:
    values = _readings(history)
    ends = values[np.linspace(0, len(values) - 1, PIECES + 1).astype(int)]
    return agreement("network", 1.0, float((np.diff(ends) > 0).mean()), absolute=0.1)


def _peak_before_the_end(history: xr.Dataset) -> Evidence:
    values = _readings(history)
    accuracy = loss_of(history, "accuracy")
    if accuracy[-1] < RESTING:
        raise Undecided(f"the run ended at an accuracy of {accuracy[-1]:.3f}, with examples still being learnt")
    return bounded("network", float(values[-1] / values.max()), below=0.95)


def _integrated(rates: xr.Dataset) -> Evidence:
    known = rates.dropna("snapshot")
    start = int(SETTLED * known.sizes["snapshot"])
    if start < 2:
        raise Undecided("too few snapshots of the weights to integrate over")
    known = known.isel(snapshot=slice(start, None))
    gained = cumulative_trapezoid(known.rate.values, known.snapshot_time.values)[-1]
    return agreement(
        "autograd", float(known.sharpness[0]) + gained, float(known.sharpness[-1]), relative=RATE_AGREEMENT
    )


def _descent(history: xr.Dataset) -> list[Check]:
    def below() -> Evidence:
        return bounded("network", float(_readings(history).max() * history.eta / 2), below=1.0)

    def falls() -> Evidence:
        return agreement("network", 0.0, share_of_rises(loss_of(history)))

    return [below, falls]
