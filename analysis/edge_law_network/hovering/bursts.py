"""Which networks at the edge hover and which burst: two criteria on the same windows, and how many modes have to swing.

    second     ηλ₂/2, which is to be below `SECOND`
    growth     ln|μ| of the largest multiplier of a perturbation along the edge, from det[sI − D + qG(s)] = 0 with all
               modes at the edge or near it, at most three, which is to be negative

Each is a number that orders the windows: how well is the chance that it is larger of a window that bursts than of one
that hovers, for which it needs no threshold. The share that it tells right is to be larger than that of who always
says what most windows do. Windows are of a few runs each, at different steps, and not independent; those between the
two are left out.

A two-cycle has a covariance of rank one; where the central flow takes one of rank two, none holds all eigenvalues at
the edge. The smallest loss with that has two directions x₁, x₂ across a valley with a floor of three, T₁₁, T₂₂ and T₁₂
of which are orthogonal,

    L = ½(2/η + z₁)x₁² + ½(2/η + z₂)x₂² + z₃x₁x₂ − α₁z₁ − α₂z₂ + Q(x₁⁴ + 6x₁²x₂² + x₂⁴)/24,

where α₁, α₂ > 0 drives both (rank two), and α₁ > 0 > α₂ the first alone (rank one).
"""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from analysis.edge_law_network.hovering.kicks import FEWEST, enough, runs_of
from analysis.edge_law_network.hovering.one_mode import by_kicks
from analysis.edge_law_network.hovering.windows import at_the_edge
from analysis.study import Evidence, Pieces, about, agreement, bounded, exceeds, expect
from eos_sym import Undecided
from numeric.networks.edge import edge_covariance
from numeric.networks.forecast.path import BURSTING, STEADY

SECOND = 0.985
WINDOWS, OF_EACH = 60, 10
ETA, QUARTIC, STEPS = 0.1, -10.0, 20_000
DRIVES = {"rank two": (1e-3, 5e-4), "rank one": (1e-3, -1e-4)}


def two_modes() -> xr.Dataset:
    """Gradient descent on the loss with two modes, both driven or one: x at every step of the last half."""
    drives = np.array(list(DRIVES.values()))
    x, z = np.tile([0.01, 0.008], (len(drives), 1)), np.zeros((len(drives), 3))
    found = np.empty((STEPS, *x.shape))
    expect(STEPS)
    for step in range(STEPS):
        slope = (2 / ETA + z[:, :2]) * x + z[:, 2:] * x[:, ::-1] + QUARTIC * (x**3 / 6 + x * x[:, ::-1] ** 2 / 2)
        z = z - ETA * np.column_stack([x**2 / 2 - drives, x[:, :1] * x[:, 1:]])
        x = x - ETA * slope
        found[step] = x
    return xr.Dataset({"x": (("step", "drive", "mode"), found[STEPS // 2 :])}, {"drive": list(DRIVES)})


def criteria(hovering: xr.Dataset) -> xr.Dataset:
    """The windows at the edge, with what becomes of them."""
    windows = enough(at_the_edge(hovering))
    words = np.where(windows.swing < STEADY, "hovers", np.where(windows.swing > BURSTING, "bursts", "between"))
    return windows.assign(manner=("window", words), second=windows.eigenvalues[:, 1])


def decided(windows: xr.Dataset) -> xr.Dataset:
    """Those that hover or burst."""
    return windows.isel(window=np.flatnonzero((windows.manner != "between").values))


def order(windows: xr.Dataset, name: str) -> float:
    """The chance that this number is larger of a window that bursts than of one that hovers."""
    bursts, hovers = (windows[name].values[windows.manner.values == manner] for manner in ("bursts", "hovers"))
    if not len(bursts) or not len(hovers):
        raise Undecided(f"{len(bursts)} windows burst and {len(hovers)} hover: take more runs")
    larger = (bursts[:, None] > hovers).mean() + (bursts[:, None] == hovers).mean() / 2
    return float(larger)


def right(windows: xr.Dataset, name: str, threshold: float) -> float:
    """The share of the windows that burst above the threshold or hover below it."""
    return float(((windows[name] > threshold) == (windows.manner == "bursts")).mean())


def hover_or_burst(hovering: xr.Dataset, one_mode: xr.Dataset) -> Pieces:
    """Both criteria; the threshold of one mode against kicks on losses that have it, and on networks."""
    yield from about("threshold", *by_kicks(one_mode))
    windows = decided(criteria(hovering))
    count = f"{windows.sizes['window']} windows of {len(runs_of(windows))} runs"
    if windows.sizes["window"] < WINDOWS:
        raise Undecided(f"{count} hover or burst; {WINDOWS} tell: take more runs")
    chances = {name: order(windows, name) for name in ("second", "growth")}
    shares = {"second": right(windows, "second", SECOND), "growth": right(windows, "growth", 0.0)}
    said = {"second": "ηλ₂/2", "growth": "ln|μ|"}
    burst = float((windows.manner == "bursts").mean())
    most = max(burst, 1 - burst)
    for name, words in said.items():
        quantity = f"chance that {words} is larger of a window that bursts than of one that hovers, {count}"
        yield from about("det[", exceeds("network", quantity, chances[name], above=0.5))
        quantity = f"share told right by {words}, {count}, over that of the more frequent of the two"
        yield from about("det[", exceeds("network", quantity, shares[name], above=most))
    quantity = f"share told right by the determinant less that by ηλ₂/2 < {SECOND}, {count}"
    yield from about("better than", exceeds("network", quantity, shares["growth"] - shares["second"], above=0))
    one = windows.isel(window=np.flatnonzero((windows.modes == 1).values))
    same = float(((one.below_threshold == 1) == (one.growth < 0)).mean())
    quantity = f"share of {one.sizes['window']} windows of one mode of which Q* and the multipliers say the same"
    yield from about("threshold", agreement("network", quantity, 1.0, same))


def ranks(hovering: xr.Dataset, two_modes: xr.Dataset) -> Pieces:
    """What the rank of the central flow says: on the loss of two modes, and on networks."""
    yield from about("two modes", *on_the_loss(two_modes))
    windows = decided(criteria(hovering))
    edge = windows.isel(window=np.flatnonzero((windows["count"] >= 2).values))
    shares: dict[str, tuple[float, int]] = {}
    for words, chosen in {"two or more": edge["rank"] >= 2, "one": edge["rank"] == 1}.items():
        some = edge.isel(window=np.flatnonzero(chosen.values))
        count, many_runs = some.sizes["window"], len(runs_of(some))
        if count < OF_EACH or many_runs < FEWEST:
            found = f"{count} windows of {many_runs} runs with λ₂ at the edge have rank {words}"
            raise Undecided(f"{found}; {OF_EACH} of {FEWEST} tell: take more runs")
        shares[words] = float((some.manner == "bursts").mean()), some.sizes["window"]
    (bursts, many), (fewer, few) = shares["two or more"], shares["one"]
    left = edge.sizes["window"] - many - few
    quantity = f"share that bursts of {many} windows with λ₂ at the edge and rank two, less that of {few} with rank one"
    quantity += f", {left} of undecided rank or none left out"
    yield from about("networks burst", exceeds("network", quantity, bursts - fewer, above=0))
    yield from about("always", bounded("network", f"share of those {many} that hover", 1 - bursts, below=0.05))


def on_the_loss(two_modes: xr.Dataset) -> Iterator[Evidence]:
    """The time average of the oscillation against X, and the swing of x₁."""
    couplings = np.zeros((2, 2, 2, 2))
    couplings[0, 0, 0, 0] = couplings[1, 1, 1, 1] = 1
    for a, b in ((0, 1), (1, 0)):
        couplings[a, b, 0, 1] = couplings[a, b, 1, 0] = 1
    for name, drives in DRIVES.items():
        predicted = edge_covariance(-np.diag(drives), couplings)
        x = two_modes.x.sel(drive=name).values
        average = x.T @ x / len(x)
        distance = float(np.abs(average - predicted.covariance).max() / np.abs(predicted.covariance).max())
        yield bounded("simulation", f"time average of xxᵀ against X, {name}, relative", distance, below=0.1)
        yield agreement("simulation", f"rank of X, {name}", {"rank two": 2, "rank one": 1}[name], predicted.rank)
        size = np.abs(x[:, 0])
        swing = float(size.max() / size.min())
        quantity = f"largest |x₁| over least, {name}"
        yield (
            exceeds("simulation", quantity, swing, above=BURSTING)
            if name == "rank two"
            else bounded("simulation", quantity, swing, below=STEADY)
        )
