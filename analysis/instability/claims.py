"""What is claimed of the instability, and how it is decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from analysis.study.claim import Claim, Evidence, agreement, bounded, same
from analysis.training.measures import crossing, loss_of, oscillation, share_of_rises, sharpness_of
from eos_sym import Undecided
from numeric.compile import Array

SOURCE = "Cohen et al. 2021, Figure 4"
LEAST_GROWTH = 1e3  # of the oscillation, over the steps where it is above the noise and small
ABOVE_NOISE = 100.0  # times what there is at the crossing, where the oscillation has died down
FEWEST_STEPS = 5
SMALL = 0.1  # of the peak: up to there the oscillation is taken for that of a quadratic
GROWTH_AGREEMENT = 0.05  # of the logarithm of the growth


@dataclass(frozen=True)
class Episode:
    """The first growth of the oscillation: from the crossing of 2/η to the peak; and where it is seen, but small."""

    crossing: int
    peak: int
    growing: slice


def episode(history: xr.Dataset) -> Episode | None:
    """The first crossing of 2/η and the growth after it; None if it is not crossed, or not come back from."""
    edge = 2 / float(history.attrs["eta"])
    first = crossing(history, edge)
    below = sharpness_of(history)[1][first:] < edge if first is not None else np.zeros(0, dtype=bool)
    amplitude = np.abs(history.oscillation.values)
    if first is None or not below.any() or not np.isfinite(amplitude[first]):
        return None
    peak = first + int(np.nanargmax(amplitude[first : first + int(below.argmax()) + 1]))
    seen = amplitude[first:peak] > ABOVE_NOISE * amplitude[first]
    start = first + (len(seen) - int((~seen[::-1]).argmax()) if not seen.all() else 0)
    end = first + int((amplitude[first : peak + 1] >= SMALL * amplitude[peak]).argmax())
    return Episode(first, peak, slice(start, end + 1))


def claims(history: xr.Dataset) -> Sequence[Claim]:
    """The claims on this run."""
    return [
        Claim(
            "descent_until_the_crossing",
            "the loss falls in every step until the sharpness crosses 2/η",
            "the descent lemma",
            [lambda: agreement("network", 0.0, share_of_rises(loss_of(history)[: _episode(history).crossing]))],
        ),
        Claim(
            "oscillates_along_the_top_eigenvector",
            "after the crossing the iterates change sides along the top eigenvector in every step, and swing out "
            f"{LEAST_GROWTH:g} times as far or more",
            SOURCE,
            [lambda: _alternation(history), lambda: _growth(history)],
        ),
        Claim(
            "grows_by_the_multiplier",
            "while it is small the oscillation grows in each step by ηS − 1, as on a quadratic",
            "linear stability of gradient descent",
            [lambda: _multiplied(history)],
        ),
        Claim(
            "does_not_diverge",
            "the growth ends: the sharpness returns below 2/η, and in the end the loss is below that at the crossing",
            SOURCE,
            [lambda: _ending(history), lambda: _loss_after(history)],
        ),
        Claim(
            "loss_rises_after_the_crossing",
            "the loss is larger at the peak of the oscillation than at the crossing",
            SOURCE,
            [lambda: _loss_at_peak(history)],
        ),
    ]


def _episode(history: xr.Dataset) -> Episode:
    found = episode(history)
    if found is None:
        raise Undecided("the run ended before the sharpness had crossed 2/η and come back")
    return found


def _growing(history: xr.Dataset) -> tuple[Array, Array]:
    """Oscillation and sharpness over the steps where it grows, seen but small."""
    steps = _episode(history).growing
    if steps.stop - steps.start < FEWEST_STEPS:
        raise Undecided(f"the oscillation grows for {steps.stop - steps.start} steps; {FEWEST_STEPS} tell how")
    return history.oscillation.values[steps], sharpness_of(history)[1][steps]


def _alternation(history: xr.Dataset) -> Evidence:
    return agreement("network", 1.0, oscillation(_growing(history)[0]))


def _growth(history: xr.Dataset) -> Evidence:
    series = np.abs(_growing(history)[0])
    growth = float(series[-1] / series[0])
    return Evidence("network", "supported" if growth > LEAST_GROWTH else "refuted", f"> {LEAST_GROWTH:g}", growth)


def _multiplied(history: xr.Dataset) -> Evidence:
    """The logarithm of the growth: from the sharpness, and of the oscillation."""
    series, sharpness = _growing(history)
    expected = float(np.log(float(history.attrs["eta"]) * sharpness[:-1] - 1).sum())
    return agreement("network", expected, float(np.log(abs(series[-1] / series[0]))), relative=GROWTH_AGREEMENT)


def _ending(history: xr.Dataset) -> Evidence:
    _episode(history)
    return same("network", "steps", str(history.attrs["ending"]))


def _loss_after(history: xr.Dataset) -> Evidence:
    loss = loss_of(history)
    return bounded("network", float(loss[-1] / loss[_episode(history).crossing]), below=1.0)


def _loss_at_peak(history: xr.Dataset) -> Evidence:
    loss, found = loss_of(history), _episode(history)
    ratio = float(loss[found.crossing : found.peak + 1].max() / loss[found.crossing])
    return Evidence("network", "supported" if ratio > 1 else "refuted", "> 1", ratio)
