"""What a description of a network can do: build the module for given examples, with every draw from one generator.

A new architecture is a frozen dataclass of numbers, texts and tuples with one method `build`. It reads the sizes of
inputs and outputs from the examples, makes its layers with `layers`, and returns a module in float64 that maps inputs
(n, …) to outputs (n, examples.outputs).
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import nn

from numeric.networks.data.examples import Examples


class Architecture(Protocol):
    """A description of a network: a frozen dataclass, so that it can be stored and compared."""

    def build(self, examples: Examples, generator: torch.Generator) -> nn.Module:
        """A network for these examples, in float64, its initial weights drawn from the generator alone."""
