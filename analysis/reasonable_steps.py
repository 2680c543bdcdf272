"""Many of the step sizes that train a network bring it to the edge: where in their range the edge begins.

One network is trained from one start with many step sizes, evenly spaced on a logarithmic scale. A step size *trains*
if the accuracy reaches 99 % within a budget of steps. Those that do form a range: below its lower end the budget runs
out, since the time ηt that training takes hardly depends on η; beyond its upper end training diverges. A run *reaches
the edge* if its sharpness is at 2/η some time before the accuracy is at 99 %.

    share = ln(η_last/η_edge) / ln(η_last/η_first),

with η_first and η_last the ends of the range and η_edge where in it the edge begins, each half-way, on the logarithmic
scale, between two neighbours among the step sizes that were tried: the part of the range in which training takes place
at the edge of stability. Each of the three is known to lie between its neighbours, and no better; so is the share, and
what is said of it holds for all of these, or is undecided.

Whoever stays clear of the edge pays: on the network here, with the cross-entropy, the fewest steps are needed well
inside the part at it, and not with a step size below 2/S for the largest S on the way, as classical advice has it.

Measured in the quick preset, from one random start: with the squared error every step size that trains is at the edge,
with the cross-entropy 43 to 71 % of the range; with the cross-entropy the fewest steps are needed at the edge, at six
times the step size at which it begins. With the squared error, where no step size trains below the edge within the
budget, nothing can be said of where the edge begins, nor whether it is better to be there.

The quick preset learns scikit-learn's digits, three labels in ten drawn at random. Source: :cite:t:`cohen2021edge`,
Figure 5 and the paper's section on reasonable step sizes.
"""

from dataclasses import dataclass

from analysis.study import Study
from analysis.training import StepSizeOptions

study = Study(__name__, source="Cohen et al. 2021, section 3")


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(StepSizeOptions):
    """The range of step sizes that train a network, and the part of it at the edge of stability."""


from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from analysis.study import COLORS, THEORY_COLOR, Evidence, Pieces, Status, about, new_figure, same
from analysis.training import combined, train
from analysis.training.measures import loss_of, sharpness_of
from eos_sym import Undecided, critical_sharpness, rules
from numeric.compile import Array
from numeric.networks.architectures import FullyConnected
from numeric.networks.data import Digits
from numeric.networks.training import Experiment, Measure, Stop
from numeric.networks.training.optimizers import GradientDescent

CRITERIA = {"mse": "squared error", "cross_entropy": "cross-entropy"}
GOAL = 0.99  # accuracy
LEAST_SHARE = 0.5
SHADE = 0.12
SPANS = {
    "trains_from": ("range that trains", "#888888"),
    "edge_begins": ("part of it at the edge", COLORS[1]),
}
STEP_SIZES = {
    "quick": {"mse": np.geomspace(0.1, 3.2, 6), "cross_entropy": np.geomspace(0.04, 10.24, 9)},
    "full": {"mse": np.geomspace(0.0025, 0.32, 8), "cross_entropy": np.geomspace(0.005, 1.28, 9)},
}
QUICK = Experiment(
    Digits(300, noise=0.3),
    FullyConnected((50, 50)),
    GradientDescent(1.0),
    steps=1500,
    stop=Stop(accuracy=GOAL),
    measure=Measure(every=20, relative=1e-2, midpoint=True),
)
FULL = replace(
    QUICK, network=FullyConnected((200, 200)), steps=50_000, micro_batch=1000, measure=Measure(100, midpoint=True)
)
Mask: TypeAlias = NDArray[np.bool_]


@study.theory
def derived() -> Mapping[str, Any]:
    """The edge."""
    return {"critical_sharpness": critical_sharpness(rules.GradientDescent())}


@study.experiment
def training(options: Options, folder: Path) -> xr.Dataset:
    """How every run went, along (criterion, number): step size, steps taken, ending, and S over 2/η at its largest."""
    base = options.base(QUICK, FULL)
    etas = {name: sorted(map(float, options.eta or STEP_SIZES[options.preset][name])) for name in CRITERIA}
    runs = {
        (name, number): replace(base, loss=name, rule=GradientDescent(eta))
        for name in CRITERIA
        for number, eta in enumerate(etas[name], 1)
    }
    outcomes = {labels: outcome(history) for labels, history in train(options, folder, runs).items()}
    return combined(outcomes, "criterion", "number")


def outcome(history: xr.Dataset) -> xr.Dataset:
    """What is left of a run: one number a question."""
    eta = float(history.attrs["eta"])
    ratios = sharpness_of(history)[1] * eta / 2
    return xr.Dataset(
        {
            "eta": eta,
            "steps": len(loss_of(history)) - 1.0,
            "ending": history.attrs["ending"],
            "largest": ratios[1:].max(initial=0.0),  # after the start, which training has no part in
        }
    )


@dataclass(frozen=True)
class Range:
    """The step sizes tried, ascending; which of them train, and which of those are at the edge before they are done."""

    title: str
    etas: Array
    steps: Array
    largest: Array
    trains: Mask
    edge: Mask
    diverged: Mask

    def between(self, mask: Mask) -> float:
        """Half-way, on the logarithmic scale, between the first step size of a kind and the one below it."""
        first = int(mask.argmax())
        return float(np.sqrt(self.etas[first] * self.etas[max(first - 1, 0)]))

    @property
    def first(self) -> float:
        """Where training within the budget begins."""
        return self.between(self.trains)

    @property
    def last(self) -> float:
        """Where it ends."""
        return self.between(np.cumsum(self.trains[::-1])[::-1] == 0)

    @property
    def edge_begins(self) -> float:
        """Where training to completion begins to reach the edge."""
        return self.between(self.edge)

    @property
    def fastest(self) -> int:
        """The number of the step size that needs the fewest steps."""
        return int(np.where(self.trains, self.steps, np.inf).argmin())

    def check_both_sides(self) -> None:
        """`Undecided` if all that train are at the edge: a comparison takes some below it."""
        if self.edge[self.trains].all():
            raise Undecided(
                f"{self.title}: every step size that trains is at the edge; try smaller ones, and more steps"
            )

    @property
    def share(self) -> float:
        """The part of the range at the edge, on the logarithmic scale; needs both ends among the step sizes tried."""
        self.check_ends()
        return share_of(self.first, self.edge_begins, self.last) if self.edge.any() else 0.0

    @property
    def least_and_largest_share(self) -> tuple[float, float]:
        """What the share may be, with both ends and the beginning of the edge anywhere between their neighbours."""
        self.check_ends()
        if not self.edge.any():
            return 0.0, 0.0
        first, edge = int(self.trains.argmax()), int(self.edge.argmax())
        last, below = len(self.etas) - 1 - int(self.trains[::-1].argmax()), self.etas[edge - 1]
        least = share_of(self.etas[first - 1], self.etas[edge], self.etas[last])
        return least, share_of(self.etas[first], max(below, self.etas[first]), self.etas[last + 1])

    def check_ends(self) -> None:
        """`Undecided` unless both ends of the range are among the step sizes tried."""
        if not self.trains.any():
            raise Undecided("no step size trains within the budget of steps; give more steps")
        for end, name, remedy in ((0, "smallest", "smaller"), (-1, "largest", "larger")):
            if self.trains[end]:
                raise Undecided(f"the {name} step size tried, {self.etas[end]:.3g}, trains; try {remedy} ones")


def share_of(first: float, edge: float, last: float) -> float:
    """ln(last/edge)/ln(last/first)."""
    return float(np.log(last / edge) / np.log(last / first))


@study.measurement
def ranges(training: xr.Dataset) -> Mapping[str, Range]:
    """The outcomes with each criterion."""
    found = {}
    for name, title in CRITERIA.items():
        runs = training.sel(criterion=name)
        runs = runs.isel(number=np.flatnonzero(np.isfinite(runs.eta.values)))
        trains, diverged = runs.ending.values == "accuracy", runs.ending.values == "diverged"
        largest = runs.largest.values
        found[name] = Range(
            title, runs.eta.values, runs.steps.values, largest, trains, trains & (largest >= 1), diverged
        )
    return found


@study.claim(
    "with the squared error training of this network reaches the edge 2/η before it is done in half or more of the "
    "range of step sizes that train it, on a logarithmic scale; with the cross-entropy it does, too",
    open=True,
)
def half_of_the_range(ranges: Mapping[str, Range]) -> Pieces:
    """The share, for each criterion; all that it may be has to be on one side."""

    def large(found: Range) -> Evidence:
        least, largest = found.least_and_largest_share
        seen = f"{least:.2f} to {largest:.2f}"
        if least < LEAST_SHARE <= largest:
            raise Undecided(f"{found.title}: the share is {seen}, as far as these step sizes tell; try more of them")
        quantity = f"share of the range of ln η at the edge, {found.title}"
        status: Status = "supported" if least >= LEAST_SHARE else "refuted"
        return Evidence("network", quantity, status, f">= {LEAST_SHARE:g}", seen)

    yield from for_each(ranges, large)


@study.claim(
    "with the squared error this network reaches the edge from some step size on, and at all larger ones that train "
    "it; with the cross-entropy it does, too",
    open=True,
)
def an_interval(ranges: Mapping[str, Range]) -> Pieces:
    """The pattern among those that train, for each criterion; it says something if some are below the edge."""

    def from_one_on(found: Range) -> Evidence:
        pattern = found.edge[found.trains]
        if not pattern.any():
            raise Undecided("the edge is reached at no step size that trains; try larger ones")
        found.check_both_sides()
        seen = "from one on" if (np.diff(pattern.astype(int)) >= 0).all() else "not at all"
        return same("network", f"step sizes at the edge among those that train, {found.title}", "from one on", seen)

    yield from for_each(ranges, from_one_on)


@study.claim(
    "with the squared error the step size with which this network needs the fewest steps is at the edge; with the "
    "cross-entropy it is too",
    open=True,
)
def fastest_at_the_edge(ranges: Mapping[str, Range]) -> Pieces:
    """The fastest run, for each criterion, where there are runs on both sides of the edge."""

    def at_the_edge(found: Range) -> Evidence:
        if not found.trains.any():
            raise Undecided("no step size trains within the budget of steps; give more steps")
        if found.trains.sum() < 2:
            raise Undecided(f"of the step sizes tried only {found.etas[found.trains][0]:.3g} trains; try more")
        found.check_both_sides()
        place = "at the edge" if found.edge[found.fastest] else "below the edge"
        return same("network", f"where the step size with the fewest steps is, {found.title}", "at the edge", place)

    yield from for_each(ranges, at_the_edge)


def for_each(ranges: Mapping[str, Range], check: Callable[[Range], Evidence]) -> Pieces:
    """The evidence on each criterion, for the part of the statement that names it."""
    for found in ranges.values():
        yield from about(found.title, partial(check, found))


@study.summary
def in_numbers(ranges: Mapping[str, Range]) -> Mapping[str, Mapping[str, float] | None]:
    """Every range that was found."""
    return {found.title: ends(found) for found in ranges.values()}


def ends(found: Range) -> dict[str, float] | None:
    """The range in numbers; none if it was not found."""
    try:
        known = {"trains_from": found.first, "trains_to": found.last, "share_at_the_edge": found.share}
    except Undecided:
        return None
    known |= {"edge_begins": found.edge_begins} if found.edge.any() else {}
    fastest = found.fastest
    return known | {"fastest": float(found.etas[fastest]), "steps_of_the_fastest": float(found.steps[fastest])}


@study.figure
def figure(ranges: Mapping[str, Range]) -> Figure:
    """Steps needed against the step size, above how far the sharpness went; a column for each criterion."""
    drawing = new_figure(7.0, 4.8)
    axes = drawing.subplots(2, len(ranges), sharex="col", sharey="row", squeeze=False)
    for (steps, ratio), found in zip(axes.T, ranges.values(), strict=True):
        shade((steps, ratio), found)
        plot_kinds(steps, found, np.where(found.diverged, found.steps.max(), found.steps))
        plot_kinds(ratio, found, np.where(found.diverged, np.nan, found.largest))
        ratio.axhline(1, color=THEORY_COLOR, linestyle="--", linewidth=0.9)
        steps.set(title=found.title, yscale="log", ylabel=f"steps to {GOAL:.0%} accuracy")
        ratio.set(xscale="log", yscale="log", xlabel="step size $\\eta$", ylabel="largest sharpness / $(2/\\eta)$")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    handles += [Patch(color=color, alpha=SHADE, linewidth=0) for _, color in SPANS.values()]
    labels += [label for label, _ in SPANS.values()]
    drawing.legend(handles, labels, loc="outside lower center", ncols=3, handletextpad=0.4)
    return drawing


def shade(axes: Sequence[Axes], found: Range) -> None:
    """Grey where the network trains, orange where it reaches the edge before it is done."""
    known = ends(found) or {}
    for start, (_, color) in SPANS.items():
        if start in known:
            for axis in axes:
                axis.axvspan(known[start], found.last, color=color, alpha=SHADE, linewidth=0)


def plot_kinds(axes: Axes, found: Range, values: Array) -> None:
    """A value for every step size, marked by how its run went."""
    kinds = {
        "trains below the edge": (found.trains & ~found.edge, "o", COLORS[0]),
        "trains at the edge": (found.edge, "o", COLORS[1]),
        "not done within the budget": (~found.trains & ~found.diverged, "v", "#888888"),
        "diverges": (found.diverged, "x", THEORY_COLOR),
    }
    for label, (chosen, marker, color) in kinds.items():
        axes.plot(found.etas[chosen], values[chosen], marker, color=color, label=label, markersize=5)


if __name__ == "__main__":
    study.main()
