"""Forward passes tell a curvature: that of the gradient, which is far below the sharpness until the edge is reached.

The critical step η_c is how far along −∇L the loss does not rise. Three or four forward passes find it, whatever the
network and however it is computed, and λ_c = 2/η_c is a curvature that is read where no Hessian can be had
(`numeric.networks.curvature.critical_step`). On a quadratic, with the eigenvectors uᵢ and g = ∇L,

    λ_c = g·Hg/‖g‖² = Σᵢ λᵢ (uᵢ·g)²/‖g‖² ≤ λ₁,

the mean of the eigenvalues weighted by the gradient. So it is another quantity than the sharpness λ₁, and stands or
falls with how much of the gradient lies along u₁. :cite:t:`kalra2026critical` propose it in place of the sharpness at
sizes where that cannot be had, for it shows progressive sharpening and the edge of stability.

What has to be expected: below the edge gradient descent damps u₁ faster than anything else, as long as ηλ₁ is not close
to 2, and the gradient turns away from it. At the edge the oscillation along u₁ makes most of the gradient, and λ_c
comes to λ₁. In between λ_c has to rise all that way, at the crossing, whether the sharpness moves then or not.

Three networks learn digits by gradient descent, and at every seventh step, that both phases of an oscillation are seen,
three things are read: λ₁ with its bound, g·Hg/‖g‖² by one Hessian product, and λ_c by forward passes to a twentieth.

*Measured* by the full preset, five starts of each network that were not looked at before. Before the sharpness comes to
2/η the median of λ_c/λ₁ is .005 to .015, and λ_c *falls* as the sharpness rises: their rank correlation is −.71 to −1
in the 14 runs that tell. So it shows no progressive sharpening here, against what is said of it. Its first reading at
half of 2/η is 14 to 336 steps after the sharpness has come to 2/η in all ten runs with the squared error, and the first
of five with such a median is not before that; with the cross-entropy
the sharpness goes beyond 2/η and back in all five, and λ_c never notices. It tells that the weights oscillate. Once
they do, with the squared error, it is within a tenth of 2/η at .86 to 1.00 of the readings of the fully connected
network, and at .24 to .96 of those of the convolutional one, which bursts and rests. Off the edge the loss along the
gradient is no parabola over the length of η_c: λ_c is two (fully connected) or twenty times (convolutional, where the
mean of the spectrum may be negative) g·Hg/‖g‖², and a fifth to a tenth of it with the cross-entropy in the end.
A reading takes 2.2 to 3.4 passes.
"""

from dataclasses import dataclass, replace

from analysis.study import Study
from analysis.training import SeedsOptions

study = Study(__name__, source="Kalra et al. 2026")


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(SeedsOptions):
    """The critical step along the gradient, by forward passes, beside the sharpness, on three networks."""


from collections.abc import Callable, Mapping
from contextlib import suppress

import torch
import xarray as xr
from matplotlib.figure import Figure
from sympy import Expr, Rational, simplify, solve, symbols
from torch import nn

from analysis.critical_step.along import (
    AT_EDGE,
    FAR_BELOW,
    NEAR,
    NETWORKS,
    WINDOW,
    correlation_before,
    crossing,
    delay,
    median_before,
    near_the_edge,
    near_the_mean,
    passes_a_reading,
    read,
)
from analysis.critical_step.figure import draw
from analysis.study import Evidence, Pieces, about, agreement, bounded, counted, exceeds, identity, over
from analysis.training import runs_along
from eos_sym import Undecided
from numeric.networks.curvature import critical_step_along, hessian
from numeric.networks.loss import FlatLoss, half_squared_error
from numeric.networks.training import Experiment
from numeric.runs import combine, one_thread

OF = {"quick": ("mse", "cross_entropy"), "full": tuple(NETWORKS)}
SEEDS = {"quick": 1, "full": 5}
MOST_STEPS = {"quick": 350, "full": 1500}
FIRST_SEED = {"quick": 0, "full": 100}  # the claims were made with start 0 in sight
PASSES = 6.0
MOST = 0.9  # of the readings
λ1, λ2, g1, g2, eta = symbols("lambda_1 lambda_2 g_1 g_2 eta", positive=True)
MEAN = (λ1 * g1**2 + λ2 * g2**2) / (g1**2 + g2**2)


@study.theory
def derived() -> Mapping[str, Expr]:
    """η_c on ½ λ₁θ₁² + ½ λ₂θ₂², from where the gradient is (g₁, g₂)."""

    def loss(step: Expr | int) -> Expr:
        there = [g / λ - step * g for λ, g in ((λ1, g1), (λ2, g2))]
        return Rational(1, 2) * (λ1 * there[0] ** 2 + λ2 * there[1] ** 2)

    (critical,) = solve(simplify((loss(eta) - loss(0)) / eta), eta)
    return {"critical_step": critical, "its_curvature": simplify(2 / critical)}


@runs_along(study, "network", "seed")
def planned(options: Options) -> Mapping[tuple[str, int], Experiment]:
    """The runs of every network."""
    first = options.seed + FIRST_SEED[options.preset]
    seeds = range(first, first + (options.seeds or SEEDS[options.preset]))
    trained = {name: NETWORKS[name][1] for name in OF[options.preset]}
    most = MOST_STEPS[options.preset]
    return {
        (name, seed): replace(one, seed=seed, steps=min(one.steps, most))
        for name, one in trained.items()
        for seed in seeds
    }


@study.experiment
def readings(
    planned: Mapping[tuple[str, int], Experiment], histories: Mapping[tuple[str, int], xr.Dataset]
) -> xr.Dataset:
    """All three curvatures along every run, (network, seed, step)."""
    with one_thread():
        found = [read(planned[label], histories[label]) for label in counted(planned)]
    networks, seeds = ([*dict.fromkeys(names)] for names in zip(*planned, strict=True))
    return combine(found, {"network": networks, "seed": seeds})


@study.measurement
def runs(readings: xr.Dataset) -> list[xr.Dataset]:
    """Each run by itself, with its `name`."""
    return [
        one.dropna("step", how="all").assign_attrs(name=f"{NETWORKS[str(network)][0]}, seed {seed}")
        for network in readings.network.values
        for seed in readings.seed.values
        for one in [readings.sel(network=network, seed=seed)]
    ]


@study.claim(
    "on a quadratic with the eigenvalues λ₁ ≥ λ₂ > 0 2/η_c along the gradient is the mean of them weighted by the "
    "gradient, g·Hg/‖g‖², which is never above λ₁",
)
def a_mean_of_the_spectrum(derived: Mapping[str, Expr]) -> Pieces:
    """By algebra, and by forward passes of a linear model."""
    yield from about("the mean of", identity("2/η_c", MEAN, derived["its_curvature"]), by_forward_passes())
    gap = λ1 - derived["its_curvature"]
    yield from about("never above", identity("(λ₁ − 2/η_c)‖g‖²", (λ1 - λ2) * g2**2, gap * (g1**2 + g2**2)))


def by_forward_passes() -> Evidence:
    """2/η_c of a linear model over g·Hg/‖g‖² of its dense Hessian."""
    generator = torch.Generator().manual_seed(0)
    inputs, targets = (torch.randn(20, size, generator=generator, dtype=torch.float64) for size in (5, 3))
    module = nn.Linear(5, 3, bias=False).double()
    nn.init.zeros_(module.weight)
    loss = FlatLoss(module, inputs, targets, half_squared_error)
    value, gradient = loss.value_and_gradient(loss.parameters)
    square = float(gradient @ gradient)
    found = critical_step_along(loss, gradient, start=float(value), guess=1.0, slope=square, relative=1e-6)
    mean = float(gradient @ hessian(loss, loss.parameters) @ gradient) / square
    return agreement("network", "2/η_c over g·Hg/‖g‖² of a linear model", 1.0, found.sharpness / mean, relative=1e-6)


@study.claim(
    f"once the sharpness has come back from above 2/η, λ_c is within {NEAR:.0%} of 2/η at {MOST:.0%} of the readings "
    f"at which the sharpness is within {AT_EDGE:.0%} of it",
    "Kalra et al. 2026",
    open=True,
)
def at_the_edge(runs: list[xr.Dataset]) -> Pieces:
    """Where the oscillation makes the gradient."""

    def share(run: xr.Dataset) -> Evidence:
        return exceeds("network", f"share of readings so near 2/η, {run.name}", near_the_edge(run), above=MOST)

    yield from over(runs, share)


@study.claim(
    f"λ_c rises to {FAR_BELOW:g} of 2/η, by medians of {WINDOW} readings, only after the sharpness has come to 2/η, as "
    "an oscillation has to grow first",
    open=True,
)
def late(runs: list[xr.Dataset]) -> Pieces:
    """It tells that training is at the edge, and not that it will be."""

    def after(run: xr.Dataset) -> Evidence:
        quantity = f"steps from the sharpness at 2/η to λ_c at {FAR_BELOW:g} of it, {run.name}"
        return exceeds("network", quantity, delay(run), above=0.0)

    yield from over(runs, after)


@study.claim(
    f"before the crossing the median of λ_c/λ₁ is below {FAR_BELOW:g}; there λ_c rises with the sharpness",
    "Kalra et al. 2026, for the second part",
    open=True,
)
def before_the_edge(runs: list[xr.Dataset]) -> Pieces:
    """Where progressive sharpening goes on."""

    def below(run: xr.Dataset) -> Evidence:
        quantity = f"median of λ_c/λ₁ before the crossing, {run.name}"
        return bounded("network", quantity, median_before(run), below=FAR_BELOW)

    def rises(run: xr.Dataset) -> Evidence:
        quantity = f"rank correlation of λ_c with λ₁ before the crossing, {run.name}"
        return exceeds("network", quantity, correlation_before(run), above=0.0)

    yield from about("the median", over(runs, below))
    yield from about("rises", over(runs, rises))


@study.claim(
    f"at nine of ten readings after the transient λ_c is within {NEAR:.0%} of g·Hg/‖g‖², with the squared error; "
    "with the cross-entropy",
    open=True,
)
def as_on_a_quadratic(runs: list[xr.Dataset]) -> Pieces:
    """How far along the gradient the loss is a parabola."""

    def near(run: xr.Dataset) -> Evidence:
        return exceeds("network", f"share of readings so near, {run.name}", near_the_mean(run), above=MOST)

    for part, wanted in (("squared error", True), ("cross-entropy", False)):
        of_these = [run for run in runs if ("squared" in run.name) is wanted]
        if of_these:
            yield from about(part, over(of_these, near))
        else:
            yield from about(part, over([part], not_trained))


def not_trained(part: str) -> Evidence:
    """What the preset leaves out."""
    raise Undecided(f"this preset trains no network with the {part}")


@study.claim(
    f"a reading takes at most {PASSES:g} forward passes on average", "Kalra et al. 2026, five to six", open=True
)
def passes(runs: list[xr.Dataset]) -> Pieces:
    """All of a run, the first guess included."""

    def mean(run: xr.Dataset) -> Evidence:
        return bounded("network", f"forward passes a reading, {run.name}", passes_a_reading(run), below=PASSES)

    yield from over(runs, mean)


MEASURES: Mapping[str, Callable[[xr.Dataset], float]] = {
    "step of the crossing": crossing,
    "median of the critical sharpness over λ₁ before it": median_before,
    "rank correlation of the critical sharpness with λ₁ before it": correlation_before,
    "steps from it to the critical sharpness at half of 2/η": delay,
    "share of readings at the edge with the critical sharpness within a tenth": near_the_edge,
    "share of readings with the critical sharpness within a tenth of g·Hg/‖g‖²": near_the_mean,
    "forward passes a reading": passes_a_reading,
}


@study.summary
def summary(runs: list[xr.Dataset]) -> Mapping[str, Mapping[str, str]]:
    """Of every network the least and the largest of each measure over its starts, and how many of them tell."""
    networks = {NETWORKS[str(run.network.values)][0]: str(run.network.values) for run in runs}
    return {
        words: {
            measure: over_starts([run for run in runs if str(run.network.values) == name], ask)
            for measure, ask in MEASURES.items()
        }
        for words, name in networks.items()
    }


def over_starts(runs: list[xr.Dataset], ask: Callable[[xr.Dataset], float]) -> str:
    """The least and the largest, of those that tell."""
    found = []
    for run in runs:
        with suppress(Undecided):
            found.append(ask(run))
    span = f"{min(found):.3g} to {max(found):.3g}, " if found else ""
    return f"{span}{len(found)} of {len(runs)} tell"


@study.figure
def figure(runs: list[xr.Dataset]) -> Figure:
    """The first start of every network."""
    return draw(runs)


if __name__ == "__main__":
    study.main()
