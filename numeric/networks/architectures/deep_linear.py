"""Deep linear networks: f(v) = W_d … W₂ W₁ v, without biases.

Inputs (n, …) are flattened, outputs (n, widths[-1]). Errors: `BadInput` for fewer than two widths or a width below 1,
and for a wrong number of gains. Source: :cite:t:`cohen2021edge` train one of 20 layers of 50, Xavier normal, on
`Spectrum` with 50 eigenvalues 1: ``DeepLinearNetwork((50,) * 19, XavierNormal((1.0,) * 20))``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from eos_sym import BadInput
from numeric.networks.architectures.initialization import TORCH_DEFAULT, Initialization, initialize
from numeric.networks.architectures.layers import check_widths, linear
from numeric.networks.data.examples import Examples


class DeepLinear(nn.Module):
    """A chain of linear layers in float64; ``DeepLinear([1, 1, 1, 1, 1])`` has depth 4 and width 1."""

    def __init__(
        self,
        widths: Sequence[int],
        initialization: Initialization = TORCH_DEFAULT,
        generator: torch.Generator = torch.default_generator,
    ) -> None:
        super().__init__()
        if len(widths) < 2 or min(widths) < 1:
            raise BadInput(f"widths = {list(widths)}: give at least an input and an output width, each 1 or more")
        layers = [linear(a, b, bias=False) for a, b in pairwise(widths)]
        initialize([*layers], initialization, generator)
        self.layers = nn.Sequential(*layers)

    def forward(self, inputs: Tensor) -> Tensor:
        """The network's outputs, (n, widths[-1])."""
        outputs: Tensor = self.layers(inputs.flatten(1))
        return outputs


@dataclass(frozen=True)
class DeepLinearNetwork:
    """Layers between the inputs, the hidden widths and the outputs: one more than there are widths."""

    widths: tuple[int, ...]
    initialization: Initialization = TORCH_DEFAULT

    def __post_init__(self) -> None:
        check_widths("widths", self.widths)

    def build(self, examples: Examples, generator: torch.Generator) -> DeepLinear:
        """The network for these examples."""
        widths = (examples.inputs[0].numel(), *self.widths, examples.outputs)
        return DeepLinear(widths, self.initialization, generator)
