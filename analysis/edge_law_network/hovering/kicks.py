"""How far networks swing that hover, and how a kick dies out: the theory without a split of the spectrum, and with one.

Of windows that hover at the edge. *Amplitude*: q = 2α/β beside the q of training, with α and β over all directions,
over those with ηλ up to a limit, and with α over all and β over some; of all windows that hover, chosen without a look
at q. *Kicks*, where q is near 2α/β: a damped cosine is fitted to the answer
over `TURNS` predicted periods, as far as the window goes; it has one damping and one period where the theory says that
a kick excites one pair of multipliers, purity above `PURE`, and only there are they compared. A run is an activation, a
step size and a seed. Errors: `Undecided` for fewer than `FEWEST` windows.
"""

from functools import partial
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.optimize import least_squares

from analysis.edge_law_network.hovering.windows import SLOW, at_the_edge, of_any_size, steady
from analysis.study import Evidence, Pieces, about, bounded, exceeds
from eos_sym import Undecided
from numeric.compile import Array

TURNS, PURE, FEWEST = 1.5, 0.8, 5
AMPLITUDE, WITHIN, RUNS = 0.05, 0.15, 10


class Answer(NamedTuple):
    """Damping per step and period of a curve, and the part of it that no damped cosine has."""

    damping: float
    period: float
    misfit: float


def answer_of(curve: Array, damping: float, period: float) -> Answer:
    """The damped cosine nearest to the curve at the steps 1, 2 …, from guesses of its damping and period."""
    time = np.arange(1, len(curve) + 1)

    def missed(p: Array) -> Array:
        return np.asarray(np.exp(p[0] * time) * (p[1] * np.cos(p[2] * time) + p[3] * np.sin(p[2] * time)) - curve)

    starts = [[damping, curve[0], turn * 2 * np.pi / period, 0.0] for turn in (0.7, 1.0, 1.4)]
    best = min((least_squares(missed, start) for start in starts), key=lambda found: float(found.cost))
    return Answer(
        float(best.x[0]), float(2 * np.pi / abs(best.x[2])), float(np.sqrt(2 * best.cost) / np.linalg.norm(curve))
    )


def kicks(hovering: xr.Dataset) -> xr.Dataset:
    """The windows that hover, with measured damping and period, and those of the edge law with a split."""
    windows = enough(steady(at_the_edge(hovering)))
    rows = []
    for index in range(windows.sizes["window"]):
        one = windows.isel(window=index)
        turn = float(one.period) if np.isfinite(one.period) else windows.sizes["step_in_window"]
        length = min(round(TURNS * turn), windows.sizes["step_in_window"])
        rows.append(answer_of(one.answer.values[:length], float(one.damping), turn))
    windows["measured_damping"] = ("window", [row.damping for row in rows])
    windows["measured_period"] = ("window", [row.period for row in rows])
    windows["misfit"] = ("window", [row.misfit for row in rows])
    distance = np.linalg.norm(windows.answer - windows.response, axis=1) / np.linalg.norm(windows.answer, axis=1)
    windows["distance"] = ("window", distance)
    q, eta = windows.square, windows.eta
    windows["split_damping"] = eta * q * windows.quartic_below / 6 + eta**2 * q * windows.beta_below / 2
    windows["split_period"] = 2 * np.pi / (eta * np.sqrt(q * windows.beta_below))
    return windows


def enough(windows: xr.Dataset) -> xr.Dataset:
    """The windows, if there are a few."""
    if windows.sizes["window"] < FEWEST:
        raise Undecided(f"{windows.sizes['window']} windows; {FEWEST} tell something: take more runs")
    return windows


def pure(kicks: xr.Dataset) -> xr.Dataset:
    """Those in which a kick excites one pair."""
    return enough(kicks.isel(window=np.flatnonzero((kicks.purity > PURE).values)))


def amplitudes(hovering: xr.Dataset) -> Pieces:
    """q = 2α/β, over all directions, over the slow ones, and mixed; infinitely wrong where there is no drive."""
    windows = enough(steady(of_any_size(hovering)))
    count = f"{windows.sizes['window']} windows that hover, of {len(runs_of(windows))} runs"

    def error(balanced: xr.DataArray) -> float:
        return float(abs(balanced / windows.square - 1).fillna(np.inf).median())

    yield from about(
        "same projection",
        bounded("network", f"median |2α/(βq) − 1|, {count}, all directions", error(windows.balanced), below=AMPLITUDE),
    )
    for limit in SLOW:
        split = windows.sel(slow=limit)
        found = error(2 * split.alpha_below / split.beta_below)
        yield from about(
            "slow ones alone",
            bounded("network", f"median |2α/(βq) − 1|, {count}, ηλ ≤ {limit:g}", found, below=2 * AMPLITUDE),
        )
    mixed = windows.sel(slow=0.01)
    ratio = float((2 * windows.alpha / mixed.beta_below / windows.square).median())
    quantity = f"median 2α/(βq), {count}, α over all directions, β over ηλ ≤ 0.01"
    yield from about("mixed", exceeds("network", quantity, ratio, above=1.5))


def answers(kicks: xr.Dataset) -> Pieces:
    """Damping and period against the theory, and against that with a split; the whole curves."""
    windows = pure(kicks)
    errors = relative_errors(windows)
    count = f"{windows.sizes['window']} kicks"
    yield from about(
        "damping and period",
        bounded("network", f"median relative error of the damping, {count}", float(np.median(errors[0])), below=WITHIN),
        bounded("network", f"median relative error of the period, {count}", float(np.median(errors[1])), below=WITHIN),
        partial(runs_within, windows, errors),
    )
    quantity = f"median distance of predicted from measured answer over its size, {kicks.sizes['window']} windows"
    yield from about("nothing fitted", bounded("network", quantity, float(kicks.distance.median()), below=2 * WITHIN))
    for name, own, split in zip(("damping", "period"), errors, split_errors(windows), strict=True):
        quantity = f"median relative error of the {name} with a split at the best of {len(SLOW)} limits, over without"
        yield from about("with a split", partial(worse, windows, quantity, split / float(np.median(own))))


def runs_of(windows: xr.Dataset) -> set[tuple[str, float, int]]:
    """The runs that the windows are of."""
    return {*zip(windows.activation.values, windows.eta.values, windows.seed.values, strict=True)}


def runs_within(windows: xr.Dataset, errors: Array) -> Evidence:
    """How many runs have a kick with both within the tolerance."""
    check_runs(windows)
    within = np.asarray((errors < WITHIN).all(0))
    found = runs_of(windows.isel(window=np.flatnonzero(within)))
    many = len(runs_of(windows))
    quantity = f"runs of {many} with both within {WITHIN:g} in some kick, {within.sum()} of {len(within)} kicks"
    return exceeds("network", quantity, float(len(found)), above=RUNS - 0.5)


def worse(windows: xr.Dataset, quantity: str, ratio: float) -> Evidence:
    """That the error is larger by this ratio."""
    check_runs(windows)
    return exceeds("network", quantity, ratio, above=1)


def check_runs(windows: xr.Dataset) -> None:
    """Undecided where the kicks are of few runs."""
    many = len(runs_of(windows))
    if many < RUNS:
        raise Undecided(f"kicks in {many} runs; {RUNS} tell: take more")


def relative_errors(windows: xr.Dataset) -> Array:
    """Of damping and period, (2, window)."""
    return np.array(
        [abs(windows[name] / windows[f"measured_{name}"] - 1).values for name in ("damping", "period")], dtype=float
    )


def split_errors(windows: xr.Dataset) -> list[float]:
    """The least median error over the limits, of damping and period."""
    return [
        float(abs(windows[f"split_{name}"] / windows[f"measured_{name}"] - 1).median("window").min())
        for name in ("damping", "period")
    ]
