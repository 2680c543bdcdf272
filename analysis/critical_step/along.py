"""What is read along a run, the parts of a run, and what is measured there.

λ₁ with its bound, g·Hg/‖g‖² by one Hessian product, and λ_c by forward passes to a twentieth, at every seventh step, so
that both phases of an oscillation are seen. A run is (step,) with its `eta` and its `name`.

Errors: `Undecided` for a run that does not cross 2/η or starts above, and for a part with fewer than `FEWEST` readings.
"""

import numpy as np
import torch
import xarray as xr
from scipy.stats import spearmanr

from analysis.training import flat_loss
from analysis.training.measures import crossing_from_below
from eos_sym import Undecided
from numeric.networks.architectures import Convolutional, FullyConnected
from numeric.networks.curvature import HessianAt, TopEigenpairs, critical_step_along
from numeric.networks.data import Digits
from numeric.networks.training import Experiment, Measure
from numeric.networks.training.optimizers import GradientDescent

EVERY = 7
MEASURE = Measure(every=10**6, relative=1e-2, weights_every=EVERY)


def run(data: Digits, network: FullyConnected | Convolutional, loss: str, eta: float, steps: int) -> Experiment:
    """A network that comes to the edge."""
    return Experiment(data, network, GradientDescent(eta), steps, loss, precision="float64", measure=MEASURE)


NETWORKS = {
    "mse": ("fully connected, squared error", run(Digits(100), FullyConnected((20,)), "mse", 0.4, 1500)),
    "cross_entropy": (
        "fully connected, cross-entropy",
        run(Digits(300, noise=0.5), FullyConnected((30,)), "cross_entropy", 0.8, 1000),
    ),
    "convolutional": (
        "convolutional, squared error",
        run(Digits(100, noise=0.3), Convolutional((4, 8), pooling="average"), "mse", 0.4, 1000),
    ),
}
RELATIVE = 0.05
BEGUN = 10  # steps: the first are those of a transient
FEWEST = 5  # readings
WINDOW = 5  # readings, of whose λ_c the median is taken
AT_EDGE, NEAR, FAR_BELOW = 0.05, 0.1, 0.5


def read(run: Experiment, history: xr.Dataset) -> xr.Dataset:
    """λ₁, g·Hg/‖g‖² and λ_c at the weights that one run kept; the critical step is sought from the one before."""
    loss, eigenpairs = flat_loss(run), TopEigenpairs(1, relative=1e-3)
    eta = guess = float(history.eta)
    rows = []
    for weights in torch.from_numpy(history.weights.values):
        loss.load(weights)
        at = HessianAt(loss, weights)
        gradient = at.gradient
        square = float(gradient @ gradient)
        mean = float(gradient @ at.product(gradient[:, None])[:, 0]) / square
        found = critical_step_along(loss, gradient, start=float(at.value), guess=guess, slope=square, relative=RELATIVE)
        guess = found.lower if found.status == "converged" else guess
        sharpness = float(eigenpairs.read(at, weights, gradient).eigenvalues[0])
        rows.append((sharpness, mean, found.sharpness, found.passes))
    columns = zip(("sharpness", "mean_of_spectrum", "critical_sharpness", "passes"), np.array(rows).T, strict=True)
    return xr.Dataset(
        {name: ("step", values) for name, values in columns} | {"eta": eta}, {"step": history.snapshot.values}
    )


def crossing(run: xr.Dataset) -> int:
    """The first reading after the transient with the sharpness at 2/η, of a run that was below."""
    found = crossed(run)
    if found is None:
        raise Undecided(f"{run.name}: does not come to 2/η; give more --steps")
    return found


def crossed(run: xr.Dataset) -> int | None:
    """The same; None if there is none."""
    after = run.sel(step=slice(BEGUN, None)).rename(step="reading")
    return crossing_from_below(after, 2 / float(run.eta), str(run.name))


def arrival(run: xr.Dataset) -> int:
    """The first step with λ_c at `FAR_BELOW` of 2/η after the transient, by medians of `WINDOW` readings about it.

    It is not before the first reading that is there, and one that is there by itself is none.
    """
    there = (
        run.critical_sharpness.sel(step=slice(BEGUN, None)).rolling(step=WINDOW, center=True).median().dropna("step")
    )
    high = there.values * float(run.eta) / 2 >= FAR_BELOW
    found = there.step.values[1:][high[1:] & ~high[:-1]]
    if not len(found):
        raise Undecided(f"{run.name}: λ_c does not come there; give more --steps")
    return int(found[0])


def back_at_the_edge(run: xr.Dataset) -> xr.Dataset:
    """The readings with the sharpness near 2/η, once it has come back from above."""
    after = run.sel(step=slice(crossing(run), None))
    back = after.step.values[after.sharpness.values * float(run.eta) / 2 <= 1]
    there = after.sel(step=slice(back[0], None)) if len(back) else after.isel(step=slice(0))
    return enough(run, there.isel(step=np.abs(there.sharpness.values * float(run.eta) / 2 - 1) <= AT_EDGE))


def near_the_edge(run: xr.Dataset) -> float:
    """The share of these at which λ_c is near 2/η too."""
    return float((np.abs(back_at_the_edge(run).critical_sharpness * run.eta / 2 - 1) <= NEAR).mean())


def median_before(run: xr.Dataset) -> float:
    """λ_c/λ₁, the median before the crossing."""
    there = sharpening(run)
    return float((there.critical_sharpness / there.sharpness).median())


def correlation_before(run: xr.Dataset) -> float:
    """The rank correlation of λ_c with λ₁ before the crossing."""
    there = sharpening(run)
    return float(spearmanr(there.critical_sharpness, there.sharpness).statistic)


def delay(run: xr.Dataset) -> int:
    """How many steps after the crossing λ_c arrives."""
    return arrival(run) - crossing(run)


def near_the_mean(run: xr.Dataset) -> float:
    """The share of readings after the transient at which λ_c is near g·Hg/‖g‖²."""
    there = enough(run, run.sel(step=slice(BEGUN, None)))
    return float((np.abs(there.critical_sharpness / there.mean_of_spectrum - 1) <= NEAR).mean())


def passes_a_reading(run: xr.Dataset) -> float:
    """The mean over all of a run, the first guess included."""
    return float(run.passes.mean())


def sharpening(run: xr.Dataset) -> xr.Dataset:
    """From the end of the transient to the crossing, or to the end of the run."""
    return enough(run, run.sel(step=slice(BEGUN, crossed(run))))


def enough(run: xr.Dataset, part: xr.Dataset) -> xr.Dataset:
    """The part, if it has readings enough to speak of."""
    if part.sizes["step"] < FEWEST:
        raise Undecided(f"{run.name}: {part.sizes['step']} readings there; {FEWEST} tell")
    return part
