"""Once the sharpness has passed 2/η, gradient descent oscillates along the top eigenvector, more in every step.

On a quadratic of curvature S a step multiplies the coordinate x = u·θ along the eigenvector u by 1 − ηS. Beyond S = 2/η
this multiplier is below −1: x changes its sign in every step, and grows. A network's loss is no quadratic, but as long
as the oscillation is small it follows one: from the crossing on,

    |x_t| ≈ |x_s| ∏ (ηS_r − 1),    s ≤ r < t,

with the sharpness read at every step. Training also moves the middle about which the iterates oscillate, a million
times further than the young oscillation. What alternates is separated from what is slow by differences of order m,

    x_t = 2⁻ᵐ Σ_i (−1)ⁱ C(m, i) u·θ_{t − m/2 + i},

which leave a sequence (−1)ᵗ as it is, and take m derivatives of a slow one. With m = 8 and double precision all of the
growth is seen: before the crossing the oscillation has died down to the rounding errors, 1e-16. It starts from there,
and multiplies for more than a hundred steps before anything of it shows in loss or sharpness. That is why the sharpness
overshoots 2/η before it turns: the instability is delayed by the time that rounding errors need to grow.

The growth does not go on. When the oscillation is large enough to bring S down below 2/η (self-stabilization, by the
third derivative: `analysis.self_stabilization`), it shrinks again; the loss has risen for a while, and goes on falling.
On a quadratic it would have risen for ever: compare `analysis.descent_lemma`.

Source: :cite:t:`cohen2021edge`, §3.2 and Figure 4.
"""

from dataclasses import dataclass

from analysis.study import Study
from analysis.training import OneStepSizeOptions

study = Study(__name__, source="Cohen et al. 2021, Figure 4")


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(OneStepSizeOptions):
    """One run across 2/η, its sharpness and its gradient along the top eigenvector read at every step.

    The presets' step sizes are 0.3 on the digits and 0.01 on CIFAR-10.
    """


from collections.abc import Mapping
from dataclasses import replace
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from matplotlib.figure import Figure

from analysis.study import COLORS, THEORY_COLOR, Pieces, agreement, bounded, exceeds, new_figure, same
from analysis.training import flat_loss, train
from analysis.training.measures import crossing, loss_of, oscillation, share_of_rises, sharpness_of
from analysis.training.panels import label_few_decades, mark_crossing, plot_loss, plot_sharpness
from eos_sym import Undecided, critical_sharpness, rules
from numeric.compile import Array
from numeric.networks.architectures import FullyConnected
from numeric.networks.curvature import HessianAt, TopEigenpairs
from numeric.networks.data import Digits
from numeric.networks.training import Experiment, Measure
from numeric.networks.training.optimizers import GradientDescent
from numeric.runs import one_thread

QUICK = Experiment(
    Digits(400),
    FullyConnected((50, 50)),
    GradientDescent(0.3),
    steps=500,
    precision="float64",
    measure=Measure(every=1, weights_every=1),
)
FULL = replace(
    QUICK,
    network=FullyConnected((200, 200)),
    rule=GradientDescent(0.01),
    steps=6000,
    precision="float32",
    measure=Measure(every=1, relative=1e-5),
)
ORDER = 8  # of the differences
EIGENVECTOR = 1e-8  # relative tolerance of the sharpness where the eigenvector is taken
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


@study.theory
def derived() -> Mapping[str, Any]:
    """The edge, and what happens beyond it."""
    return {
        "critical_sharpness": critical_sharpness(rules.GradientDescent()),
        "multiplier": "1 − ηS along the top eigenvector",
    }


@study.experiment
def training(options: Options, folder: Path) -> xr.Dataset:
    """The history, with ``oscillation`` (reading,): what alternates along the top eigenvector.

    From the weights where they were kept, along the eigenvector at the crossing; else from the gradient's projections
    on the eigenvector of each step, times η: ηS ≈ 2 times as large, and an order of magnitude less exact, but without
    3 GB of weights.
    """
    run = options.base(QUICK, FULL)
    if options.eta is not None:
        run = replace(run, rule=GradientDescent(float(options.eta)))
    history = train(options, folder, {"run": run})["run"]
    eta = history.attrs["eta"]
    if "weights" in history:
        weights = history.weights.values
        series = weights @ top_eigenvector(run, weights[crossing(history, 2 / eta) or 0])
    else:
        series = history.gradient_projection.isel(index=0).values * eta
    return history.drop_vars("weights", errors="ignore").assign(oscillation=("reading", alternating(series)))


def top_eigenvector(run: Experiment, weights: Array) -> Array:
    """That of the Hessian at these weights."""
    point = torch.from_numpy(weights).double()
    with one_thread():
        reading = TopEigenpairs(1, relative=EIGENVECTOR).read(HessianAt(flat_loss(run), point), point)
    return np.asarray(reading.eigenvectors[:, 0].numpy(), dtype=float)


def alternating(series: Array) -> Array:
    """The alternating part of a series, by differences about each place; NaN within half the order of its ends."""
    if len(series) <= ORDER:
        return np.full(len(series), np.nan)
    kernel = np.array([(-1) ** i * comb(ORDER, i) for i in range(ORDER + 1)]) / 2**ORDER
    return np.pad(np.convolve(series, kernel, mode="valid"), ORDER // 2, constant_values=np.nan)


def first_episode(history: xr.Dataset) -> Episode | None:
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


@study.measurement
def episode(training: xr.Dataset) -> Episode:
    """That of the run."""
    found = first_episode(training)
    if found is None:
        raise Undecided("the run ended before the sharpness had crossed 2/η and come back")
    return found


@study.measurement
def growing(training: xr.Dataset, episode: Episode) -> tuple[Array, Array]:
    """Oscillation and sharpness over the steps where it grows, seen but small."""
    steps = episode.growing
    if steps.stop - steps.start < FEWEST_STEPS:
        raise Undecided(f"the oscillation grows for {steps.stop - steps.start} steps; {FEWEST_STEPS} tell how")
    return training.oscillation.values[steps], sharpness_of(training)[1][steps]


@study.claim("the loss falls in every step until the sharpness crosses 2/η", "the descent lemma")
def descent_until_the_crossing(training: xr.Dataset, episode: Episode) -> Pieces:
    """Every single step."""
    rises = share_of_rises(loss_of(training)[: episode.crossing])
    yield agreement("network", "share of steps before the crossing in which the loss rises", 0.0, rises)


@study.claim(
    "after the crossing the iterates change sides along the top eigenvector in every step, and swing out "
    f"{LEAST_GROWTH:g} times as far or more"
)
def oscillates_along_the_top_eigenvector(growing: tuple[Array, Array]) -> Pieces:
    """Signs and sizes, while the oscillation is seen but small."""
    series, _ = growing
    yield agreement("network", "share of steps in which the oscillation changes its sign", 1.0, oscillation(series))
    growth = float(abs(series[-1]) / abs(series[0]))
    yield exceeds("network", "amplitude of the oscillation, last over first", growth, above=LEAST_GROWTH)


@study.claim(
    "while it is small the oscillation grows in each step by ηS − 1, as on a quadratic",
    "linear stability of gradient descent",
)
def grows_by_the_multiplier(training: xr.Dataset, growing: tuple[Array, Array]) -> Pieces:
    """The growth that the sharpness says, and that of the oscillation; both take the run's top eigenvectors."""
    series, sharpness = growing
    expected = float(np.log(float(training.attrs["eta"]) * sharpness[:-1] - 1).sum())
    observed = float(np.log(abs(series[-1] / series[0])))
    quantity = "logarithm of the growth of the oscillation, sum of ln(ηS − 1) being expected"
    yield agreement("network", quantity, expected, observed, relative=GROWTH_AGREEMENT)


@study.claim("the growth ends: the sharpness returns below 2/η, and in the end the loss is below that at the crossing")
def does_not_diverge(training: xr.Dataset, episode: Episode) -> Pieces:
    """How the run ends, which has returned if there is an episode."""
    yield same("network", "why the run ended", "steps", str(training.attrs["ending"]))
    loss = loss_of(training)
    yield bounded("network", "loss at the end over that at the crossing", loss[-1] / loss[episode.crossing], below=1.0)


@study.claim("the loss is larger at the peak of the oscillation than at the crossing")
def loss_rises_after_the_crossing(training: xr.Dataset, episode: Episode) -> Pieces:
    """The largest loss on the way to the peak."""
    loss = loss_of(training)[episode.crossing : episode.peak + 1]
    yield exceeds("network", "largest loss until the peak over that at the crossing", loss.max() / loss[0], above=1)


@study.figure
def figure(training: xr.Dataset) -> Figure:
    """Sharpness, oscillation and loss against the iteration, with the crossing of 2/η."""
    drawing = new_figure(5.4, 6.4)
    sharpness, wave, loss = drawing.subplots(3, 1, sharex=True)
    eta, found = float(training.attrs["eta"]), first_episode(training)
    plot_sharpness(sharpness, training, COLORS[0], edge=2 / eta)
    sharpness.annotate(f"$2/\\eta = {2 / eta:.4g}$", (0, 2 / eta), va="bottom", color=COLORS[0])
    sharpness.set_title("(a) the sharpness crosses $2/\\eta$")
    steps, values = sharpness_of(training)
    amplitude = np.abs(training.oscillation.values[: len(steps)])
    wave.semilogy(steps, amplitude, color=COLORS[1], linewidth=0.9, label="measured")
    wave.set_ylabel("$|x|$, alternating part of $u\\cdot\\theta$")
    wave.set_title("(b) the oscillation along the top eigenvector grows")
    if found is not None:
        here = found.growing
        growth = np.cumprod(np.concatenate([[1.0], eta * values[here][:-1] - 1]))
        label = "$\\prod\\,(\\eta S - 1)$"
        wave.semilogy(steps[here], amplitude[here.start] * growth, "--", color=THEORY_COLOR, label=label)
        wave.legend(loc="upper left")
    plot_loss(loss, training, COLORS[2])
    label_few_decades(loss)
    loss.set_title("(c) the loss rises, and then goes on falling")
    for axes in (sharpness, wave, loss):
        mark_crossing(axes, None if found is None else found.crossing)
        axes.set_xlabel("iteration" if axes is loss else "")
    return drawing


if __name__ == "__main__":
    study.main()
