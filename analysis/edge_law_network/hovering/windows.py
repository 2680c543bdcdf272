"""Networks that hover at the edge: training runs, windows along them, the theory at each window, and a kicked copy.

    θ_{t+1} = θ_t − η ∇L(θ_t)     digits in 16 principal components, ten classes, 30 % of the labels drawn at random

Runs of one architecture, from several seeds with several step sizes each, are trained as one batch. Every `every` steps
a window of `SPAN` steps begins. At its first midpoint the theory of hovering is read (`numeric.networks.edge`), and two
copies go on from there, one of them with its oscillation `KICK` larger. Of every step of the window are kept, with
a_t = (2θ_t − θ_{t−1} − θ_{t+1})/4,

    oscillation    u·a_t, u the direction at the edge along which the window begins to oscillate
    answer         ln of the kicked copy's a_t over the free one's, along the latter
    response       ln(1 + KICK) times what the theory says is left of a kick

A window is *at the edge* if ηλ₁/2 > `AT_THE_EDGE` and the oscillation is of the size that the drift balances, q between
half and twice 2α/β: the theory is of what is near a two-cycle. It *hovers* if the largest |u·a_t| in it is less than
`STEADY` times the least, and *bursts* if it is more than `BURSTING` times that. What q is where networks hover is
measured on the windows that hover with ηλ₁/2 > `AT_THE_EDGE`, whatever their q.

Shapes: oscillation, answer, response (window, step); eigenvalues (window, 3), nan for those that are not read. Units:
steps; lengths of weights. Errors: `Undecided` where no window is at the edge.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from analysis.edge_law_network.training.batch import Batch
from analysis.edge_law_network.training.data import COMPONENTS
from analysis.study import CommonOptions, expect
from eos_sym import Undecided
from numeric.networks.architectures import FullyConnected
from numeric.networks.architectures.layers import Activation
from numeric.networks.data import Digits, Examples, principal_axes
from numeric.networks.edge import Hovering
from numeric.networks.edge.hovering import hovering_at
from numeric.networks.forecast.anchor import Anchor, anchor
from numeric.networks.forecast.path import STEADY
from numeric.networks.loss import FlatLoss, half_squared_error
from numeric.progress import Progress
from numeric.runs import sweep

WIDTHS, EXAMPLES, NOISE = (14, 14), 100, 0.3
SPAN, KICK = 300, 0.1
AT_THE_EDGE, NEAR = 0.985, 2.0
SLOW = (0.1, 0.03, 0.01, 0.003)  # ηλ up to which a direction is slow
READ = 3  # eigenvalues at the edge


@dataclass(frozen=True)
class Hoverings:
    """Runs of one activation, from several seeds, with several step sizes each; windows begin at `first`."""

    activation: Activation
    seeds: tuple[int, ...]
    etas: tuple[float, ...]
    first: int
    every: int
    steps: int

    def run(self, folder: Path, progress: Progress) -> xr.Dataset:
        """Train, read the theory at every window, and follow the window twice."""
        batch, labels = self._batch(), [(seed, eta) for seed in self.seeds for eta in self.etas]
        beginnings: list[tuple[int, int, Tensor]] = []
        for step, weights in enumerate(batch.path(self.steps)):
            progress(int(step > 0))
            if step >= self.first and (step - self.first) % self.every == 0:
                beginnings += [
                    (member, step, one) for member, one in enumerate(weights.clone()) if one.isfinite().all()
                ]
        loss = self._loss(0)
        rows: list[dict[str, Any]] = []
        kicked, directions = [], []
        for member, step, weights in beginnings:
            seed, eta = labels[member]
            loss.load(weights)
            point = anchor(loss, eta)
            here = hovering_at(point, eta)
            rows.append({"seed": seed, "eta": eta, "step": step, **_read(here), **_ranks(loss, here)})
            kicked.append(weights + KICK * point.edge @ (point.edge.T @ point.start))
            directions.append(_direction(point))
        members = torch.tensor([member for member, _, _ in beginnings])
        free = batch.chosen(members).at(torch.stack([weights for _, _, weights in beginnings]))
        followed = _followed(free, torch.stack(kicked), torch.stack(directions))
        columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
        labelled = {name: (("window", *ARRAYS.get(name, ())), values) for name, values in columns.items()}
        windows = xr.Dataset(labelled, {"step_in_window": np.arange(1, SPAN + 1), "slow": list(SLOW)})
        windows["activation"] = ("window", [self.activation] * len(rows))
        return windows.assign({name: (("window", "step_in_window"), values) for name, values in followed.items()})

    def _loss(self, seed: int) -> FlatLoss:
        examples = noisy_digits()
        network = FullyConnected(WIDTHS, self.activation)
        module = network.build(examples, torch.Generator().manual_seed(seed)).double()
        return FlatLoss(module, examples.inputs, examples.targets, half_squared_error)

    def _batch(self) -> Batch:
        losses = [self._loss(seed) for seed in self.seeds for _ in self.etas]
        weights, inputs, targets = (
            torch.stack(one)
            for one in zip(*((loss.parameters, loss.inputs, loss.targets) for loss in losses), strict=True)
        )
        eta = torch.tensor(self.etas * len(self.seeds), dtype=weights.dtype)
        return Batch(losses[0].module, weights, eta, inputs, targets)


ARRAYS = {"eigenvalues": ("mode",), "response": ("step_in_window",)} | dict.fromkeys(
    ("alpha_below", "beta_below", "quartic_below"), ("slow",)
)
QUICK = Hoverings("gelu", (1, 2), (0.3,), 1250, 250, 2000)
FULL = tuple(
    Hoverings(activation, (0, 1, 2, 3), (0.2, 0.3, 0.4, 0.6), 750, 500, 4250)
    for activation in ("tanh", "gelu", "softplus", "silu")
)


@cache
def noisy_digits() -> Examples:
    """So many digits of ten classes in the principal components of all, of mean square 1."""
    everything, chosen = (Digits(number, noise=NOISE).load() for number in (None, EXAMPLES))
    pixels = everything.inputs.flatten(1)
    components = (chosen.inputs.flatten(1) - pixels.mean(0)) @ principal_axes(pixels, COMPONENTS)
    return Examples(components / components.square().mean().sqrt(), chosen.targets, classes=True)


def hovering(options: CommonOptions, folder: Path) -> xr.Dataset:
    """All windows of the preset's runs; runs that were finished before are only read."""
    chosen = (QUICK,) if options.preset == "quick" else FULL
    planned = [replace(one, seeds=tuple(options.seed + seed for seed in one.seeds)) for one in chosen]
    expect(sum(one.steps for one in planned))
    result = sweep(planned, folder / "runs", workers=getattr(options, "workers", None))
    if result.failures:
        raise result.failures[0].error
    histories = [one.drop_attrs() for one in result.histories if one is not None]
    return xr.concat(histories, "window", data_vars="minimal", coords="minimal", compat="override", join="override")


def of_any_size(windows: xr.Dataset) -> xr.Dataset:
    """The windows with an eigenvalue at the edge, with `swing`, largest over least oscillation."""
    size = abs(windows.oscillation)
    windows = windows.assign(swing=size.max("step_in_window") / size.min("step_in_window"))
    return windows.isel(window=np.flatnonzero((windows.eigenvalues[:, 0] > AT_THE_EDGE).values))


def at_the_edge(windows: xr.Dataset) -> xr.Dataset:
    """Those of them that begin near a two-cycle."""
    windows = of_any_size(windows)
    near = abs(np.log(windows.balanced / windows.square)) < np.log(NEAR)
    chosen = windows.isel(window=np.flatnonzero(near.values))
    if not chosen.sizes["window"]:
        raise Undecided("no window is at the edge: train longer, or with other step sizes")
    return chosen


def steady(windows: xr.Dataset) -> xr.Dataset:
    """Those of these windows that hover."""
    return windows.isel(window=np.flatnonzero((windows.swing < STEADY).values))


def _direction(point: Anchor) -> Tensor:
    """The direction at the edge along which the window begins to oscillate, (p,)."""
    along = point.edge @ (point.edge.T @ point.start)
    unit: Tensor = along / along.norm()
    return unit


def _read(here: Hovering) -> Mapping[str, Any]:
    """What the theory says at a window."""
    eigenvalues = np.full(READ, np.nan)
    known = (here.eta * here.eigenvalues / 2)[:READ]
    eigenvalues[: len(known)] = known
    below = [here.split(limit) for limit in SLOW]
    return {
        "eigenvalues": eigenvalues,
        "modes": here.modes,
        "square": here.square,
        "alpha": here.alpha,
        "beta": here.beta,
        "balanced": 2 * here.alpha / here.beta if here.alpha > 0 else np.nan,
        "alpha_below": [split.alpha for split in below],
        "beta_below": [split.beta for split in below],
        "quartic_below": [split.quartic for split in below],
        "growth": here.growth,
        "damping": here.damping,
        "period": here.period,
        "purity": here.purity,
        "below_threshold": float(here.quartic < here.threshold.quartic) if here.modes == 1 else np.nan,
        "response": np.log1p(KICK) * here.response(SPAN)[1:],
    }


def _ranks(loss: FlatLoss, here: Hovering) -> Mapping[str, int]:
    """How many eigenvalues are at the edge, at most `READ`, and how many of their directions the central flow moves."""
    count = int((here.eta * here.eigenvalues[:READ] / 2 > AT_THE_EDGE).sum())
    if count < 2:
        return {"count": count, "rank": count}
    try:
        rank = hovering_at(anchor(loss, here.eta, count), here.eta, products=1).covariance.rank
    except Undecided:
        rank = -1
    return {"count": count, "rank": rank}


def _followed(free: Batch, kicked: Tensor, directions: Tensor) -> dict[str, np.ndarray[Any, Any]]:
    """The free windows beside the kicked ones."""
    oscillation, answer = [], []
    before: list[tuple[Tensor, Tensor]] = []
    for pair in zip(free.path(SPAN + 1), free.at(kicked).path(SPAN + 1), strict=True):
        before.append(pair)
        if len(before) == 3:
            own, other = ((2 * b - a - c) / 4 for a, b, c in zip(*before, strict=True))
            oscillation.append((own * directions).sum(1))
            answer.append(((other * own).sum(1).abs() / own.square().sum(1)).log())
            before.pop(0)
    return {"oscillation": torch.stack(oscillation, 1).numpy(), "answer": torch.stack(answer, 1).numpy()}
