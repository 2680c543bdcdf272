"""The handwritten digits that scikit-learn ships: 1,797 images of 8×8 pixels in ten classes, without any download.

Inputs (n, 1, 8, 8), or (n, 1, size, size) enlarged; targets one-hot (n, classes). Every pixel is centred, and all are
divided by one number, over all examples of the classes in use, before some are chosen: so the images of a subset are
those of the whole set. The choice is balanced and nested (see `images.balanced`). Source: UCI's optical recognition of
handwritten digits, through `sklearn.datasets.load_digits`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from numeric.networks.data.examples import Examples
from numeric.networks.data.images import class_examples


@dataclass(frozen=True)
class Digits:
    """The digits 0 … classes − 1; `examples` of them, or all; enlarged to `size` pixels a side, or not.

    `noise` is the share of the labels that are drawn at random, which makes the task harder.
    """

    examples: int | None = None
    classes: int = 10
    size: int | None = None
    noise: float = 0.0

    def load(self) -> Examples:
        """Images (n, 1, height, width) and one-hot targets (n, classes)."""
        from sklearn.datasets import load_digits  # here, as it takes as long to import as torch

        digits = load_digits()
        images, labels = torch.from_numpy(digits.images)[:, None], torch.from_numpy(digits.target).long()
        return class_examples(
            images, labels, examples=self.examples, classes=self.classes, size=self.size, noise=self.noise
        )
