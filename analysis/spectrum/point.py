"""The networks whose spectrum is taken, and how they come to the edge.

Gradient descent goes on until the sharpness has been at 2/η for a while; the spectrum is that of a two-step midpoint

    θ* = (θ₀ + 2θ₁ + θ₂)/4,

where the oscillation of period two is averaged out. `Undecided` where it has not come to 0.9 of the edge.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from eos_sym import Undecided
from numeric.compile import Array
from numeric.networks.architectures import FullyConnected
from numeric.networks.curvature import HessianAt, TopEigenpairs, expansion_along
from numeric.networks.curvature.eigen import Operator, Reading
from numeric.networks.curvature.spectrum import Across, SpectralMeasure, extreme_eigenvalues, spectral_measure
from numeric.networks.data import Digits
from numeric.networks.edge.descent import consecutive, descended
from numeric.networks.loss import CRITERIA, FlatLoss

CLASSES = 10
AT_THE_EDGE = 0.9
MEASURED = 60  # products of a measure
RELATIVE = 1e-8  # of the outliers, whose vectors are used


@dataclass(frozen=True)
class Setting:
    """Data, a network, a step size, and how many steps lead to the edge."""

    data: Digits
    network: FullyConnected
    eta: float
    steps: int


SETTINGS = {  # cross-entropy of labels that are easily learned leaves the edge early: half of them are random
    "quick": {
        "mse": Setting(Digits(100), FullyConnected((10,)), 0.8, 100),
    },
    "full": {
        "mse": Setting(Digits(100), FullyConnected((10,)), 0.8, 100),
        "cross_entropy": Setting(Digits(200, noise=0.5), FullyConnected((10,)), 0.8, 240),
    },
}


@dataclass(frozen=True)
class Point:
    """θ*, what stands out there, and η."""

    loss: FlatLoss
    weights: Tensor
    eta: float
    outliers: Reading

    @property
    def sharpness(self) -> float:
        """S."""
        return float(self.outliers.eigenvalues[0])

    @property
    def direction(self) -> Tensor:
        """u."""
        return self.outliers.eigenvectors[:, 0]

    @cached_property
    def ends(self) -> xr.Dataset:
        """The largest and the least eigenvalue, with bounds."""
        return extreme_eigenvalues(HessianAt(self.loss, self.weights), self.weights, relative=1e-4)

    @cached_property
    def pairs(self) -> tuple[Array, Array]:
        """All eigenvalues of the dense Hessian, ascending, and its eigenvectors."""
        values, vectors = np.linalg.eigh(dense(HessianAt(self.loss, self.weights), self.weights))
        return values, vectors

    @cached_property
    def change_across(self) -> Tensor:
        """T⊥, what ∇³L(u,u,·) is across u."""
        return expansion_along(self.loss, self.weights, self.direction).perpendicular

    @cached_property
    def measure(self) -> SpectralMeasure:
        """The spectral measure of T⊥ under H across u."""
        across = Across(HessianAt(self.loss, self.weights), self.outliers.eigenvectors[:, :1])
        return spectral_measure(across, self.change_across, MEASURED)


def dense(operator: Operator, weights: Tensor) -> Array:
    """The matrix itself."""
    matrix = operator.product(torch.eye(len(weights)).to(weights)).numpy()
    return np.asarray((matrix + matrix.T) / 2)


def trained(preset: str, criterion: str, seed: int) -> Point:
    """The network at the edge with one criterion."""
    setting = SETTINGS[preset][criterion]
    data = setting.data.load()
    module = setting.network.build(data, torch.Generator().manual_seed(seed))
    loss = FlatLoss(module, data.inputs, data.targets, CRITERIA[criterion])
    eta = setting.eta
    loss.load(descended(loss, loss.parameters, eta, setting.steps))
    path = consecutive(loss, eta, 3)
    weights = (path[0] + 2 * path[1] + path[2]) / 4
    outliers = TopEigenpairs(CLASSES, relative=RELATIVE).read(HessianAt(loss, weights), weights)
    if not float(outliers.eigenvalues[0]) * eta / 2 > AT_THE_EDGE:
        raise Undecided(f"{criterion}: the sharpness is at {float(outliers.eigenvalues[0]) * eta / 2:.2f} of the edge")
    return Point(loss, weights, eta, outliers)
