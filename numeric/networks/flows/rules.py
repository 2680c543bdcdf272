"""What rules of training do on the average over an oscillation, and where their edge is.

With g the gradient, E its average over the oscillation, b the momentum, N the second moment, and the time in steps:

    gradient descent   θ̇ = −η E g                                        edge of P⁻¹H: 2/η
    heavy ball         b' = βb + E g,  θ' = θ − ηb'                       (2 + 2β)/η
    Nesterov           b' = βb + E g,  θ' = θ − η(E g + βb')              (2 + 2β)/(η(1 + 2β))
    RMSProp            θ̇ = −ηP⁻¹ E g,  Ṅ = c (E g² − N),  P = √N + ε     2/η;   E g² = (∇L)² + diag(HΣH)
    scalar RMSProp     the same                                           2/η;   E‖g‖² = ‖∇L‖² + tr(HΣH)

Where there is momentum the average takes the rule's own steps (`own_steps`), elsewhere it is a flow. **Over m steps**,
of a constant gradient g and from b, either moves by −r P⁻¹(g + what b adds), with the reach r, which is mη without
momentum.

**Which time.** A step from t uses the moment after that step's gradient, so N(t) is this one: it begins at β₂ν +
(1 − β₂)g² with ν what the optimizer has. It is the mean of g²_{t−j} with weights (1 − β₂)β₂ʲ, whose lag is β₂/(1 − β₂)
steps; an N that follows E g² at the rate c = (1 − β₂)/β₂ lags behind by 1/c. (The rate −ln β₂ at which a memory fades
would lag half a step more.)

**What is left out.** A flow follows the gradient at once, where training's steps lag by ℓ = ½: an eigenvalue λ relaxes
at the rate r = ηλ in it, and at −ln(1 − r) = r + ℓr² + … in training. Where the gradient changes by a factor e, the
average is late, or early, by ℓ steps. The correlation of P⁻¹ with the oscillation is of the order of 1 − β₂.
N follows the table's E g², whose first part is (∇L)²: the pull ½∇³L[Σ], which θ̇ and the averages that are told have
beside ∇L, is left out of it, as smaller than diag(HΣH) by ∇³L·∇L/H².

Shapes: θ, g, b (p,); N (p,), (1,), or empty without a second moment. Errors: `BadInput` for an optimizer that is none
of these, or does not move all of θ alike. Source: :cite:t:`cohen2024understanding`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from eos_sym import BadInput
from numeric.networks.forecast.rules import Rule as Linear
from numeric.networks.forecast.rules import rule_of, step_of
from numeric.networks.loss import FlatLoss
from numeric.networks.training.optimizers import GradientDescent, HeavyBall, Nesterov, RMSProp, ScalarRMSProp
from numeric.networks.training.optimizers.formula_optimizer import FormulaOptimizer

Rule = Linear | RMSProp | ScalarRMSProp
LAG = 0.5  # ℓ, in steps, of a flow behind training


@dataclass(frozen=True)
class State:
    """θ, b and N."""

    weights: Tensor
    momentum: Tensor
    moment: Tensor


@dataclass(frozen=True)
class OngoingRule:
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

    @property
    def has_momentum(self) -> bool:
        """Whether the rule keeps a b."""
        return isinstance(self.rule, HeavyBall | Nesterov)

    def start(self, weights: Tensor, gradient: Tensor) -> State:
        """The state at these weights, where training begins or goes on."""
        momentum = torch.zeros_like(weights) if self.momentum is None else self.momentum
        if not isinstance(self.rule, RMSProp):
            return State(weights, momentum, weights[:0])
        gathered = torch.zeros_like(weights) if self.second is None else self.second
        before = State(weights, momentum, self._pooled(gathered, mean=True))
        return self.gathered(before, gradient)

    def moved(self, state: State, gradient: Tensor) -> State:
        """θ' and b' of a step of the rule, with N as it was."""
        if isinstance(self.rule, RMSProp):
            scale = self.scale(state.moment)
            assert scale is not None  # where there is a second moment
            return replace(state, weights=state.weights - self.rule.eta * gradient / scale)
        weights, momentum = step_of(self.rule)(state.weights, state.momentum, gradient)
        return State(weights, momentum, state.moment)

    def gathered(self, state: State, gradient: Tensor) -> State:
        """N after a gradient."""
        if not isinstance(self.rule, RMSProp):
            return state
        beta2 = self.rule.beta2
        return replace(state, moment=beta2 * state.moment + (1 - beta2) * self._pooled(gradient.square()))

    def reach(self, steps: float) -> float:
        """r; parts of a step are of rules without momentum."""
        return -self._after(0.0, 0.0, 1.0, steps) if self.has_momentum else self.rule.eta * steps

    def driven(self, state: State, gradient: Tensor, steps: float) -> Tensor:
        """g + what b adds."""
        if not self.has_momentum:
            return gradient
        after: Tensor = self._after(state.weights, state.momentum, gradient, steps)
        return (state.weights - after) / self.reach(steps)

    def _after(self, weights: Any, momentum: Any, gradient: Any, steps: float) -> Any:
        """θ after steps along a constant gradient, of a rule that is linear."""
        assert not isinstance(self.rule, RMSProp)
        for _ in range(int(steps)):
            weights, momentum = step_of(self.rule)(weights, momentum, gradient)
        return weights

    @cached_property
    def follows(self) -> float:
        """c, 0 without a second moment."""
        return (1 - self.rule.beta2) / self.rule.beta2 if isinstance(self.rule, RMSProp) else 0.0

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


def training_of(optimizer: torch.optim.Optimizer | Rule, loss: FlatLoss) -> OngoingRule:
    """The training that an optimizer of all that the loss is a function of goes on with, or that a rule begins."""
    if isinstance(optimizer, GradientDescent | HeavyBall | Nesterov | RMSProp):
        return OngoingRule(optimizer)
    adaptive = _adaptive_rule(optimizer)
    if adaptive is None:
        return OngoingRule(*rule_of(optimizer, loss))
    kept = [optimizer.state.get(own, {}).get("square_avg") for own in loss.trainable.values()]
    given = [own for group in optimizer.param_groups for own in group["params"]]
    if {*map(id, loss.trainable.values())} - {*map(id, given)}:
        raise BadInput("the optimizer does not move all that is trained: give the one that trains this module")
    if any(one is None for one in kept):
        return OngoingRule(adaptive)
    return OngoingRule(adaptive, second=torch.cat([one.detach().reshape(-1) for one in kept]).double())


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
