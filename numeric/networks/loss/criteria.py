"""The criteria of the field's experiments: means over examples, of the shapes (n, outputs) for outputs and targets.

    mse             (1/n) Σ ½ ‖f(xᵢ) − yᵢ‖²        targets are values, or one-hot rows for classes
    cross_entropy   −(1/n) Σ ⟨yᵢ, log softmax f(xᵢ)⟩  targets are one-hot rows, or probabilities

Source: :cite:t:`cohen2021edge` for both normalizations. `CRITERIA` holds them by the names they have on the command
line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from torch import Tensor
from torch.nn import functional

from eos_sym import BadInput


def half_squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """The mean over examples of ½ ‖output − target‖²; both of the same shape (n, outputs)."""
    _check_shapes(outputs, targets)
    return 0.5 * (outputs - targets).square().sum() / len(outputs)


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """The mean over examples of the cross-entropy of softmax(output) against the target's probabilities."""
    _check_shapes(outputs, targets)
    return functional.cross_entropy(outputs, targets)


def accuracy(outputs: Tensor, targets: Tensor) -> float:
    """The share of examples whose largest output is that of their one-hot target."""
    return float((outputs.argmax(1) == targets.argmax(1)).double().mean())


def _check_shapes(outputs: Tensor, targets: Tensor) -> None:
    if outputs.shape != targets.shape:
        raise BadInput(f"outputs {tuple(outputs.shape)} and targets {tuple(targets.shape)} differ in shape")


CRITERIA: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {"mse": half_squared_error, "cross_entropy": cross_entropy}
)
