"""What is derived of the pair of losses at the minimum x = 1, as functions of the step size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer

from eos_sym import STEP_SIZE, GradientDescent
from eos_sym.losses import sgd_pair
from eos_sym.rules import StochasticGradientDescent
from eos_sym.stability import (
    StabilityCondition,
    almost_sure,
    lyapunov_exponent,
    mean_square,
    mean_square_critical_step_size,
    mean_square_operator,
    stability,
)
from numeric import compile_function

FAMILY = sgd_pair()
(X,) = FAMILY.weights
AT_ONE = {X: Integer(1)}
SGD = StochasticGradientDescent(batch_size=1)


@dataclass(frozen=True)
class Theory:
    """Multipliers of the distance from 1, the conditions for it to shrink, and the step sizes where they fail."""

    gd_multiplier: Expr
    gd_critical: Expr
    multipliers: tuple[Expr, ...]
    second_moment: Expr
    exponent: Expr
    mean_square: StabilityCondition
    mean_square_critical: Expr
    almost_sure: StabilityCondition
    almost_sure_critical: Expr

    def exponent_at(self, step_size: float) -> float:
        """The Lyapunov exponent, −∞ where one of the multipliers is 0."""
        return float(compile_function([self.exponent], (STEP_SIZE,))(step_size)[0])

    def as_report(self) -> Mapping[str, Any]:
        """The derived formulas under the names of the report."""
        return {
            "losses": FAMILY.losses,
            "multiplier_of_gd": self.gd_multiplier,
            "multipliers_of_sgd": self.multipliers,
            "second_moment_multiplier": self.second_moment,
            "lyapunov_exponent": self.exponent,
            "critical_step_size": {
                "gradient_descent": self.gd_critical,
                "sgd_mean_square": self.mean_square_critical,
                "sgd_almost_sure": self.almost_sure_critical,
            },
        }


def derive() -> Theory:
    """The theory of the pair."""
    jacobian = GradientDescent().map(FAMILY.mean).jacobian.subs(AT_ONE)
    typical = almost_sure(SGD, FAMILY, AT_ONE)
    return Theory(
        jacobian[0],
        stability(jacobian).critical_value(STEP_SIZE),
        tuple(step.jacobian.subs(AT_ONE)[0] for step in SGD.maps(FAMILY)),
        mean_square_operator(SGD, FAMILY, AT_ONE)[0],
        lyapunov_exponent(SGD, FAMILY, AT_ONE),
        mean_square(SGD, FAMILY, AT_ONE),
        mean_square_critical_step_size(SGD, FAMILY, AT_ONE),
        typical,
        typical.critical_value(STEP_SIZE),
    )
