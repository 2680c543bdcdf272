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
and multiplies for fifty to a hundred steps before anything of it shows in loss or sharpness. That is why the sharpness
overshoots 2/η before it turns: the instability is delayed by the time that rounding errors need to grow.

The differences see |x_t| cosh⁸(½ ln(ηS − 1)) of an oscillation that grows by ηS − 1, more the faster it grows: what is
expected is therefore taken by the same differences.

Measured (quick preset, five starts): the oscillation grows 10⁵- to 10¹¹-fold before it is a tenth of its largest size;
its logarithm grows 1.001 ± 0.003 times as fast as ln(ηS − 1) adds up. It is taken along one eigenvector, that of the
largest sharpness, towards which the eigenvectors of the steps before turn, in one of the runs by 45°.

The growth does not go on. When the oscillation is large enough to bring S down to 2/η (self-stabilization, by the third
derivative: `analysis.self_stabilization`), it shrinks again; the loss has risen for a while, and goes on falling.
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
    """Runs across 2/η, their sharpness and gradient along the top eigenvector read at every step.

    The presets' step sizes are 0.5 on the digits and 0.01 on CIFAR-10.
    """


from collections.abc import Mapping
from dataclasses import replace
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.study import (
    THEORY_COLOR,
    Evidence,
    Pieces,
    about,
    agreement,
    bounded,
    colors,
    exceeds,
    new_figure,
    over,
    same,
)
from analysis.training import combined, flat_loss, train
from analysis.training.estimate import mean, within
from analysis.training.measures import crossing, crossing_from_below, loss_of, oscillation, share_of_rises, sharpness_of
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
    Digits(200, noise=0.3),
    FullyConnected((30, 30)),
    GradientDescent(0.5),
    steps=200,
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
SEEDS = {"quick": 5, "full": 1}
ORDER = 8  # of the differences
EIGENVECTOR = 1e-8  # relative tolerance of the sharpness where the eigenvector is taken
LEAST_GROWTH = 1e3  # of the oscillation, over the steps where it is above the noise and small
ABOVE_NOISE = 100.0  # times what there is at the crossing, where the oscillation has died down
TURNED = 0.5  # of its largest size so far: the oscillation has turned
FEWEST_STEPS = 5
BACK = 0.3  # of the largest excess of the sharpness over 2/η
SMALL = 0.1  # of the peak: up to there the oscillation is taken for that of a quadratic
# Of the logarithm of the growth: along an eigenvector at the angle φ to the one that is kept a share cos φ is seen, so
# that the turn adds up to −ln cos φ, 0.35 of 25 for 45°.
GROWTH_AGREEMENT = 0.02
SLOPE = (0.98, 1.02)  # of that logarithm against the expected one, mean over the starts


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
    """The histories along ``seed``, with ``oscillation`` (reading,): what alternates along the top eigenvector.

    From the weights where they were kept, along the eigenvector where the sharpness is largest; else from the
    gradient's projections on the eigenvector of each step, times η: ηS ≈ 2 times as large, and an order of magnitude
    less exact, but without 3 GB of weights.
    """
    base = options.base(QUICK, FULL)
    if options.eta is not None:
        base = replace(base, rule=GradientDescent(float(options.eta)))
    seeds = range(options.seed, options.seed + (options.seeds or SEEDS[options.preset]))
    planned = {(seed,): replace(base, seed=seed) for seed in seeds}
    trained = train(options, folder, planned)
    swings = {labels: with_oscillation(planned[labels], history) for labels, history in trained.items()}
    return combined(swings, "seed")


def with_oscillation(run: Experiment, history: xr.Dataset) -> xr.Dataset:
    """The history of one run, with what alternates."""
    eta = history.attrs["eta"]
    if "weights" in history:
        weights = history.weights.values
        series = weights @ top_eigenvector(run, weights[int(sharpness_of(history)[1].argmax())])
    else:
        series = history.gradient_projection.isel(index=0).values * eta
    return history.assign(oscillation=("reading", alternating(series)))


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
    """The first crossing of 2/η and the growth after it; None if it is not crossed, or the growth has not ended."""
    first = crossing(history, 2 / float(history.eta))
    amplitude = np.abs(history.oscillation.values)
    if first is None or not np.isfinite(amplitude[first]):
        return None
    swing = amplitude[first : first + int(np.isfinite(amplitude[first:]).sum())]
    so_far = np.maximum.accumulate(swing)
    over = (so_far > LEAST_GROWTH * swing[0]) & (swing < TURNED * so_far)
    if not over.any():
        return None
    peak = first + int(swing[: over.argmax()].argmax())
    seen = amplitude[first:peak] > ABOVE_NOISE * amplitude[first]
    start = first + (len(seen) - int((~seen[::-1]).argmax()) if not seen.all() else 0)
    end = first + int((amplitude[first : peak + 1] >= SMALL * amplitude[peak]).argmax())
    return Episode(first, peak, slice(start, end + 1))


def runs_of(training: xr.Dataset) -> list[xr.Dataset]:
    """The runs by their starts."""
    return [training.sel(seed=seed) for seed in training.seed.values]


def name_of(run: xr.Dataset) -> str:
    """A run in words."""
    return f"seed {int(run.seed)}"


def episode(run: xr.Dataset) -> Episode:
    """That of a run which starts below 2/η."""
    crossing_from_below(run, 2 / float(run.eta), name_of(run))
    found = first_episode(run)
    if found is None:
        raise Undecided(f"{name_of(run)}: the run ended before the sharpness had crossed 2/η and the growth had ended")
    return found


def growing(run: xr.Dataset) -> tuple[Array, Array]:
    """Oscillation and sharpness of a run over the steps where it grows, seen but small."""
    steps = episode(run).growing
    if steps.stop - steps.start < FEWEST_STEPS:
        some = f"the oscillation grows for {steps.stop - steps.start} steps"
        raise Undecided(f"{name_of(run)}: {some}; {FEWEST_STEPS} tell how")
    return run.oscillation.values[steps], sharpness_of(run)[1][steps]


@study.claim("the loss falls in every step until the sharpness crosses 2/η", "the descent lemma")
def descent_until_the_crossing(training: xr.Dataset) -> Pieces:
    """Every single step."""

    def rises(run: xr.Dataset) -> Evidence:
        share = share_of_rises(loss_of(run)[: episode(run).crossing])
        return agreement("network", f"share of steps before the crossing in which L rises, {name_of(run)}", 0.0, share)

    yield from over(runs_of(training), rises)


@study.claim(
    "after the crossing the iterates change sides along the top eigenvector in every step; they swing out "
    f"{LEAST_GROWTH:g} times as far or more"
)
def oscillates_along_the_top_eigenvector(training: xr.Dataset) -> Pieces:
    """Signs and sizes, while the oscillation is seen but small."""

    def signs(run: xr.Dataset) -> Evidence:
        share = oscillation(growing(run)[0])
        return agreement("network", f"share of steps in which the oscillation changes sign, {name_of(run)}", 1.0, share)

    def sizes(run: xr.Dataset) -> Evidence:
        series, _ = growing(run)
        growth = float(abs(series[-1]) / abs(series[0]))
        quantity = f"amplitude of the oscillation, last over first, {name_of(run)}"
        return exceeds("network", quantity, growth, above=LEAST_GROWTH)

    yield from about("change sides", over(runs_of(training), signs))
    yield from about("swing out", over(runs_of(training), sizes))


@study.claim(
    "while it is small the oscillation grows in each step by ηS − 1, as on a quadratic, within "
    f"{GROWTH_AGREEMENT:.0%} of the logarithm of the growth",
    "linear stability of gradient descent",
)
def grows_by_the_multiplier(training: xr.Dataset) -> Pieces:
    """The growth that the sharpness says, and that of the oscillation; both take the run's top eigenvectors.

    Twice: of the whole time for each start, and over all starts the slope of what is seen against what is expected,
    step by step, which does not depend on where the growth begins to be counted.
    """

    def whole(run: xr.Dataset) -> Evidence:
        expected, observed = growths(run)
        quantity = f"logarithm of the oscillation's growth, beside the sum of ln(ηS − 1), {name_of(run)}"
        return agreement("network", quantity, expected[-1], observed[-1], relative=GROWTH_AGREEMENT)

    yield from over(runs_of(training), whole)
    slopes = [float(np.polyfit(*growths(run), 1)[0]) for run in runs_of(training)]
    yield within("slope of ln|x_t| against the sum of ln(ηS − 1) until t, mean over starts", mean(slopes), *SLOPE)


def growths(run: xr.Dataset) -> tuple[Array, Array]:
    """The logarithm of the growth until each step, expected and seen, both by the same differences."""
    (series, _), steps, half = growing(run), episode(run).growing, ORDER // 2
    around = sharpness_of(run)[1][steps.start - half : steps.stop - 1 + half]
    swings = np.concatenate([[1.0], np.cumprod(1 - float(run.eta) * around)])
    expected = alternating(swings)[half:-half]
    return np.log(np.abs(expected / expected[0])), np.log(np.abs(series / series[0]))


@study.claim(
    f"the growth ends, and the sharpness comes back: at its least it is above 2/η by less than {BACK:.0%} of its "
    "largest excess; no run diverges; in the end the loss is below that at the crossing"
)
def does_not_diverge(training: xr.Dataset) -> Pieces:
    """How far the sharpness comes back after the peak, and how the runs end."""

    def back(run: xr.Dataset) -> Evidence:
        found, edge = episode(run), 2 / float(run.eta)
        excess = sharpness_of(run)[1][found.crossing :] - edge
        before, after = np.split(excess, [found.peak - found.crossing])
        quantity = f"least S − 2/η after the peak over the largest before, {name_of(run)}"
        return bounded("network", quantity, float(after.min() / before.max()), below=BACK)

    def ending(run: xr.Dataset) -> Evidence:
        episode(run)
        return same("network", f"why the run ended, {name_of(run)}", "steps", str(np.asarray(run.ending)))

    def lower(run: xr.Dataset) -> Evidence:
        loss, at = loss_of(run), episode(run).crossing
        return bounded(
            "network", f"loss at the end over that at the crossing, {name_of(run)}", loss[-1] / loss[at], below=1
        )

    yield from about("comes back", over(runs_of(training), back))
    yield from about("no run diverges", over(runs_of(training), ending))
    yield from about("in the end", over(runs_of(training), lower))


@study.claim("the loss is larger at the peak of the oscillation than at the crossing")
def loss_rises_after_the_crossing(training: xr.Dataset) -> Pieces:
    """The loss on the way to the peak, where it is largest."""

    def larger(run: xr.Dataset) -> Evidence:
        found = episode(run)
        loss = loss_of(run)[found.crossing : found.peak + 1]
        quantity = f"largest loss until the peak over that at the crossing, {name_of(run)}"
        return exceeds("network", quantity, loss.max() / loss[0], above=1)

    yield from over(runs_of(training), larger)


@study.figure
def figure(training: xr.Dataset) -> Figure:
    """Sharpness, oscillation and loss against the iteration, a colour for each start, with the crossings of 2/η."""
    drawing = new_figure(5.4, 6.4)
    sharpness, wave, loss = drawing.subplots(3, 1, sharex=True)
    runs = runs_of(training)
    for run, color in zip(runs, colors(len(runs)), strict=True):
        plot_sharpness(sharpness, run, color)
        plot_oscillation(wave, run, color)
        plot_loss(loss, run, color)
        found = first_episode(run)
        for axes in (sharpness, wave, loss):
            mark_crossing(axes, None if found is None else found.crossing, color)
    edge = 2 / float(runs[0].eta)
    sharpness.axhline(edge, color=THEORY_COLOR, linestyle="--", linewidth=0.8)
    sharpness.annotate(f"$2/\\eta = {edge:.4g}$", (0, edge), va="bottom")
    sharpness.set_title("(a) the sharpness crosses $2/\\eta$, dotted; a colour for each seed")
    wave.set_yscale("log")
    wave.set_ylabel("$|x|$, alternating part of $u\\cdot\\theta$")
    wave.set_title("(b) the oscillation along the top eigenvector grows")
    wave.plot([], [], "--", color=THEORY_COLOR, label="$\\prod\\,(\\eta S - 1)$")
    wave.legend(loc="upper left")
    label_few_decades(loss)
    loss.set_title("(c) the loss rises, and then goes on falling")
    for axes in (sharpness, wave):
        axes.set_xlabel("")
    return drawing


def plot_oscillation(axes: Axes, run: xr.Dataset, color: Any) -> None:
    """The size of the oscillation, and dashed what the sharpness says of its growth."""
    steps, _ = sharpness_of(run)
    amplitude = np.abs(run.oscillation.values[: len(steps)])
    axes.plot(steps, amplitude, color=color, linewidth=0.9)
    found = first_episode(run)
    if found is not None and found.growing.stop - found.growing.start >= FEWEST_STEPS:
        here, (expected, _) = found.growing, growths(run)
        axes.plot(steps[here], amplitude[here.start] * np.exp(expected), "--", color=THEORY_COLOR, linewidth=0.9)


if __name__ == "__main__":
    study.main()
