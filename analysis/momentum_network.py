"""With momentum, networks sharpen to an edge of its own, which the rule's formula predicts.

Gradient descent with momentum β is linear on a quadratic, so that its stability is decided by the roots of a polynomial
in the multiplier. The Jury test gives the largest stable curvature in closed form, for each way to use momentum:

    heavy ball (Polyak)    v' = βv − ηg,  θ' = θ + v'             (2 + 2β)/η
    Nesterov               the gradient taken at θ + βv           (2 + 2β)/(η(1 + 2β))

`eos_sym.critical_sharpness` derives both from the rules' formulas alone. At the same step size heavy ball can stand up
to twice the curvature that gradient descent can, Nesterov's rule up to a third less. Networks are no quadratics; and
yet the networks here sharpen until they are at these thresholds, and hover there, with both β and all three η that are
tried. So a network at the edge measures the stability of its optimizer: from the sharpness alone one can tell which of
the three rules trained it.

Measured in the quick preset, over six runs each, from random starts of their own: the sharpness is at 0.99 ± 0.015 of
heavy ball's edge, at 1.013 ± 0.006 of Nesterov's, with the standard errors of the means.

torch's SGD keeps Nesterov's iterates at the points θ + βv, where the gradients are taken; the sharpness is read there,
at two-step midpoints, where what changes sides in every step is averaged out.

Source: :cite:t:`cohen2021edge`, appendix B. The theory on formulas: `analysis.momentum`.
"""

from dataclasses import dataclass

from analysis.study import Study
from analysis.training import ImageOptions

study = Study(__name__, source="Cohen et al. 2021, appendix B")


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(ImageOptions):
    """Networks trained with Polyak's and with Nesterov's momentum, two coefficients and three step sizes each."""


from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from sympy import Expr, solve

from analysis.study import COLORS, THEORY_COLOR, Evidence, Pieces, identity, new_figure, over, same
from analysis.training import runs_along
from analysis.training.edge_run import EdgeRun
from analysis.training.estimate import mean, within
from analysis.training.panels import plot_sharpness
from eos_sym import STEP_SIZE, critical_sharpness, rules
from eos_sym.rules import MOMENTUM
from numeric.networks.architectures import FullyConnected
from numeric.networks.data import Digits
from numeric.networks.training import Experiment, Measure
from numeric.networks.training.optimizers import GradientDescent, HeavyBall, Nesterov


@dataclass(frozen=True)
class Rule:
    """A way to use momentum: its formula, its optimizer, and the threshold that the paper gives, also in print."""

    name: str
    shown: str
    formula: rules.Rule
    optimizer: Callable[[float, float], Any]
    papers: Expr
    printed: str

    @cached_property
    def critical_sharpness(self) -> Expr:
        """The threshold that its formula gives."""
        return critical_sharpness(self.formula)

    @property
    def bounds(self) -> tuple[float, float]:
        """Half-way, on a logarithmic scale, to the nearest threshold of another rule, over this one's."""
        nearest = min(abs(np.log(ratio)) for momentum in MOMENTA for ratio in self.others(momentum))
        return float(np.exp(-nearest / 2)), float(np.exp(nearest / 2))

    def others(self, momentum: float) -> list[float]:
        """The thresholds of the other rules at the same β and η, over this one's."""
        known = thresholds(momentum)
        own = known.pop(self.name)
        return [other / own for other in known.values()]


RULES = (
    Rule("heavy_ball", "heavy ball", rules.HeavyBall(), HeavyBall, (2 + 2 * MOMENTUM) / STEP_SIZE, "(2 + 2β)/η"),
    Rule(
        "nesterov",
        "Nesterov's rule",
        rules.Nesterov(),
        Nesterov,
        (2 + 2 * MOMENTUM) / (STEP_SIZE * (1 + 2 * MOMENTUM)),
        "(2 + 2β)/(η(1 + 2β))",
    ),
)
MOMENTA, EDGES = (0.5, 0.9), {"quick": (5.5, 6.0, 6.5), "full": (60.0, 80.0, 100.0)}
QUICK = Experiment(
    Digits(300), FullyConnected((50, 50)), GradientDescent(1.0), 500, measure=Measure(12, relative=1e-2, midpoint=True)
)
FULL = replace(QUICK, network=FullyConnected((200, 200)), steps=10_000, measure=Measure(50, midpoint=True))
FEWEST_READINGS = 8  # in the second half of the time at the edge
HEADROOM = 1.25  # of the figure, times the highest of its lines


@study.theory
def derived() -> Mapping[str, Any]:
    """The edge of each rule."""
    return {"critical_sharpness": {rule.name: rule.critical_sharpness for rule in RULES}}


@runs_along(study, "rule", "momentum", "edge")
def planned(options: Options) -> Mapping[tuple[str, float, float], Experiment]:
    """Runs whose step sizes put the rule's critical sharpness at the edges aimed at, each from a start of its own."""
    base = options.base(QUICK, FULL)
    runs = {}
    for rule in RULES:
        for number, (momentum, edge) in enumerate(product(MOMENTA, EDGES[options.preset])):
            trained = rule.optimizer(step_size(rule, momentum, edge), momentum)
            runs[rule.name, momentum, edge] = replace(base, rule=trained, seed=options.seed + number)
    return runs


def step_size(rule: Rule, momentum: float, edge: float) -> float:
    """The step size at which the rule's critical sharpness is this one."""
    (found,) = solve(rule.critical_sharpness - edge, STEP_SIZE)
    return float(found.subs(MOMENTUM, momentum))


@study.claim(
    "the critical sharpness of {rule.shown} that its formula gives is {rule.printed}",
    id="threshold_of_{rule.name}",
    rule=RULES,
)
def threshold(derived: Mapping[str, Any], rule: Rule) -> Pieces:
    """The paper's formula against the one derived."""
    yield identity(f"critical sharpness of {rule.shown}", rule.papers, derived["critical_sharpness"][rule.name])


@study.claim(
    "networks trained with {rule.shown} sharpen to its critical sharpness and hover about it: the mean sharpness "
    "at two-step midpoints, over all momentum coefficients and step sizes, is {rule.bounds[0]:.2f} to "
    "{rule.bounds[1]:.2f} times that, nearer than half-way to the threshold of any other rule",
    id="{rule.name}_hovers_at_its_own_edge",
    rule=RULES,
)
def hovers_at_its_own_edge(training: xr.Dataset, rule: Rule) -> Pieces:
    """All runs, and how far they scatter; the bounds are those at which another rule's threshold would be as near."""
    quantity = f"mean of S over the rule's edge at midpoints, second half of the time at the edge, {rule.shown}"
    levels = [run.level for run in runs_of(training, rule)]
    yield within(quantity, mean(levels), *rule.bounds)


@study.claim(
    "the sharpness at which each network here hovers, times η, tells which rule trained it: it is nearest to that "
    "rule's own threshold among gradient descent's, heavy ball's and Nesterov's",
    "this program",
)
def the_sharpness_tells_the_rule(training: xr.Dataset) -> Pieces:
    """The rule whose threshold is nearest on a logarithmic scale, at the run's own β and η, run by run."""
    for rule in RULES:
        yield from over(runs_of(training, rule), nearest_rule)


def nearest_rule(run: EdgeRun) -> Evidence:
    """The rule that the level tells, beside the one that trained the run."""
    known = thresholds(float(run.history.momentum))
    measured, trained = run.level * run.edge * run.eta, str(run.history.rule.values)
    found = min(known, key=lambda name: abs(np.log(measured / known[name])))
    return same(
        "network", f"rule whose threshold is nearest to the mean of ηS at midpoints, {run.name}", trained, found
    )


def thresholds(momentum: float) -> dict[str, float]:
    """The critical sharpness of each rule, times η."""
    at = {STEP_SIZE: 1, MOMENTUM: momentum}
    return {rule.name: float(rule.papers.subs(at)) for rule in RULES} | {"gradient_descent": 2.0}


def runs_of(training: xr.Dataset, rule: Rule) -> Iterator[EdgeRun]:
    """The runs of a rule."""
    for momentum, edge in product(training.momentum.values, map(float, training.edge.values)):
        history = training.sel(rule=rule.name, momentum=momentum, edge=edge)
        name = f"{rule.shown}, β = {momentum:g}, edge {edge:g}"
        yield EdgeRun(name, history, float(history.eta), edge, FEWEST_READINGS)


@study.figure
def figure(training: xr.Dataset) -> Figure:
    """Rules in rows, coefficients in columns; dashed the rule's edge, dotted that of gradient descent at the same η."""
    drawing = new_figure(6.8, 5.0)
    axes = drawing.subplots(training.sizes["rule"], training.sizes["momentum"], sharex=True, sharey=True)
    panels = product(RULES, training.momentum.values)
    for axis, (rule, momentum) in zip(axes.flat, panels, strict=True):
        for color, edge in zip(COLORS, training.edge.values, strict=False):
            run = training.sel(rule=rule.name, momentum=momentum, edge=edge)
            plot_sharpness(axis, run, color, edge=float(edge), label=f"$\\eta = {float(run.eta):.3g}$")
            axis.axhline(2 / float(run.eta), color=color, linestyle=":", linewidth=0.8)
        axis.set_title(f"{rule.shown}, $\\beta = {momentum:g}$")
        axis.legend(loc="upper right", ncols=training.sizes["edge"], columnspacing=1, handlelength=1.2)
        axis.set_ylabel("sharpness at midpoints")
        axis.set_xlabel("iteration" if rule is RULES[-1] else "")
    axes.flat[0].set_ylim(0, HEADROOM * max(*map(float, training.edge), *(2 / training.eta.values.ravel())))
    styles = {"--": "critical sharpness of the rule", ":": "that of gradient descent, $2/\\eta$"}
    for style, meaning in styles.items():
        axes.flat[0].plot([], [], style, color=THEORY_COLOR, linewidth=0.8)
        axes.flat[0].lines[-1].set_label(meaning)
    drawing.legend(handles=axes.flat[0].lines[-2:], loc="outside lower center", ncols=2)
    return drawing


if __name__ == "__main__":
    study.main()
