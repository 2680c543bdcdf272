"""Gradient descent on a quadratic: the threshold 2/λ₁, and what happens to each coordinate beyond it.

On L = ½ Σ λᵢ θᵢ² with λ₁ > λ₂ > … > 0, gradient descent multiplies coordinate i by 1 − ηλᵢ, independently of the
others. All coordinates converge iff 0 < η < 2/λ₁: the sharpness λ₁ must stay below 2/η. For λ₂ < 2/η < λ₁ all but the
first converge, while the first grows with alternating sign. At η = 2/λ₁ exactly it neither shrinks nor grows: every
starting point leads into a two-cycle.

This is all that a quadratic can do: past the threshold it diverges. That networks do not is what the other analyses
are about. Source: :cite:t:`cohen2021edge`, §2.
"""

from dataclasses import dataclass
from fractions import Fraction

from analysis.study import CommonOptions, Number, Study, check_step_sizes, check_steps
from eos_sym.errors import BadInput

study = Study(__name__, source="Cohen et al. 2021, §2")


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """Gradient descent on ½ Σ λᵢ θᵢ² from θ = (1, …, 1)."""

    eigenvalues: tuple[Number, ...] = (Fraction(20), Fraction(8), Fraction(2))
    """λ₁ > λ₂ > … > 0, at least two"""
    eta: tuple[Number, ...] = (Fraction(9, 100), Fraction(1, 10), Fraction(21, 200))
    """step sizes of the runs in the figure"""
    steps: int = 60
    """iterations of the runs in the figure"""

    def __post_init__(self) -> None:
        spectrum = self.spectrum
        if len(spectrum) < 2 or sorted(set(spectrum), reverse=True) != spectrum or spectrum[-1] <= 0:
            raise BadInput(
                f"--eigenvalues {' '.join(map(str, self.eigenvalues))}: give at least two, positive, falling"
            )
        check_step_sizes(self.eta)
        check_steps(self.steps)

    @property
    def spectrum(self) -> list[float]:
        """The eigenvalues in floating point."""
        return [float(value) for value in self.eigenvalues]


from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from sympy import Expr, Integer, Symbol, factor, symbols

from analysis.study import THEORY_COLOR, Pieces, axis, bounded, colors, expect, identity, new_figure, same, theorem
from eos_sym import STEP_SIZE, GradientDescent, Objective, quadratic
from eos_sym.stability import stability
from numeric import compile_map

NEAR_THRESHOLD = 1e-3  # the threshold is tested this far, relatively, on either side
ENTRIES = 7  # of a legend in a row
SPLIT_STEPS = 10  # no coordinate grows by more than 3 a step there


@study.theory
def derived(options: Options) -> Mapping[str, Any]:
    """The map, its multipliers, and the step size at which stability is lost, for any λ₁ > λ₂ > … > 0."""
    objective = quadratic(len(options.eigenvalues))
    in_gaps, in_eigenvalues = ordered(objective)
    dynamics = GradientDescent().map(objective)
    others = dynamics.restrict({objective.weights[0]: Integer(0)})
    critical = [stability(system.jacobian.subs(in_gaps)).critical_value(STEP_SIZE) for system in (dynamics, others)]
    return {
        "loss": objective.loss,
        "map": dynamics,
        "multipliers": [1 - STEP_SIZE * eigenvalue for eigenvalue in objective.parameters],
        "critical_step_size": factor(critical[0].subs(in_eigenvalues)),
        "critical_step_size_without_the_first_coordinate": factor(critical[1].subs(in_eigenvalues)),
    }


def ordered(objective: Objective) -> tuple[dict[Symbol, Expr], dict[Symbol, Expr]]:
    """Eigenvalues as sums of positive gaps, λᵢ = gapᵢ + gapᵢ₊₁ + …, and back: how SymPy is told λ₁ > λ₂ > … > 0."""
    eigenvalues = objective.parameters
    gaps = symbols(f"gap1:{len(eigenvalues) + 1}", positive=True)
    in_gaps = {eigenvalue: sum(gaps[index:]) for index, eigenvalue in enumerate(eigenvalues)}
    differences = (a - b for a, b in zip(eigenvalues, (*eigenvalues[1:], 0), strict=True))
    return in_gaps, dict(zip(gaps, differences, strict=True))


def simulated(options: Options, step_sizes: list[float], steps: int, record_every: int | None = 1) -> xr.Dataset:
    """Gradient descent with each of the step sizes."""
    expect(len(step_sizes) * steps)
    dynamics = GradientDescent().map(quadratic(len(options.spectrum)))
    eigenvalues = {f"lambda{number}": eigenvalue for number, eigenvalue in enumerate(options.spectrum, 1)}
    start, parameters = {weight.name: 1.0 for weight in dynamics.state}, eigenvalues | {"eta": axis("eta", step_sizes)}
    return compile_map(dynamics).run(start, parameters, steps=steps, record_every=record_every)


@study.experiment
def runs(options: Options) -> xr.Dataset:
    """The runs of the figure."""
    return simulated(options, [float(eta) for eta in options.eta], options.steps)


@study.experiment
def threshold(options: Options) -> xr.Dataset:
    """Runs just below and just above 2/λ₁, long enough to show on which side they are."""
    critical = 2 / options.spectrum[0]
    sides = [critical * (1 - NEAR_THRESHOLD), critical * (1 + NEAR_THRESHOLD)]
    return simulated(options, sides, round(40 / NEAR_THRESHOLD), record_every=None)


@study.experiment
def split(options: Options) -> xr.Dataset:
    """A run with 2/η halfway between λ₁ and λ₂."""
    first, second = options.spectrum[:2]
    return simulated(options, [4 / (first + second)], SPLIT_STEPS)


@study.claim("GD multiplies coordinate i by 1 − ηλᵢ", id="multipliers")
def coordinates_are_multiplied(derived: Mapping[str, Any], split: xr.Dataset, options: Options) -> Pieces:
    """The map's formula, and θᵢ(t) along a recorded run."""
    dynamics = derived["map"]
    steps = zip(derived["multipliers"], dynamics.state, dynamics.step, strict=True)
    for number, (multiplier, weight, step) in enumerate(steps, 1):
        yield identity(f"coordinate {number} after a step", multiplier * weight, step)
    run = split.isel(eta=0)
    factors = 1 - run.eta * xr.DataArray(options.spectrum, dims="state", coords={"state": run.state})
    powers = factors**run.iteration
    error = float((abs(run.trajectory - powers) / abs(powers)).max())
    quantity = f"largest relative error of (1 − ηλᵢ)ᵗ as θᵢ(t), {SPLIT_STEPS} iterations from θ = (1, …, 1)"
    yield bounded("simulation", quantity, error, below=1e-12)


@study.claim("GD converges to the minimum from every start iff 0 < η < 2/λ₁", id="threshold")
def converges_below_the_threshold(derived: Mapping[str, Any], threshold: xr.Dataset, options: Options) -> Pieces:
    """Stable below and unstable at every step size above; both sides by the compiled map and by torch."""
    (largest,) = quadratic(1).parameters
    yield identity("least step size at which stability is lost", 2 / largest, derived["critical_step_size"])
    beyond = derived["multipliers"][0].subs(STEP_SIZE, 2 * (1 + Symbol("e", positive=True)) / largest)
    sign = "positive" if factor(beyond**2 - 1).is_positive else "undecided"
    yield theorem("sign of (1 − ηλ₁)² − 1 at η = (1 + e) 2/λ₁ for all e > 0", "positive", sign)
    sides = f"ηλ₁/2 = 1 ∓ {NEAR_THRESHOLD:g}"
    outcomes = ", ".join(threshold.outcome.values.tolist())
    yield same("simulation", f"outcomes of the runs with {sides}", "converged, diverged", outcomes)
    growth = [network_growth(options.spectrum, eta, 100)[0] for eta in threshold.eta.values]
    yield same("network", f"|θ₁| in 100 steps of torch's SGD, {sides}", "shrinks, grows", pattern(growth))


@study.claim("for λ₂ < 2/η < λ₁ all coordinates but the first converge", id="split")
def all_but_the_first_converge(derived: Mapping[str, Any], split: xr.Dataset, options: Options) -> Pieces:
    """In symbols for any eigenvalues; for those given by the compiled map and by torch, at one step size."""
    halfway = "η = 4/(λ₁ + λ₂)"
    first, second = quadratic(2).parameters
    critical = [derived["critical_step_size"], derived["critical_step_size_without_the_first_coordinate"]]
    yield identity("critical step sizes of all coordinates, and without the first", [2 / first, 2 / second], critical)
    expected = ", ".join(["grows", *["shrinks"] * (len(options.eigenvalues) - 1)])
    found = abs(split.trajectory.isel(eta=0, iteration=-1)).values.tolist()
    yield same("simulation", f"|θᵢ| in {SPLIT_STEPS} iterations, {halfway}", expected, pattern(found))
    growth = network_growth(options.spectrum, float(split.eta[0]), SPLIT_STEPS)
    yield same("network", f"|θᵢ| in {SPLIT_STEPS} steps of torch's SGD, {halfway}", expected, pattern(growth))


def pattern(growth: Sequence[float]) -> str:
    """Which of the coordinates have grown."""
    return ", ".join("grows" if ratio > 1 else "shrinks" for ratio in growth)


def network_growth(eigenvalues: Sequence[float], step_size: float, steps: int) -> list[float]:
    """|θᵢ(steps)/θᵢ(0)| of a linear regression with this Hessian spectrum, trained by torch's SGD."""
    import torch  # slow to load, and needed by this channel alone

    from numeric.networks import DeepLinear, FlatLoss, gradient_descent, half_squared_error

    spectrum = torch.tensor(eigenvalues, dtype=torch.float64)
    inputs = torch.diag((len(spectrum) * spectrum).sqrt())
    targets = torch.zeros(len(spectrum), 1, dtype=torch.float64)
    loss = FlatLoss(DeepLinear([len(spectrum), 1]), inputs, targets, half_squared_error)
    path = gradient_descent(loss, torch.ones(len(spectrum), dtype=torch.float64), step_size, steps)
    return [float(ratio) for ratio in (path[-1] / path[0]).abs()]


@study.figure
def figure(runs: xr.Dataset, options: Options) -> Figure:
    """|θᵢ| along the runs, a panel per step size, and the multipliers against the step size."""
    eigenvalues = options.spectrum
    palette = colors(len(eigenvalues))
    drawing = new_figure(7.0, 2.5)
    panels = drawing.subplots(1, runs.sizes["eta"] + 1)
    for panel in panels[1:-1]:
        panel.tick_params(labelleft=False)
    for panel, eta in zip(panels, runs.eta.values, strict=False):
        for index, name in enumerate(runs.state.values):
            size = abs(runs.trajectory.sel(eta=eta, state=name))
            panel.semilogy(runs.iteration, size.where(size > 0), color=palette[index])
        panel.set(title=f"η = {eta:.4g},  2/η = {2 / eta:.4g}", xlabel="iteration", ylim=(1e-10, 1e6))
    panels[0].set_ylabel("|θᵢ|")
    step_sizes = np.linspace(0, 1.15 * max(2 / eigenvalues[0], *runs.eta.values), 200)
    for index, eigenvalue in enumerate(eigenvalues):
        color = palette[index]
        panels[-1].plot(step_sizes, abs(1 - step_sizes * eigenvalue), color=color, label=f"λ = {eigenvalue:g}")
    panels[-1].axhline(1, color=THEORY_COLOR, linewidth=0.8)
    panels[-1].axvline(2 / eigenvalues[0], color=THEORY_COLOR, linestyle="--", label="edge, η = 2/λ₁")
    panels[-1].set(title="multipliers", xlabel="step size η", ylabel="|1 − ηλᵢ|", ylim=(0, 2.2))
    entries = panels[-1].get_legend_handles_labels()
    drawing.legend(*entries, loc="outside lower center", ncols=min(len(entries[0]), ENTRIES))
    return drawing


if __name__ == "__main__":
    study.main()
