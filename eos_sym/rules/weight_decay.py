"""Weight decay, in both forms, of any rule that is written as its formula.

    coupled     the rule on L + ½γ‖θ‖², so with ∇L + γθ for ∇L:    θ' = θ − η(g + γθ)   for gradient descent
    decoupled   the rule's step, and −ηγθ beside it:               θ' = θ − ηg − ηγθ

For gradient descent the two are one; for a rule that scales the gradient or averages it they are not.
Source: :cite:t:`loshchilov2019decoupled`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sympy import Expr

from eos_sym.rules.rule import DECAY, STEP_SIZE, WrittenRule
from eos_sym.rules.update import THETA, GradientAt, LossAt, Norm, Update


@dataclass(frozen=True)
class WeightDecay(WrittenRule):
    """The rule with weight decay γ, ``gamma``."""

    rule: WrittenRule
    coupled: bool

    @property
    def update(self) -> Update:
        """The rule's formula with its gradients or its step changed."""
        plain = self.rule.update
        parameters = (*plain.parameters, DECAY)
        if not self.coupled:
            decayed = plain.step[THETA] - STEP_SIZE * DECAY * THETA
            return replace(plain, step={**plain.step, THETA: decayed}, parameters=parameters)
        return replace(
            plain,
            step={name: _on_penalized_loss(expression) for name, expression in plain.step.items()},
            parameters=parameters,
            gradients={name: _on_penalized_loss(expression) for name, expression in plain.gradients.items()},
        )

    @property
    def preconditioner(self) -> Expr | None:
        """The rule's: weight decay is no part of it."""
        return self.rule.preconditioner


def _on_penalized_loss(expression: Expr) -> Expr:
    """The expression with L + ½γ‖θ‖² for L."""
    return expression.replace(GradientAt, lambda point: GradientAt(point) + DECAY * point).replace(
        LossAt, lambda point: LossAt(point) + DECAY * Norm(point) ** 2 / 2
    )
