"""A VGG network with batch normalization reaches the edge of stability, too.

Batch normalization is said to smooth the loss. It does take something away: the loss no longer depends on the scale of
the weights w of a convolution that is followed by it. So w·∇L = 0, every step of gradient descent makes w longer, by
η²‖∇L‖² in its square, and the curvature in w goes with 1/‖w‖² (`analysis.vgg.scale`). Longer weights are a way to
become flatter.

Yet the sharpness of the whole loss rises all the same, until it is at 2/η, and hovers a little above, while the loss
goes on falling. In runs as short as the quick ones the norm of the convolutions grows by a few parts in ten thousand
only, while the sharpness grows up to three-fold: growth of the weights is no match for progressive sharpening here.

The statistics are those of the full batch, in training and in measuring, so that the loss is a fixed function of the
weights. For the same reason it cannot be put together from micro-batches: the activations of all examples have to fit
into the memory at once, at the paper's scale (VGG-11 of width 64, 5,000 images) tens of GB for a gradient, and more
for a Hessian product.

The quick preset learns 30 of scikit-learn's digits, enlarged to 32×32, with a network of width 4, and takes means in
its pooling layers, not maxima: with so few examples the kinks of the maxima are to be seen as jumps of the sharpness.

Measured, with five step sizes from 0.24 to 0.46, each from a random start of its own: the sharpness starts at 0.35 to
0.7 times 2/η, crosses it between the steps 18 and 48, overshoots by up to 35 %, and hovers at 1.04 to 1.09 times 2/η,
at two-step midpoints; the level goes as η^a with a = −0.95 ± 0.03.

Sources: :cite:t:`cohen2021edge`, Figure 90; scale: :cite:t:`vanlaarhoven2017l2`.
"""

from dataclasses import dataclass
from typing import Literal

from analysis.study import Study
from analysis.training import StepSizeOptions

study = Study(__name__, source="Cohen et al. 2021, Figure 90")


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(StepSizeOptions):
    """A VGG network with batch normalization, trained by full-batch gradient descent with several step sizes."""

    criterion: Literal["mse", "cross_entropy"] = "mse"
    """loss to train with: squared error or cross-entropy"""


from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter
from sympy import S

from analysis.study import (
    THEORY_COLOR,
    Evidence,
    Pieces,
    about,
    agreement,
    bounded,
    colors,
    counted,
    exceeds,
    identity,
    new_figure,
    over,
    same,
)
from analysis.training import flat_loss, runs_along
from analysis.training.edge_run import EdgeRun
from analysis.training.estimate import mean, power, within
from analysis.training.lanczos import lanczos_sharpness
from analysis.training.measures import share_of_rises, sharpness_of
from analysis.training.panels import plot_loss
from analysis.vgg.scale import defect_of_the_growth, defects_of_the_curvature, measured_scale, slope_along_the_weights
from eos_sym import STEP_SIZE, GradientDescent, Undecided, critical_sharpness
from numeric.networks.architectures import Vgg
from numeric.networks.data import Digits
from numeric.networks.training import Experiment, Measure, Stop, optimizers
from numeric.runs import one_thread

QUICK = Experiment(
    Digits(30, size=32),  # pixels a side: what five poolings need
    Vgg(width=4, pooling="average"),
    optimizers.GradientDescent(0.2),
    96,
    measure=Measure(6, relative=2e-2, midpoint=True, weights_every=6),
)
FULL = replace(
    QUICK,
    network=Vgg(),
    steps=20_000,
    stop=Stop(accuracy=0.99),
    measure=Measure(25, relative=2e-2, midpoint=True, weights_every=1000),
)
ETAS = {"quick": (0.24, 0.28, 0.33, 0.39, 0.46), "full": (0.025, 0.035, 0.05, 0.07, 0.1)}
FEWEST_READINGS = 4  # in the second half of the time at the edge
LEVEL = (0.9, 1.2)  # of 2/η, in the mean over all runs
EXPONENT = (-1.2, -0.8)  # of the step size in the level
OFTEN, FALLS = 0.02, 0.5
SCALE_ERROR = 1e-2  # what the ε in the normalization leaves of the invariance
SECOND_READING = 0.03


@study.theory
def derived() -> Mapping[str, Any]:
    """The edge, and what follows for a loss that is free of scale."""
    return {
        "critical_sharpness": critical_sharpness(GradientDescent()),
        "no_scale": "L(cw) = L(w):  w·∇L = 0,  ∇²L(cw) = ∇²L(w)/c²,  ‖w − η∇L‖² = ‖w‖² + η²‖∇L‖²",
    }


@runs_along(study, "eta")
def planned(options: Options) -> Mapping[tuple[float], Experiment]:
    """The runs by step size, ascending, each from a random start of its own."""
    base = options.base(QUICK, FULL)
    base = replace(base, loss=options.criterion, steps=options.steps or base.steps)
    etas = sorted(map(float, options.eta or ETAS[options.preset]))
    return {
        (eta,): replace(base, rule=optimizers.GradientDescent(eta), seed=options.seed + number)
        for number, eta in enumerate(etas)
    }


@study.experiment
def scale(planned: Mapping[tuple[float], Experiment], histories: Mapping[tuple[float], xr.Dataset]) -> xr.Dataset:
    """What the loss does when the convolutions are scaled, at the start and the end of the run with the least η.

    Beside the measures of `analysis.vgg.scale` the sharpness that was read at the start, `tracked`, and by SciPy,
    `independent`: later readings are at midpoints, whose weights are not kept.
    """
    first = min(planned)
    loss, history = flat_loss(planned[first]), histories[first]
    ends = history.isel(snapshot=sorted({0, history.sizes["snapshot"] - 1}))
    with one_thread():
        found = [measured_scale(loss, torch.from_numpy(weights).double()) for weights in counted(ends.weights.values)]
        independent = lanczos_sharpness(loss, history.weights.values[0])
    measured = {name: ("snapshot", [one[name] for one in found]) for name in found[0]}
    readings = {"tracked": float(history.sharpness[0]), "independent": independent}
    return xr.Dataset(measured | readings, {"snapshot": ends.snapshot})


@study.measurement
def runs(training: xr.Dataset) -> list[EdgeRun]:
    """The runs beside 2/η, by ascending step size."""
    return [
        EdgeRun(f"eta = {eta:g}", training.sel(eta=eta), eta, 2 / eta, FEWEST_READINGS)
        for eta in map(float, training.eta.values)
    ]


@study.claim(
    "gradient descent is stable on a quadratic up to the sharpness 2/η; with batch normalization, too, the sharpness "
    "starts below 2/η and rises until it reaches 2/η"
)
def reaches_the_edge(derived: Mapping[str, Any], runs: Sequence[EdgeRun]) -> Pieces:
    """The formula; and every run."""
    edge = identity("critical sharpness of gradient descent", 2 / STEP_SIZE, derived["critical_sharpness"])
    yield from about("quadratic", edge)

    def every() -> Evidence:
        reached, all_of = sum(run.reaches_edge for run in runs), len(runs)
        return same("network", "runs in which S rises to 2/η", f"{all_of} of {all_of}", f"{reached} of {all_of}")

    yield from about("batch normalization", every)


@study.claim(
    f"from then on it hovers near 2/η: its mean at two-step midpoints, over all runs, is {LEVEL[0]:g} to {LEVEL[1]:g} "
    "times 2/η; at the start SciPy's Lanczos iteration finds the sharpness that was read",
    open=True,
)
def hovers_at_the_edge(runs: Sequence[EdgeRun], scale: xr.Dataset) -> Pieces:
    """The levels of all runs, and how far they scatter; a reading of the sharpness by another method."""
    quantity = "mean of ηS/2 at midpoints over the second half of the time at the edge, mean over runs"
    yield from about("hovers", lambda: within(quantity, mean([run.level for run in runs]), *LEVEL))
    quantity, expected = "sharpness read at the start, beside SciPy's in float64", float(scale.independent)
    reading = agreement("autograd", quantity, expected, float(scale.tracked), relative=SECOND_READING)
    yield from about("SciPy", reading)


@study.claim(
    "the larger the step size the lower the level at which it hovers: the exponent is between "
    f"−{-EXPONENT[0]:g} and −{-EXPONENT[1]:g}, −1 being that of 2/η and 0 that of a level set by the loss",
    open=True,
)
def inversely_with_the_step_size(runs: Sequence[EdgeRun]) -> Pieces:
    """All runs together, each from a start of its own."""
    quantity = "exponent a of the level ~ η^a at midpoints, over the runs"
    levels = [run.level * run.edge for run in runs]
    yield within(quantity, power([run.eta for run in runs], levels), *EXPONENT)


@study.claim(
    f"at the edge the loss rises in more than {OFTEN:.0%} of the steps; its mean over the last third of that time is "
    f"less than {FALLS:.0%} of that over the first",
    open=True,
)
def non_monotone_yet_falling(runs: Sequence[EdgeRun]) -> Pieces:
    """Every run."""

    def rises(run: EdgeRun) -> Evidence:
        share = share_of_rises(run.loss[run.crossed :])
        return exceeds("network", f"share of steps at the edge in which the loss rises, {run.name}", share, above=OFTEN)

    def falls(run: EdgeRun) -> Evidence:
        first, _, last = (part.mean() for part in np.array_split(run.loss[run.crossed :], 3))
        return bounded("network", f"mean loss, last third over first, {run.name}", float(last / first), below=FALLS)

    yield from about("rises", over(runs, rises))
    yield from about("mean", over(runs, falls))


@study.claim(
    "a loss of two weights w that depends on their ratio alone has w·∇L = 0 and ∇²L(cw) = ∇²L(w)/c²; the network's "
    "loss does not depend on the scale of the convolutions' weights w, so that w·∇L = 0, and the curvature in w goes "
    "with 1/‖w‖²",
    "van Laarhoven 2017",
)
def no_scale(scale: xr.Dataset) -> Pieces:
    """For two weights exactly; on the network at the start and the end of a run, by automatic differentiation.

    The last check shares its Hessian products with the readings of the sharpness.
    """
    derived = [slope_along_the_weights(), *defects_of_the_curvature()]
    exact = identity("w·∇L and the entries of c²∇²L(cw) − ∇²L(w), two weights", [S.Zero] * len(derived), derived)
    yield from about("two weights", exact)
    defects = {
        "largest |w·g|/(‖w‖‖g‖), g = ∇_w L": scale.alignment,
        "largest |L(2w) − L(w)|/L(w)": scale.loss_change,
        "largest |4gᵀ∇²L(2w)g/gᵀ∇²L(w)g − 1|": abs(4 * scale.curvature_at_twice / scale.curvature - 1),
    }
    yield from about("the network's loss", over(defects.items(), small))


def small(measured: tuple[str, xr.DataArray]) -> Evidence:
    """The largest of the defects."""
    quantity, defect = measured
    if not np.isfinite(defect).all():
        raise Undecided("the run diverged")
    return bounded("autograd", quantity, float(defect.max()), below=SCALE_ERROR)


@study.claim(
    "so a step makes two such weights longer, by η²‖∇L‖² in the square; from the start to the end of a run the "
    "network's convolutions grow",
    "van Laarhoven 2017",
)
def weights_grow(scale: xr.Dataset) -> Pieces:
    """For two weights exactly; on the network from the start to the end of a run."""
    exact = identity("‖w − η∇L‖² − ‖w‖² − η²‖∇L‖², two weights", S.Zero, defect_of_the_growth())
    yield from about("two such weights", exact)
    yield from about("grow", lambda: growth(scale))


def growth(scale: xr.Dataset) -> Evidence:
    """By how much the convolutions' weights become longer."""
    if scale.sizes["snapshot"] < 2 or not np.isfinite(scale.norm).all():
        raise Undecided("the run has no weights at its end")
    return exceeds("network", "‖w‖ at the end over that at the start", float(scale.norm[-1] / scale.norm[0]), above=1)


@study.figure
def figure(runs: Sequence[EdgeRun]) -> Figure:
    """Loss and sharpness over 2/η against iterations, a colour for each η; and the levels beside 2/η."""
    drawing = new_figure(7.0, 2.5)
    loss, ratio, levels = drawing.subplots(1, 3)
    for run, color in zip(runs, colors(len(runs)), strict=True):
        label = f"$\\eta = {run.eta:.3g}$"
        plot_loss(loss, run.history, color, label=label)
        steps, values = sharpness_of(run.history)
        ratio.plot(steps, values / run.edge, ".-", color=color, linewidth=0.9, markersize=2.5)
        try:
            levels.loglog(run.eta, run.level * run.edge, "o", color=color, markersize=4)
        except Undecided:  # it is not at the edge for long enough
            continue
    ratio.axhline(1, color=THEORY_COLOR, linestyle="--", linewidth=0.8)
    ratio.set(xlabel="iteration", ylabel="sharpness / $(2/\\eta)$", ylim=(0, None))
    etas = np.array([run.eta for run in runs])
    levels.loglog(etas, 2 / etas, "--", color=THEORY_COLOR, linewidth=0.8, label="$2/\\eta$")
    levels.set(xlabel="step size $\\eta$", ylabel="level of the sharpness")
    levels.legend(loc="upper right")
    for axis in (levels.xaxis, levels.yaxis):
        axis.set_major_locator(LogLocator(subs=range(1, 10)))
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_formatter(NullFormatter())
    drawing.legend(loc="outside lower center", ncols=len(runs), handles=loss.lines)
    return drawing


if __name__ == "__main__":
    study.main()
