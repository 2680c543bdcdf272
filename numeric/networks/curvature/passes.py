"""A loss at one point θ and, by forward passes, at others: what can be had without second derivatives.

    L(θ), ∇L(θ)      by one backward pass, whose graph is not kept
    L(θ')            by a forward pass

both summed over batches, at the memory of one of them, and both counted.

Shapes: θ, θ' and the gradient (p,). Units: `evaluations` is in gradients of the full batch: 1 for the gradient, `PASS`
for a forward pass, which is one matrix product a layer where a gradient is three.
"""

from __future__ import annotations

from torch import Tensor

from numeric.networks.loss import BatchedLoss

PASS = 1 / 3


class GradientAt:
    """The loss and its gradient at one point, and the loss at others; the cost is counted."""

    def __init__(self, loss: BatchedLoss, parameters: Tensor) -> None:
        self.loss, self.point = loss, parameters.detach()
        self.passes = 0
        self._gradients = 0.0
        self._value_and_gradient: tuple[Tensor, Tensor] | None = None

    @property
    def evaluations(self) -> float:
        """What has been computed so far, in gradient evaluations."""
        return self._gradients + PASS * self.passes

    @property
    def value(self) -> Tensor:
        """L(θ), a scalar tensor."""
        return self._at_point()[0]

    @property
    def gradient(self) -> Tensor:
        """∇L(θ), (p,)."""
        return self._at_point()[1]

    def value_at(self, other: Tensor) -> Tensor:
        """L(θ'), a scalar tensor in float64, by a forward pass."""
        self.passes += 1
        return self.loss.value(other)

    def _at_point(self) -> tuple[Tensor, Tensor]:
        """Value and gradient, computed when first asked for."""
        if self._value_and_gradient is None:
            self._gradients += 1
            self._value_and_gradient = self.loss.value_and_gradient(self.point)
        return self._value_and_gradient
