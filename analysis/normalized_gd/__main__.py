"""Normalized gradient descent: it cannot converge, and so it walks along the minima to where they are flattest.

Normalized GD, θ ← θ − η∇L/‖∇L‖, takes steps of length η, however close it is to a minimum. It is not the algorithm that
anybody trains with, but the cleanest model of the edge of stability: whatever the sharpness, the effective step size
η/‖∇L‖ adapts until the edge is reached. GD on √L, with the effective step η/(2√L), does the same. Most of what follows
was proved by :cite:t:`arora2022understanding`.

*On a quadratic* ½ Σ λᵢθᵢ² it ends in a two-cycle. Every eigenvector vᵢ carries a continuum of them: θ jumps from ηC vᵢ
to −η(1 − C) vᵢ and back, for any C in (0, 1), so the multiplier along vᵢ is 1. In direction j, with r = λⱼ/λᵢ, two
steps multiply by

    1 − r(1 − r)/(C(1 − C)),

which exceeds 1 for r > 1: only the two-cycles of the top eigenvector are stable, those with r(1 − r) < 2C(1 − C) for
all j. From almost every start x̃ = Hθ/η aligns with v₁, and ‖x̃_t‖ + ‖x̃_{t+1}‖ → λ₁. C is *not* ½ in general.

*Near a manifold of minima* there are two phases. First the iterates follow gradient flow to the manifold, in Θ(1/η)
steps, with the loss falling at each. Then they oscillate across it along the top eigenvector, and creep along it, by η²
a step: with τ = η²t

    dX/dτ = −¼ P ∇log λ₁ (normalized GD),      dX/dτ = −⅛ P ∇λ₁ (GD on √L),

P the projection onto its tangent space. So the second phase lowers the sharpness, and takes Θ(1/η²) steps. The
coefficients come out of averaging over a two-cycle, and do not depend on C (`eos_sym.flows.limit_flow`).

*At the edge.* The stableness S_t, the effective step times the largest sharpness along it, is 1/C and 1/(1 − C) by
turns: its harmonic mean is 2, the edge, for both rules. The loss rises and falls with √L_t + √L_{t+1} constant:
η√(λ₁/2) for normalized GD, and ½ηλ₁ for GD on √L.

*Noise.* The proof injects noise, and it has work to do: a start exactly across a lesser eigenvector stays there, and
feels nothing of λ₁. With noise of the size η³ it turns to the top.

*On networks* with more weights than examples all of this is a prediction under test. Gradient flow, and from its end
the limit flow, are integrated at the network's own weights by automatic differentiation
(`numeric.networks.flows.minima`), from the start that the runs have; the runs are NumPy's. Their distance to either
flow, and the error of the predicted sharpness over its fall, are measured against η.

*C at the next order.* GD on √L does not keep its C: two steps miss their start by −⅙η²∇³L(u,u,u) along u, since √L is
steeper on one side of Γ than on the other. So C is driven to an end of (0, 1), through two-cycles that are unstable
across, and where it turns the run leaves u for a few steps: 1/S_t + 1/S_{t+1} misses 1 there by more than η. Normalized
GD, whose steps have one length, keeps its C to this order.

*What remains open.* The sums of √L hold only once the rest of the loss has decayed, which takes some networks longer
than others. The open claims report the worst of several networks, whichever way they end.

The limit flows are formal averages here; simulations at falling η measure how fast they are approached.
"""

from dataclasses import dataclass
from fractions import Fraction

from analysis.study import CommonOptions, Number, Study
from eos_sym.errors import BadInput

study = Study(__name__, source="Arora, Li, Panigrahi 2022")
HERE = "derived here"


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """Normalized GD and GD on √L: two-cycles on a quadratic, and two phases near a manifold of minima."""

    eigenvalues: tuple[Number, ...] = (Fraction(1), Fraction(3, 5), Fraction(3, 10))
    """λ₁ > λ₂ > … > 0 of the quadratic, at least two"""

    def __post_init__(self) -> None:
        values = [float(value) for value in self.eigenvalues]
        if len(values) < 2 or sorted(set(values), reverse=True) != values or values[-1] <= 0:
            shown = " ".join(map(str, self.eigenvalues))
            raise BadInput(f"--eigenvalues {shown}: give at least two, positive, falling")


from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from sympy import Expr, Integer, diff, log, simplify, sqrt

from analysis.normalized_gd.figure import draw
from analysis.normalized_gd.network import networks
from analysis.normalized_gd.next_order import shift
from analysis.normalized_gd.on_networks import SHARE_OF_FALL, across, along, moving, way_there
from analysis.normalized_gd.runs import ALIGNMENT_STEPS, alignment, drift, multipliers, noise, phases
from analysis.normalized_gd.theory import (
    FORKED,
    HYPERBOLA,
    KINDS,
    NORMALIZED,
    ODDS,
    QUADRATIC,
    RATIO,
    ROOT_LOSS,
    SHARE,
    STRAIGHT,
    VALLEYS,
    Kind,
    Valley,
    cycle,
    cycle_stability,
    derived,
    flow,
    x,
    y,
)
from analysis.normalized_gd.walk import walk
from analysis.study import Evidence, Pieces, about, agreement, bounded, exponent, identity, over, same, supported
from eos_sym import STEP_SIZE, Undecided
from eos_sym.flows import gradient_flow
from eos_sym.flows.limit_flow import CURVATURE
from eos_sym.orbits import Orbit
from numeric import compile_function

ACROSS = 1 - RATIO * (1 - RATIO) / (SHARE * (1 - SHARE))  # the paper's multiplier across a two-cycle
CHECKED_STEP_SIZE = 0.01
ON_NETWORKS = {  # what should be 1, and how closely
    "cosine": ("|cosine| of a step and the top eigenvector", 0.01),
    "reciprocals": ("1/S_t + 1/S_{t+1}", 0.04),
    "root_losses": ("√L_t + √L_{t+1} over that of a quadratic", 0.03),
}

study.theory(derived)
study.measurement(cycle)
study.measurement(networks)
for experiment in (alignment, multipliers, noise, phases, drift, walk):
    study.experiment(experiment)


@study.theory
def next_order() -> Mapping[str, Expr]:
    """What two steps across the minima miss their start by, over η²."""
    return {kind.name: shift(kind) for kind in KINDS}


@study.claim("on a quadratic normalized GD makes steps of length η, so that it never converges; it ends in two-cycles")
def no_convergence(derived: Mapping[str, Any], alignment: xr.Dataset) -> Pieces:
    """The length of a step, and how the runs end."""
    length = identity("squared length of a step", STEP_SIZE**2, derived["squared_length_of_a_step"])
    yield from about("never converges", length)
    pairs = zip(alignment.outcome.values.tolist(), alignment.period.values.tolist(), strict=True)
    endings = sorted({f"{outcome} {period}" for outcome, period in pairs})
    found = same("simulation", "outcomes and periods of the runs, each once", "periodic 2", ", ".join(endings))
    yield from about("it ends in", found)


@study.claim(
    "ηC vᵢ ↦ −η(1 − C)vᵢ ↦ ηC vᵢ for every C in (0, 1); two steps multiply by 1 along vᵢ, and by "
    "1 − r(1 − r)/(C(1 − C)), r = λⱼ/λᵢ, across",
    HERE,
)
def continuum_of_two_cycles(derived: Mapping[str, Any], cycle: Orbit, multipliers: xr.Dataset) -> Pieces:
    """That it is a two-cycle, and its multipliers, derived and from two steps beside it."""
    residual = identity("how far two steps miss their start", Integer(0), cycle.residual)
    yield from about("for every C", residual)
    derived_ones = [derived["two_step_multipliers"][name] for name in ("along", "across")]
    share, ratio = xr.broadcast(multipliers["C"], multipliers["r"])
    expected = share.copy(data=compile_function([ACROSS], (SHARE, RATIO))(share, ratio)[0])
    worst = float(abs(multipliers.multiplier - expected).max())
    yield from about(
        "two steps multiply",
        identity("two-step multipliers along and across", [Integer(1), ACROSS], derived_ones),
        bounded("simulation", "largest error of the multiplier across, over C and r", worst, below=1e-8),
    )


@study.claim(
    "a two-cycle is stable iff 0 < r(1 − r) < 2C(1 − C) in every other direction: only along v₁; there runs end", HERE
)
def only_the_top_is_stable(cycle: Orbit, alignment: xr.Dataset, eigenvalues: Sequence[float]) -> Pieces:
    """The margins, and where the runs settle: along v₁, at a C that is stable by the condition."""
    less = RATIO * (1 - RATIO) * (1 + ODDS) ** 2 / ODDS  # 1 minus the multiplier, at C = 1/(1 + odds)
    margins = cycle_stability(cycle).margins
    condition = identity("margins of stability across, in the odds of C", [less, 2 - less], margins)
    yield from about("is stable iff", condition)

    def angle() -> Evidence:
        largest = float(settled(alignment).end_angle.max())
        return bounded("simulation", "largest angle to ±v₁ at the end", largest, below=1e-6)

    def shares() -> Evidence:
        share = settled(alignment).end_length.isel(parity=0) / eigenvalues[0]
        ratios = np.array(eigenvalues[1:]) / eigenvalues[0]
        outside = int((share * (1 - share) < (ratios * (1 - ratios)).max() / 2).sum())
        return same("simulation", "runs that end at an unstable C", "0 outside", f"{outside} outside")

    yield from about("runs end", angle, shares)


@study.claim("x̃ = Hθ/η aligns with the top eigenvector, and ‖x̃_t‖ + ‖x̃_{{t+1}}‖ → λ₁", id="alignment")
def aligns(
    cycle: Orbit, alignment: xr.Dataset, eigenvalues: Sequence[float], networks: Mapping[str, Mapping[str, float]]
) -> Pieces:
    """The sum on the cycle, in the runs, and the angle in torch's networks."""
    first, second = (QUADRATIC.parameters[0] * point[QUADRATIC.state[0]] / STEP_SIZE for point in cycle.points)
    yield supported("‖x̃_t‖ + ‖x̃_{t+1}‖ on the two-cycle", QUADRATIC.parameters[0], first - second)

    def of_runs() -> Evidence:
        worst = float(abs(settled(alignment).end_length.sum("parity") / eigenvalues[0] - 1).max())
        return bounded("simulation", "largest relative error of the sum at the end", worst, below=1e-9)

    yield of_runs
    yield on_networks(networks, NORMALIZED, "cosine")


@study.claim(
    "on {valley.objective.loss} both rules follow dX/dτ = −¼ P∇log λ₁ and −⅛ P∇λ₁, τ = η²t, with "
    "an error of the order η^{valley.order} from a start of the order η beside the minima",
    id="limit_flow_{valley.name}",
    valley=VALLEYS,
)
def limit_flow(drift: xr.Dataset, valley: Valley) -> Pieces:
    """The derived flows against the paper's, and the exponent of the error at the end."""
    for kind in KINDS:
        yield as_in_the_paper(valley, kind)
    at_end = drift.isel(tau=-1).sel(valley=valley.name)
    yield from over(KINDS, lambda kind: order(valley.order, at_end.x - at_end.limit, "the error of x", kind, 0.15))


@study.claim("GD on √L for ½(1 + x²)y² comes from x = 1 to x = exp(−½) = .60653 at τ = 2", HERE)
def tabulated_drift(drift: xr.Dataset) -> Pieces:
    """The flow is x' = −x/4."""
    yield supported("dx/dτ", -x / 4, flow(STRAIGHT, ROOT_LOSS).velocity[0])
    runs = drift.x.isel(tau=-1).sel(valley="straight", rule="root_loss").sel(eta=CHECKED_STEP_SIZE, method="nearest")
    yield agreement("simulation", f"x at τ = 2, η = {float(runs.eta):g}", np.exp(-0.5), float(runs), absolute=1e-4)


@study.claim(
    "on ½(1 + x²)y² + ¼z² a start exactly across a lesser eigenvector stays across it, and does not move "
    "along the minima; noise of the size η³, every 25 steps, turns it to the top eigenvector, and it follows the limit "
    "flow within 1 %",
    HERE,
    id="noise",
)
def noise_turns(noise: xr.Dataset, drift: xr.Dataset) -> Pieces:
    """A step from y = 0 moves neither x nor y; runs without noise, and with it."""
    final = noise.trajectory.isel(tau=-1).sel(state="x")
    still = float(abs(final.sel(noise="without") - 1).max())
    without = bounded("simulation", "largest change of x without noise, both rules", still, below=1e-12)
    for kind in KINDS:
        x_after, y_after, _ = kind.rule.map(FORKED).step
        after = [simplify(y_after.subs(y, 0)), simplify(x_after.subs(y, 0) - x)]
        quantity = f"y, and the change of x, after a step from y = 0, {kind.shown}"
        yield from about("stays across it", identity(quantity, [Integer(0)] * 2, after))
        limit = float(drift.limit.isel(tau=-1).sel(valley="straight", rule=kind.name))
        found = float(final.sel(noise="with", rule=kind.name))
        turned = agreement("simulation", f"x at τ = 2 with noise, {kind.shown}", limit, found, relative=0.01)
        yield from about("of the size η³", turned)
    yield from about("stays across it", without)


@study.claim(
    "on ½(1 − xy)² the first phase takes Θ(1/η) steps and follows gradient flow: x² − y², which that conserves, "
    "changes by O(η)"
)
def first_phase(phases: xr.Dataset) -> Pieces:
    """What gradient flow conserves, and exponents of the number of steps and of its change."""
    conserved = gradient_flow(HYPERBOLA.objective).along(x**2 - y**2)
    yield supported("rate of change of x² − y² along gradient flow", Integer(0), simplify(conserved))
    yield from over(KINDS, lambda kind: order(-1, phases["first"], "the steps of the first phase", kind))
    yield from over(KINDS, lambda kind: order(1, phases.imbalance, "the change of x² − y²", kind))


@study.claim("on ½(1 − xy)² the second phase takes Θ(1/η²) steps, as many as the limit flow says, within 3 %")
def second_phase(phases: xr.Dataset) -> Pieces:
    """The flow, the exponent of the number of steps, and at the least η the number itself."""
    for kind in KINDS:
        yield as_in_the_paper(HYPERBOLA, kind)
    yield from over(
        KINDS,
        lambda kind: order(
            -2, phases["second"], "the steps of the second phase until the sharpness has fallen halfway", kind
        ),
    )
    finest = phases.isel(eta=int(phases.eta.values.argmin()))
    for kind in KINDS:
        run = finest.sel(rule=kind.name)
        duration = float(run["second"] * run.eta**2)
        yield agreement(
            "simulation", f"η² times these steps, {kind.shown}", float(run.expected), duration, relative=0.03
        )


@study.claim("1/S_t + 1/S_{{t+1}} → 1 for the stableness S = η_eff sup λ₁, η_eff = η/‖∇L‖ or η/(2√L): harmonic mean 2")
def stableness(drift: xr.Dataset, networks: Mapping[str, Mapping[str, float]]) -> Pieces:
    """On the cycle, at the end of the drift along the minima, and in torch's networks."""
    for kind in KINDS:
        yield harmonic_mean(kind)
    finest = drift.isel(eta=int(drift.eta.values.argmin()))
    for valley in VALLEYS:
        for kind in KINDS:
            found = float(finest.reciprocals.sel(valley=valley.name, rule=kind.name))
            quantity = f"1/S_t + 1/S_{{t+1}} at the end, {valley.name}, {kind.shown}"
            yield agreement("simulation", quantity, 1, found, absolute=float(finest.eta))
    yield on_networks(networks, NORMALIZED, "reciprocals")


@study.claim("√L_t + √L_{{t+1}} → ½ηλ₁, not ηλ₁, for GD on √L", f"corrects {study.source}", kind=[ROOT_LOSS])
@study.claim("√L_t + √L_{{t+1}} → η√(λ₁/2) for normalized GD", kind=[NORMALIZED])
def root_losses(drift: xr.Dataset, kind: Kind) -> Pieces:
    """On the cycle, and at the end of the drift along the minima."""
    formula = sqrt(CURVATURE / 2) if kind is NORMALIZED else CURVATURE / 2
    yield supported("√L_t + √L_{t+1} on the two-cycle", STEP_SIZE * formula, kind.root_loss_sum)
    finest = drift.isel(eta=int(drift.eta.values.argmin())).sel(rule=kind.name)
    for valley in VALLEYS:
        run = finest.sel(valley=valley.name)
        expected = np.sqrt(run.curvature / 2) if kind is NORMALIZED else run.curvature / 2
        quantity = f"(√L_t + √L_{{t+1}})/η at the end, {valley.name}"
        yield agreement("simulation", quantity, float(expected), float(run.root_losses), relative=0.01)


@study.claim(
    "after 1000 steps {kind.shown} oscillates along the top eigenvector, to a cosine of 0.99, on every one of five "
    "networks, with 1/S_t + 1/S_{{t+1}} = 1 to within η and √L_t + √L_{{t+1}} as on a quadratic to within 3 %",
    f"{study.source}; here a prediction under test",
    id="networks_{kind}",
    open=True,
    kind=KINDS,
)
def on_every_network(networks: Mapping[str, Mapping[str, float]], kind: Kind) -> Pieces:
    """Nothing of this is proved of networks, and at a fixed number of steps."""
    yield harmonic_mean(kind)
    for quantity in ON_NETWORKS:
        yield on_networks(networks, kind, quantity)


@study.claim(
    "{kind.shown} is gradient flow in the time {kind.clock_shown}; from random weights of networks it is O(η) away "
    "from it at equal times; after Θ(1/η) steps the loss rises for the first time",
    id="network_way_there_{kind}",
    open=True,
    kind=KINDS,
)
def first_phase_on_networks(walk: xr.Dataset, kind: Kind) -> Pieces:
    """Networks of tanh with more weights than examples, from their start."""
    return way_there(walk, kind)


@study.claim(
    "beside the minima of networks {kind.shown} oscillates along the top eigenvector, to a cosine of 0.99; with period "
    "two: two steps lead less than a twentieth of one; with 1/S_t + 1/S_{{t+1}} = 1 to within η; with "
    "√L_t + √L_{{t+1}} as on a quadratic, to 1 %",
    id="network_oscillation_{kind}",
    open=True,
    kind=KINDS,
)
def oscillation_on_networks(walk: xr.Dataset, kind: Kind) -> Pieces:
    """The same runs, at the end."""
    return across(walk, kind)


@study.claim(
    "along the minima of networks the sharpness of {kind.shown} falls as the limit flow says that begins where "
    "gradient flow ends, within {tolerance} of its fall at the least η; the error is of the order η",
    id="network_limit_flow_{kind}",
    open=True,
    kind=KINDS,
)
def limit_flow_on_networks(walk: xr.Dataset, kind: Kind, preset: str) -> Pieces:
    """The same runs, with the flow by automatic differentiation."""
    return along(walk, kind, preset)


@study.claim(
    "beside the minima of networks C of normalized GD stays where it is in two steps, to the order η; that of GD on √L "
    "moves, by −⅙η²∇³L(u,u,u) along u",
    HERE,
    open=True,
)
def next_order_on_networks(walk: xr.Dataset, next_order: dict[str, Expr]) -> Pieces:
    """Derived from the formulas of the rules, and in the same runs."""
    return moving(walk, next_order)


@study.measurement
def tolerance(options: Options) -> str:
    """Of the predicted sharpness, in per cent."""
    return f"{SHARE_OF_FALL[options.preset]:.0%}"


def on_networks(networks: Mapping[str, Mapping[str, float]], kind: Kind, quantity: str) -> Evidence:
    """What is 1 by the theory, on the network where it is farthest from it."""
    shown, tolerance = ON_NETWORKS[quantity]
    return agreement("network", f"{shown}, farthest from 1", 1, networks[kind.name][quantity], absolute=tolerance)


def harmonic_mean(kind: Kind) -> Evidence:
    """1/S_t + 1/S_{t+1} on the cycle."""
    total = sum((1 / value for value in kind.stableness), Integer(0))
    return supported(f"1/S_t + 1/S_{{t+1}} on the two-cycle, {kind.shown}", Integer(1), total)


def as_in_the_paper(valley: Valley, kind: Kind) -> Evidence:
    """The flow of the coordinate x from the curvature of the minima (x, c(x)) and their slope, against the derived one.

    λ₁ is the trace of the Hessian there, and P∇f has the component f'(x)/(1 + c'(x)²) along x.
    """
    sharpness: Expr = valley.objective.hessian.trace().subs(valley.chart)
    rate = diff(log(sharpness), x) / 4 if kind is NORMALIZED else diff(sharpness, x) / 8
    slope = diff(valley.chart[y], x)
    return supported(f"dx/dτ, {kind.shown}", -rate / (1 + slope**2), flow(valley, kind).velocity[0])


def settled(alignment: xr.Dataset) -> xr.Dataset:
    """The runs on the quadratic, all of which have come to a two-cycle."""
    if (alignment.outcome != "periodic").any():
        raise Undecided(f"alignment: some runs have not settled after {ALIGNMENT_STEPS} steps")
    return alignment


def order(expected: float, sizes: xr.DataArray, what: str, kind: Kind, error: float = 0.05) -> Evidence:
    """The exponent in η of the sizes."""
    of_rule = sizes.sel(rule=kind.name)
    if not np.isfinite(of_rule).all():
        raise Undecided("the exponent: a run has not come as far as is measured")
    found = exponent(sizes.eta, of_rule)
    return agreement("simulation", f"exponent in η of {what}, {kind.shown}", expected, found, absolute=error)


study.figure(draw)

if __name__ == "__main__":
    study.main()
