"""The statements of the essay, each with its checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from sympy import Symbol, sqrt

from analysis.study.claim import Claim, Evidence, agreement, bounded, identity, same, theorem
from analysis.sam.experiments import (
    BELOW,
    EXCESS,
    PRODUCTS,
    edges,
    near_minimum,
    predicted_flattening,
    torch_path,
    torch_sharpness,
)
from analysis.sam.theory import GRADIENT_NORM, Theory, first
from eos_sym import STEP_SIZE, Undecided
from eos_sym.rules import RADIUS

OURS = "derived for this project"
LONG_BARTLETT = "Long, Bartlett 2024"
ALIGNED = 0.05  # the part of the hovering run in which it finds its oscillation
TORCH_STEPS = 4000
SETTLED = 1e-4  # the size of a step that is left at the end
HOVERING_ERROR = 0.02
FLATTENING_ERROR = 0.05


@dataclass(frozen=True)
class Context:
    """The theory, the values of the options and the runs."""

    theory: Theory
    step_size: float
    radius: float
    data: Mapping[str, xr.Dataset]

    @property
    def since(self) -> int:
        """The iteration from which the hovering run is aligned."""
        return int(ALIGNED * self.data["hovering"].sizes["iteration"])


def claims(context: Context) -> list[Claim]:
    """All claims."""
    return [
        _edge(context),
        _flatter(context),
        _two_cycle(context),
        _stability(context),
        _hovering(context),
        _flattening(context),
    ]


def _edge(context: Context) -> Claim:
    sides = context.data["sides"]

    def simulated() -> Evidence:
        if not (sides.outcome == "converged").all():
            raise Undecided("SAM next to a minimum near its edge: not all runs have converged")
        below, above = (sides.change.sel(side=side).values for side in ("below", "above"))
        words = ("stays" if (abs(below) < 1e-3).all() else "leaves", "leaves" if (above < -1e-3).all() else "stays")
        return same("simulation", "stays, leaves", ", ".join(words))

    formula = (sqrt(1 + 8 * RADIUS / STEP_SIZE) - 1) / (2 * RADIUS)
    return Claim(
        "sam_edge",
        "unnormalized SAM keeps to a minimum if its sharpness is below (√(1 + 8ρ/η) − 1)/(2ρ), and leaves it above",
        LONG_BARTLETT,
        [lambda: identity(formula, context.theory.edge), simulated],
    )


def _flatter(context: Context) -> Claim:
    ends, eta = context.data["ends"], context.step_size
    limits = edges(context.theory.edge, eta, ends.radius.values.tolist())

    def simulated() -> Evidence:
        if not (ends.sam_outcome == "converged").all() or str(ends.gd_outcome.values) != "converged":
            raise Undecided("the ends of gradient descent and SAM: not all runs have converged")
        highest = max(float((ends.sam.values / limits).max()), float(ends.gd) * eta / 2)
        return bounded("simulation", highest, below=1)

    def with_torch() -> Evidence:
        start = list(near_minimum(EXCESS * 2 / eta).values())
        (limit,) = edges(context.theory.edge, eta, [context.radius])
        path = torch_path("sam_unnormalized", eta, context.radius, start, TORCH_STEPS)
        if np.abs(path[-1] - path[-2]).max() > SETTLED:
            raise Undecided(f"the end of SAM in torch: not settled after {TORCH_STEPS} steps")
        return bounded("autograd", torch_sharpness(path[-1]) / limit, below=1)

    def order() -> Evidence:
        falling = bool((np.diff(ends.sam.values) < 0).all()) and float(ends.sam.max()) < float(ends.gd)
        return same("simulation", "falls", "falls" if falling else "does not fall")

    return Claim(
        "flatter_minima",
        "from one start GD ends below 2/η and SAM below its own edge (sharpness / edge < 1), flatter the larger ρ/η",
        OURS,
        [simulated, order, with_torch],
    )


def _two_cycle(context: Context) -> Claim:
    theory, runs = context.theory, context.data["two_cycles"]
    amplitude = RADIUS * STEP_SIZE * first / (2 - STEP_SIZE * first)
    edge = theory.normalized_edge

    def simulated() -> Evidence:
        if not (runs.period == 2).all():
            raise Undecided("normalized SAM on quadratics: not all runs have settled on a two-cycle")
        derived = PRODUCTS / (2 - PRODUCTS)  # with η = ρ = 1
        return bounded(
            "simulation", float(abs(runs["size"].sel(state="theta1") / derived[:, None] - 1).max()), below=1e-9
        )

    return Claim(
        "two_cycle",
        "on a quadratic normalized SAM settles on ±c, c = ηρλ/(2 − ηλ), where λ is at the edge λ(1 + ρλ/‖g‖) = 2/η",
        OURS,
        [
            lambda: identity(amplitude, theory.amplitude),
            lambda: identity(2 / STEP_SIZE, first * (1 + RADIUS * first / (first * theory.amplitude))),
            lambda: identity(2 / STEP_SIZE, edge * (1 + RADIUS * edge / GRADIENT_NORM)),
            simulated,
        ],
    )


def _stability(context: Context) -> Claim:
    runs = context.data["two_cycles"]

    def verdicts() -> str:
        excess = Symbol("excess", positive=True)
        top, other = (context.theory.stability(ratio).verdict({}) for ratio in (1 / (1 + excess), 1 + excess))
        return f"top: {top}; other: {other}"

    return Claim(
        "alignment",
        "only the two-cycle along the top eigenvector is stable, for all ηλ₁ < 2 and all λ₂",
        OURS,
        [
            lambda: theorem("top: stable; other: unstable", verdicts()),
            lambda: bounded("simulation", float(runs["size"].sel(state="theta2").max()), below=1e-9),
        ],
    )


def _hovering(context: Context) -> Claim:
    run = context.data["hovering"].sel(iteration=slice(context.since, None))
    ratio = run.sharpness / run.edge

    def replayed() -> Evidence:
        start = list(near_minimum(BELOW * 2 / context.step_size).values())
        path = torch_path("sam", context.step_size, context.radius, start, TORCH_STEPS)
        simulated = context.data["hovering"].trajectory.values[: len(path)]
        return bounded("autograd", float(np.abs(path[: len(simulated)] - simulated).max()), below=1e-6)

    return Claim(
        "hovering",
        "on ½(1 − xyzw)² normalized SAM hovers at its edge: sharpness / edge is 1, both means over pairs of steps",
        LONG_BARTLETT,
        [lambda: bounded("simulation", float(abs(ratio - 1).max()), below=HOVERING_ERROR), replayed],
        open=True,
    )


def _flattening(context: Context) -> Claim:
    run = context.data["hovering"].sharpness
    predicted = predicted_flattening(
        context.theory.flattening, context.step_size, context.radius, context.data["hovering"], context.since
    )
    start, end = float(predicted[0]), float(run[-1])

    def with_torch() -> Evidence:
        path = context.data["hovering"].trajectory.values
        ends = [
            np.mean([torch_sharpness(point) for point in path[at : at + 2]])
            for at in (context.since - 1, len(path) - 2)
        ]
        return agreement("autograd", predicted[-1] - start, float(ends[1] - ends[0]), relative=FLATTENING_ERROR)

    return Claim(
        "flattening",
        "and flattens by 2ηρ²‖∇_Γλ‖²/(2 − ηλ)² a step: the change of the sharpness over the run",
        OURS,
        [lambda: agreement("simulation", predicted[-1] - start, end - start, relative=FLATTENING_ERROR), with_torch],
        open=True,
    )
