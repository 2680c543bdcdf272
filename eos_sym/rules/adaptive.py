"""Adaptive rules, with all of their state: the gradient over the root of a running mean of its square.

    RMSProp   s' = β₂s + (1 − β₂)g²,                             θ' = θ − ηP⁻¹g,    P = √s' + ε
    scalar    s' = β₂s + (1 − β₂)‖g‖²,                           the same, with one number P for all weights
    Adam      the same s',  m' = β₁m + (1 − β₁)g,  t' = t + 1,   θ' = θ − ηP⁻¹m',   P = (1 − β₁ᵗ')(√(s'/(1 − β₂ᵗ')) + ε)

The powers of β₁ and β₂ correct averages that began at 0. P is the preconditioner. With the second moment s held fixed,
and after the start, both are `PreconditionedMomentum`, RMSProp at β = 0: their critical sharpness is that rule's.

Source: T. Tieleman, G. Hinton, Lecture 6.5, 2012; :cite:t:`kingma2015adam`.
"""

from __future__ import annotations

from sympy import Expr, Symbol, sqrt

from eos_sym.rules.optimizers import AVERAGE
from eos_sym.rules.rule import BETA1, BETA2, EPSILON, STEP_SIZE, WrittenRule
from eos_sym.rules.update import GRADIENT, THETA, Norm, Update

SQUARES = Symbol("s", real=True)
COUNT = Symbol("t", integer=True, nonnegative=True)


class RMSProp(WrittenRule):
    """s' = β₂s + (1 − β₂)g², θ' = θ − ηg/(√s' + ε)."""

    @property
    def update(self) -> Update:
        """The formula of the weights and the running means of the squared slopes."""
        after = {SQUARES: BETA2 * SQUARES + (1 - BETA2) * GRADIENT**2}
        step = THETA - STEP_SIZE * GRADIENT / self.preconditioner.xreplace(after)
        return Update({THETA: step, **after}, (STEP_SIZE, BETA2, EPSILON))

    @property
    def preconditioner(self) -> Expr:
        """√s + ε."""
        return sqrt(SQUARES) + EPSILON


class ScalarRMSProp(RMSProp):
    """s' = β₂s + (1 − β₂)‖g‖², θ' = θ − ηg/(√s' + ε)."""

    @property
    def update(self) -> Update:
        """The formula of the weights and the running mean of the squared length of the gradient, the same for all."""
        after = {SQUARES: BETA2 * SQUARES + (1 - BETA2) * Norm(GRADIENT) ** 2}
        step = THETA - STEP_SIZE * GRADIENT / self.preconditioner.xreplace(after)
        return Update({THETA: step, **after}, (STEP_SIZE, BETA2, EPSILON))


class Adam(WrittenRule):
    """θ' = θ − ηP⁻¹m' with the corrected averages of the gradient and of its square, and the count of steps."""

    @property
    def update(self) -> Update:
        """The formula of the weights, both averages, and the count."""
        after = {
            AVERAGE: BETA1 * AVERAGE + (1 - BETA1) * GRADIENT,
            SQUARES: BETA2 * SQUARES + (1 - BETA2) * GRADIENT**2,
            COUNT: COUNT + 1,
        }
        step = THETA - STEP_SIZE * after[AVERAGE] / self.preconditioner.xreplace(after)
        return Update({THETA: step, **after}, (STEP_SIZE, BETA1, BETA2, EPSILON), numbers=(COUNT,))

    @property
    def preconditioner(self) -> Expr:
        """(1 − β₁ᵗ)(√(s/(1 − β₂ᵗ)) + ε)."""
        return (1 - BETA1**COUNT) * (sqrt(SQUARES / (1 - BETA2**COUNT)) + EPSILON)
