"""What becomes of the distance from the minimum 1: its multipliers under GD and SGD, and their averages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sympy import Integer, log

from eos_sym import STEP_SIZE, GradientDescent
from eos_sym.losses import sgd_pair
from eos_sym.rules import StochasticGradientDescent
from eos_sym.stability import (
    almost_sure,
    lyapunov_exponent,
    mean_square,
    mean_square_critical_step_size,
    mean_square_operator,
    stability,
)
from numeric import CompiledFunction, compile_function

FAMILY = sgd_pair()
(X,) = FAMILY.weights
AT_ONE = {X: Integer(1)}
SGD = StochasticGradientDescent(batch_size=1)
SHRINKS = {"mean square": mean_square(SGD, FAMILY, AT_ONE), "almost sure": almost_sure(SGD, FAMILY, AT_ONE)}


def derived() -> Mapping[str, Any]:
    """Multipliers and averages as formulas in η, and the step sizes beyond which the distance grows."""
    gd = GradientDescent().map(FAMILY.mean).jacobian.subs(AT_ONE)
    return {
        "losses": FAMILY.losses,
        "multiplier_of_gd": gd[0],
        "multipliers_of_sgd": [step.jacobian.subs(AT_ONE)[0] for step in SGD.maps(FAMILY)],
        "second_moment_multiplier": mean_square_operator(SGD, FAMILY, AT_ONE)[0],
        "lyapunov_exponent": lyapunov_exponent(SGD, FAMILY, AT_ONE),
        "critical_step_size": {
            "gradient_descent": stability(gd).critical_value(STEP_SIZE),
            "sgd_mean_square": mean_square_critical_step_size(SGD, FAMILY, AT_ONE),
            "sgd_almost_sure": SHRINKS["almost sure"].critical_value(STEP_SIZE),
        },
    }


def rates(derived: Mapping[str, Any]) -> CompiledFunction:
    """Growth per step against η: E log|m| of the typical distance, −∞ where an m is 0, and ½ log E m² of its square."""
    return compile_function([derived["lyapunov_exponent"], log(derived["second_moment_multiplier"]) / 2], (STEP_SIZE,))
