"""What is claimed of self-stabilization, and the evidence, from at least two channels for every claim.

The symbolic channel compares what was derived with the formulas of the paper, which are written down here. The claims
about the two-cycle and about gradient descent on two_examples are in `analysis.self_stabilization.claims_about_runs`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import TYPE_CHECKING

import xarray as xr
from sympy import Expr, LambertW, Matrix, Symbol, diff, exp, log, pi, sqrt

from analysis.claim import Check, Claim, Evidence, agreement, bounded, identity, same, theorem
from analysis.self_stabilization.experiments import LEVELS, Experiments, value
from analysis.self_stabilization.measurements import Measurements
from analysis.self_stabilization.theory import STAGES, Theory
from eos_sym import STEP_SIZE as ETA
from eos_sym.self_stabilization import extremes, small_period
from eos_sym.self_stabilization.continuous_limit import LEVEL
from eos_sym.self_stabilization.cycle import ALPHA, BETA, EPSILON, X, Y
from eos_sym.self_stabilization.predicted_dynamics import EXCESS, UNSTABLE

if TYPE_CHECKING:
    from analysis.self_stabilization.network import NetworkCheck

PAPER = "Damian, Nichani, Lee 2022"
HERE = "derived here"
ROUNDING = 1e-9


@dataclass(frozen=True)
class Context:
    """What the checks draw on: the theory, the simulations' data, and the measurements made from them."""

    experiments: Experiments
    data: Mapping[str, xr.Dataset]
    mu: float
    seed: int

    @property
    def theory(self) -> Theory:
        """The derivation under test."""
        return self.experiments.theory

    @cached_property
    def measured(self) -> Measurements:
        """Measurements on the simulations."""
        return Measurements(self.experiments, self.data)

    @cached_property
    def network(self) -> NetworkCheck:
        """Comparisons with torch, which is loaded when the first check asks for it."""
        from analysis.self_stabilization.network import NetworkCheck

        return NetworkCheck(self.theory, self.mu, self.seed)


def claims_about_the_expansion(context: Context) -> list[Claim]:
    """From the loss to two numbers."""
    theory = context.theory
    return [
        Claim(
            "predicted_dynamics",
            "relative to the constrained trajectory v⁺ = v − η[∇²L v + ½(x² − δ²)∇S⊥ + xyu], but for neglected terms",
            PAPER,
            [
                lambda: identity(list(paper_dynamics(theory)), theory.expansion.predicted.step),
                lambda: bounded("autograd", max(context.network.coefficient_errors().values()), below=ROUNDING),
                lambda: agreement("autograd", 3, context.network.remainder_exponent(), absolute=0.05),
            ],
        ),
        Claim(
            "reduced_map",
            "x⁺ = −(1 + ηy)x, y⁺ = y + η(α − βx²/2); with −ηκ₄x³/6 added to x⁺, GD on ½su² − αs + κ₄u⁴/24 exactly",
            f"{PAPER}; damped {HERE}",
            [
                lambda: identity(
                    [-(1 + ETA * EXCESS) * UNSTABLE, EXCESS + ETA * (ALPHA - BETA * UNSTABLE**2 / 2)],
                    theory.cycle.map.step,
                ),
                lambda: identity(theory.seen_from_the_edge(theory.slice_loss).step, theory.exact_slice.map.step),
                lambda: identity(theory.seen_from_the_edge(theory.capped_loss).step, theory.exact_cap.map.step),
                lambda: bounded("simulation", context.measured.slice_error(), below=ROUNDING),
            ],
        ),
    ]


def paper_dynamics(theory: Theory) -> Matrix:
    """The predicted dynamics as the paper writes them, in the frame of the general loss."""
    expansion = theory.expansion
    v = Matrix(expansion.displacement)
    names: dict[str, Symbol] = {symbol.name: symbol for symbol in expansion.objective.parameters}
    x, y = v[0], names["t"] * v[1]
    across = Matrix([0, names["t"], 0])
    curved = Matrix([names["S"] * v[0], names["b"] * v[1], names["c"] * v[2]])
    bent = (x**2 - 2 * names["alpha"] / names["t"] ** 2) / 2 * across + Matrix([x * y, 0, 0])
    return v - ETA * (curved + bent)


def claims_about_the_cycle(context: Context) -> list[Claim]:
    """The continuous limit, what it conserves, and what the map adds."""
    theory, measured = context.theory, context.measured
    conserved = (X**2 - 2 * log(X) - 1 + Y**2) / 2
    return [
        Claim(
            "continuous_limit",
            "X⁺ = X + εXY, Y⁺ = Y + ε(1 − X²): as ε → 0 at fixed εt, Ẋ = XY, Ẏ = 1 − X², with an error of order ε",
            PAPER,
            [
                lambda: identity([X + EPSILON * X * Y, Y + EPSILON * (1 - X**2)], theory.cycle.scaled.step),
                lambda: identity([X * Y, 1 - X**2], list(theory.cycle.limit.values())),
                lambda: agreement("simulation", 1, measured.limit_exponent(), absolute=0.05),
            ],
        ),
        Claim(
            "conserved",
            "the continuous limit conserves h = ½(X² − 2 ln X − 1 + Y²)",
            PAPER,
            [
                lambda: identity(conserved, theory.conserved),
                lambda: identity(0 * X, along_limit(theory)),
                lambda: bounded("simulation", measured.change_along_flow(), below=ROUNDING),
            ],
        ),
        Claim(
            "drift",
            "a step of the map adds ½ε²[(1 + X²)Y² + (1 − X²)²] ≥ 0 to h, so that over a turn h rises by order ε",
            HERE,
            [
                lambda: identity(((1 + X**2) * Y**2 + (1 - X**2) ** 2) / 2, theory.rise),
                lambda: theorem("nonnegative", "nonnegative" if theory.rise.is_nonnegative else "undecided"),
                lambda: agreement("simulation", 1, sum(measured.drift_exponents()) / len(LEVELS), absolute=0.05),
                *_over_levels(lambda level: (measured.drift_by_quadrature(level), measured.drift(level)), 1e-4),
            ],
        ),
        Claim(
            "period",
            "small oscillations take √2 π/ε = 4.4429/ε steps; at any h the period is a quadrature",
            f"{PAPER}; quadrature {HERE}",
            [
                lambda: identity(sqrt(2) * pi, small_period(theory.cycle.limit)),
                lambda: identity(sqrt(2) * pi, theory.turn_limit),
                *_over_levels(
                    lambda level: (
                        float(context.data["cycles"].period.sel(h=level)),
                        measured.in_the_limit(level, "period"),
                    ),
                    1e-5,
                ),
            ],
        ),
        Claim(
            "extremes",
            "on the orbit of level h, X² lies between −W₀(−e^{−1−2h}) and −W₋₁(−e^{−1−2h}), and Y between ±√(2h)",
            HERE,
            [
                lambda: identity(
                    [sqrt(-LambertW(-exp(-1 - 2 * LEVEL), branch)) for branch in (0, -1)], extremes(LEVEL)[X]
                ),
                lambda: identity([-sqrt(2 * LEVEL), sqrt(2 * LEVEL)], extremes(LEVEL)[Y]),
                *_over_levels(
                    lambda level: (value(extremes(LEVEL)[X][1], level), measured.in_the_limit(level, "greatest_x")),
                    1e-4,
                ),
                *_over_levels(
                    lambda level: (value(extremes(LEVEL)[Y][1], level), measured.in_the_limit(level, "greatest_y")),
                    1e-5,
                ),
            ],
        ),
        Claim(
            "means",
            "over a turn the mean of x² is δ² and the mean sharpness is 2/η",
            f"{PAPER}; from the limit {HERE}",
            [
                lambda: identity([X**2, Y], [1 - theory.cycle.limit[Y], diff(log(X), X) * theory.cycle.limit[X]]),
                lambda: agreement("simulation", 1, measured.means[0], relative=0.01),
                lambda: agreement("simulation", 20, measured.means[1], relative=1e-3),
            ],
        ),
        Claim(
            "stages",
            "the cycle goes through progressive sharpening, blowup, self-stabilization and return, in this order",
            PAPER,
            [
                lambda: theorem(
                    _chain([*STAGES.values(), *STAGES.values()][: len(STAGES) + 1]), _chain(order_of_stages(theory))
                ),
                lambda: same(
                    "simulation", "0 stages out of order", f"{out_of_order(measured.stages)} stages out of order"
                ),
            ],
        ),
    ]


def along_limit(theory: Theory) -> Expr:
    """The rate of change of h along the continuous limit."""
    return sum(diff(theory.conserved, variable) * rate for variable, rate in theory.cycle.limit.items())


def order_of_stages(theory: Theory) -> list[str]:
    """The stages in the derived order, once around from progressive sharpening."""
    found = ["progressive sharpening"]
    for _ in STAGES:
        found.append(theory.stage_after.get(found[-1], "undecided"))
    return found


def out_of_order(stages: list[str]) -> int:
    """How often a stage was followed by another than the next."""
    order = list(STAGES.values())
    following = dict(zip(order, [*order[1:], order[0]], strict=True))
    return sum(following[before] != after for before, after in pairwise(stages))


def _chain(stages: Iterable[str]) -> str:
    return " → ".join(stages)


def _over_levels(compare: Callable[[float], tuple[float, float]], relative: float) -> list[Check]:
    """For every level h, simulated, the agreement of what `compare` expects and observes there."""

    def check(level: float) -> Evidence:
        expected, observed = compare(level)
        return agreement("simulation", expected, observed, relative=relative)

    return [partial(check, level) for level in LEVELS]
