"""Gradient descent on a quadratic: the threshold 2/λ₁, and what happens to each coordinate beyond it.

On L = ½ Σ λᵢ θᵢ² with λ₁ > λ₂ > … > 0, gradient descent multiplies coordinate i by 1 − ηλᵢ, independently of the
others. All coordinates converge iff 0 < η < 2/λ₁: the sharpness λ₁ must stay below 2/η. For λ₂ < 2/η < λ₁ all but the
first converge, while the first grows with alternating sign. At η = 2/λ₁ exactly it neither shrinks nor grows: every
starting point leads into a two-cycle.

This is all that a quadratic can do: past the threshold it diverges. That networks do not is what the other analyses
are about. Source: Cohen, Kaur, Li, Kolter, Talwalkar 2021, §2.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from sympy import Expr, Integer, Symbol, factor, symbols

from analysis.study.claim import Claim, bounded, identity, same, theorem
from analysis.cli import CommonOptions, Number, Study, check_step_sizes, check_steps, main
from analysis.study.figure import THEORY_COLOR, colors, new_figure
from eos_sym import STEP_SIZE, BadInput, GradientDescent, Objective, quadratic
from eos_sym.stability import stability
from numeric import compile_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SOURCE = "Cohen et al. 2021, §2"
NEAR_THRESHOLD = 1e-3  # the threshold is tested this far, relatively, on either side
SPLIT_STEPS = 10  # no coordinate grows by more than 3 a step there


@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """Gradient descent on ½ Σ λᵢ θᵢ² from θ = (1, …, 1)."""

    eigenvalues: tuple[Number, ...] = (Fraction(20), Fraction(8), Fraction(2))
    """λ₁ > λ₂ > … > 0, at least two"""
    eta: tuple[Number, ...] = (Fraction(9, 100), Fraction(1, 10), Fraction(21, 200))
    """step sizes of the runs in the figure"""
    steps: int = 60
    """iterations of the runs in the figure"""


def analyse(options: Options) -> Study:
    """Derive the multipliers and the threshold, run both sides of it, and compare."""
    eigenvalues = [float(value) for value in options.eigenvalues]
    if len(eigenvalues) < 2 or sorted(set(eigenvalues), reverse=True) != eigenvalues or eigenvalues[-1] <= 0:
        raise BadInput(f"--eigenvalues {' '.join(map(str, options.eigenvalues))}: give at least two, positive, falling")
    check_step_sizes(options.eta)
    check_steps(options.steps)

    objective = quadratic(len(eigenvalues))
    simulator = compile_map(GradientDescent().map(objective))

    def simulate(
        step_sizes: Sequence[float], steps: int, progress: Callable[[int], object], record_every: int | None = 1
    ) -> xr.Dataset:
        eta = xr.DataArray(list(step_sizes), dims="eta", coords={"eta": list(step_sizes)})
        parameters = {symbol.name: value for symbol, value in zip(objective.parameters, eigenvalues, strict=True)}
        start = {weight.name: 1.0 for weight in objective.weights}
        return simulator.run(
            start, {**parameters, "eta": eta}, steps=steps, record_every=record_every, progress=progress
        )

    threshold = 2 / eigenvalues[0]
    between = 4 / (eigenvalues[0] + eigenvalues[1])
    both_sides = [threshold * (1 - NEAR_THRESHOLD), threshold * (1 + NEAR_THRESHOLD)]
    return Study(
        theory={
            "loss": objective.loss,
            "map": simulator.map,
            "multipliers": [1 - STEP_SIZE * eigenvalue for eigenvalue in objective.parameters],
            "critical_step_size": critical_step_size(objective),
        },
        experiments={
            "runs": lambda progress: simulate([float(eta) for eta in options.eta], options.steps, progress),
            "threshold": lambda progress: simulate(both_sides, round(40 / NEAR_THRESHOLD), progress, record_every=None),
            "split": lambda progress: simulate([between], SPLIT_STEPS, progress),
        },
        claims=lambda data: claims(data, objective, eigenvalues),
        figure=lambda data: figure(data["runs"], eigenvalues),
    )


def ordered(objective: Objective) -> tuple[dict[Symbol, Expr], dict[Symbol, Expr]]:
    """Eigenvalues as sums of positive gaps, λᵢ = gapᵢ + gapᵢ₊₁ + …, and back: how SymPy is told λ₁ > λ₂ > … > 0."""
    eigenvalues = objective.parameters
    gaps = symbols(f"gap1:{len(eigenvalues) + 1}", positive=True)
    in_gaps = {eigenvalue: sum(gaps[index:]) for index, eigenvalue in enumerate(eigenvalues)}
    differences = (a - b for a, b in zip(eigenvalues, (*eigenvalues[1:], 0), strict=True))
    return in_gaps, dict(zip(gaps, differences, strict=True))


def critical_step_size(objective: Objective) -> Expr:
    """The step size at which stability is lost, for any λ₁ > λ₂ > … > 0."""
    in_gaps, in_eigenvalues = ordered(objective)
    condition = stability(GradientDescent().map(objective).jacobian.subs(in_gaps))
    return factor(condition.critical_value(STEP_SIZE).subs(in_eigenvalues))


def split_verdicts(objective: Objective) -> str:
    """The verdicts on all coordinates, and on the subspace θ₁ = 0, at 2/η halfway between λ₁ and λ₂."""
    in_gaps, _ = ordered(objective)
    first, second = objective.parameters[:2]
    at = {STEP_SIZE: (4 / (first + second)).subs(in_gaps)}
    dynamics = GradientDescent().map(objective)
    others = dynamics.restrict({objective.weights[0]: Integer(0)})
    verdicts = [stability(system.jacobian.subs(in_gaps)).verdict(at) for system in (dynamics, others)]
    return f"all coordinates: {verdicts[0]}; without the first: {verdicts[1]}"


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


def error_of_powers(run: xr.Dataset, eigenvalues: Sequence[float]) -> float:
    """The largest relative difference of θᵢ(t) from (1 − ηλᵢ)ᵗ over a recorded run from θ = (1, …, 1)."""
    factors = 1 - run.eta * xr.DataArray(list(eigenvalues), dims="state", coords={"state": run.state})
    expected = factors**run.iteration
    return float((abs(run.trajectory - expected) / abs(expected)).max())


def claims(data: Mapping[str, xr.Dataset], objective: Objective, eigenvalues: Sequence[float]) -> list[Claim]:
    """The statements of the essay, each with its checks."""
    dynamics = GradientDescent().map(objective)
    multiplied = [
        (1 - STEP_SIZE * eigenvalue) * weight
        for eigenvalue, weight in zip(objective.parameters, objective.weights, strict=True)
    ]
    below, above = data["threshold"].eta.values
    outcomes = ", ".join(data["threshold"].outcome.values.tolist())
    between = float(data["split"].eta[0])
    run = data["split"].isel(eta=0)
    simulated = abs(run.trajectory.isel(iteration=-1)).values.tolist()
    pattern = ["grows", *["shrinks"] * (len(eigenvalues) - 1)]

    def pattern_of(growth: Sequence[float]) -> list[str]:
        return ["grows" if ratio > 1 else "shrinks" for ratio in growth]

    return [
        Claim(
            "multipliers",
            "GD multiplies coordinate i by 1 − ηλᵢ",
            SOURCE,
            [
                *(
                    functools.partial(identity, expected, derived)
                    for expected, derived in zip(multiplied, dynamics.step, strict=True)
                ),
                lambda: bounded("simulation", error_of_powers(run, eigenvalues), below=1e-12),
            ],
        ),
        Claim(
            "threshold",
            "GD converges to the minimum iff 0 < η < 2/λ₁",
            SOURCE,
            [
                lambda: identity(2 / objective.parameters[0], critical_step_size(objective)),
                lambda: same("simulation", "converged, diverged", outcomes),
                lambda: same(
                    "network",
                    "shrinks, grows",
                    ", ".join(pattern_of([network_growth(eigenvalues, eta, 100)[0] for eta in (below, above)])),
                ),
            ],
        ),
        Claim(
            "split",
            "for λ₂ < 2/η < λ₁ all coordinates but the first converge",
            SOURCE,
            [
                lambda: theorem("all coordinates: unstable; without the first: stable", split_verdicts(objective)),
                lambda: same("simulation", ", ".join(pattern), ", ".join(pattern_of(simulated))),
                lambda: same(
                    "network",
                    ", ".join(pattern),
                    ", ".join(pattern_of(network_growth(eigenvalues, between, SPLIT_STEPS))),
                ),
            ],
        ),
    ]


def figure(runs: xr.Dataset, eigenvalues: Sequence[float]) -> Figure:
    """|θᵢ| along the runs, a panel per step size, and the multipliers against the step size."""
    palette = colors(len(eigenvalues))
    drawing = new_figure(2.4 * (runs.sizes["eta"] + 1) + 0.8, 2.6)
    panels = drawing.subplots(1, runs.sizes["eta"] + 1)
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
    panels[-1].axvline(2 / eigenvalues[0], color=THEORY_COLOR, linestyle="--", label="2/λ₁")
    panels[-1].set(title="multipliers", xlabel="step size η", ylabel="|1 − ηλᵢ|", ylim=(0, 1.6))
    panels[-1].legend(loc="upper left", bbox_to_anchor=(1, 1))
    return drawing


if __name__ == "__main__":
    main("quadratic", Options, analyse)
