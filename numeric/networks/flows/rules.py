"""What rules of training do on the average over an oscillation: at what pace they move, and where their edge is.

With g the gradient, E its average over the oscillation, N the second moment, and the time counted in steps:

    θ̇ = −p(t) P⁻¹ E g,    Ṅ = c (E g² − N)

    gradient descent   p = η                          P = 1          edge of P⁻¹H: 2/η
    heavy ball         p → η/(1 − β)                  P = 1          (2 + 2β)/η
    Nesterov           p → η/(1 − β)                  P = 1          (2 + 2β)/(η(1 + 2β))
    RMSProp            p = η,  c = (1 − β₂)/β₂        P = √N + ε     2/η;   E g² = (∇L)² + diag(HΣH)
    scalar RMSProp     p = η,  c = (1 − β₂)/β₂        P = √N + ε     2/η;   E‖g‖² = ‖∇L‖² + tr(HΣH)

**Which time.** A step from t uses the moment after that step's gradient, so N(t) is this one: it begins at β₂ν +
(1 − β₂)g² with ν what the optimizer has. It is the mean of g²_{t−j} with weights (1 − β₂)β₂ʲ, whose lag is β₂/(1 − β₂)
steps; an N that follows E g² at the rate c lags behind by 1/c. (The rate −ln β₂ at which a memory fades would lag half
a step more.) Likewise the t-th step since momentum began with b = 0 moves by η(1 − βᵗ)/(1 − β) along a constant
gradient, by η(1 − βᵗ⁺¹)/(1 − β) with Nesterov's rule: the pace p(t) is that, on the average over a step of the flow. An
optimizer that has gathered momentum is taken to have gathered that of its average, b = E g/(1 − β).

**What is left out.** The average follows the gradient at once, where training's lags by ℓ = ½ + β/(1 − β) steps: an
eigenvalue λ relaxes at the rate r = ηλ/(1 − β) here, and at r + ℓr² + … there, the first terms of −ln z with z the slow
root of (z − 1)(z − β) + ηλz = 0. (That of gradient descent is −ln(1 − r).) Where the gradient changes by a factor e,
the average is late, or early, by ℓ steps. The correlation of P⁻¹ with the oscillation is of the order of 1 − β₂.
N follows the table's E g², whose first part is (∇L)²: the pull ½∇³L[Σ], which θ̇ and the averages that are told have
beside ∇L, is left out of it, as smaller than diag(HΣH) by ∇³L·∇L/H².

Shapes: θ, g (p,); N (p,), (1,), or empty without a second moment. Errors: `BadInput` for an optimizer that is none of
these, or does not move all of θ alike. Source: :cite:t:`cohen2024understanding`; momentum is derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from eos_sym import BadInput
from numeric.networks.forecast.rules import Rule as Linear
from numeric.networks.forecast.rules import rule_of
from numeric.networks.loss import FlatLoss
from numeric.networks.training.optimizers import GradientDescent, HeavyBall, Nesterov, RMSProp, ScalarRMSProp
from numeric.networks.training.optimizers.formula_optimizer import FormulaOptimizer

Rule = Linear | RMSProp | ScalarRMSProp


@dataclass(frozen=True)
class Training:
    """A rule, and what an optimizer has gathered by it: momentum b and second moment ν, both (p,), if it has."""

    rule: Rule
    momentum: Tensor | None = None
    second: Tensor | None = None

    @property
    def edge(self) -> float:
        """The critical λ of P⁻¹H."""
        critical = self.rule.critical_sharpness
        assert critical is not None  # theirs is known
        return critical

    def pace(self, time: float, h: float) -> float:
        """p, on the average from a time on for a duration h."""
        if not isinstance(self.rule, HeavyBall | Nesterov):
            return self.rule.eta
        beta = self.rule.momentum
        lag = beta ** (2 if isinstance(self.rule, Nesterov) else 1) / (1 - beta)
        began = 1.0 if self.momentum is not None else 1 - lag * beta**time * (1 - beta**h) / h
        return self.rule.eta / (1 - beta) * began

    @property
    def lag(self) -> float:
        """ℓ, in steps."""
        beta = self.rule.momentum if isinstance(self.rule, HeavyBall | Nesterov) else 0.0
        return 0.5 + beta / (1 - beta)

    @cached_property
    def follows(self) -> float:
        """c, 0 without a second moment."""
        return (1 - self.rule.beta2) / self.rule.beta2 if isinstance(self.rule, RMSProp) else 0.0

    def moment(self, gradient: Tensor) -> Tensor:
        """N at the start, with the gradient there."""
        if not isinstance(self.rule, RMSProp):
            return gradient[:0]
        gathered = torch.zeros_like(gradient) if self.second is None else self.second
        after = self.rule.beta2 * self._pooled(gathered, mean=True)
        return after + (1 - self.rule.beta2) * self._pooled(gradient.square())

    def moment_rate(self, moment: Tensor, squares: Tensor) -> Tensor:
        """Ṅ with E g² by its components, (p,)."""
        return self.follows * (self._pooled(squares) - moment) if len(moment) else moment

    def scale(self, moment: Tensor) -> Tensor | None:
        """P of the shape of N; None if it is 1."""
        return moment.clamp_min(0).sqrt() + self.rule.epsilon if isinstance(self.rule, RMSProp) else None

    def _pooled(self, components: Tensor, *, mean: bool = False) -> Tensor:
        """What the second moment is made of: the components, or their sum."""
        if not isinstance(self.rule, ScalarRMSProp):
            return components
        return (components.mean() if mean else components.sum()).reshape(1)


def training_of(optimizer: torch.optim.Optimizer | Rule, loss: FlatLoss) -> Training:
    """The training that an optimizer of all that the loss is a function of goes on with, or that a rule begins."""
    if isinstance(optimizer, GradientDescent | HeavyBall | Nesterov | RMSProp):
        return Training(optimizer)
    adaptive = _adaptive_rule(optimizer)
    if adaptive is None:
        return Training(*rule_of(optimizer, loss))
    kept = [optimizer.state.get(own, {}).get("square_avg") for own in loss.trainable.values()]
    given = [own for group in optimizer.param_groups for own in group["params"]]
    if {*map(id, loss.trainable.values())} - {*map(id, given)}:
        raise BadInput("the optimizer does not move all that is trained: give the one that trains this module")
    if any(one is None for one in kept):
        return Training(adaptive)
    return Training(adaptive, second=torch.cat([one.detach().reshape(-1) for one in kept]).double())


def _adaptive_rule(optimizer: torch.optim.Optimizer) -> RMSProp | None:
    """RMSProp, or the scalar one, if the optimizer is that."""
    if isinstance(optimizer, FormulaOptimizer):
        for kind in (RMSProp, ScalarRMSProp):
            if optimizer.update == kind.formula.update:
                return kind(**optimizer.values)
        return None
    if not isinstance(optimizer, torch.optim.RMSprop):
        return None
    plain = ("momentum", "centered", "weight_decay", "maximize")
    settings = {(group["lr"], group["alpha"], group["eps"]) for group in optimizer.param_groups}
    if len(settings) > 1 or any(group[name] for group in optimizer.param_groups for name in plain):
        raise BadInput(
            "the average of RMSprop is known with one lr, alpha and eps, without momentum, centering or weight decay"
        )
    ((eta, beta2, epsilon),) = settings
    return RMSProp(eta=eta, beta2=beta2, epsilon=epsilon)
