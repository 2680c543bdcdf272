"""What is claimed of normalized GD and of GD on √L, and the evidence, from at least two channels for every claim.

The symbolic channel compares what was derived with the formulas of the paper, written down here; the simulation channel
runs the compiled maps; the network channel is torch's, and shares nothing with either. Here are the claims about
quadratics; those about manifolds of minima are in `analysis.normalized_gd.claims_about_minima`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from sympy import Expr

from analysis.study.claim import Claim, agreement, bounded, identity, same, supported
from analysis.normalized_gd.experiments import ALIGNMENT_STEPS, Experiments
from analysis.normalized_gd.theory import ODDS, RATIO, SHARE, Theory, x
from eos_sym import STEP_SIZE, Undecided
from numeric import compile_function

PAPER = "Arora, Li, Panigrahi 2022"
HERE = "derived here"


@dataclass(frozen=True)
class Context:
    """What the checks draw on: the theory and the simulations' data."""

    experiments: Experiments
    data: Mapping[str, xr.Dataset]

    @property
    def theory(self) -> Theory:
        """The derivation under test."""
        return self.experiments.theory

    def worst_on_networks(self, kind: str, quantity: str) -> float:
        """The value farthest from 1 of a quantity of `NetworkRun`; torch is loaded when the first check asks."""
        from analysis.normalized_gd.network import runs

        values: list[float] = [getattr(run, quantity) for run in runs(kind, self.experiments.seed)]
        return max(values, key=lambda value: abs(value - 1))


def claims_about_quadratics(context: Context) -> list[Claim]:
    """Two-cycles, their multipliers, alignment."""
    theory, data = context.theory, context.data
    (first, _), (own, _, _) = theory.quadratic_map.state, theory.quadratic_map.parameters
    across = 1 - RATIO * (1 - RATIO) / (SHARE * (1 - SHARE))
    one_less = RATIO * (1 - RATIO) * (1 + ODDS) ** 2 / ODDS  # 1 minus that, at C = 1/(1 + odds)
    top = context.experiments.eigenvalues[0]
    scaled = [own * point[first] / STEP_SIZE for point in theory.cycle.points]
    return [
        Claim(
            "no_convergence",
            "on a quadratic every step of normalized GD has the length η, so that it never converges",
            PAPER,
            [
                lambda: identity(STEP_SIZE**2, theory.step_length_squared),
                lambda: same("simulation", "periodic 2", _endings(data["alignment"])),
            ],
        ),
        Claim(
            "continuum_of_two_cycles",
            "ηC vᵢ ↦ −η(1 − C)vᵢ ↦ ηC vᵢ for every C in (0, 1); two steps multiply by 1 along vᵢ, and by "
            "1 − r(1 − r)/(C(1 − C)), r = λⱼ/λᵢ, across",
            HERE,
            [
                lambda: identity(0 * x, theory.cycle.residual),
                lambda: identity([1 + 0 * x, across], theory.multipliers),
                lambda: bounded("simulation", _multiplier_error(data["multipliers"], across), below=1e-8),
            ],
        ),
        Claim(
            "only_the_top_is_stable",
            "a two-cycle is stable iff 0 < r(1 − r) < 2C(1 − C) in every other direction: only along v₁",
            HERE,
            [
                lambda: identity([one_less, 2 - one_less], theory.cycle_stability.margins),
                lambda: bounded("simulation", float(_settled(data["alignment"]).end_angle.max()), below=1e-6),
                lambda: same("simulation", "0 outside", _ends_outside(_settled(data["alignment"]))),
            ],
        ),
        Claim(
            "alignment",
            "x̃ = Hθ/η aligns with the top eigenvector, and ‖x̃_t‖ + ‖x̃_{t+1}‖ → λ₁",
            PAPER,
            [
                lambda: supported(own, scaled[0] - scaled[1]),
                lambda: bounded(
                    "simulation",
                    float(abs(_settled(data["alignment"]).end_length.sum("parity") / top - 1).max()),
                    below=1e-9,
                ),
                lambda: agreement("network", 1, context.worst_on_networks("normalized", "cosine"), absolute=0.01),
            ],
        ),
    ]


def _endings(runs: xr.Dataset) -> str:
    """Every outcome with its period, once."""
    pairs = zip(runs.outcome.values.tolist(), runs.period.values.tolist(), strict=True)
    return ", ".join(sorted({f"{outcome} {period}" for outcome, period in pairs}))


def _settled(runs: xr.Dataset) -> xr.Dataset:
    if (runs.outcome != "periodic").any():
        raise Undecided(f"alignment: some runs have not settled after {ALIGNMENT_STEPS} steps")
    return runs


def _multiplier_error(runs: xr.Dataset, formula: Expr) -> float:
    """The largest difference of the measured multipliers from the formula."""
    share, ratio = xr.broadcast(runs["C"], runs["r"])
    expected = share.copy(data=compile_function([formula], (SHARE, RATIO))(share, ratio)[0])
    return float(abs(runs.multiplier - expected).max())


def _ends_outside(runs: xr.Dataset) -> str:
    """How many runs ended in a two-cycle that is not stable by the condition, at the eigenvalues of the runs."""
    eigenvalues = [float(runs[name]) for name in runs if str(name).startswith("lambda")]
    ratios = np.array(eigenvalues[1:]) / eigenvalues[0]
    share = runs.end_length.isel(parity=0) / eigenvalues[0]
    return f"{int((share * (1 - share) < (ratios * (1 - ratios)).max() / 2).sum())} outside"
