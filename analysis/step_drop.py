"""After the step size is cut, progressive sharpening resumes: at the edge it was held back, not over.

Gradient descent with the step size η₁ brings a network to the edge 2/η₁, where the sharpness stays for as long as one
cares to train. Then the step size is cut to η₂, and the edge moves up to 2/η₂. If training had run out of curvature to
find, the sharpness would stay where it is. Instead

    it rises from 2/η₁ to 2/η₂ and hovers there,

while a control, the same run with the step size left as it was, stays at 2/η₁. In between the run is stable again: next
to a point with the sharpness S the oscillation along the top eigenvector is multiplied by 1 − η₂S, which at S = 2/η₁ is
1 − 2η₂/η₁, less than 1 in size. The oscillation dies out, and the loss falls in every step until the new edge is met.

Levels are read at two-step midpoints, where the oscillation is averaged out, for several random starts.

The quick preset learns scikit-learn's digits, three labels in ten of them drawn at random, so that there is enough to
learn; the cut is to two thirds, as in the paper, which goes from 2/200 to 2/300 (the full preset, on CIFAR-10, with one
start if no more are asked for). Source: :cite:t:`cohen2021edge`, Figure 7.
"""

from dataclasses import dataclass
from fractions import Fraction

from analysis.study import Number, Study
from analysis.training import StepSizeOptions, check_seeds
from eos_sym.errors import BadInput

study = Study(__name__, source="Cohen et al. 2021, Figure 7")
STEP_SIZES = {"quick": (Fraction(2, 5), Fraction(4, 15)), "full": (Fraction(2, 200), Fraction(2, 300))}
STEPS = {"quick": 900, "full": 12_000}
CUT = {"quick": 350, "full": 6000}  # the step at which the step size is cut
SEEDS = {"quick": 5, "full": 1}


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(StepSizeOptions):
    """A network trained with a step size that is cut on the way, beside one that goes on with the first."""

    eta: tuple[Number, ...] = ()
    """step sizes before and after the cut, the first the larger; the preset's if not given"""
    cut: int | None = None
    """step at which the step size is cut; the preset's if not given"""
    seeds: int | None = None
    """random starts; the preset's number if not given"""

    def __post_init__(self) -> None:
        super().__post_init__()
        etas = self.step_sizes
        if len(etas) != 2 or etas[0] < etas[1]:
            raise BadInput(f"--eta {' '.join(map(str, etas))}: give two step sizes, the first the larger one")
        if self.cut is not None and not 1 <= self.cut < self.most_steps:
            last = self.most_steps - 1
            raise BadInput(f"--cut {self.cut}: must be a step from 1 to {last}, the last but one of the run")
        check_seeds(self.seeds)

    @property
    def step_sizes(self) -> tuple[Fraction, ...]:
        """Before and after the cut."""
        return self.eta or STEP_SIZES[self.preset]

    @property
    def most_steps(self) -> int:
        """Those of a run that nothing ends before."""
        return self.steps or STEPS[self.preset]


from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from sympy import Expr, Symbol, factor, simplify

from analysis.study import COLORS, Evidence, Pieces, Status, about, agreement, identity, new_figure, over, theorem
from analysis.training import combined, train
from analysis.training.edge_run import EdgeRun
from analysis.training.estimate import mean, within
from analysis.training.measures import sharpness_of
from analysis.training.panels import label_few_decades, mark_crossing, plot_loss, plot_sharpness
from eos_sym import STEP_SIZE, Undecided, critical_sharpness, quadratic, rules
from numeric.networks.architectures import FullyConnected
from numeric.networks.data import Digits
from numeric.networks.training import Experiment, Measure, Stop
from numeric.networks.training.optimizers import GradientDescent

LAST = 0.5  # of a part of a run, over which the sharpness hovers at its edge
FEWEST_READINGS = 10  # there
HOVERING = (1.0, 1.2)  # of the edge, in the mean over the starts; a cut to two thirds moves it by half
SETTLED = 20  # steps after the cut, in which what is left of the oscillation dies out
QUICK = Experiment(
    Digits(200, noise=0.3),
    FullyConnected((50, 50)),
    GradientDescent(1.0),
    STEPS["quick"],
    measure=Measure(every=15, relative=1e-2, midpoint=True),
)
FULL = replace(
    QUICK,
    network=FullyConnected((200, 200)),
    micro_batch=1000,
    stop=Stop(accuracy=0.99),
    measure=Measure(every=50, midpoint=True),
)
AFTER = Symbol("eta_after", positive=True)


@study.theory
def derived() -> Mapping[str, Any]:
    """The edge, and what becomes of an oscillation at it once the step size is cut."""
    return {"critical_sharpness": critical_sharpness(rules.GradientDescent()), "multiplier_after_the_cut": multiplier()}


def multiplier() -> Expr:
    """The multiplier of the step size after the cut along the eigenvector whose sharpness is at the edge before it."""
    (jacobian,) = rules.GradientDescent().map(quadratic(1)).jacobian
    (curvature,) = quadratic(1).parameters
    return simplify(jacobian.subs(STEP_SIZE, AFTER).subs(curvature, critical_sharpness(rules.GradientDescent())))


@study.experiment
def training(options: Options, folder: Path) -> xr.Dataset:
    """Runs with the cut and controls, along ``kind`` and ``seed``; no cut where training ends before it."""
    before, after = map(float, options.step_sizes)
    cut, steps = CUT[options.preset] if options.cut is None else options.cut, options.most_steps
    control = replace(options.base(QUICK, FULL), rule=GradientDescent(before), steps=steps)
    changed = replace(control, later_etas=((cut, after),) if cut < steps else ())
    seeds = range(options.seed, options.seed + (options.seeds or SEEDS[options.preset]))
    planned = {
        (kind, seed): replace(one, seed=seed)
        for kind, one in (("cut", changed), ("control", control))
        for seed in seeds
    }
    trained = train(options, folder, {one: one for one in planned.values()})
    histories = {labels: trained[one] for labels, one in planned.items()}
    return combined(histories, "kind", "seed").assign(before=before, after=after, cut=cut)


@study.claim(
    "before the cut the sharpness hovers a little above 2/η₁: its mean at two-step midpoints, over the second half of "
    f"that time and all starts, is {HOVERING[0]:g} to {HOVERING[1]:g} times 2/η₁; after it the sharpness rises to 2/η₂"
)
def resumes(training: xr.Dataset) -> Pieces:
    """Where it is before the cut, and how far it comes after."""
    quantity = "mean of S over 2/η₁ at midpoints, second half before the cut, mean over starts"
    yield from about(
        "before", lambda: within(quantity, mean([held(run) for run in of_kind(training, "cut")]), *HOVERING)
    )
    yield from about("after", over(of_kind(training, "cut"), rise))


@study.claim(
    "after the cut it hovers a little above the new edge: its mean at midpoints, over the second half of what is left "
    f"of a run and all starts, is {HOVERING[0]:g} to {HOVERING[1]:g} times 2/η₂"
)
def hovers_at_the_new_edge(training: xr.Dataset) -> Pieces:
    """The runs with the cut."""
    yield hovering_after_the_cut(training, "cut", float(training.after))


@study.claim(
    "without the cut it stays at the old one: its mean at midpoints, over the second half of what is left of the "
    f"control and all starts, is {HOVERING[0]:g} to {HOVERING[1]:g} times 2/η₁",
    "the control of this experiment",
)
def control(training: xr.Dataset) -> Pieces:
    """The runs without one."""
    yield hovering_after_the_cut(training, "control", float(training.before))


@study.claim(
    f"the loss falls in every step from {SETTLED} steps after the cut until the sharpness is at 2/η₂",
    "the descent lemma",
)
def stable_in_between(training: xr.Dataset) -> Pieces:
    """From the one edge to the other, step by step."""
    yield from over(of_kind(training, "cut"), rises_in_between)


@study.claim(
    "at the old edge the oscillation is multiplied by 1 − 2η₂/η₁ a step; that is less than 1 in size for η₂ < η₁",
    "derived for this project",
)
def oscillation_dies_out(derived: Mapping[str, Any]) -> Pieces:
    """The multiplier from the rule's formula, and its size for η₁ = η₂ + d with a positive d."""
    expected, found = 1 - 2 * AFTER / STEP_SIZE, derived["multiplier_after_the_cut"]
    yield from about("is multiplied", identity("multiplier of η₂ at the sharpness 2/η₁", expected, found))
    left = factor(1 - found.subs(STEP_SIZE, AFTER + Symbol("d", positive=True)) ** 2)
    sign = "positive" if left.is_positive else "undecided"
    yield from about("less than 1", theorem("sign of 1 − (multiplier)² for η₁ = η₂ + d, d > 0", "positive", sign))


def of_kind(training: xr.Dataset, kind: str) -> list[xr.Dataset]:
    """The runs with the cut, or the controls, by their starts."""
    return [training.sel(kind=kind, seed=seed) for seed in training.seed.values]


def beside_edge(run: xr.Dataset, eta: float, readings: slice) -> EdgeRun:
    """The part of a run with these readings, beside the edge of this step size; the run must go on after the cut."""
    cut, name = int(run.cut), f"{run.kind.item()}, seed {int(run.seed)}"
    part = EdgeRun(name, run.sel(reading=readings), eta, 2 / eta, FEWEST_READINGS)
    if part.ending == "diverged":
        raise Undecided(f"{name}: diverged")
    if len(part.loss) - 1 <= cut:
        raise Undecided(f"{name}: the run ended at step {len(part.loss) - 1}, before the cut at step {cut}")
    return part


def after_the_cut(run: xr.Dataset) -> EdgeRun:
    """A run from the cut on, beside the new edge."""
    return beside_edge(run, float(run.after), slice(int(run.cut) + 1, None))


def held(run: xr.Dataset) -> float:
    """Where the sharpness hovers in the last part before the cut, over 2/η₁."""
    part = beside_edge(run, float(run.before), slice(None, int(run.cut)))
    if part.crossing is None:
        raise Undecided(f"{part.name}: the sharpness has not reached 2/η₁ = {part.edge:g} before the cut; cut later")
    return part.hovering_from(int((1 - LAST) * int(run.cut))).mean


def rise(run: xr.Dataset) -> Evidence:
    """How far the sharpness comes after the cut; a run out of steps on the way cannot tell."""
    part = after_the_cut(run)
    reached = float(sharpness_of(part.history)[1].max(initial=0.0) / part.edge)
    if reached < 1 and part.ending == "steps":
        raise Undecided(f"{part.name}: ended by its steps with the sharpness at {reached:.2f} of the new edge")
    status: Status = "supported" if reached >= 1 else "refuted"
    return Evidence("network", f"largest S after the cut over 2/η₂ at midpoints, {part.name}", status, ">= 1", reached)


def rises_in_between(run: xr.Dataset) -> Evidence:
    """In how many steps between the edges the loss rises."""
    part, cut = after_the_cut(run), int(run.cut)
    if part.crossing is None or part.crossing - cut < 2 * SETTLED:
        raise Undecided(f"{part.name}: the new edge is not met, or at once: there is nothing in between")
    rises = int((np.diff(part.loss[cut + SETTLED : part.crossing]) > 0).sum())
    return agreement("network", f"steps between the edges in which the loss rises, {part.name}", 0, rises)


def hovering_after_the_cut(training: xr.Dataset, kind: str, eta: float) -> Evidence:
    """Where the sharpness hovers in the last part after the cut."""

    def level(run: xr.Dataset) -> float:
        cut = int(run.cut)
        part = beside_edge(run, eta, slice(cut + 1, None))
        last = len(part.loss) - 1
        return part.hovering_from(last - int(LAST * (last - cut))).mean

    quantity = f"mean of S over 2/η at midpoints, second half after the cut, mean over starts, {kind}"
    return within(quantity, mean([level(run) for run in of_kind(training, kind)]), *HOVERING)


@study.figure
def figure(training: xr.Dataset) -> Figure:
    """Loss and sharpness against iterations, a curve for each start; dashed lines at the edges, dotted at the cut."""
    drawing = new_figure(6.8, 2.9)
    loss, sharpness = drawing.subplots(1, 2)
    cut, before, after = (float(training[name]) for name in ("cut", "before", "after"))
    labels = {"control": f"$\\eta = {before:.3g}$ throughout", "cut": f"cut to $\\eta = {after:.3g}$"}
    for (kind, label), color in zip(labels.items(), COLORS[1:], strict=False):
        for number, run in enumerate(of_kind(training, kind)):
            shown = run if kind == "control" else since(run, cut)
            plot_loss(loss, shown, color, label=None if number else label)
            plot_sharpness(sharpness, shown, color)
    label_few_decades(loss)
    for axis in (loss, sharpness):
        mark_crossing(axis, cut)
    end = float(np.max(training.step))
    for eta, color in ((before, COLORS[1]), (after, COLORS[2])):
        sharpness.axhline(2 / eta, color=color, linestyle="--", linewidth=0.8)
        sharpness.annotate(
            f"$2/\\eta = {2 / eta:.3g}$",
            (end, 2 / eta),
            (0, -6),
            textcoords="offset points",
            ha="right",
            va="top",
            color=color,
        )
    sharpness.set_ylim(0, 1.5 * 2 / after)
    sharpness.set_ylabel("sharpness at midpoints")
    loss.legend(loc="upper right")
    return drawing


def since(history: xr.Dataset, start: float) -> xr.Dataset:
    """What the run recorded from a step on."""
    return history.sel(step=slice(start, None), reading=slice(start, None))


if __name__ == "__main__":
    study.main()
