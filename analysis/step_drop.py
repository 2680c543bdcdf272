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
Source: Cohen et al. 2021, Figure 7.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from sympy import Expr, Symbol, simplify

from analysis.claim import Claim, Evidence, agreement, bounded, identity
from analysis.cli import Number, Study, main
from analysis.figure import COLORS, new_figure
from analysis.progress import Advance
from analysis.training import StepSizeOptions, train
from analysis.training.measures import crossing, hovering, loss_of, share_of_rises, sharpness_of
from analysis.training.panels import label_few_decades, mark_crossing, plot_loss, plot_sharpness
from eos_sym import STEP_SIZE, BadInput, Undecided, quadratic
from eos_sym.rules import RULES
from eos_sym.rules import GradientDescent as Formula
from eos_sym.stability import critical_sharpness
from numeric.networks.architectures import FullyConnected
from numeric.networks.data import Digits
from numeric.networks.training.experiment import Experiment, Measure, Stop
from numeric.networks.training.optimizers import GradientDescent
from numeric.runs import combine

NAME = "step_drop"
SOURCE = "Cohen et al. 2021, Figure 7"
STEP_SIZES = {"quick": (Fraction(2, 5), Fraction(4, 15)), "full": (Fraction(2, 200), Fraction(2, 300))}
STEPS = {"quick": 1600, "full": 12_000}
CUT = {"quick": 500, "full": 6000}  # the step at which the step size is cut
LAST = 0.5  # of a part of a run, over which the sharpness hovers at its edge
FEWEST_READINGS = 10  # there
HOVERING = 0.2  # relative; less than a cut to two thirds moves the edge
SETTLED = 20  # steps after the cut, in which what is left of the oscillation dies out
AFTER = Symbol("eta_after", positive=True)


@dataclass(frozen=True, kw_only=True)
class Options(StepSizeOptions):
    """A network trained with a step size that is cut on the way, beside one that goes on with the first."""

    eta: tuple[Number, ...] = ()
    """step sizes before and after the cut, the first the larger; the preset's if not given"""
    cut: int | None = None
    """step at which the step size is cut; the preset's if not given"""


def analyse(options: Options) -> Study:
    """Check the options and set up the study."""
    etas = options.eta or STEP_SIZES[options.preset]
    if len(etas) != 2 or etas[0] < etas[1]:
        raise BadInput(f"--eta {' '.join(map(str, etas))}: give two step sizes, the first the larger one")
    cut = CUT[options.preset] if options.cut is None else options.cut
    steps = options.steps or STEPS[options.preset]
    if options.cut is not None and not 1 <= cut < steps:
        raise BadInput(f"--cut {cut}: must be a step from 1 to {steps - 1}, the last but one of the run")
    before, after = map(float, etas)
    return Study(
        theory={"critical_sharpness": critical_sharpness(Formula()), "multiplier_after_the_cut": multiplier()},
        experiments={"training": lambda progress: training(options, before, after, cut, progress)},
        claims=lambda data: claims(data["training"]),
        figure=lambda data: draw(data["training"]),
    )


def multiplier() -> Expr:
    """The multiplier of the step size after the cut along the eigenvector whose sharpness is at the edge before it."""
    (jacobian,) = RULES["gradient_descent"].map(quadratic(1)).jacobian
    (curvature,) = quadratic(1).parameters
    return simplify(jacobian.subs(STEP_SIZE, AFTER).subs(curvature, critical_sharpness(Formula())))


def training(options: Options, before: float, after: float, cut: int, progress: Advance) -> xr.Dataset:
    """The run with the cut and the control, along the dimension ``kind``; no cut where training ends before it."""
    if options.preset == "full":
        control = Experiment(
            options.cifar(),
            FullyConnected((200, 200)),
            GradientDescent(before),
            STEPS["full"],
            micro_batch=1000,
            seed=options.seed,
            stop=Stop(accuracy=0.99),
            measure=Measure(every=50),
        )
    else:
        control = Experiment(
            Digits(300, noise=0.3),
            FullyConnected((50, 50)),
            GradientDescent(before),
            STEPS["quick"],
            seed=options.seed,
            measure=Measure(every=10),
        )
    control = replace(control, steps=options.steps or control.steps)
    changed = replace(control, later_etas=((cut, after),)) if cut < control.steps else control
    histories = train(NAME, options, [changed] if changed == control else [changed, control], progress)
    described = [one.assign(ending=one.attrs["ending"]).drop_attrs() for one in (histories[0], histories[-1])]
    together = combine(described, {"kind": ["cut", "control"]})
    return together.assign(before=before, after=after, cut=cut)


def claims(training: xr.Dataset) -> list[Claim]:
    """All claims."""
    return [
        Claim(
            "resumes",
            "the sharpness, held at 2/η₁, rises to 2/η₂ once the step size is cut to η₂",
            SOURCE,
            [lambda: _held(training), lambda: _rise(training)],
        ),
        Claim(
            "hovers_at_the_new_edge",
            "and hovers there: the mean of S over 2/η₂, in the second half of what is left, is 1",
            SOURCE,
            [lambda: _hovering(training, "cut", float(training.after))],
        ),
        Claim(
            "control",
            "without the cut it stays at 2/η₁: the mean of S over 2/η₁, at the same steps, is 1",
            "the control of this experiment",
            [lambda: _hovering(training, "control", float(training.before))],
        ),
        Claim(
            "stable_in_between",
            f"the loss falls in every step from {SETTLED} steps after the cut until the sharpness is at 2/η₂",
            "the descent lemma",
            [lambda: _falls(training)],
        ),
        Claim(
            "oscillation_dies_out",
            "at the old edge the oscillation is multiplied by 1 − 2η₂/η₁ a step, less than 1 in size for η₂ < η₁",
            "derived for this project",
            [lambda: identity(1 - 2 * AFTER / STEP_SIZE, multiplier())],
        ),
    ]


def _history(training: xr.Dataset, kind: str) -> xr.Dataset:
    """One of the two runs, if it says anything about the cut."""
    history, cut = training.sel(kind=kind), int(training.cut)
    if str(history.ending.values) == "diverged":
        raise Undecided(f"{kind}: diverged")
    last = len(loss_of(history)) - 1
    if last <= cut:
        raise Undecided(f"{kind}: the run ended at step {last}, before the cut at step {cut}")
    return history


def _held(training: xr.Dataset) -> Evidence:
    """The sharpness over 2/η₁ in the last part before the cut."""
    history, cut = _history(training, "cut"), int(training.cut)
    edge = 2 / float(training.before)
    if crossing(history.sel(reading=slice(None, cut)), edge) is None:
        raise Undecided(f"the sharpness has not reached 2/η₁ = {edge:g} before the cut; cut later")
    return agreement("network", 1.0, _mean(history, edge, int((1 - LAST) * cut), cut), absolute=HOVERING)


def _rise(training: xr.Dataset) -> Evidence:
    """The largest sharpness after the cut, over that in the last part before."""
    history, cut = _history(training, "cut"), int(training.cut)
    steps, values = sharpness_of(history)
    edge = 2 / float(training.after)
    reached = values[steps > cut].max(initial=0.0) / edge
    if reached < 1 and str(history.ending.values) == "steps":
        raise Undecided(f"the run ended by its steps with the sharpness at {reached:.2f} of the new edge")
    return Evidence("network", "supported" if reached >= 1 else "refuted", ">= 1", float(reached))


def _hovering(training: xr.Dataset, kind: str, eta: float) -> Evidence:
    history, cut = _history(training, kind), int(training.cut)
    last = len(loss_of(history)) - 1
    start = last - int(LAST * (last - cut))
    return agreement("network", 1.0, _mean(history, 2 / eta, start, last), absolute=HOVERING)


def _mean(history: xr.Dataset, edge: float, start: int, end: int) -> float:
    found = hovering(history.sel(reading=slice(None, end)), edge, start)
    if found.readings < FEWEST_READINGS:
        raise Undecided(f"{found.readings} readings from step {start} to {end}; {FEWEST_READINGS} tell where S hovers")
    return found.mean


def _falls(training: xr.Dataset) -> Evidence:
    history, cut = _history(training, "cut"), int(training.cut)
    later = history.sel(reading=slice(cut + 1, None))
    reached = crossing(later, 2 / float(training.after))
    if reached is None or reached - cut < 2 * SETTLED:
        raise Undecided("the new edge is not met, or at once: there is nothing in between")
    return bounded("network", share_of_rises(loss_of(history)[cut + SETTLED : reached]), below=0.01)


def draw(training: xr.Dataset) -> Figure:
    """Loss and sharpness against iterations; dashed lines at the edges, a dotted one at the cut."""
    figure = new_figure(6.8, 2.9)
    loss, sharpness = figure.subplots(1, 2)
    cut, before, after = (float(training[name]) for name in ("cut", "before", "after"))
    control, changed = training.sel(kind="control"), training.sel(kind="cut")
    plot_loss(loss, control, COLORS[1], label=f"$\\eta = {before:.3g}$ throughout")
    plot_loss(loss, _from(changed, cut), COLORS[2], label=f"cut to $\\eta = {after:.3g}$")
    label_few_decades(loss)
    plot_sharpness(sharpness, control, COLORS[1], edge=2 / before)
    plot_sharpness(sharpness, _from(changed, cut), COLORS[2], edge=2 / after)
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
    return figure


def _from(history: xr.Dataset, start: float) -> xr.Dataset:
    """What the run recorded from a step on."""
    return history.sel(step=slice(start, None), reading=slice(start, None))


if __name__ == "__main__":
    main(NAME, Options, analyse)
