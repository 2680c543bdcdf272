"""What is claimed of the descent lemma, and the evidence, from at least two channels for every claim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from sympy import Integer

from analysis.study.claim import Channel, Claim, Evidence, agreement, bounded, identity, same
from analysis.descent_lemma.experiments import CATALOGUE_STEP_SIZE, Catalogue
from analysis.descent_lemma.intervals import Certificate
from analysis.descent_lemma.segments import identity_error, mismatches, promised, resolved, rises, violations
from analysis.descent_lemma.theory import Lemma
from eos_sym import STEP_SIZE as ETA
from eos_sym import Undecided

TEXTBOOK = "Taylor's formula; Nesterov 2004, Lemma 1.2.3"
PAPER = "Cohen et al. 2021"
ROUNDING = 1e-8
HOVERING = 0.1  # of 2/η
DIVERGED, BOUNDED = 1e6, 1e3  # times the loss at which the quadratic model was taken
CHECKED_POINTS = 40


@dataclass(frozen=True)
class Context:
    """What the checks draw on."""

    lemma: Lemma
    catalogue: Catalogue
    data: Mapping[str, xr.Dataset]

    @property
    def runs(self) -> xr.Dataset:
        """The runs of the catalogue's loss."""
        return self.data["catalogue"]

    @property
    def network(self) -> xr.Dataset:
        """The training of the network, if it stayed finite."""
        run = self.data["network"]
        if not np.isfinite(run.loss).all():
            raise Undecided("the network diverged; give a smaller --eta")
        return run

    @property
    def network_at_the_edge(self) -> xr.Dataset:
        """The training of the network, if it reached the edge."""
        run = self.network
        if not bool((run.largest > 2 / run.eta).any()):
            raise Undecided("the network did not reach the edge of stability; give a larger --eta")
        return run

    @property
    def network_model(self) -> xr.Dataset:
        """The quadratic model of the network at an iterate beyond the edge."""
        chosen, edge = self.data["network_models"].isel(reached=-1), 2 / self.network.eta
        if not bool(chosen.sharpness > edge):  # missing if there was none
            raise Undecided("no iterate of the network is far enough beyond 2/η for a quadratic model; try other --eta")
        return chosen


def all_claims(context: Context) -> list[Claim]:
    """The statements of the essay in its order."""
    return [*claims_about_steps(context), *claims_about_the_edge(context)]


def claims_about_steps(context: Context) -> list[Claim]:
    """The identity, the lemma, and the sign of the change."""
    lemma, runs = context.lemma, context.runs
    return [
        Claim(
            "taylor",
            "L(θ⁺) = L(θ) − η(1 − ηℓ/2)‖g‖² with ℓ = 2∫₀¹ (1 − s) c(s) ds, for any loss",
            TEXTBOOK,
            [
                lambda: identity([Integer(0)] * 3, lemma.remainder_data),
                lambda: identity(Integer(0), lemma.example_defect),
                lambda: bounded("simulation", identity_error(runs), below=ROUNDING),
                lambda: bounded("network", identity_error(context.network), below=ROUNDING),
                lambda: bounded("autograd", curvature_error(context), below=ROUNDING),
            ],
        ),
        Claim(
            "descent_lemma",
            "wherever S̄, the largest curvature along a step in its direction, is below 2/η, the loss falls in it",
            TEXTBOOK,
            [
                lambda: identity(Integer(1), lemma.weight),
                lambda: Certificate(context.catalogue).certify(runs),
                lambda: counted("simulation", "rises", violations(runs), promised(runs), "promised steps"),
                lambda: counted(
                    "network", "rises", violations(context.network), promised(context.network), "promised steps"
                ),
            ],
        ),
        Claim(
            "rises_exactly_beyond",
            "the loss rises in a step exactly if the local smoothness ℓ exceeds 2/η",
            "derived here",
            [
                lambda: identity(Integer(0), lemma.example_defect),
                lambda: counted("simulation", "exceptions", mismatches(runs), int(resolved(runs).sum()), "steps"),
                lambda: counted(
                    "network", "exceptions", mismatches(context.network), int(resolved(context.network).sum()), "steps"
                ),
            ],
        ),
        Claim(
            "monotone_below_the_edge",
            "as long as S̄ has stayed below 2/η the loss has only fallen: on the way to a flat minimum for ever, during "
            "progressive sharpening until S̄ = 2/η",
            PAPER,
            [
                lambda: same(
                    "simulation",
                    "always promised, 0 rises",
                    f"{'always' if always_promised(runs.sel(start='below')) else 'not always'} promised, "
                    f"{rises(runs.sel(start='below'))} rises",
                ),
                lambda: before_the_edge("simulation", runs.sel(start="sharpening")),
                lambda: before_the_edge("network", context.network),
            ],
        ),
    ]


def counted(channel: Channel, what: str, found: int, total: int, of: str) -> Evidence:
    """Evidence that something was found in none of so many cases."""
    return same(channel, f"0 {what} in {total} {of}", f"{found} {what} in {total} {of}")


def curvature_error(context: Context) -> float:
    """The largest relative error of the compiled gᵀ∇²L(θ)g along the run from "above", against torch."""
    from analysis.descent_lemma.network import chain_curvature_error

    points = context.runs.sel(start="above").trajectory.values[:CHECKED_POINTS]
    curvatures = context.catalogue.values(*points.T, CATALOGUE_STEP_SIZE, 0)[2]
    return chain_curvature_error(points, curvatures)


def always_promised(run: xr.Dataset) -> bool:
    """Whether S̄ < 2/η in every step that floating point resolves."""
    return promised(run) == int(resolved(run).sum())


def before_the_edge(channel: Channel, run: xr.Dataset) -> Evidence:
    """That the loss never rises before S̄ first exceeds 2/η."""
    beyond = (run.largest > 2 / run.eta).values
    first = int(beyond.argmax()) if beyond.any() else len(beyond)
    return counted(channel, "rises", rises(run.isel(iteration=slice(0, first))), first, "steps before the edge")


def claims_about_the_edge(context: Context) -> list[Claim]:
    """Non-monotone, yet falling; and not quadratic."""
    runs, model, edge = context.runs, context.data["catalogue_models"], 2 / CATALOGUE_STEP_SIZE

    def growth(channel: Channel, chosen: xr.Dataset) -> Evidence:
        expected = 1 - float(chosen.eta) * float(chosen.sharpness)
        return agreement(channel, expected, float(chosen.growth), relative=1e-6)

    return [
        Claim(
            "falls_over_time_at_the_edge",
            "at the edge the loss rises in many steps and falls over many",
            PAPER,
            [
                lambda: same("simulation", "rises and falls", over_time(runs.sel(start="above"))),
                lambda: same("simulation", "rises and falls", over_time(runs.sel(start="sharpening"))),
                lambda: same("network", "rises and falls", over_time(context.network_at_the_edge)),
            ],
        ),
        Claim(
            "sharpness_at_the_edge",
            "there the sharpness comes to within 10 % of 2/η, on the catalogue's loss from above, on the network from "
            "below",
            PAPER,
            [
                lambda: agreement("simulation", edge, float(runs.sharpness.sel(start="above")[-1]), relative=HOVERING),
                lambda: agreement(
                    "network",
                    float(2 / context.network.eta),
                    last_quarter(context.network_at_the_edge),
                    relative=HOVERING,
                ),
            ],
            open=True,
        ),
        Claim(
            "model_multiplier",
            "GD on the quadratic model multiplies the top direction of its gradient by 1 − ηλ₁: below −1 beyond 2/η",
            PAPER,
            [
                lambda: identity(2 / ETA, context.lemma.critical_sharpness),
                lambda: growth("simulation", model),
                lambda: growth("network", context.network_model),
            ],
        ),
        Claim(
            "inherently_non_quadratic",
            "from an iterate beyond 2/η GD on the quadratic model of the loss diverges, to over 10⁶ times the loss; GD "
            "on the loss stays within 10³ times it",
            PAPER,
            [
                lambda: same("simulation", "model diverges, loss stays", diverging(model)),
                lambda: same("network", "model diverges, loss stays", diverging(context.network_model)),
            ],
        ),
    ]


def over_time(run: xr.Dataset) -> str:
    """Whether the loss rises in some steps, and whether its late median is below what it was at the first rise."""
    first = int((run.change > 0).values.argmax())
    late = float(run.loss[-(run.sizes["iteration"] // 10) :].median())
    rising = "rises" if rises(run) else "never rises"
    return f"{rising} and {'falls' if late < float(run.loss[first]) else 'does not fall'}"


def last_quarter(run: xr.Dataset) -> float:
    """The mean sampled sharpness over the last quarter."""
    return float(run.sharpness[-(run.sizes["sampled"] // 4) :].mean())


def diverging(model: xr.Dataset) -> str:
    """What becomes of the model and of the loss, from the same iterate."""
    start = float(model.real_loss[0])
    grown = float(abs(model.model_loss[-1])) > DIVERGED * start
    bounded_above = float(model.real_loss.max()) < BOUNDED * start
    return f"model {'diverges' if grown else 'stays'}, loss {'stays' if bounded_above else 'diverges'}"
