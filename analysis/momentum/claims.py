"""A claim for every row of the table: derived, typed in, simulated on both sides, repeated by torch."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product

import numpy as np
import xarray as xr
from eos_sym.stability.stochastic import BATCH_SIZE, EXAMPLES, RELATIVE_SPREAD
from sympy import Expr, Rational, sqrt

from analysis.claim import Claim, Evidence, bounded, identity, same
from analysis.momentum.experiments import FAMILY_SIDES, NORMALIZED, torch_growth
from eos_sym import STEP_SIZE, Undecided
from eos_sym.rules import MOMENTUM, RADIUS, RULES
from eos_sym.stability import critical_sharpness

eta, beta, rho = STEP_SIZE, MOMENTUM, RADIUS
TABLE: Mapping[str, tuple[Expr, str, str]] = {
    "gradient_descent": (2 / eta, "gradient descent: 2/η", "Cohen et al. 2021"),
    "heavy_ball": ((2 + 2 * beta) / eta, "heavy ball: (2 + 2β)/η", "Cohen et al. 2021"),
    "nesterov": ((2 + 2 * beta) / (eta * (1 + 2 * beta)), "Nesterov: (2 + 2β)/(η(1 + 2β))", "Cohen et al. 2021"),
    "preconditioned_momentum": (
        (2 + 2 * beta) / (eta * (1 - beta)),
        "averaged gradient, frozen preconditioner (Adam): λ₁(P⁻¹H) = (2 + 2β)/(η(1 − β))",
        "Cohen et al. 2022",
    ),
    "sam_unnormalized": (
        (sqrt(1 + 8 * rho / eta) - 1) / (2 * rho),
        "SAM, unnormalized: (√(1 + 8ρ/η) − 1)/(2ρ)",
        "Long, Bartlett 2024, with ρ for ρ/‖∇L‖",
    ),
}
RULE_NAMES = tuple(TABLE)
TORCH_SIDES = (0.98, 1.02)
TORCH_RATIOS = (0.1, 1.0)  # ρ/η
BISECTION_ERROR = 1e-3
GROWTH_TESTED = (0.95, 1.05)


def claims(
    critical: Mapping[str, Expr],
    stochastic: Expr,
    step_sizes: Sequence[Fraction],
    momenta: Sequence[Fraction],
    data: Mapping[str, xr.Dataset],
) -> list[Claim]:
    """The rows of the table, the rules that have none, and SGD."""
    rows = [_row(name, critical[name], step_sizes, momenta, data) for name in RULE_NAMES]
    return [*rows, _normalized(data["normalized_rules"]), _stochastic(stochastic, data["sgd"])]


def _row(
    name: str,
    derived: Expr,
    step_sizes: Sequence[Fraction],
    momenta: Sequence[Fraction],
    data: Mapping[str, xr.Dataset],
) -> Claim:
    formula, statement, source = TABLE[name]
    outcomes = data["sides"][name]
    error = float(abs(data["boundaries"][name] - 1).max())

    def simulated() -> Evidence:
        found = (",".join(np.unique(outcomes.sel(side=side))) for side in ("below", "above"))
        return same("simulation", "converged, diverged", ", ".join(found))

    def with_torch() -> Evidence:
        found = {_torch_pattern(name, derived, *pair) for pair in _torch_parameters(name, step_sizes, momenta)}
        return same("autograd", "shrinks, grows", "; ".join(sorted(found)))

    return Claim(
        name,
        f"critical sharpness of {statement}",
        source,
        [
            lambda: identity(formula, derived),
            simulated,
            lambda: bounded("simulation", error, below=BISECTION_ERROR),
            with_torch,
        ],
    )


def _torch_parameters(
    name: str, step_sizes: Sequence[Fraction], momenta: Sequence[Fraction]
) -> list[tuple[Fraction, Fraction]]:
    """The first step size with all momentum coefficients; all step sizes with radii for SAM, and alone for GD."""
    if name == "gradient_descent":
        return [(step_size, Fraction(0)) for step_size in step_sizes]
    if name == "sam_unnormalized":
        return [(step_size, Fraction(ratio) * step_size) for step_size, ratio in product(step_sizes, TORCH_RATIOS)]
    return list(product(step_sizes[:1], momenta))


def _torch_pattern(name: str, derived: Expr, step_size: Fraction, parameter: Fraction) -> str:
    """Whether torch's iterates shrink or grow, 2 % below and above the derived sharpness."""
    values = {eta: Rational(step_size), beta: Rational(parameter), rho: Rational(parameter)}
    edge = float(derived.subs(values))
    return ", ".join(torch_growth(name, float(step_size), float(parameter), side * edge) for side in TORCH_SIDES)


def _normalized(outcomes: xr.Dataset) -> Claim:
    def reason(name: str) -> Evidence:
        wanted = "the critical sharpness: the rule is not differentiable at a minimum"
        try:
            found = str(critical_sharpness(RULES[name]))
        except Undecided as undecided:
            found = str(undecided)
        return same("symbolic", wanted, found)  # that they oscillate is seen in runs

    def simulated() -> Evidence:
        found = {str(outcome) for name in NORMALIZED for outcome in outcomes[name].values}
        return same("simulation", "periodic", ", ".join(sorted(found)))

    return Claim(
        "normalized",
        "normalized GD, GD on √L and normalized SAM have no critical sharpness: they oscillate at any, below 2/η too",
        "Arora, Li, Panigrahi 2022; Bartlett, Long, Bousquet 2023",
        [*(functools.partial(reason, name) for name in NORMALIZED), simulated],
    )


def _stochastic(derived: Expr, rates: xr.Dataset) -> Claim:
    spread_term = RELATIVE_SPREAD**2 * (EXAMPLES - BATCH_SIZE) / (BATCH_SIZE * (EXAMPLES - 1))

    def directions() -> str:
        tested = rates.rate.sel(relative=list(GROWTH_TESTED)).values
        found = {", ".join("grows" if rate > 0 else "shrinks" for rate in pair) for pair in tested}
        return "; ".join(sorted(found))

    error = abs(rates.measured / rates.derived - 1).max()
    return Claim(
        "sgd_mean_square",
        "critical mean sharpness of SGD, mean square, one weight: 2/(η(1 + ν²(n−B)/(B(n−1))))",
        "Wu, Ma, E 2018",
        [
            lambda: identity(2 / (eta * (1 + spread_term)), derived),
            lambda: same("simulation", "shrinks, grows", directions()),
            lambda: bounded("simulation", float(error), below=(FAMILY_SIDES[-1] - 1) / 5),
        ],
    )
