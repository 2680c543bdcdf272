"""The rules of `eos_sym.rules` for networks: descriptions that build a torch optimizer and know its critical sharpness.

    GradientDescent             θ' = θ − ηg                                   torch.optim.SGD
    HeavyBall                   v' = βv − ηg,  θ' = θ + v'                    torch.optim.SGD, which holds −v/η
    Nesterov                    w' = w − η(g + βb'),  b' = βb + g             torch.optim.SGD, see below
    NormalizedGradientDescent   θ' = θ − ηg/‖g‖                               ‖·‖ over all parameters together
    RootLossGradientDescent     θ' = θ − ηg/(2√L)
    RMSProp                     s' = β₂s + (1 − β₂)g²,  θ' = θ − ηP⁻¹g,  P = √s' + ε           torch.optim.RMSprop
    Adam                        the same s', m' = β₁m + (1 − β₁)g,  θ' = θ − ηP⁻¹m'/(1 − β₁ᵗ),
                                P = √(s'/(1 − β₂ᵗ)) + ε                                        torch.optim.Adam

Nesterov's rule in eos_sym has the iterates θ and takes the gradient at w = θ + βv; torch's has the points w for its
iterates, where the gradient is taken, with b = −v/η. So torch's weights are θ_t + βv_t in terms of eos_sym's; at v = 0,
the start, and at fixed points the two agree, and so do multipliers and thresholds. Stochastic gradient descent is
gradient descent on mini-batches: the experiment's `batch_size`.

`critical_sharpness` is the curvature beyond which the rule is unstable, from eos_sym's derivation; of P⁻¹∇²L for
RMSProp and Adam, whose P is taken as fixed; None for the two rules that have none. Where g = 0 the two rules divided by
its size or by √L stay in place.

Errors: `BadInput` for a step size that is not positive, coefficients outside [0, 1) and an ε that is not positive.
Sources: :cite:t:`cohen2021edge`, appendix B, for the momentum rules; :cite:t:`cohen2022adaptive` for P⁻¹∇²L.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from eos_sym import BadInput
from eos_sym.rules import optimizers as rules
from eos_sym.stability import critical_sharpness
from numeric.values import positive_number, real_number


class Rule(Protocol):
    """A description of an optimizer: a frozen dataclass of numbers, so that it can be stored and compared."""

    @property
    def eta(self) -> float:
        """The step size."""

    @property
    def critical_sharpness(self) -> float | None:
        """The sharpness beyond which the rule is unstable; None if it has none."""

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """The optimizer; its `step` is given a function that returns the loss the gradient was taken of."""


@dataclass(frozen=True)
class _WithStepSize:
    """What the descriptions share: a step size, and the ranges of all numbers."""

    eta: float

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in ("eta", "epsilon"):
                positive_number(field.name, value)
            elif not 0 <= real_number(field.name, value) < 1:
                raise BadInput(f"{field.name} = {value}: must be 0 or more and less than 1")


@dataclass(frozen=True)
class GradientDescent(_WithStepSize):
    """θ' = θ − ηg."""

    @property
    def critical_sharpness(self) -> float:
        """2/η."""
        return _critical(rules.GradientDescent, self.eta)

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """torch's SGD."""
        return torch.optim.SGD(parameters, lr=self.eta)


@dataclass(frozen=True)
class HeavyBall(_WithStepSize):
    """v' = βv − ηg, θ' = θ + v'."""

    momentum: float

    @property
    def critical_sharpness(self) -> float:
        """2(1 + β)/η."""
        return _critical(rules.HeavyBall, self.eta, self.momentum)

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """torch's SGD with momentum."""
        return torch.optim.SGD(parameters, lr=self.eta, momentum=self.momentum)


@dataclass(frozen=True)
class Nesterov(_WithStepSize):
    """θ' = θ + v', v' = βv − η∇L(θ + βv), by the points θ + βv."""

    momentum: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.momentum == 0:
            raise BadInput("momentum = 0: torch has no Nesterov rule without momentum; use GradientDescent")

    @property
    def critical_sharpness(self) -> float:
        """2(1 + β)/(η(1 + 2β))."""
        return _critical(rules.Nesterov, self.eta, self.momentum)

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """torch's SGD with Nesterov's momentum."""
        return torch.optim.SGD(parameters, lr=self.eta, momentum=self.momentum, nesterov=True)


@dataclass(frozen=True)
class NormalizedGradientDescent(_WithStepSize):
    """θ' = θ − ηg/‖g‖."""

    @property
    def critical_sharpness(self) -> None:
        """None: it converges on no quadratic."""

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Gradient descent with steps of length η."""
        return ScaledDescent(parameters, self.eta, lambda gradients, _: _norm(gradients))


@dataclass(frozen=True)
class RootLossGradientDescent(_WithStepSize):
    """θ' = θ − η∇√L = θ − ηg/(2√L)."""

    @property
    def critical_sharpness(self) -> None:
        """None: √L has a kink at a minimum of loss 0."""

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Gradient descent on √L; its `step` needs the function that returns the loss."""
        return ScaledDescent(parameters, self.eta, lambda _, loss: 2 * _loss_of(loss).sqrt())


@dataclass(frozen=True)
class RMSProp(_WithStepSize):
    """θ' = θ − ηg/(√s' + ε)."""

    beta2: float = 0.99
    epsilon: float = 1e-8

    @property
    def critical_sharpness(self) -> float:
        """2/η, of P⁻¹∇²L."""
        return _critical(rules.PreconditionedMomentum, self.eta, 0.0)

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """torch's RMSprop."""
        return torch.optim.RMSprop(parameters, lr=self.eta, alpha=self.beta2, eps=self.epsilon)


@dataclass(frozen=True)
class Adam(_WithStepSize):
    """θ' = θ − ηP⁻¹m'/(1 − β₁ᵗ)."""

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    @property
    def critical_sharpness(self) -> float:
        """2(1 + β₁)/(η(1 − β₁)), of P⁻¹∇²L, after the start: 38/η at β₁ = 0.9."""
        return _critical(rules.PreconditionedMomentum, self.eta, self.beta1)

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """torch's Adam."""
        return torch.optim.Adam(parameters, lr=self.eta, betas=(self.beta1, self.beta2), eps=self.epsilon)


class ScaledDescent(torch.optim.Optimizer):
    """θ' = θ − ηg/s, where s is one number for all parameters: a function of the gradients and of the loss."""

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        eta: float,
        scale: Callable[[list[Tensor], Tensor | None], Tensor],
    ) -> None:
        super().__init__(parameters, {"lr": eta})
        self.scale = scale

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step along the gradients that the parameters hold; `closure` returns the loss they were taken of."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        moving = [(p, group["lr"]) for group in self.param_groups for p in group["params"] if p.grad is not None]
        gradients = [parameter.grad for parameter, _ in moving]
        scale = self.scale(gradients, loss)
        inverse = 1 / scale.clamp_min(torch.finfo(scale.dtype).tiny)  # at 0 all gradients are 0
        for (parameter, eta), slope in zip(moving, gradients, strict=True):
            parameter.sub_(slope * (eta * inverse))
        return loss


def _norm(gradients: list[Tensor]) -> Tensor:
    """The norm of all gradients as one vector."""
    norm: Tensor = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(slope) for slope in gradients]))
    return norm


def _loss_of(loss: Tensor | None) -> Tensor:
    if loss is None:
        raise BadInput("gradient descent on √L: give step() a function that returns the loss")
    return loss.detach()


@cache
def _formula(rule: Callable[[], rules.Rule]) -> Any:
    return critical_sharpness(rule())


def _critical(rule: Callable[[], rules.Rule], eta: float, momentum: float = 0.0) -> float:
    """The critical sharpness at these values."""
    return float(_formula(rule).subs({rules.STEP_SIZE: eta, rules.MOMENTUM: momentum}))
