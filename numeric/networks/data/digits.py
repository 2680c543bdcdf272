"""The handwritten digits that scikit-learn ships: 1,797 images of 8×8 pixels in ten classes, without any download.

Inputs (n, 1, 8, 8), or (n, 1, size, size) enlarged; targets one-hot (n, classes). Every pixel is centred, and all are
divided by one number, over all examples of the classes in use, before some are chosen: so the images of a subset are
those of the whole set. The choice is balanced and nested (see `images.balanced`).

Errors: `BadInput` where scikit-learn is not installed. Source: UCI's optical recognition of handwritten digits
(:cite:t:`alpaydin1998optical`), the file behind `sklearn.datasets.load_digits`, read without importing scikit-learn,
which takes as long as importing torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from eos_sym import BadInput
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
        rows = _rows()
        images, labels = rows[:, :-1].view(-1, 1, 8, 8), rows[:, -1].long()
        return class_examples(
            images, labels, examples=self.examples, classes=self.classes, size=self.size, noise=self.noise
        )


@cache
def _rows() -> Tensor:
    """The pixels and the label of every image, (1797, 65)."""
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        raise BadInput("the digits come with scikit-learn: pip install scikit-learn")
    file = Path(package.origin).with_name("datasets") / "data" / "digits.csv.gz"
    return torch.from_numpy(np.loadtxt(file, delimiter=","))
