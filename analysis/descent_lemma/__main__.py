"""The descent lemma along a trajectory: where it holds, where it fails, and why a quadratic cannot tell what follows.

Textbooks ask for an L-smooth loss and a step size below 2/L, and get a loss that falls in every step. Nothing so global
is needed. Along one step from θ to θ⁺ = θ − ηg, g = ∇L(θ) ≠ 0, of a loss with continuous second derivatives, let
c(s) = gᵀ∇²L(θ − sηg)g/‖g‖² be the curvature in the direction of the step. Taylor's formula with the remainder as an
integral is an identity,

    L(θ⁺) = L(θ) − η(1 − ηℓ/2)‖g‖²,      ℓ = 2∫₀¹ (1 − s) c(s) ds,

so the loss falls in this step exactly if the *local smoothness* ℓ, a weighted mean of the curvature along the segment,
is below 2/η, and rises exactly if it is above. The weight 2(1 − s) has the integral 1, so ℓ ≤ S̄ = max c(s) ≤ max λ₁,
and

    L(θ⁺) ≤ L(θ) − η(1 − ηS̄/2)‖g‖²:

*the descent lemma, local*. It promises descent wherever S̄ < 2/η.

*Where it holds.* GD that heads for a minimum of sharpness well below 2/η keeps S̄ < 2/η all the way, and the loss falls
in every step. During progressive sharpening S̄ climbs with the sharpness, and the promise lasts until S̄ = 2/η.

*Where it fails.* At the edge ℓ swings about 2/η, and the loss rises in many steps; yet over hundreds of steps it goes
down, because the oscillation lowers the curvature whenever it has grown (self-stabilization). No statement about single
steps sees that. Nor does the sharpness alone say in which steps the loss rises: after λ₁ has passed 2/η, ℓ stays small
for as long as the gradient has not yet turned to the top direction.

*Inherently non-quadratic.* Replace the loss by its second-order Taylor polynomial at an iterate whose sharpness exceeds
2/η. GD on this model multiplies the top direction by 1 − ηλ₁ < −1 for ever, and diverges; GD on the loss does not. What
keeps it is in the third and fourth derivatives.

Tested on ½(1 − xyzw)² from three starts, and on one tanh network fitted to a Chebyshev polynomial, which sharpens to
the edge and hovers there. Sources: :cite:t:`cohen2021edge`, for all three observations; the lemma is 1.2.3 of
:cite:t:`nesterov2004introductory`.
"""

from dataclasses import dataclass
from fractions import Fraction

from analysis.study import CommonOptions, Number, Study, check_step_sizes

PAPER = "Cohen et al. 2021"
TEXTBOOK = "Taylor's formula; Nesterov 2004, Lemma 1.2.3"
study = Study(__name__, source=PAPER)


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """The descent lemma along gradient descent on ½(1 − xyzw)² and on a tanh network."""

    eta: Number = Fraction(2, 5)
    """step size of the network; the edge of stability is at 2/η"""

    def __post_init__(self) -> None:
        check_step_sizes([self.eta])


from typing import Any

import numpy as np
import xarray as xr
from sympy import Integer

from analysis.descent_lemma.catalogue import CATALOGUE_STEP_SIZE, catalogue, catalogue_models, certified_falls, values
from analysis.descent_lemma.figure import draw
from analysis.descent_lemma.network import Network, chain_curvature_error
from analysis.descent_lemma.segments import (
    change_of_loss,
    critical_sharpness_of_a_quadratic,
    identity_error,
    mismatches,
    promised,
    resolved,
    rises,
    taylor_remainder,
    total_weight,
    violations,
)
from analysis.study import Evidence, Pieces, about, agreement, bounded, exceeds, expect, identity, same
from analysis.study.evidence import Channel
from eos_sym import STEP_SIZE as ETA
from eos_sym import Undecided, shallow

WIDTH = {"quick": 20, "full": 100}
STEPS = {"quick": 2000, "full": 20_000}
ROUNDING = 1e-8
HOVERING = 0.1  # of 2/η
DIVERGED, BOUNDED = 1e6, 1e3  # times the loss at which the quadratic model was taken
CHECKED_POINTS = 40
RUN_ON = {"simulation": "½(1 − xyzw)²", "network": "network"}
EDGE = 2 / CATALOGUE_STEP_SIZE


@study.theory
def derived() -> dict[str, Any]:
    """The identity and the lemma in words, carried out on ½(1 − xy)²; and where the quadratic model diverges."""
    change, _ = change_of_loss(shallow())
    return {
        "taylor": "L(θ⁺) = L(θ) − η(1 − ηℓ/2)‖g‖²,  ℓ = 2∫₀¹ (1 − s) c(s) ds,  c(s) = gᵀ∇²L(θ − sηg)g/‖g‖²",
        "lemma": "L(θ⁺) ≤ L(θ) − η(1 − ηS̄/2)‖g‖²,  S̄ = max c(s)",
        "example": {"loss": shallow().loss, "change_of_the_loss_in_a_step": change.factor()},
        "critical_sharpness_of_the_quadratic_model": critical_sharpness_of_a_quadratic(),
    }


@study.measurement
def example_defect() -> Evidence:
    """The difference of the two sides of the identity on ½(1 − xy)²."""
    change, predicted = change_of_loss(shallow())
    return identity("difference of the two sides on ½(1 − xy)²", Integer(0), (change - predicted).expand())


study.experiment(catalogue)
study.experiment(catalogue_models)


@study.measurement
def trained(options: Options) -> Network:
    """The network that the options ask for."""
    return Network(WIDTH[options.preset], float(options.eta), STEPS[options.preset], options.seed)


@study.experiment
def network(trained: Network) -> xr.Dataset:
    """A tanh network on a Chebyshev polynomial, every iteration; its sharpness at every so many."""
    expect(trained.steps)
    return trained.along()


@study.experiment
def network_models(trained: Network, network: xr.Dataset) -> xr.Dataset:
    """The same as catalogue_models for the network, at an iterate before the edge and at one beyond it."""
    return trained.models(network)


def finite(network: xr.Dataset) -> xr.Dataset:
    """The training of the network, if it stayed finite."""
    if not np.isfinite(network.loss).all():
        raise Undecided("the network diverged; give a smaller --eta")
    return network


def at_the_edge(network: xr.Dataset) -> xr.Dataset:
    """The training of the network, if it reached the edge."""
    if not bool((finite(network).largest > 2 / network.eta).any()):
        raise Undecided("the network did not reach the edge of stability; give a larger --eta")
    return network


def beyond_the_edge(network: xr.Dataset, models: xr.Dataset) -> xr.Dataset:
    """The quadratic model of the network at an iterate beyond the edge."""
    chosen = models.isel(reached=-1)
    if not bool(chosen.sharpness > 2 / finite(network).eta):  # missing if there was none
        raise Undecided("no iterate of the network is far enough beyond 2/η for a quadratic model; try other --eta")
    return chosen


@study.claim(
    "L(θ⁺) = L(θ) − η(1 − ηℓ/2)‖g‖² with ℓ = 2∫₀¹ (1 − s) c(s) ds, for any loss with continuous second derivatives",
    TEXTBOOK,
)
def taylor(catalogue: xr.Dataset, network: xr.Dataset, example_defect: Evidence) -> Pieces:
    """In general, in full for one loss, along runs; and gᵀ∇²L(θ)g of the run "above" as torch finds it."""
    yield identity("Taylor's remainder: R'', R'(0) and R(0)", [Integer(0)] * 3, taylor_remainder())
    yield example_defect
    error = "largest difference of the two sides, relative to L + |ΔL|, "
    yield bounded("simulation", error + RUN_ON["simulation"], identity_error(catalogue), below=ROUNDING)
    yield lambda: bounded("network", error + RUN_ON["network"], identity_error(finite(network)), below=ROUNDING)
    points = catalogue.sel(start="above").trajectory.values[:CHECKED_POINTS]
    curvatures = values()(*points.T, CATALOGUE_STEP_SIZE, 0)[2]
    error = f"largest relative error of gᵀ∇²L(θ)g at {CHECKED_POINTS} iterates"
    yield bounded("autograd", error, chain_curvature_error(points, curvatures), below=ROUNDING)


@study.claim(
    "wherever the gradient is not 0 and S̄, the largest curvature along a step in its direction, is below 2/η, the loss "
    "falls in it",
    TEXTBOOK,
)
def descent_lemma(catalogue: xr.Dataset, network: xr.Dataset) -> Pieces:
    """By the identity, since ℓ is a mean of c(s) ≤ S̄; intervals and simulation look at the same iterates."""
    quantity = "Taylor's remainder: R'', R'(0) and R(0), and the total of the weight 2(1 − s) ≥ 0 of c(s) in ℓ"
    yield identity(quantity, [Integer(0)] * 3 + [Integer(1)], [*taylor_remainder(), total_weight()])
    yield lambda: certified_falls(catalogue)
    yield promises_kept("simulation", catalogue)
    yield lambda: promises_kept("network", finite(network))


def promises_kept(channel: Channel, run: xr.Dataset) -> Evidence:
    """That the loss rises in none of the steps with S̄ < 2/η."""
    return counted(channel, "rises", violations(run), promised(run), "promised steps")


@study.claim("the loss rises in a step exactly if the local smoothness ℓ exceeds 2/η", "derived here")
def rises_exactly_beyond(catalogue: xr.Dataset, network: xr.Dataset, example_defect: Evidence) -> Pieces:
    """By the identity, in general and in full for one loss; and all steps that floating point resolves."""
    yield identity("Taylor's remainder: R'', R'(0) and R(0)", [Integer(0)] * 3, taylor_remainder())
    yield example_defect
    yield exactly_beyond("simulation", catalogue)
    yield lambda: exactly_beyond("network", finite(network))


def exactly_beyond(channel: Channel, run: xr.Dataset) -> Evidence:
    """That no step contradicts it."""
    return counted(channel, "exceptions", mismatches(run), int(resolved(run).sum()), "steps")


def counted(channel: Channel, what: str, found: int, total: int, of: str) -> Evidence:
    """Evidence that something was found in none of so many cases."""
    quantity = f"{what} in {of}, {RUN_ON[channel]}"
    return same(channel, quantity, f"0 {what} in {total} {of}", f"{found} {what} in {total} {of}")


@study.claim(
    "as long as S̄ has stayed below 2/η the loss has only fallen: on the way to a flat minimum for ever, during "
    "progressive sharpening until S̄ = 2/η"
)
def monotone_below_the_edge(catalogue: xr.Dataset, network: xr.Dataset) -> Pieces:
    """A start below the edge, and two that sharpen to it."""
    below = catalogue.sel(start="below")
    always = "always" if promised(below) == int(resolved(below).sum()) else "not always"
    found = f"{always} promised, {rises(below)} rises"
    yield same("simulation", "S̄ < 2/η and rises on the way to a flat minimum", "always promised, 0 rises", found)
    yield before_the_edge("simulation", catalogue.sel(start="sharpening"))
    yield lambda: before_the_edge("network", finite(network))


def before_the_edge(channel: Channel, run: xr.Dataset) -> Evidence:
    """That the loss never rises before S̄ first exceeds 2/η."""
    beyond = (run.largest > 2 / run.eta).values
    first = int(beyond.argmax()) if beyond.any() else len(beyond)
    if not first:
        raise Undecided(f"{RUN_ON[channel]}: begins beyond the edge; give a smaller step size")
    return counted(channel, "rises", rises(run.isel(iteration=slice(0, first))), first, "steps before the edge")


@study.claim(
    "on ½(1 − xyzw)² and on the network the loss rises in some steps at the edge, and its median over the last tenth "
    "of the run is below what it was at the first of them"
)
def falls_over_time_at_the_edge(catalogue: xr.Dataset, network: xr.Dataset) -> Pieces:
    """Some step rises, and the late median is below the loss at the first of them."""
    yield over_time("simulation", catalogue.sel(start="above"))
    yield over_time("simulation", catalogue.sel(start="sharpening"))
    yield lambda: over_time("network", at_the_edge(network))


def over_time(channel: Channel, run: xr.Dataset) -> Evidence:
    """Whether the loss rises in some steps, and whether its late median is below what it was at the first rise."""
    first = int((run.change > 0).values.argmax())
    late = float(run.loss[-(run.sizes["iteration"] // 10) :].median())
    falls = "falls" if late < float(run.loss[first]) else "does not fall"
    found = f"{'rises' if rises(run) else 'never rises'} and {falls}"
    start = f', start "{run.start.item()}"' if "start" in run.coords else ""
    return same(channel, f"single steps, and the late median, {RUN_ON[channel]}{start}", "rises and falls", found)


@study.claim(
    "there the sharpness comes to within 10 % of 2/η, on the catalogue's loss from above, on the network from below",
    open=True,
)
def sharpness_at_the_edge(catalogue: xr.Dataset, network: xr.Dataset) -> Pieces:
    """At the last iterate, and over the last quarter of the readings, at even and odd iterates alike."""
    last = float(catalogue.sharpness.sel(start="above")[-1])
    yield agreement("simulation", "sharpness at the last iterate, from above", EDGE, last, relative=HOVERING)

    def over_the_last_quarter() -> Evidence:
        readings = at_the_edge(network).sharpness
        mean, edge = float(readings[-(len(readings) // 4) :].mean()), float(2 / network.eta)
        return agreement("network", "mean sharpness over the last quarter, both phases", edge, mean, relative=HOVERING)

    yield over_the_last_quarter


@study.claim("GD on the quadratic model multiplies the top of its gradient by 1 − ηλ₁; that is −1 at λ₁ = 2/η")
def model_multiplier(catalogue_models: xr.Dataset, network: xr.Dataset, network_models: xr.Dataset) -> Pieces:
    """Where the multiplier is −1, and the growth along the top direction over ten steps."""
    yield from about(
        "multiplies",
        growth("simulation", catalogue_models),
        lambda: growth("network", beyond_the_edge(network, network_models)),
    )
    yield from about("is −1", identity("λ₁ where the multiplier is −1", 2 / ETA, critical_sharpness_of_a_quadratic()))


def growth(channel: Channel, model: xr.Dataset) -> Evidence:
    """The factor of the top direction for one step."""
    expected = 1 - float(model.eta) * float(model.sharpness)
    quantity = f"growth of the top component a step, {RUN_ON[channel]}"
    return agreement(channel, quantity, expected, float(model.growth), relative=1e-6)


@study.claim(
    "from an iterate beyond 2/η GD on the quadratic model of the loss diverges, to over 10⁶ times the loss; GD on the "
    "loss stays within 10³ times it"
)
def inherently_non_quadratic(catalogue_models: xr.Dataset, network: xr.Dataset, network_models: xr.Dataset) -> Pieces:
    """Both from the same iterate."""

    def beyond() -> xr.Dataset:
        return beyond_the_edge(network, network_models)

    on_model = of_the_model("simulation", catalogue_models), lambda: of_the_model("network", beyond())
    on_loss = of_the_loss("simulation", catalogue_models), lambda: of_the_loss("network", beyond())
    yield from about("diverges", *on_model)
    yield from about("stays within", *on_loss)


def of_the_model(channel: Channel, model: xr.Dataset) -> Evidence:
    """The model's loss at the end of GD on it."""
    quantity = f"loss of the model at the end of GD on it, over the loss at its start, {RUN_ON[channel]}"
    return exceeds(channel, quantity, abs(float(model.model_loss[-1] / model.real_loss[0])), above=DIVERGED)


def of_the_loss(channel: Channel, model: xr.Dataset) -> Evidence:
    """The largest loss along GD on it."""
    quantity = f"largest loss along GD on it, over that at its start, {RUN_ON[channel]}"
    return bounded(channel, quantity, float(model.real_loss.max() / model.real_loss[0]), below=BOUNDED)


study.figure(draw)

if __name__ == "__main__":
    study.main()
