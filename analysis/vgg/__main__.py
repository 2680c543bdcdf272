"""A VGG network with batch normalization reaches the edge of stability, too.

Batch normalization is said to smooth the loss. It does take something away: the loss no longer depends on the scale of
the weights w of a convolution that is followed by it. So w·∇L = 0, every step of gradient descent makes w longer, by
η²‖∇L‖² in its square, and the curvature in w goes with 1/‖w‖² (`analysis.vgg.scale`). Longer weights are a way to
become flatter.

Yet the sharpness of the whole loss rises all the same, until it is at 2/η, and hovers there, while the loss goes on
falling. In runs as short as the quick ones the norm of the convolutions grows by a few parts in ten thousand only,
while the sharpness grows three-fold and more: growth of the weights is no match for progressive sharpening here.

The statistics are those of the full batch, in training and in measuring, so that the loss is a fixed function of the
weights. For the same reason it cannot be put together from micro-batches: the activations of all examples have to fit
into the memory at once, at the paper's scale (VGG-11 of width 64, 5,000 images) tens of GB for a gradient, and more
for a Hessian product.

The quick preset learns 60 of scikit-learn's digits, enlarged to 32×32, with a network of width 4, and takes means in
its pooling layers, not maxima: with so few examples the kinks of the maxima are to be seen as jumps of the sharpness.

Measured: with η = 0.2 and 0.3 the sharpness starts at 2.8, crosses 2/η at the steps 48 and 32, and hovers at about
1.04 and 1.10 times 2/η. With η = 0.45 it does from step 8 on, at 1.16; but the loss, near its end, falls over three
windows out of four only.

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
from sympy import S

from analysis.study import Evidence, Pieces, agreement, bounded, counted, exceeds, identity, new_figure, over, same
from analysis.training import flat_loss, runs_along
from analysis.training.edge_run import EdgeRun, level_exponent
from analysis.training.lanczos import lanczos_sharpness
from analysis.training.measures import share_of_falls
from analysis.training.panels import plot_runs
from analysis.vgg.scale import defect_of_the_growth, defects_of_the_curvature, measured_scale, slope_along_the_weights
from eos_sym import STEP_SIZE, GradientDescent, Undecided, critical_sharpness
from numeric.networks.architectures import Vgg
from numeric.networks.data import Digits
from numeric.networks.training import Experiment, Measure, Stop, optimizers
from numeric.runs import one_thread

QUICK = Experiment(
    Digits(60, size=32),  # pixels a side: what five poolings need
    Vgg(width=4, pooling="average"),
    optimizers.GradientDescent(0.2),
    96,
    measure=Measure(8, relative=2e-2, weights_every=8),
)
FULL = replace(
    QUICK, network=Vgg(), steps=20_000, stop=Stop(accuracy=0.99), measure=Measure(25, relative=2e-2, weights_every=1000)
)
ETAS = {"quick": (0.2, 0.3), "full": (0.025, 0.05, 0.1)}
FEWEST_READINGS = 5  # at the edge
LEVEL = (0.8, 1.4)  # of 2/η
EXPONENT_ERROR = 0.3
LONG_WINDOWS = 4
SCALE_ERROR = 1e-2  # what the ε in the normalization leaves of the invariance
SECOND_READING = 0.05
HEADROOM = 1.5  # of the figure, times the highest edge


@study.theory
def derived() -> Mapping[str, Any]:
    """The edge, and what follows for a loss that is free of scale."""
    return {
        "critical_sharpness": critical_sharpness(GradientDescent()),
        "no_scale": "L(cw) = L(w):  w·∇L = 0,  ∇²L(cw) = ∇²L(w)/c²,  ‖w − η∇L‖² = ‖w‖² + η²‖∇L‖²",
    }


@runs_along(study, "eta")
def planned(options: Options) -> Mapping[tuple[float], Experiment]:
    """The runs by step size, ascending."""
    base = options.base(QUICK, FULL)
    base = replace(base, loss=options.criterion, steps=options.steps or base.steps)
    etas = sorted(map(float, options.eta or ETAS[options.preset]))
    return {(eta,): replace(base, rule=optimizers.GradientDescent(eta)) for eta in etas}


@study.experiment
def scale(planned: Mapping[tuple[float], Experiment], histories: Mapping[tuple[float], xr.Dataset]) -> xr.Dataset:
    """What the loss does when the convolutions are scaled, at the start and the end of the run with the least η.

    Beside the measures of `analysis.vgg.scale` the sharpness that was read there, and at the end the same by SciPy.
    """
    first = min(planned)
    loss, history = flat_loss(planned[first]), histories[first]
    ends = history.isel(snapshot=sorted({0, history.sizes["snapshot"] - 1}))
    independent = np.full(ends.sizes["snapshot"], np.nan)
    with one_thread():
        found = [measured_scale(loss, torch.from_numpy(weights).double()) for weights in counted(ends.weights.values)]
        if np.isfinite(ends.weights.values[-1]).all():
            independent[-1] = lanczos_sharpness(loss, ends.weights.values[-1])
    measured: dict[str, Any] = {name: [one[name] for one in found] for name in found[0]}
    measured |= {"tracked": ends.sharpness.sel(reading=ends.snapshot.values).values, "independent": independent}
    return xr.Dataset({name: ("snapshot", values) for name, values in measured.items()}, {"snapshot": ends.snapshot})


@study.measurement
def runs(training: xr.Dataset) -> list[EdgeRun]:
    """The runs beside 2/η, by ascending step size."""
    return [
        EdgeRun(f"eta = {eta:g}", training.sel(eta=eta), eta, 2 / eta, FEWEST_READINGS)
        for eta in map(float, training.eta.values)
    ]


@study.claim("with batch normalization, too, the sharpness starts below 2/η and rises until it reaches 2/η")
def reaches_the_edge(derived: Mapping[str, Any], runs: Sequence[EdgeRun]) -> Pieces:
    """Every run."""
    yield identity("critical sharpness of gradient descent", 2 / STEP_SIZE, derived["critical_sharpness"])
    reached = sum(run.reaches_edge for run in runs)
    yield same("network", "runs in which S rises to 2/η", f"{len(runs)} of {len(runs)}", f"{reached} of {len(runs)}")


@study.claim(f"from then on it hovers at 2/η: its mean is {LEVEL[0]:g} to {LEVEL[1]:g} times 2/η")
def hovers_at_the_edge(runs: Sequence[EdgeRun], scale: xr.Dataset) -> Pieces:
    """Every run, by the sharpness read in training; a reading of it by another method."""
    middle, half = sum(LEVEL) / 2, (LEVEL[1] - LEVEL[0]) / 2

    def hovers(run: EdgeRun) -> Evidence:
        return agreement("network", f"mean of ηS/2 from the crossing on, {run.name}", middle, run.level, absolute=half)

    yield from over(runs, hovers)
    last = scale.isel(snapshot=-1)
    if not np.isfinite(last.independent):
        raise Undecided("the run diverged")
    quantity, expected = "sharpness read last in training, beside SciPy's in float64", float(last.independent)
    yield agreement("autograd", quantity, expected, float(last.tracked), relative=SECOND_READING)


@study.claim("the level at which it hovers is proportional to 1/η")
def inversely_with_the_step_size(runs: Sequence[EdgeRun]) -> Pieces:
    """All runs together."""
    found = level_exponent(runs)
    yield agreement("network", "exponent a of the mean sharpness ~ η^a at the edge", -1, found, absolute=EXPONENT_ERROR)


@study.claim(f"at the edge the loss falls over each of {LONG_WINDOWS} windows")
def loss_falls_over_long_windows(runs: Sequence[EdgeRun]) -> Pieces:
    """Every run."""
    yield from over(runs, falls)


def falls(run: EdgeRun) -> Evidence:
    """The share of the windows of equal length, end to end from the crossing on, over which the loss falls."""
    at_edge = run.loss[run.crossed :]
    share = share_of_falls(at_edge, (len(at_edge) - 1) // LONG_WINDOWS)
    return agreement("network", f"share of windows over which the loss falls, {run.name}", 1.0, share)


@study.claim(
    "the loss does not depend on the scale of the convolutions' weights w: w·∇L = 0, and the curvature in w goes with "
    "1/‖w‖²",
    "van Laarhoven 2017",
)
def no_scale(scale: xr.Dataset) -> Pieces:
    """For two weights exactly; on the network at the start and the end of a run, by automatic differentiation.

    The last check shares its Hessian products with the readings of the sharpness.
    """
    derived = [slope_along_the_weights(), *defects_of_the_curvature()]
    yield identity("w·∇L and the entries of c²∇²L(cw) − ∇²L(w), two weights", [S.Zero] * len(derived), derived)
    defects = {
        "largest |w·g|/(‖w‖‖g‖), g = ∇_w L": scale.alignment,
        "largest |L(2w) − L(w)|/L(w)": scale.loss_change,
        "largest |4gᵀ∇²L(2w)g/gᵀ∇²L(w)g − 1|": abs(4 * scale.curvature_at_twice / scale.curvature - 1),
    }
    yield from over(defects.items(), small)


def small(measured: tuple[str, xr.DataArray]) -> Evidence:
    """The largest of the defects."""
    quantity, defect = measured
    if not np.isfinite(defect).all():
        raise Undecided("the run diverged")
    return bounded("autograd", quantity, float(defect.max()), below=SCALE_ERROR)


@study.claim("so every step makes these weights longer, by η²‖∇L‖² in the square", "van Laarhoven 2017")
def weights_grow(scale: xr.Dataset) -> Pieces:
    """For two weights exactly; on the network from the start to the end of a run."""
    yield identity("‖w − η∇L‖² − ‖w‖² − η²‖∇L‖², two weights", S.Zero, defect_of_the_growth())
    if scale.sizes["snapshot"] < 2 or not np.isfinite(scale.norm).all():
        raise Undecided("the run has no weights at its end")
    yield exceeds("network", "‖w‖ at the end over that at the start", float(scale.norm[-1] / scale.norm[0]), above=1)


@study.figure
def figure(runs: Sequence[EdgeRun]) -> Figure:
    """Loss and sharpness against iterations, and the sharpness against time, as in the paper; a colour for each η."""
    drawing = new_figure(8.4, 2.7)
    loss, sharpness, by_time = drawing.subplots(1, 3)
    plot_runs((loss, sharpness, by_time), runs)
    for axes in (sharpness, by_time):
        axes.set_ylim(0, HEADROOM * max(run.edge for run in runs))
    loss.legend(loc="lower left")
    return drawing


if __name__ == "__main__":
    study.main()
