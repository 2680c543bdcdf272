"""A 64–200–200–10 tanh network on scikit-learn's digits at the edge of stability, and its true sharpness.

Gradient descent on the mean of ½‖f(x) − y‖², η = 0.1, float32, inputs of mean 0 and variance 1 over all pixels. The
edge 2/η = 20 is reached near step 1100. Truth: the float64 Hessian at the same weights, scipy's eigsh with k = 2 to a
residual of 1e-5, an error near 1e-9, started from the last truth and a random vector.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from sklearn.datasets import load_digits
from torch import Tensor, nn

from numeric.networks.curvature import HessianAt
from numeric.networks.data.examples import one_hot
from numeric.networks.loss import FlatLoss, half_squared_error

ETA = 0.1


def digits_loss(dtype: torch.dtype, width: int = 200, examples: int | None = None) -> FlatLoss:
    """The loss of the network from one seed, in a precision, of the first examples; all if not said."""
    images, labels = load_digits(return_X_y=True)
    inputs = torch.as_tensor(images, dtype=torch.float64)
    inputs = (inputs - inputs.mean(0)) / (inputs - inputs.mean(0)).std()
    torch.manual_seed(0)
    layers = (nn.Linear(64, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 10))
    network, targets = nn.Sequential(*layers).to(dtype), one_hot(torch.as_tensor(labels), 10)
    return FlatLoss(network, inputs.to(dtype)[:examples], targets.to(dtype)[:examples], half_squared_error)


def points(loss: FlatLoss, start: int, every: int, readings: int) -> Iterator[Tensor]:
    """The weights at every so many steps from the start on."""
    weights = loss.parameters
    for step in range(start + every * (readings - 1) + 1):
        if step >= start and (step - start) % every == 0:
            yield weights.clone()
        weights = weights - ETA * loss.value_and_gradient(weights)[1]


class Truth:
    """The true sharpness at weights, one after another."""

    def __init__(self) -> None:
        self.loss = digits_loss(torch.float64)
        self.random = np.random.default_rng(0)
        self.vector: np.ndarray | None = None

    def sharpness(self, weights: Tensor) -> float:
        """λ₁ of the float64 Hessian."""
        hessian, p = HessianAt(self.loss, weights.double()), len(weights)
        operator = LinearOperator(
            (p, p), matvec=lambda v: hessian.product(torch.from_numpy(v.reshape(-1, 1)))[:, 0].numpy(), dtype=np.float64
        )
        start = self.random.standard_normal(p) / np.sqrt(p)
        if self.vector is not None:
            start = self.vector + 0.1 * start
        values, vectors = eigsh(operator, k=2, which="LA", v0=start, tol=1e-5)
        self.vector = vectors @ np.ones(2)
        return float(values[-1])
