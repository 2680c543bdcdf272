"""The two-cycle, undamped and damped, and gradient descent on a network with two examples."""

from __future__ import annotations

import math
from functools import partial

from sympy import Expr, Integer, Rational, Symbol, solve, sqrt

from analysis.claim import Claim, Evidence, agreement, bounded, identity, same, theorem
from analysis.self_stabilization.claims import HERE, PAPER, ROUNDING, Context
from analysis.self_stabilization.experiments import ETA, NEAR_TWO_CYCLES, QUARTICS, RESTORING_RATE
from analysis.self_stabilization.measurements import exponent
from analysis.self_stabilization.theory import DEPTH
from eos_sym import STEP_SIZE, Undecided
from eos_sym.self_stabilization.cycle import ALPHA, BETA, QUARTIC, RESTORING, SQUARE
from eos_sym.self_stabilization.predicted_dynamics import EXCESS

NETWORK_STEPS = 600


def claims_about_two_cycles(context: Context) -> list[Claim]:
    """Where the two-cycle lies, and when it attracts."""
    theory = context.theory
    cycle, damped = theory.cycle, theory.damped
    epsilon_squared = STEP_SIZE**2 * ALPHA
    delta_squared = 2 * ALPHA / BETA
    doubling = 3 * (2 + epsilon_squared) / (STEP_SIZE * delta_squared)
    return [
        Claim(
            "two_cycle",
            "y = 0, βx² = 2α is a two-cycle, unstable, with multipliers of modulus √(1 + 2ε²) a step",
            f"{PAPER}; modulus {HERE}",
            [
                lambda: identity([delta_squared, Integer(0)], [cycle.equilibrium[SQUARE], cycle.equilibrium[EXCESS]]),
                lambda: identity(sqrt(1 + 2 * epsilon_squared), cycle.growth),
                lambda: theorem("unstable", cycle.two_cycle.stability.verdict({})),
                *(
                    partial(_growth, context, run, epsilon)
                    for run, (epsilon, ratio) in enumerate(NEAR_TWO_CYCLES)
                    if ratio == 0
                ),
            ],
        ),
        Claim(
            "damped_two_cycle",
            "with κ₄ < 0 and constant α the two-cycle is βx² = 2α, at y = |κ₄|δ²/6 above the edge; "
            "on ½su² + ½b(s − 25)² + κ₄u⁴/24, where α falls with s, a little lower",
            HERE,
            [
                lambda: identity(
                    [delta_squared, DEPTH * delta_squared / 6],
                    [damped.equilibrium[SQUARE], damped.equilibrium[EXCESS]],
                ),
                *(partial(_hovering, context, quartic) for quartic in QUARTICS),
            ],
        ),
        Claim(
            "damped_stability",
            "for constant α the damped two-cycle attracts iff 3ηβ < |κ₄| < 3(2 + ε²)/(ηδ²), where ε² < 2",
            HERE,
            [
                lambda: identity(2 * ALPHA * STEP_SIZE * (DEPTH - 3 * BETA * STEP_SIZE) / (3 * BETA), damped.damping),
                lambda: identity(sorted([3 * STEP_SIZE * BETA, doubling], key=str), sorted(_bounds(context), key=str)),
                lambda: theorem("unstable, stable, unstable", ", ".join(_verdicts(context))),
                *(
                    partial(_damped_growth, context, run, epsilon, ratio)
                    for run, (epsilon, ratio) in enumerate(NEAR_TWO_CYCLES)
                    if ratio > 0
                ),
            ],
        ),
    ]


def _growth(context: Context, run: int, epsilon: float) -> Evidence:
    expected = float(context.theory.cycle.growth.subs({STEP_SIZE: ETA, ALPHA: (epsilon / ETA) ** 2}))
    return agreement("simulation", expected, context.measured.growth(run), relative=1e-6)


def _damped_growth(context: Context, run: int, epsilon: float, ratio: float) -> Evidence:
    """The logarithm of √det, at β = 1 and |κ₄| = ratio · 3ηβ, against the measured rate."""
    at = {STEP_SIZE: ETA, ALPHA: (epsilon / ETA) ** 2, BETA: 1, DEPTH: 3 * ETA * ratio}
    expected = math.log(float(context.theory.damped.growth.subs(at)))
    return agreement("simulation", expected, context.measured.damped_rate(run), relative=0.02)


def _hovering(context: Context, quartic: float) -> Evidence:
    """The excess s − 2/η at the end of a run on capped_loss, against the equilibrium derived for it."""
    at = {STEP_SIZE: ETA, RESTORING: RESTORING_RATE, QUARTIC: quartic}
    expected = float(context.theory.exact_cap.equilibrium[EXCESS].subs(at))
    last = context.data["capped"].trajectory.sel(kappa4=quartic, state="s").isel(iteration=-1)
    return agreement("simulation", expected, float(last) - 2 / ETA, relative=1e-10)


def _bounds(context: Context) -> list[Expr]:
    """The depths |κ₄| at which a margin of the damped two-cycle vanishes while the others are positive."""
    margins = context.theory.damped.stability.margins
    zeros = {zero for margin in margins for zero in solve(margin, DEPTH)}
    bounds = []
    for zero in zeros:
        at = {ALPHA: Integer(1), BETA: Integer(1), STEP_SIZE: Rational(1, 10)}
        values = [margin.subs(DEPTH, zero).subs(at) for margin in margins]
        if all(value.is_nonnegative for value in values):
            bounds.append(zero)
    return bounds


def _verdicts(context: Context) -> list[str]:
    """Below, between and beyond the two bounds on |κ₄|, a tenth away from them, at α = β = 1, η = 1/10."""
    at: dict[Symbol, Expr] = {ALPHA: Integer(1), BETA: Integer(1), STEP_SIZE: Rational(1, 10)}
    lower, upper = sorted(bound.subs(at) for bound in _bounds(context))
    depths = (lower * Rational(9, 10), lower * Rational(11, 10), upper * Rational(11, 10))
    return [context.theory.damped.stability.verdict({**at, DEPTH: depth}) for depth in depths]


def claims_about_training(context: Context) -> list[Claim]:
    """Gradient descent on two_examples against the predictions made from its derivatives alone."""
    measured = context.measured
    return [
        Claim(
            "accuracy",
            "through a turn GD stays within O(εδ) of the predicted dynamics",
            f"{PAPER}, on ½(1 − ap)² + ½μ(30 − aq)²",
            [
                lambda: agreement("simulation", 1, exponent_of_defects(context), absolute=0.1),
                lambda: bounded("network", path_error(context), below=ROUNDING),
            ],
        ),
        Claim(
            "loss",
            "at the edge the loss is L(θ†) + x²/η: it rises in many steps, yet falls over turns, as L(θ†) does in each",
            PAPER,
            [
                lambda: agreement("simulation", measured.mean_losses[1], measured.mean_losses[0], relative=0.02),
                lambda: same("simulation", "rises at iterates; none on M", _rises(*measured.rises())),
                lambda: same("network", "rises at iterates; falls over turns", network_losses(context)),
            ],
        ),
    ]


def exponent_of_defects(context: Context) -> float:
    """The exponent in ε of the distance of gradient descent from the predicted dynamics, in units of δ."""
    epsilons, defects = context.measured.relative_defects
    return exponent(epsilons, defects)


def path_error(context: Context) -> float:
    """The largest difference between the iterates of torch's SGD and of the simulator, step for step."""
    trajectory = context.data["training"].trajectory.isel(iteration=slice(NETWORK_STEPS + 1)).values
    return float(abs(context.network.path(len(trajectory) - 1).numpy() - trajectory).max())


def network_losses(context: Context) -> str:
    """In words, what the loss of the network does under torch's SGD through the first two turns."""
    starts = context.measured.turn_starts
    if len(starts) < 3:
        raise Undecided("gradient descent on two_examples completes fewer than two turns; give more steps")
    losses = context.network.losses(context.network.path(starts[2]))
    first, second = losses[starts[0] : starts[1]].mean(), losses[starts[1] : starts[2]].mean()
    rises = "rises" if (losses[1:] > losses[:-1]).any() else "no rise"
    return f"{rises} at iterates; {'falls' if second < first else 'does not fall'} over turns"


def _rises(iterates: int, constrained: int) -> str:
    return f"{'rises' if iterates else 'no rise'} at iterates; {constrained or 'none'} on M"
