"""SAM has an edge of its own, below that of gradient descent, and hovers at it or ends beneath it: at flatter minima.

Sharpness-aware minimization takes the gradient a step uphill, at θ + ρg or at θ + ρg/‖g‖. On a quadratic of curvature λ
the first variant multiplies θ by 1 − ηλ(1 + ρλ), which is stable up to

    λ = (√(1 + 8ρ/η) − 1)/(2ρ) < 2/η,

the SAM edge. Gradient descent that starts too sharp on ½(1 − xyzw)² ends just below 2/η; SAM from the same start goes
on until it is just below its own edge, so it ends at a flatter minimum, the flatter the larger ρ/η.

*The normalized variant* is the one in use. With ρ/‖g‖ for ρ the condition becomes λ(1 + ρλ/‖g‖) = 2/η, an edge that
falls with the norm of the gradient (:cite:t:`long2024sam`). There is no convergence: next to a minimum the step uphill
stays as long as ρ however small the gradient. On a quadratic the iterates settle on the two-cycle ±c along the top
eigenvector, with

    c = ηρλ/(2 − ηλ),    ‖g‖ = λc,

and this is exactly where λ is at the edge for that gradient: the amplitude, not the sharpness, adapts. The two-cycles
along the other eigenvectors exist as well and are unstable. On a curved valley of minima Γ the gradients are taken at
the distances ±(c + ρ) along the top eigenvector, where they have the mean ½(c + ρ)²∇λ along Γ, so that every step moves

    −½η(c + ρ)² ∇_Γ λ = −2ηρ²/(2 − ηλ)² ∇_Γ λ

along Γ, for ηλ → 0 the −½ηρ²∇_Γ λ of :cite:t:`wen2023how`. So normalized SAM flattens without an end, far below 2/η,
where gradient descent would rest, and stays at its edge all the while, which we measure over pairs of steps.
"""

from dataclasses import dataclass
from fractions import Fraction

from analysis.study import CommonOptions, Number, Study, check_step_sizes
from eos_sym.errors import BadInput

study = Study(__name__, source="derived for this project")
RANGES = {"eta": (Fraction(1, 20), Fraction(1, 5)), "rho": (Fraction(1, 10_000), Fraction(1, 50))}


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """SAM beside gradient descent on ½(1 − xyzw)², and normalized SAM."""

    eta: Number = Fraction(1, 10)
    """step size, between 0.05 and 0.2"""
    rho: Number = Fraction(1, 100)
    """radius of the step uphill, between 0.0001 and 0.02"""

    def __post_init__(self) -> None:
        check_step_sizes([self.eta])
        for name, value in (("eta", self.eta), ("rho", self.rho)):
            least, largest = RANGES[name]
            if not least <= value <= largest:
                limits = f"{float(least)} and {float(largest)}"
                raise BadInput(
                    f"--{name} {value}: give a number between {limits}; runs below take too long, above they escape"
                )


from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from sympy import Expr, Symbol, sqrt

from analysis.sam import runs, theory
from analysis.sam.figure import draw
from analysis.sam.runs import (
    ABOVE,
    BELOW,
    NEAR_EDGE,
    PRODUCTS,
    TORCH_STEPS,
    aligned,
    edge_at,
    near_minimum,
    torch_path,
    torch_sharpness,
)
from analysis.sam.theory import GRADIENT_NORM, TwoCycle, first
from analysis.study import Evidence, Pieces, about, agreement, bounded, identity, same, theorem
from eos_sym import STEP_SIZE, Undecided
from eos_sym.rules import RADIUS

SETTLED = 1e-4  # the size of a step that is left at the end
HOVERING_ERROR = 0.02
FLATTENING_ERROR = 0.05


@study.theory
def derived(edge: Expr, normalized_edge: Expr, cycle: TwoCycle, flattening: Expr) -> Mapping[str, Any]:
    """The edges, the two-cycle on a quadratic, and the drift along the minima."""
    return {
        "critical_sharpness_of_unnormalized_sam": edge,
        "edge_of_normalized_sam": normalized_edge,
        "amplitude_of_the_two_cycle": cycle.amplitude,
        "multipliers_of_half_the_two_cycle": (cycle.along, cycle.across),
        "change_of_sharpness_per_step": flattening,
    }


for derivation in (theory.edge, theory.normalized_edge, theory.cycle, theory.flattening, runs.predicted):
    study.measurement(derivation)
for experiment in (runs.paths, runs.ends, runs.sides, runs.hovering, runs.two_cycles):
    study.experiment(experiment)


@study.claim(
    "a minimum is stable under unnormalized SAM below the sharpness (√(1 + 8ρ/η) − 1)/(2ρ), and unstable above; runs "
    "on ½(1 − xyzw)² from next to a minimum stay there below, and leave it above",
    "Long, Bartlett 2024",
)
def sam_edge(edge: Expr, sides: xr.Dataset) -> Pieces:
    """The formula, below which it is stable, and the verdict above; runs from next to minima on both sides of it."""
    formula = (sqrt(1 + 8 * RADIUS / STEP_SIZE) - 1) / (2 * RADIUS)
    yield from about(
        "is stable under",
        identity("edge of unnormalized SAM", formula, edge),
        theorem("verdict at every sharpness above it", "unstable", theory.verdict_beyond_the_edge()),
    )
    if not (sides.outcome == "converged").all():
        raise Undecided("SAM next to a minimum near its edge: not all runs have converged")
    below, above = (sides.change.sel(side=side).values for side in ("below", "above"))
    words = ("stays" if (abs(below) < 1e-3).all() else "leaves", "leaves" if (above < -1e-3).all() else "stays")
    beside = f"where the sharpness of all runs goes from {NEAR_EDGE:.0%} below the edge, and above"
    yield from about("stay there", same("simulation", beside, "stays, leaves", ", ".join(words)))


@study.claim(
    "from one start GD ends below 2/η and SAM below its own edge (sharpness / edge < 1), flatter the larger ρ/η"
)
def flatter_minima(edge: Expr, ends: xr.Dataset, eta: float, rho: float) -> Pieces:
    """The first two pieces are read from the same runs; torch repeats the run with the options' η and ρ."""
    yield partial(highest_end, edge, ends, eta)
    falling = bool((np.diff(ends.sam.values) < 0).all()) and float(ends.sam.max()) < float(ends.gd)
    quantity = "final sharpness, from GD on over the radii of SAM, rising"
    yield same("simulation", quantity, "falls", "falls" if falling else "does not fall")
    path = torch_path("sam_unnormalized", eta, rho, near_minimum(ABOVE * 2 / eta), TORCH_STEPS)
    if np.abs(path[-1] - path[-2]).max() > SETTLED:
        raise Undecided(f"the end of SAM in torch: not settled after {TORCH_STEPS} steps")
    (limit,) = edge_at(edge, eta, [rho])
    quantity = f"final sharpness of SAM over its edge, {TORCH_STEPS} steps of torch"
    yield bounded("autograd", quantity, torch_sharpness(path[-1]) / limit, below=1)


def highest_end(edge: Expr, ends: xr.Dataset, eta: float) -> Evidence:
    """Evidence that gradient descent and SAM with every radius end below their edges."""
    if not (ends.sam_outcome == "converged").all() or str(ends.gd_outcome.values) != "converged":
        raise Undecided("the ends of gradient descent and SAM: not all runs have converged")
    limits = edge_at(edge, eta, ends.radius.values.tolist())
    highest = max(float((ends.sam.values / limits).max()), float(ends.gd) * eta / 2)
    return bounded(
        "simulation", "largest final sharpness over the edge, of GD and of SAM with all radii", highest, below=1
    )


@study.claim(
    "on a quadratic normalized SAM has the two-cycle ±c, c = ηρλ/(2 − ηλ); λ is at the edge λ(1 + ρλ/‖g‖) = 2/η on it; "
    "runs settle there"
)
def two_cycle(cycle: TwoCycle, normalized_edge: Expr, two_cycles: xr.Dataset) -> Pieces:
    """The amplitude in symbols and in runs; the edge at its gradient, and in general."""
    amplitude = RADIUS * STEP_SIZE * first / (2 - STEP_SIZE * first)
    yield from about("has the two-cycle", identity("amplitude c of the two-cycle", amplitude, cycle.amplitude))
    at_norm = first * (1 + RADIUS * first / (first * cycle.amplitude))
    at_edge = normalized_edge * (1 + RADIUS * normalized_edge / GRADIENT_NORM)
    yield from about(
        "at the edge",
        identity("λ(1 + ρλ/‖g‖) on the two-cycle, where ‖g‖ = λc", 2 / STEP_SIZE, at_norm),
        identity("λ(1 + ρλ/‖g‖) at the derived edge, for any ‖g‖", 2 / STEP_SIZE, at_edge),
    )
    if not (two_cycles.period == 2).all():
        raise Undecided("normalized SAM on quadratics: not all runs have settled on a two-cycle")
    amplitudes = PRODUCTS / (2 - PRODUCTS)  # with η = ρ = 1
    error = float(abs(two_cycles["size"].sel(state="theta1") / amplitudes[:, None] - 1).max())
    settled = bounded("simulation", "largest relative error of c, runs from random starts", error, below=1e-9)
    yield from about("runs settle", settled)


@study.claim(
    "of the two-cycles ±c along the eigenvectors only that along the top one is stable, for all ηλ₁ < 2 and all "
    "λ₂ < λ₁; runs end on it"
)
def alignment(cycle: TwoCycle, two_cycles: xr.Dataset) -> Pieces:
    """The runs are those of the amplitude, read along the other eigenvector."""
    excess = Symbol("excess", positive=True)
    top, other = (cycle.stability(ratio).verdict({}) for ratio in (1 / (1 + excess), 1 + excess))
    expected = "top: stable; other: unstable"
    verdicts = theorem("verdicts on the two-cycles along either eigenvector", expected, f"top: {top}; other: {other}")
    yield from about("is stable", verdicts)
    aside = float(two_cycles["size"].sel(state="theta2").max())
    ends = bounded("simulation", "largest |θ₂|/ρ at the end, runs from random starts", aside, below=1e-9)
    yield from about("runs end", ends)


@study.claim(
    f"on ½(1 − xyzw)² normalized SAM hovers at its edge: sharpness / edge is 1 within {HOVERING_ERROR:.0%}, both means "
    "over pairs of steps",
    "Long, Bartlett 2024",
    id="hovering",
    open=True,
)
def hovers_at_its_edge(hovering: xr.Dataset, eta: float, rho: float) -> Pieces:
    """The run itself is repeated by torch, so that its readings are those of SAM."""
    run = aligned(hovering)
    error = float(abs(run.sharpness / run.edge - 1).max())
    yield bounded("simulation", "largest |sharpness / edge − 1| once aligned", error, below=HOVERING_ERROR)
    path = torch_path("sam", eta, rho, near_minimum(BELOW * 2 / eta), TORCH_STEPS)
    simulated = hovering.trajectory.values[: len(path)]
    difference = float(np.abs(path[: len(simulated)] - simulated).max())
    yield bounded("autograd", f"largest difference of a weight in {TORCH_STEPS} steps of torch", difference, below=1e-6)


@study.claim(
    "and flattens by 2ηρ²‖∇_Γλ‖²/(2 − ηλ)² a step: that gives the change of the sharpness over the run within "
    f"{FLATTENING_ERROR:.0%}",
    id="flattening",
    open=True,
)
def flattens(hovering: xr.Dataset, predicted: xr.DataArray) -> Pieces:
    """The sharpness along one run, read by the compiled Hessian and, at its ends, by torch."""
    start, change = float(predicted[0]), float(predicted[-1] - predicted[0])
    found = float(hovering.sharpness[-1]) - start
    quantity = "change of the sharpness, mean of two steps, over the aligned run"
    yield agreement("simulation", quantity, change, found, relative=FLATTENING_ERROR)
    path, since = hovering.trajectory.values, int(predicted.iteration[0])
    first, last = (
        np.mean([torch_sharpness(point) for point in path[at : at + 2]]) for at in (since - 1, len(path) - 2)
    )
    yield agreement(
        "autograd", f"{quantity}, by torch's Hessian", change, float(last - first), relative=FLATTENING_ERROR
    )


study.figure(draw)


if __name__ == "__main__":
    study.main()
