"""Progressive sharpening: below 2/η the sharpness of a network rises, while it has much to learn.

A network is trained with so small a step that gradient descent stays close to the gradient flow. Nothing in the loss
asks for curvature, and yet the sharpness S = λ₁(∇²L), with the top eigenvector u, rises nearly all the way. Along the
flow θ̇ = −∇L first-order perturbation of a simple eigenvalue gives its rate exactly,

    Ṡ = ∇S·θ̇ = −∇³L(u, u, ∇L),

a third derivative of the loss, which is computed here without a tensor of order three. So progressive sharpening means
that the loss has −∇³L(u, u, ∇L) > 0 where training goes. S itself is read from second derivatives alone, so that the
rate, integrated over the time of the run, can be held against the sharpness that was measured, all along the run.

For the squared error S rises to the end. For the cross-entropy it rises while examples are still being learnt, and
falls once all are: as the margins grow, softmax saturates, and the second derivative of the criterion fades.

How far it rises depends on the task and the network, and where there is little to learn it does not rise at all: see
`analysis.dataset_size`, `analysis.initialization` and their like.

The sharpness stays below 2/η all the while, so the loss falls in every step: the descent lemma at work. What happens
where S reaches 2/η is the subject of `analysis.instability` and `analysis.edge_of_stability`.

The quick preset learns scikit-learn's digits, for the cross-entropy with three labels in ten drawn at random: with the
true labels alone this task is so easy that S falls from the start. Source: :cite:t:`cohen2021edge`,
§3.1 and Figure 3; the rate: :cite:t:`damian2022selfstabilization`.
"""

from dataclasses import dataclass

from analysis.study import Study
from analysis.training import OneStepSizeOptions

study = Study(__name__, source="Cohen et al. 2021, Figure 3")


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(OneStepSizeOptions):
    """A network trained with the squared error and with the cross-entropy; the preset's steps stay far below 2/S."""


from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from matplotlib.figure import Figure

from analysis.study import (
    COLORS,
    SMALLEST_FONT,
    THEORY_COLOR,
    Evidence,
    Pieces,
    about,
    agreement,
    bounded,
    exceeds,
    expect,
    new_figure,
    over,
)
from analysis.training import flat_loss, runs_along
from analysis.training.measures import loss_of, share_of_rises, sharpness_of
from analysis.training.panels import label_few_decades, plot_loss, plot_sharpness
from eos_sym import Undecided, critical_sharpness, rules
from numeric.compile import Array
from numeric.networks.architectures import FullyConnected
from numeric.networks.curvature import HessianAt, TopEigenpairs, directional_gradient
from numeric.networks.data import Digits
from numeric.networks.training import Experiment, Measure, Stop
from numeric.networks.training.optimizers import GradientDescent
from numeric.progress import listener
from numeric.runs import combine, one_thread


class Criterion(NamedTuple):
    """What is minimized: its name, the same in words, and the digits that the quick preset learns."""

    name: str
    title: str
    digits: Digits


MSE = Criterion("mse", "squared error", Digits(200))
CROSS_ENTROPY = Criterion("cross_entropy", "cross-entropy", Digits(200, noise=0.3))
CRITERIA = (MSE, CROSS_ENTROPY)
QUICK = Experiment(
    MSE.digits,
    FullyConnected((50, 50)),
    GradientDescent(0.1),
    steps=2000,
    precision="float64",
    measure=Measure(every=20, relative=1e-4, weights_every=40),
)
FULL = replace(
    QUICK,
    network=FullyConnected((200, 200)),
    rule=GradientDescent(0.001),
    steps=400_000,
    precision="float32",
    stop=Stop(accuracy=0.99),
    measure=Measure(every=200, weights_every=4000),
)
RATE_TOLERANCE = 1e-6  # of the sharpness at which a rate is taken
LEAST_RISE = 2.0  # largest sharpness over an earlier one
FEWEST_READINGS, FEWEST_SNAPSHOTS = 50, 20
PIECES = 20  # of a run, over each of which the sharpness should rise
SETTLED = 0.1  # of a run: the initial transient, in which S changes between two snapshots by much of its size
RATE_AGREEMENT = 0.02  # of the range of the sharpness
FALLEN = 0.5  # of its largest value
SEEDS = {"quick": 5, "full": 1}
OF_OTHERS = Measure(every=40, relative=1e-2)  # for the other starts, whose weights are not kept
LIGHT = "#BBBBBB"
RESTING = 0.99  # accuracy at which nearly everything is learnt


@study.theory
def derived() -> Mapping[str, Any]:
    """The edge, and what moves the sharpness."""
    return {
        "critical_sharpness": critical_sharpness(rules.GradientDescent()),
        "rate_of_the_sharpness": "dS/dt = −∇³L(u, u, ∇L) along the gradient flow",
    }


@runs_along(study, "criterion", "seed")
def planned(options: Options) -> dict[tuple[str, int], Experiment]:
    """The runs with each criterion from each random start; those from the first keep their weights."""
    base = options.base(QUICK, FULL)
    if options.eta is not None:
        base = replace(base, rule=GradientDescent(float(options.eta)))
    data = {one: one.digits if options.preset == "quick" else base.data for one in CRITERIA}
    first, count = options.seed, options.seeds or SEEDS[options.preset]
    kept = {first: base.measure}
    return {
        (one.name, seed): replace(base, loss=one.name, data=data[one], seed=seed, measure=kept.get(seed, OF_OTHERS))
        for one in CRITERIA
        for seed in range(first, first + count)
    }


@study.experiment
def rates(planned: Mapping[tuple[str, int], Experiment], histories: Mapping[tuple[str, int], xr.Dataset]) -> xr.Dataset:
    """Sharpness and rate −∇³L(u, u, ∇L) at the weights that the runs from the first start kept, in float64."""
    kept = [labels for labels, history in histories.items() if "snapshot" in history.dims]
    expect(sum(histories[labels].sizes["snapshot"] for labels in kept))
    with one_thread():
        found = [rates_along(planned[labels], histories[labels]) for labels in kept]
    return combine(found, {"criterion": [one.name for one in CRITERIA]})


def rates_along(run: Experiment, history: xr.Dataset) -> xr.Dataset:
    """Both at every snapshot of one run."""
    loss, count = flat_loss(run), listener()
    eigenpairs = TopEigenpairs(1, relative=RATE_TOLERANCE)
    sharpness, rate = [], []
    for weights in history.weights.values:
        point = torch.from_numpy(weights).double()
        hessian = HessianAt(loss, point)
        reading = eigenpairs.read(hessian, point)
        top = reading.eigenvectors[:, 0]
        sharpness.append(float(reading.eigenvalues[0]))
        rate.append(-float(directional_gradient(loss, point, top, top) @ hessian.gradient))
        count(1)
    steps = history.snapshot.values
    return xr.Dataset(
        {"sharpness": ("snapshot", sharpness), "rate": ("snapshot", rate)},
        {"snapshot": steps, "snapshot_time": ("snapshot", history.time.sel(step=steps).values)},
    )


@study.claim(
    f"with the squared error the sharpness rises {LEAST_RISE:g}-fold or more; it rises over nearly every twentieth of "
    "a run"
)
def rises_with_squared_error(training: xr.Dataset) -> Pieces:
    """In all, and piece by piece, from every start."""

    def share(run: xr.Dataset) -> Evidence:
        values = readings(run)
        ends = values[np.linspace(0, len(values) - 1, PIECES + 1).astype(int)]
        quantity = f"share of {PIECES} pieces over which the sharpness rises, {name_of(run)}"
        return agreement("network", quantity, 1.0, float((np.diff(ends) > 0).mean()), absolute=0.1)

    yield from about("-fold", over(runs_of(training, MSE), rise))
    yield from about("nearly every", over(runs_of(training, MSE), share))


@study.claim(
    f"with the cross-entropy the sharpness rises {LEAST_RISE:g}-fold or more while there is something to learn; when "
    f"the accuracy rests it has fallen below {FALLEN:g} times its largest value"
)
def rises_then_falls_with_cross_entropy(training: xr.Dataset) -> Pieces:
    """Up; and down again, where a run was long enough."""

    def falls(run: xr.Dataset) -> Evidence:
        values, accuracy = readings(run), loss_of(run, "accuracy")
        if accuracy[-1] < RESTING:
            at = f"at an accuracy of {accuracy[-1]:.3f}, with examples still being learnt"
            raise Undecided(f"{name_of(run)}: ended {at}")
        quantity = f"final over largest sharpness, {name_of(run)}"
        return bounded("network", quantity, float(values[-1] / values.max()), below=FALLEN)

    yield from about("rises", over(runs_of(training, CROSS_ENTROPY), rise))
    yield from about("fallen", over(runs_of(training, CROSS_ENTROPY), falls))


@study.claim(
    "the sharpness that second derivatives give is what the rate −∇³L(u, u, ∇L) adds up to, all along the last nine "
    f"tenths of the run, within {RATE_AGREEMENT:.0%} of the range in which it moves ({{criterion.title}})",
    "first-order perturbation; Damian et al. 2022",
    id="rate_is_the_third_derivative_{criterion.name}",
    criterion=CRITERIA,
)
def rate_is_the_third_derivative(rates: xr.Dataset, criterion: Criterion) -> Pieces:
    """Second derivatives against third ones, which share the eigenvectors u; a rate of 0 would be off by the range."""
    known = rates.sel(criterion=criterion.name).dropna("snapshot")
    if known.sizes["snapshot"] < FEWEST_SNAPSHOTS:
        raise Undecided("too few snapshots of the weights to integrate over")
    found = integrated(known)
    error = float(abs(found.integral - found.sharpness).max())
    moved = float(found.sharpness.max() - found.sharpness.min())
    quantity = "largest difference of S from its integrated rate, over the range of S, last nine tenths of the run"
    yield bounded("autograd", quantity, error / moved, below=RATE_AGREEMENT)


@study.claim("the sharpness stays below 2/η; so the loss falls in every step", "the descent lemma")
def descent_below_the_edge(training: xr.Dataset) -> Pieces:
    """The condition of the descent lemma, and what follows from it, in the run where it is closest to fail."""

    def below(criterion: Criterion) -> Evidence:
        largest = max(float(readings(run).max() * run.eta / 2) for run in runs_of(training, criterion))
        return bounded("network", f"largest sharpness over 2/η, {criterion.title}", largest, below=1.0)

    def falls(criterion: Criterion) -> Evidence:
        rises = max(share_of_rises(loss_of(run)) for run in runs_of(training, criterion))
        return agreement("network", f"share of steps in which the loss rises, {criterion.title}", 0.0, rises)

    yield from about("below", over(CRITERIA, below))
    yield from about("falls", over(CRITERIA, falls))


def runs_of(training: xr.Dataset, criterion: Criterion) -> list[xr.Dataset]:
    """The runs with a criterion, by their starts."""
    return [training.sel(criterion=criterion.name, seed=seed) for seed in training.seed.values]


def name_of(run: xr.Dataset) -> str:
    """A run in words."""
    return f"seed {int(run.seed)}"


def readings(run: xr.Dataset) -> Array:
    """The sharpness, at enough places to tell how it goes on."""
    values = sharpness_of(run)[1]
    if len(values) < FEWEST_READINGS:
        some = f"{len(values)} readings of the sharpness"
        raise Undecided(f"{name_of(run)}: {some}; {FEWEST_READINGS} tell how it goes on")
    return values


def rise(run: xr.Dataset) -> Evidence:
    """The largest sharpness, over the least one before it."""
    values = readings(run)
    largest = float((values / np.minimum.accumulate(values)).max())
    quantity = f"largest ratio of a sharpness to an earlier one, {name_of(run)}"
    return exceeds("network", quantity, largest, above=LEAST_RISE)


def integrated(rates: xr.Dataset) -> xr.Dataset:
    """The snapshots after the transient, with `integral`: the sharpness at the first, and the rate integrated since."""
    settled = rates.isel(snapshot=slice(int(SETTLED * rates.sizes["snapshot"]), None))
    gained = settled.rate.cumulative_integrate("snapshot_time")
    return settled.assign(integral=float(settled.sharpness[0]) + gained)


@study.figure
def figure(training: xr.Dataset, rates: xr.Dataset) -> Figure:
    """Loss, sharpness and its rate against the iteration, a column for each criterion."""
    drawing = new_figure(6.8, 6.0)
    axes = drawing.subplots(3, 2, sharex="col")
    for criterion, color, (loss, sharpness, slope) in zip(CRITERIA, COLORS, axes.T, strict=False):
        history, *others = runs_of(training, criterion)
        known = rates.sel(criterion=criterion.name).dropna("snapshot")
        for other in others:
            plot_loss(loss, other, LIGHT)
            steps, values = sharpness_of(other)
            sharpness.plot(steps, values, color=LIGHT, linewidth=0.9)
        plot_loss(loss, history, color)
        label_few_decades(loss)
        loss.set_title(criterion.title)
        plot_sharpness(sharpness, history, color, label="read from second derivatives")
        if others:
            sharpness.plot([], [], color=LIGHT, linewidth=0.9, label="from other starts")
        after = integrated(known)
        sharpness.plot(after.snapshot, after.integral, "--", color=THEORY_COLOR, linewidth=0.9)
        sharpness.lines[-1].set_label("its rate, integrated")
        edge = 2 / float(history.eta)
        if edge > sharpness.get_ylim()[1]:
            sharpness.set_title(f"the edge $2/\\eta = {edge:g}$ lies above", fontsize=SMALLEST_FONT)
        slope.plot(known.snapshot, known.rate, color=color)
        slope.axhline(0, color=THEORY_COLOR, linewidth=0.6)
        slope.set(xlabel="iteration", ylabel="$-\\nabla^3 L(u, u, \\nabla L)$")
        scale = known.rate.isel(snapshot=slice(1, None))  # the first rate is far larger, and would hide the others
        if scale.size:
            margin = 0.1 * float(scale.max() - scale.min())
            slope.set_ylim(min(0.0, float(scale.min())) - margin, float(scale.max()) + margin)
        loss.set_xlabel("")
        sharpness.set_xlabel("")
    lines = [line for line in axes[1, 0].lines if not line.get_label().startswith("_")]
    drawing.legend(handles=lines, loc="outside lower center", ncols=len(lines))
    return drawing


if __name__ == "__main__":
    study.main()
