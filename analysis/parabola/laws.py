"""What is said of a run's end and of its parabola, beside what they are.

    edge law          c = |κ₄|/(6√β), gap = 3β/(2|κ₄|) at the end, with the spectrum split at several ηλ = τ; τ = 0 has
                      the zero modes alone for slow
    slowest mode      c = ½ √(Σ t_j²/(λ_j − ν)²), gap = ν/2 at the end, with the smallest root ν of
                      Σ t_j²/(λ_j − ν) = Q_e/3 (`numeric.networks.edge.terminal.valley`)
    frozen drive      gap by the rate of the drive where the oscillation no longer follows it, from the beginning of the
                      local trajectory (`numeric.networks.edge.terminal.rate`)
    M, F              the equation with memory and the model in function space (`numeric.networks.edge.terminal`): made
                      from three weights at the beginning of the local trajectory and followed for as many steps, the
                      parabola is fitted to theirs as to the network's, with nothing else given; the gap from there, and
                      from the last crossing of 2/η

The gap of the network is 2/η − S at the last midpoint. T and Q_e at the end are by lines that reach as far as the
oscillation is wide at the beginning: with ELU ∇²L has kinks, ∇³L jumps, and torch's ∇⁴L is that between the kinks. An
oscillation of finite width crosses some, and feels the average, as the lines do.

Units: gaps in those of the sharpness; coefficients in those of 1/weights. nan where there is none.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import torch
import xarray as xr

from analysis.parabola.descent import Descent
from analysis.parabola.local import FEWEST, parabola
from analysis.study import counted
from eos_sym import BadInput, Undecided
from numeric.compile import Array
from numeric.networks.curvature import directional_gradient
from numeric.networks.edge.terminal import drive_decay_at, forecasts, frame_at
from numeric.networks.edge.terminal.ending import Model
from numeric.networks.edge.terminal.function_space import function_space_model
from numeric.networks.edge.terminal.memory import memory_model
from numeric.networks.edge.terminal.stack import stacked
from numeric.networks.edge.terminal.valley import valley_at
from numeric.networks.forecast.anchor import anchor

Label = tuple[str, int]  # activation, seed
SPLITS = (0.1, 0.03, 0.01, 0.003, 0.001, 0.0)  # τ
REACH = 1.3  # of F, over the oscillation at its start
MODELS = {"M": "memory", "F": "space"}


def compared(descents: Mapping[Label, Descent], histories: Mapping[Label, xr.Dataset]) -> xr.Dataset:
    """Every run that has a local trajectory of some points, along `run`; the edge law besides along `split`."""
    known = [key for key, history in histories.items() if history.sizes.get("point", 0) >= FEWEST]
    rows = [_row(descents[key], histories[key]) for key in counted(known)]
    names = sorted({name for row in rows for name in row})
    numbers = {
        name: (("run", "split") if name.startswith("law_") else ("run",), np.array([row[name] for row in rows]))
        for name in names
    }
    labels = {"activation": ("run", [key[0] for key in known]), "seed": ("run", [key[1] for key in known])}
    return xr.Dataset(numbers, {"split": list(SPLITS), **labels})


def _row(descent: Descent, history: xr.Dataset) -> dict[str, float | list[float]]:
    loss, eta = descent.loss(), descent.eta
    end, start, crossing = (torch.from_numpy(history[name].values) for name in ("end", "at_start", "at_crossing"))
    loss.load(end[0])
    here = anchor(loss, eta, 1)
    wide = abs(float(history.x[0]))
    valley = valley_at(here, eta, wide)
    laws = [valley.split(slow) for slow in SPLITS]
    u = here.edge[:, 0]
    nested = float(directional_gradient(loss, here.weights, u, u, u) @ u)
    across, along = history.x.values, history.along.values
    row: dict[str, float | list[float]] = {
        "gap": 2 / eta - valley.sharpness,
        "decay_gap": _known(lambda: decay_of(across, history.point.values, eta)),
        "second": float(here.eigenvalues[1]) * eta / 2,
        "least_eigenvalue": float(valley.eigenvalues[1]),
        "quartic": valley.quartic,
        "nested_quartic": nested,
        "bend": float(np.linalg.norm(valley.bends)),
        "coefficient": _known(lambda: parabola(across, along).coefficient),
        "law_gap": [_known(partial(getattr, law, "limit")) for law in laws],
        "law_coefficient": [_known(partial(getattr, law, "parabola")) for law in laws],
        "slowest_gap": _known(lambda: valley.rate() / 2),
        "slowest_coefficient": _known(lambda: valley.parabola(valley.rate())),
    }
    loss.load(start[0])
    row["frozen_gap"] = _known(lambda: drive_decay_at(anchor(loss, eta, 1), eta).frozen)
    frame = frame_at(loss, start, eta)
    steps = history.point.values - history.point.values[0]
    row["memory_coefficient"] = _known(partial(coefficient_of, memory_model(frame), steps))
    row["space_coefficient"] = _known(partial(coefficient_of, function_space_model(frame, REACH * wide), steps))
    frames = {"start": frame, "crossing": frame_at(loss, crossing, eta)}
    for place, said in zip(frames, forecasts([*frames.values()], descent.steps), strict=True):
        row[f"memory_gap_{place}"] = 2 / eta - said.memory.sharpness
        row[f"space_gap_{place}"] = 2 / eta - said.sharpness
    return row


def coefficient_of(model: Model, steps: Array) -> float:
    """The coefficient of the parabola of gradient descent on the model, at midpoints after so many steps."""
    one = stacked([model])  # models are followed several at a time
    x, z = one.x, one.z  # of the second of the three weights that it is made from
    path = [(float(x), z[0])]
    for _ in range(int(steps[-1]) + 1):
        along, across = one.gradient(x, z)
        x, z = x - one.eta * along, z - one.eta[:, None] * across
        path.append((float(x), z[0]))
    wanted = [max(int(step), 1) for step in steps]
    swing = np.array([(2 * path[t][0] - path[t - 1][0] - path[t + 1][0]) / 4 for t in wanted])
    middles = torch.stack([(path[t - 1][1] + 2 * path[t][1] + path[t + 1][1]) / 4 for t in wanted])
    moved = (middles - middles[-1]).numpy()
    if not np.isfinite(moved).all():
        raise Undecided("the model diverges")
    return parabola(swing, moved @ (moved[0] / np.linalg.norm(moved[0]))).coefficient


def decay_of(x: Array, steps: Array, eta: float) -> float:
    """(1 − e^ρ)/η, the gap by the rate at which the oscillation decays, over the last quarter of the points."""
    if len(x) < FEWEST:
        raise Undecided(f"{len(x)} points: a rate takes {FEWEST}")
    first = len(x) - len(x) // 4
    rate = np.log(abs(x[-1] / x[first])) / (steps[-1] - steps[first])
    return float(-np.expm1(rate) / eta)


def _known(number: Callable[[], float]) -> float:
    """The number, nan where there is none."""
    try:
        return number()
    except (Undecided, BadInput):
        return math.nan
