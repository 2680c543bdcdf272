"""Two classes of images with the labels ±1, and a network for them; in the space that the images span.

    Signed          one target y = ±1 for the two of a one-hot row
    InSpan          X = C Vᵀ, with V an orthonormal basis of the span of the inputs: C in place of X
    OnSpan          W₁V in place of the first layer's W₁

Gradient descent moves W₁ within the span alone, so that with C and W₁V every loss, and every derivative of it, is what
it is with X and W₁, of 50 images with a sixtieth of the weights. The loss is flat along what is left out.

Shapes: inputs (n, rank), targets (n, 1).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from numeric.networks.architectures import FullyConnected
from numeric.networks.data import DataSet, Examples

RANK = 1e-9  # of the largest singular value: what is less is rounding


@dataclass(frozen=True)
class Signed:
    """The examples of two classes, the first +1 and the second −1."""

    data: DataSet

    def load(self) -> Examples:
        """The same inputs, targets (n, 1)."""
        examples = self.data.load()
        return Examples(examples.inputs, examples.targets[:, :1] - examples.targets[:, 1:], classes=False)


@dataclass(frozen=True)
class InSpan:
    """The examples in coordinates of the space that their inputs span."""

    data: DataSet

    def load(self) -> Examples:
        """Inputs (n, rank), with the same inner products."""
        examples = self.data.load()
        return Examples(examples.inputs.flatten(1) @ self.basis(), examples.targets, examples.classes)

    def basis(self) -> Tensor:
        """V, (inputs, rank)."""
        _, sizes, basis = torch.linalg.svd(self.data.load().inputs.flatten(1), full_matrices=False)
        spanned: Tensor = basis[sizes > RANK * sizes[0]].T
        return spanned


@dataclass(frozen=True)
class OnSpan:
    """The network that would be built for the examples themselves, on their coordinates."""

    network: FullyConnected
    data: InSpan

    def build(self, examples: Examples, generator: torch.Generator) -> nn.Sequential:
        """The network, its first layer folded with the basis."""
        module = self.network.build(self.data.data.load(), generator)
        first = next(layer for layer in module if isinstance(layer, nn.Linear))
        folded = first.weight.data @ self.data.basis()
        first.weight, first.in_features = nn.Parameter(folded), folded.shape[1]
        return module
