"""After the step size is cut, progressive sharpening resumes: at the edge it was held back, not over.

Gradient descent with the step size η₁ brings a network to the edge 2/η₁, where the sharpness stays for as long as one
cares to train. Then the step size is cut to η₂, and the edge moves up to 2/η₂. If training had run out of curvature to
find, the sharpness would stay where it is. Instead

    it rises from 2/η₁ to 2/η₂ and hovers there,

while a control, the same run with the step size left as it was, stays at 2/η₁. In between the run is stable again: next
to a point with the sharpness S the oscillation along the top eigenvector is multiplied by 1 − η₂S, which at S = 2/η₁ is
1 − 2η₂/η₁, less than 1 in size. The oscillation dies out, and the loss falls in every step until the new edge is met.

The quick preset learns scikit-learn's digits, three labels in ten of them drawn at random, so that there is enough to
learn; the cut is to two thirds, as in the paper, which goes from 2/200 to 2/300 (the full preset, on CIFAR-10).
Source: :cite:t:`cohen2021edge`, Figure 7.
"""

from dataclasses import dataclass
from fractions import Fraction

from analysis.study import Number, Study
from analysis.training import StepSizeOptions
from eos_sym.errors import BadInput

study = Study(__name__, source="Cohen et al. 2021, Figure 7")
STEP_SIZES = {"quick": (Fraction(2, 5), Fraction(4, 15)), "full": (Fraction(2, 200), Fraction(2, 300))}
STEPS = {"quick": 1600, "full": 12_000}
CUT = {"quick": 500, "full": 6000}  # the step at which the step size is cut


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(StepSizeOptions):
    """A network trained with a step size that is cut on the way, beside one that goes on with the first."""

    eta: tuple[Number, ...] = ()
    """step sizes before and after the cut, the first the larger; the preset's if not given"""
    cut: int | None = None
    """step at which the step size is cut; the preset's if not given"""

    def __post_init__(self) -> None:
        super().__post_init__()
        etas = self.step_sizes
        if len(etas) != 2 or etas[0] < etas[1]:
            raise BadInput(f"--eta {' '.join(map(str, etas))}: give two step sizes, the first the larger one")
        if self.cut is not None and not 1 <= self.cut < self.most_steps:
            last = self.most_steps - 1
            raise BadInput(f"--cut {self.cut}: must be a step from 1 to {last}, the last but one of the run")

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
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from sympy import Expr, Symbol, simplify

from analysis.study import COLORS, Evidence, Pieces, Status, agreement, bounded, identity, new_figure
from analysis.training import combined, train
from analysis.training.edge_run import EdgeRun
from analysis.training.measures import share_of_rises, sharpness_of
from analysis.training.panels import label_few_decades, mark_crossing, plot_loss, plot_sharpness
from eos_sym import STEP_SIZE, Undecided, critical_sharpness, quadratic, rules
from numeric.networks.architectures import FullyConnected
from numeric.networks.data import Digits
from numeric.networks.training import Experiment, Measure, Stop
from numeric.networks.training.optimizers import GradientDescent

LAST = 0.5  # of a part of a run, over which the sharpness hovers at its edge
FEWEST_READINGS = 10  # there
HOVERING = 0.2  # relative; less than a cut to two thirds moves the edge
SETTLED = 20  # steps after the cut, in which what is left of the oscillation dies out
QUICK = Experiment(
    Digits(300, noise=0.3), FullyConnected((50, 50)), GradientDescent(1.0), STEPS["quick"], measure=Measure(every=10)
)
FULL = replace(
    QUICK, network=FullyConnected((200, 200)), micro_batch=1000, stop=Stop(accuracy=0.99), measure=Measure(every=50)
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
    """The run with the cut and the control, along the dimension ``kind``; no cut where training ends before it."""
    before, after = map(float, options.step_sizes)
    cut, steps = CUT[options.preset] if options.cut is None else options.cut, options.most_steps
    control = replace(options.base(QUICK, FULL), rule=GradientDescent(before), steps=steps)
    changed = replace(control, later_etas=((cut, after),) if cut < steps else ())
    trained = train(options, folder, {one: one for one in (changed, control)})
    histories = {("cut",): trained[changed], ("control",): trained[control]}
    return combined(histories, "kind").assign(before=before, after=after, cut=cut)


@study.claim("the sharpness, held at 2/η₁, rises to 2/η₂ once the step size is cut to η₂")
def resumes(training: xr.Dataset) -> Pieces:
    """Where it is before the cut, and how far it comes after."""
    yield partial(held, training)
    yield partial(rise, training)


@study.claim("and hovers there: the mean of S over 2/η₂, in the second half of what is left, is 1")
def hovers_at_the_new_edge(training: xr.Dataset) -> Pieces:
    """The run with the cut."""
    yield hovering_after_the_cut(training, "cut", float(training.after))


@study.claim(
    "without the cut it stays at 2/η₁: the mean of S over 2/η₁, at the same steps, is 1",
    "the control of this experiment",
)
def control(training: xr.Dataset) -> Pieces:
    """The run without one."""
    yield hovering_after_the_cut(training, "control", float(training.before))


@study.claim(
    f"the loss falls in every step from {SETTLED} steps after the cut until the sharpness is at 2/η₂",
    "the descent lemma",
)
def stable_in_between(training: xr.Dataset) -> Pieces:
    """From the one edge to the other."""
    cut = int(training.cut)
    run = beside_edge(training, "cut", float(training.after), slice(cut + 1, None))
    if run.crossing is None or run.crossing - cut < 2 * SETTLED:
        raise Undecided("the new edge is not met, or at once: there is nothing in between")
    rises = share_of_rises(run.loss[cut + SETTLED : run.crossing])
    yield bounded("network", "share of steps between the edges in which the loss rises", rises, below=0.01)


@study.claim(
    "at the old edge the oscillation is multiplied by 1 − 2η₂/η₁ a step, less than 1 in size for η₂ < η₁",
    "derived for this project",
)
def oscillation_dies_out(derived: Mapping[str, Any]) -> Pieces:
    """The multiplier from the rule's formula."""
    expected = 1 - 2 * AFTER / STEP_SIZE
    yield identity("multiplier of η₂ at the sharpness 2/η₁", expected, derived["multiplier_after_the_cut"])


def beside_edge(training: xr.Dataset, kind: str, eta: float, readings: slice) -> EdgeRun:
    """The part of a run with these readings, beside the edge of this step size; the run must go on after the cut."""
    history, cut = training.sel(kind=kind), int(training.cut)
    run = EdgeRun(kind, history.sel(reading=readings), eta, 2 / eta, FEWEST_READINGS)
    if run.ending == "diverged":
        raise Undecided(f"{kind}: diverged")
    if len(run.loss) - 1 <= cut:
        raise Undecided(f"{kind}: the run ended at step {len(run.loss) - 1}, before the cut at step {cut}")
    return run


def held(training: xr.Dataset) -> Evidence:
    """Where the sharpness hovers in the last part before the cut."""
    cut = int(training.cut)
    run = beside_edge(training, "cut", float(training.before), slice(None, cut))
    if run.crossing is None:
        raise Undecided(f"the sharpness has not reached 2/η₁ = {run.edge:g} before the cut; cut later")
    mean = run.hovering_from(int((1 - LAST) * cut)).mean
    return agreement("network", "mean of S over 2/η₁, second half before the cut", 1.0, mean, absolute=HOVERING)


def rise(training: xr.Dataset) -> Evidence:
    """How far the sharpness comes after the cut; a run out of steps on the way cannot tell."""
    run = beside_edge(training, "cut", float(training.after), slice(int(training.cut) + 1, None))
    reached = float(sharpness_of(run.history)[1].max(initial=0.0) / run.edge)
    if reached < 1 and run.ending == "steps":
        raise Undecided(f"the run ended by its steps with the sharpness at {reached:.2f} of the new edge")
    status: Status = "supported" if reached >= 1 else "refuted"
    return Evidence("network", "largest sharpness after the cut over 2/η₂", status, ">= 1", reached)


def hovering_after_the_cut(training: xr.Dataset, kind: str, eta: float) -> Evidence:
    """Where the sharpness hovers in the last part after the cut."""
    cut = int(training.cut)
    run = beside_edge(training, kind, eta, slice(cut + 1, None))
    last = len(run.loss) - 1
    mean = run.hovering_from(last - int(LAST * (last - cut))).mean
    return agreement("network", "mean of S over 2/η, second half after the cut", 1.0, mean, absolute=HOVERING)


@study.figure
def figure(training: xr.Dataset) -> Figure:
    """Loss and sharpness against iterations; dashed lines at the edges, a dotted one at the cut."""
    drawing = new_figure(6.8, 2.9)
    loss, sharpness = drawing.subplots(1, 2)
    cut, before, after = (float(training[name]) for name in ("cut", "before", "after"))
    control, changed = training.sel(kind="control"), training.sel(kind="cut")
    plot_loss(loss, control, COLORS[1], label=f"$\\eta = {before:.3g}$ throughout")
    plot_loss(loss, since(changed, cut), COLORS[2], label=f"cut to $\\eta = {after:.3g}$")
    label_few_decades(loss)
    plot_sharpness(sharpness, control, COLORS[1], edge=2 / before)
    plot_sharpness(sharpness, since(changed, cut), COLORS[2], edge=2 / after)
    for axis in (loss, sharpness):
        mark_crossing(axis, cut)
    end = float(np.max(training.step))
    for eta, color in ((before, COLORS[1]), (after, COLORS[2])):
        sharpness.annotate(
            f"$2/\\eta = {2 / eta:.3g}$",
            (end, 2 / eta),
            (0, -4),
            textcoords="offset points",
            ha="right",
            va="top",
            color=color,
        )
    sharpness.set_ylim(0, 1.3 * 2 / after)
    loss.legend(loc="upper right")
    return drawing


def since(history: xr.Dataset, start: float) -> xr.Dataset:
    """What the run recorded from a step on."""
    return history.sel(step=slice(start, None), reading=slice(start, None))


if __name__ == "__main__":
    study.main()
