"""Linear stability: the multipliers of a fixed point or cycle, and the critical values of a parameter.

`StabilityCondition` keeps Jury margins, never a guess; `stability` has it of a Jacobian, `stability_across` of a
manifold of fixed points; `critical_sharpness` is the edge of a rule on a quadratic,
`stochastic` the stability of SGD in mean square and almost surely, `enclosed` the verdict on a point known up to an
error.
"""

from eos_sym.stability.condition import StabilityCondition
from eos_sym.stability.critical_sharpness import critical_sharpness, critical_step_size
from eos_sym.stability.enclosed import enclosed_verdict
from eos_sym.stability.jury import jury_margins
from eos_sym.stability.multipliers import stability, stability_across, stability_on
from eos_sym.stability.stochastic import (
    almost_sure,
    lyapunov_exponent,
    mean_square,
    mean_square_critical_sharpness,
    mean_square_critical_step_size,
    mean_square_multiplier,
    mean_square_operator,
)

__all__ = [
    "StabilityCondition",
    "almost_sure",
    "critical_sharpness",
    "critical_step_size",
    "enclosed_verdict",
    "jury_margins",
    "lyapunov_exponent",
    "mean_square",
    "mean_square_critical_sharpness",
    "mean_square_critical_step_size",
    "mean_square_multiplier",
    "mean_square_operator",
    "stability",
    "stability_across",
    "stability_on",
]
