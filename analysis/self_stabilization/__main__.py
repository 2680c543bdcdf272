"""Self-stabilization: why gradient descent hovers at the edge of stability instead of diverging from it.

:cite:t:`damian2022selfstabilization` explain the edge by the third derivative of the loss. Let u be the top eigenvector
of the Hessian, S = 2/η its eigenvalue, x the displacement along u and y the sharpness in excess of 2/η. To second order
x only alternates, growing or shrinking by the factor 1 + ηy a step. To third order,

    ∇L(θ + xu) = ∇L(θ) + xSu + ½x²∇S + …,

the oscillation itself pushes the weights along −∇S, that is, to lower sharpness. So there are two forces on y: the loss
raises the sharpness at the rate α = −∇L·∇S⊥, *progressive sharpening*, and the oscillation lowers it at the rate ½βx²,
β = ‖∇S⊥‖². They balance at x² = δ² = 2α/β, but do not come to rest there:

    x⁺ = −(1 + ηy)x,   y⁺ = y + η(α − ½βx²)

turn about the balance in four stages, once in about √2 π/ε steps, ε = η√α:

1. *progressive sharpening*: y < 0 and x² < δ²; the sharpness rises, the oscillation still dies down;
2. *blowup*: y > 0; the oscillation grows by the factor 1 + ηy a step;
3. *self-stabilization*: x² > δ²; the oscillation lowers the sharpness;
4. *return*: y < 0; the oscillation dies down, until x² < δ² and the sharpness rises again.

*A conserved quantity.* In X = |x|/δ, Y = y/√α and the time εt the limit ε → 0 is Ẋ = XY, Ẏ = 1 − X², which separates
and conserves h = ½(X² − 2 ln X − 1 + Y²). Extremes and period of an orbit follow from h. Over a turn ln X and Y come
back, so the mean of Y is 0 and that of X² is 1: the mean sharpness is 2/η, and the oscillation adds δ²/η to the loss.

*What is left out spirals.* The map is Euler's method for this flow, with step ε, and Euler's method raises h: the
balance is an unstable two-cycle, with multipliers of modulus √(1 + 2ε²). In a real loss other terms decide whether the
spiral goes outward or inward: a rate α that falls as the sharpness rises, or a quartic coefficient κ₄ < 0, which turns
the balance into an attractor, above the edge by |κ₄|δ²/6, as soon as |κ₄| > 3ηβ.

*A network that does it.* In ½(1 − ap)² + ½μ(30 − aq)², a linear network f(z) = a(pz₁ + qz₂) with a sharp example and a
flat one, the sharp example is fitted at once, and its curvature is a² + p². Learning the flat one raises a until the
edge; from then on a stays, q alone learns, and the loss falls on while x turns round and round. The trajectory θ† that
meets the constraint S ≤ 2/η, and the displacement from it, are predicted from the derivatives of the loss at θ†
(`analysis.self_stabilization.constrained`). Gradient descent stays within O(εδ) of the prediction through a turn.

Everything is derived by `eos_sym.self_stabilization.predicted_dynamics` and `eos_sym.self_stabilization.cycle` from the
expansion of a general loss.
"""

from dataclasses import dataclass
from fractions import Fraction

from analysis.study import CommonOptions, Number, Study, check_steps
from analysis.study.options import MOST_STEPS
from eos_sym.errors import BadInput

study = Study(__name__, source="Damian, Nichani, Lee 2022")
HERE = "derived here"
LARGEST_MU = Fraction(1, 1000)
LONGEST = MOST_STEPS // 20


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """Gradient descent at the edge, step size 1/10, against the predicted dynamics."""

    mu: Number = Fraction(1, 10_000)
    """weight μ of the flat example of the network; ε is about 2√μ"""
    steps: int = 1200
    """iterations of the network that are compared with the prediction; it is trained 20 times as long"""

    def __post_init__(self) -> None:
        if not 0 < self.mu <= LARGEST_MU:
            raise BadInput(
                f"--mu {self.mu}: must be positive and at most {LARGEST_MU}; the turns take about 2.2/√μ steps"
            )
        check_steps(self.steps)
        if self.steps > LONGEST:
            raise BadInput(f"--steps {self.steps}: at most {LONGEST}, since the network is trained 20 times as long")


from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr
from sympy import Expr, Integer, LambertW, Matrix, diff, exp, log, pi, sqrt

from analysis.self_stabilization import runs, turns, two_cycle
from analysis.self_stabilization.figure import draw
from analysis.self_stabilization.network import Network, trained_accuracy
from analysis.self_stabilization.runs import ETA, LEVELS, value
from analysis.self_stabilization.theory import (
    CYCLE,
    EXACT,
    SLICE,
    STAGES,
    conserved,
    derived,
    expansion,
    rise,
    seen_from_the_edge,
    turn_limit,
)
from analysis.study import Evidence, Pieces, about, agreement, bounded, exponent, identity, same, theorem
from eos_sym import STEP_SIZE, Undecided
from eos_sym.self_stabilization import CubicExpansion, extremes, small_period
from eos_sym.self_stabilization.continuous_limit import LEVEL
from eos_sym.self_stabilization.cycle import ALPHA, BETA, EPSILON, QUARTIC, X, Y
from eos_sym.self_stabilization.predicted_dynamics import EXCESS, UNSTABLE
from numeric import compile_map
from numeric.compile import Array

ROUNDING = 1e-9
COMPARED_STEPS = 20  # of gradient descent with the derived map

study.theory(derived)
for part in (expansion, conserved, rise, turns.first_turns):
    study.measurement(part)
ON_LOSSES = (runs.cycles, runs.spiral, runs.two_cycles, runs.capped)
ON_THE_NETWORK = (runs.training, runs.accuracy, runs.predicted)
for experiment in (*ON_LOSSES, *ON_THE_NETWORK):
    study.experiment(experiment)


@study.measurement
def network(mu: float) -> Network:
    """The same in torch."""
    return Network(mu)


@study.claim(
    "in the frame of a general loss, but for the neglected terms, v⁺ = v − η[∇²L v + ½(x² − δ²)∇S⊥ + xyu]; on the "
    "network at the edge torch finds the u, S, α and β of the formulas; its gradient differs from the expansion by "
    "O(v³)",
    id="predicted_dynamics",
)
def dynamics_of_the_displacement(expansion: CubicExpansion, network: Network, options: Options) -> Pieces:
    """The paper's formula in the frame of the general loss; the expansion of the network's loss against torch's.

    Both comparisons with torch are made at the same point, with the same expansion.
    """
    v, names = Matrix(expansion.displacement), {symbol.name: symbol for symbol in expansion.objective.parameters}
    x, y = v[0], names["t"] * v[1]
    across = Matrix([0, names["t"], 0])
    curved = Matrix([names["S"] * v[0], names["b"] * v[1], names["c"] * v[2]])
    bent = (x**2 - 2 * names["alpha"] / names["t"] ** 2) / 2 * across + Matrix([x * y, 0, 0])
    papers = v - STEP_SIZE * (curved + bent)
    error, order = network.coefficient_error(), network.remainder_exponent(options.seed)
    quantity = "largest relative error of u, S, α and β, network at the edge"
    yield from about("v⁺ =", identity("v⁺ in the frame of the general loss", list(papers), expansion.predicted.step))
    yield from about("torch finds", bounded("autograd", quantity, error, below=ROUNDING))
    quantity = "exponent in v of the remainder of the expanded gradient"
    yield from about("O(v³)", agreement("autograd", quantity, 3, order, absolute=0.05))


@study.claim(
    "of x and y the predicted dynamics leave, where ∇²L∇S⊥ = 0, x⁺ = −(1 + ηy)x, y⁺ = y + η(α − βx²/2); with −ηκ₄x³/6 "
    "added to x⁺ this is "
    "GD on ½su² − αs + κ₄u⁴/24, exactly",
    f"{study.source}; damped {HERE}",
)
def reduced_map(two_cycles: xr.Dataset) -> Pieces:
    """The map of x and y, and that it is gradient descent on the two losses of u and s."""
    papers = [-(1 + STEP_SIZE * EXCESS) * UNSTABLE, EXCESS + STEP_SIZE * (ALPHA - BETA * UNSTABLE**2 / 2)]
    yield from about("leave", identity("x⁺, y⁺", papers, CYCLE.map.step))
    damped = [papers[0] - STEP_SIZE * QUARTIC * UNSTABLE**3 / 6, papers[1].subs(BETA, 1)]
    initial = two_cycles.initial
    start = {"x": initial.sel(state="u", drop=True), "y": initial.sel(state="s", drop=True) - 2 / ETA}
    parameters = {name: two_cycles[name] for name in ("alpha", "kappa4", "eta")}
    found = compile_map(EXACT[SLICE].map).run(start, parameters, steps=COMPARED_STEPS, record_every=1).trajectory
    actual = two_cycles.trajectory.isel(iteration=slice(COMPARED_STEPS + 1))
    errors = [found.sel(state="x") - actual.sel(state="u"), found.sel(state="y") - actual.sel(state="s") + 2 / ETA]
    worst = max(float(abs(error).max()) for error in errors)
    yield from about(
        "exactly",
        identity("x⁺, y⁺ of gradient descent on ½su² − αs + κ₄u⁴/24", damped, seen_from_the_edge(SLICE).step),
        bounded("simulation", f"largest difference of x and y in {COMPARED_STEPS} steps", worst, below=ROUNDING),
    )


@study.claim(
    "X⁺ = X + εXY, Y⁺ = Y + ε(1 − X²): Euler's method for Ẋ = XY, Ẏ = 1 − X²; at εt = 2 it is O(ε) from this flow"
)
def continuous_limit(cycles: xr.Dataset) -> Pieces:
    """The scaled map, its limit, and the order of their difference."""
    scaled = [X + EPSILON * X * Y, Y + EPSILON * (1 - X**2)]
    rates = [(step - name) / EPSILON for name, step in zip((X, Y), CYCLE.scaled.step, strict=True)]
    yield from about(
        "Euler's method",
        identity("X⁺, Y⁺", scaled, CYCLE.scaled.step),
        identity("(X⁺ − X)/ε, (Y⁺ − Y)/ε", list(CYCLE.limit.values()), rates),
    )
    order = turns.limit_exponent(cycles)
    quantity = "exponent in ε of the distance from the limit at εt = 2"
    yield from about("at εt = 2", agreement("simulation", quantity, 1, order, absolute=0.05))


@study.claim("the flow conserves h = ½(X² − 2 ln X − 1 + Y²)", id="conserved")
def h_is_conserved(conserved: Expr, cycles: xr.Dataset) -> Pieces:
    """The formula that separation finds, its rate of change, and its change along the integrated limit."""
    formula = (X**2 - 2 * log(X) - 1 + Y**2) / 2
    along = sum(diff(formula, variable) * rate for variable, rate in CYCLE.limit.items())
    yield identity("dh/dt along the limit", Integer(0), along)
    yield identity("h by separation", formula, conserved)
    change = turns.change_along_flow(cycles, conserved)
    yield bounded("simulation", "largest change of h over a turn of the integrated limit", change, below=ROUNDING)


@study.claim(
    "a step of the map adds ½ε²[(1 + X²)Y² + (1 − X²)²] + O(ε³) to h, the first term ≥ 0; over a turn h rises "
    "by order ε",
    HERE,
)
def drift(conserved: Expr, rise: Expr, first_turns: xr.Dataset, cycles: xr.Dataset) -> Pieces:
    """The rise in a step, its sign, and over a turn its exponent in ε and its size, against a quadrature."""
    order = turns.rise_exponent(conserved, rise)
    yield from about(
        "a step",
        identity("coefficient of ε² in the rise of h in a step", ((1 + X**2) * Y**2 + (1 - X**2) ** 2) / 2, rise),
        theorem("sign of the rise", "nonnegative", "nonnegative" if rise.is_nonnegative else "undecided"),
        agreement("simulation", "exponent in ε of what this leaves of the rise", 3, order, absolute=0.05),
    )
    rises, epsilons = first_turns.rise, first_turns.epsilon
    order = sum(exponent(epsilons, rises.sel(h=level)) for level in LEVELS) / len(LEVELS)
    quantity = "exponent in ε of the rise over a turn, mean over h"
    yield from about("over a turn", agreement("simulation", quantity, 1, order, absolute=0.05))
    for level in LEVELS:
        expected = turns.drift_by_quadrature(cycles, rise, level)
        observed = turns.in_the_limit((rises / epsilons).sel(h=level))
        quantity = f"rise over a turn over ε, h = {level:g}"
        yield from about("over a turn", agreement("simulation", quantity, expected, observed, relative=1e-4))


@study.claim(
    "small oscillations take √2 π/ε = 4.4429/ε steps, in the flow and of the map as ε → 0; at any h the period is a "
    "quadrature",
    f"{study.source}; quadrature {HERE}",
)
def period(first_turns: xr.Dataset, cycles: xr.Dataset) -> Pieces:
    """Of the limit, of the map about its two-cycle, and of turns of the map as ε → 0, in units of 1/ε steps."""
    observed = [turns.in_the_limit(first_turns.period.sel(h=level)) for level in LEVELS]
    smallest = float(np.polyfit(LEVELS[:3], observed[:3], 2)[-1])
    quantity = "period of turns, ε → 0, h → 0 by a parabola"
    yield from about(
        "small oscillations",
        identity("period of small oscillations of the limit", sqrt(2) * pi, small_period(CYCLE.limit)),
        identity("ε times the steps of a small turn of the map, ε → 0", sqrt(2) * pi, turn_limit()),
        agreement("simulation", quantity, float(sqrt(2) * pi), smallest, relative=1e-4),
    )
    for level, found in zip(LEVELS, observed, strict=True):
        expected, quantity = float(cycles.period.sel(h=level)), f"period, ε → 0, h = {level:g}"
        yield from about("quadrature", agreement("simulation", quantity, expected, found, relative=1e-5))


@study.claim(
    "on the orbit of level h, X² lies between −W₀(−e^{{−1−2h}}) and −W₋₁(−e^{{−1−2h}}), and Y between ±√(2h)",
    HERE,
    id="extremes",
)
def extremes_of_an_orbit(first_turns: xr.Dataset) -> Pieces:
    """In closed form, and the greatest X and Y of turns of the map as ε → 0."""
    found = extremes(LEVEL)
    papers = [sqrt(-LambertW(-exp(-1 - 2 * LEVEL), branch)) for branch in (0, -1)]
    yield identity("extremes of X", papers, found[X])
    yield identity("extremes of Y", [-sqrt(2 * LEVEL), sqrt(2 * LEVEL)], found[Y])
    for name, variable, measured, error in (("X", X, "greatest_x", 1e-4), ("Y", Y, "greatest_y", 1e-5)):
        for level in LEVELS:
            expected = value(found[variable][1], level)
            observed = turns.in_the_limit(first_turns[measured].sel(h=level))
            quantity = f"greatest {name} of a turn, ε → 0, h = {level:g}"
            yield agreement("simulation", quantity, expected, observed, relative=error)


@study.claim(
    "over a turn of the flow the mean of X² is 1 and that of Y is 0; over whole turns of GD on the network the mean of "
    "x² is δ² within 1 % and the mean sharpness 2/η within 0.1 %",
    f"{study.source}; from the limit {HERE}",
)
def means(predicted: xr.Dataset, training: xr.Dataset, cycles: xr.Dataset) -> Pieces:
    """X² and Y are rates of change of what comes back after a turn; and gradient descent at every step of its turns."""
    rates = [1 - CYCLE.limit[Y], diff(log(X), X) * CYCLE.limit[X]]
    error = turns.error_of_means(cycles)
    yield from about(
        "of the flow",
        identity("1 − Ẏ and d(ln X)/dt along the limit", [X**2, Y], rates),
        bounded("simulation", "largest error of the two means over integrated turns", error, below=1e-8),
    )

    def square() -> Evidence:
        path = predicted.isel(run=0, iteration=turns.whole_turns(predicted))
        observed = float((path.x_simulated**2 * path.beta / (2 * path.alpha)).mean())
        return agreement("simulation", "mean of x²/δ² over whole turns", 1, observed, relative=0.01)

    def sharpness() -> Evidence:
        observed = float(training.sharpness.isel(iteration=turns.whole_turns(predicted)).mean())
        return agreement("simulation", "mean sharpness over whole turns", 2 / ETA, observed, relative=1e-3)

    yield from about("of GD", square, sharpness)


@study.claim(
    "the flow goes through progressive sharpening, blowup, self-stabilization and return, in this order; so does GD on "
    "the network",
    id="stages",
)
def order_of_stages(derived: Mapping[str, Any], predicted: xr.Dataset) -> Pieces:
    """The derived order, once around from progressive sharpening, and that of gradient descent in whole turns."""
    order = [*STAGES.values()]
    found = [order[0]]
    for _ in order:
        found.append(derived["stage_after"].get(found[-1], "undecided"))
    expected = " → ".join([*order, order[0]])
    yield from about("the flow", theorem("stages in the order of the limit", expected, " → ".join(found)))
    following = dict(zip(order, [*order[1:], order[0]], strict=True))

    def descent() -> Evidence:
        wrong = sum(following[before] != after for before, after in pairwise(turns.stages(predicted)))
        quantity = "stages of gradient descent that follow on a wrong one"
        return same("simulation", quantity, "0 stages out of order", f"{wrong} stages out of order")

    yield from about("so does GD", descent)


study.claim(
    "y = 0, βx² = 2α is a two-cycle; its multipliers have the modulus √(1 + 2ε²) > 1 a step: it is unstable",
    f"{study.source}; modulus {HERE}",
    id="two_cycle",
)(two_cycle.undamped)

study.claim(
    "with κ₄ < 0 and constant α the two-cycle is βx² = 2α, at y = |κ₄|δ²/6 above the edge; "
    "on ½su² + ½b(s − 25)² + κ₄u⁴/24, where α falls with s, it is at y = b|κ₄|(25 − 2/η)/(3 + b|κ₄|); runs end there",
    HERE,
    id="damped_two_cycle",
)(two_cycle.damped)

study.claim(
    "for constant α the damped two-cycle attracts iff 3ηβ < |κ₄| < 3(2 + ε²)/(ηδ²), where ε² < 2; runs near it leave "
    "it and approach it, one tenth below and above 3ηβ, at the rates of its multipliers",
    HERE,
    id="damped_stability",
)(two_cycle.stability)


@study.claim(
    "through a turn GD stays within O(εδ) of the predicted dynamics",
    f"{study.source}, on ½(1 − ap)² + ½μ(30 − aq)²",
    id="accuracy",
)
def stays_near_the_prediction(accuracy: xr.Dataset) -> Pieces:
    """The exponent of the largest distance of the compiled map, and of torch's SGD, from the one prediction."""
    quantity = "exponent in ε of the largest distance over δ"
    compiled, trained = (exponent(*turns.relative_defects(one)) for one in (accuracy, trained_accuracy(accuracy)))
    yield agreement("simulation", quantity, 1, compiled, absolute=0.1)
    yield agreement("network", quantity, 1, trained, absolute=0.1)


@study.claim(
    "over whole turns the mean loss is that of L(θ†) + δ²/η, within 2 %; the loss rises in some steps, L(θ†) in none; "
    "it falls from turn to turn",
    id="loss",
)
def loss_at_the_edge(predicted: xr.Dataset, training: xr.Dataset, network: Network) -> Pieces:
    """Its mean over whole turns, where it rises, at the iterates and on M, and the same of torch's SGD."""

    def mean() -> Evidence:
        whole = turns.whole_turns(predicted)
        path = predicted.isel(run=0, iteration=whole)
        expected = float((path.loss + 2 * path.alpha / path.beta / ETA).mean())
        observed = float(training.loss.isel(iteration=whole).mean())
        return agreement("simulation", "mean loss over whole turns", expected, observed, relative=0.02)

    def rises() -> Evidence:
        both = (losses.isel(iteration=turns.whole_turns(predicted)) for losses in (training.loss, predicted.loss[0]))
        on_iterates, on_m = (int((losses.diff("iteration") > 0).sum()) for losses in both)
        observed = f"{'rises' if on_iterates else 'no rise'} at iterates; {on_m or 'none'} on M"
        return same("simulation", "steps in which the loss rises", "rises at iterates; none on M", observed)

    def in_two_turns() -> tuple[list[int], Array]:
        starts = turns.turn_starts(predicted)
        if len(starts) < 3:
            raise Undecided("gradient descent on two_examples completes fewer than two turns; give more steps")
        return starts, network.losses(starts[2])

    def rises_in_torch() -> Evidence:
        _, losses = in_two_turns()
        found = "rises" if (np.diff(losses) > 0).any() else "no rise"
        return same("network", "whether the loss of torch's SGD rises in a step", "rises", found)

    def falls_in_torch() -> Evidence:
        starts, losses = in_two_turns()
        first, second = losses[starts[0] : starts[1]].mean(), losses[starts[1] : starts[2]].mean()
        return bounded("network", "mean loss of torch's SGD in the second turn over the first", second / first, below=1)

    def falls() -> Evidence:
        starts = turns.turn_starts(predicted)
        turn_means = [float(training.loss.isel(iteration=slice(*ends)).mean()) for ends in pairwise(starts)]
        falling = all(before > after for before, after in pairwise(turn_means))
        quantity = f"whether the mean loss falls from each of {len(turn_means)} turns to the next"
        return same("simulation", quantity, "falls: True", f"falls: {falling}")

    yield from about("the mean loss", mean)
    yield from about("in some steps", rises, rises_in_torch)
    yield from about("from turn to turn", falls, falls_in_torch)


study.figure(draw)

if __name__ == "__main__":
    study.main()
