"""F, the model in function space: outputs linear across u, exact along it, and the loss of them exact.

    f(x, z) = f(Ux) + J(Ux) z,    V(x, z) = ℓ(f(x, z)),    z ⊥ u,

U x = θ̄ + x u. V is bounded below as ℓ is, so that residuals and drive decay as they should; ∇³L(u,u,·) enters through
the change of J along u. f(Ux) and J(Ux) are polynomials of degree 6 through their values at seven Chebyshev points of
|x| ≤ R, the reach, which belongs where the predicted peak needs it. z is followed in the span of those Jacobians, which
is where gradient descent on V stays.

Shapes: values (7, k), Jacobians (7, k, m) with z (m,), in powers of x/R. Units: those of the loss and the weights.
Source: derived for this project.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.func import grad, jacrev, vmap

from numeric.networks.edge.terminal.frame import Frame, orthonormal_rows

NODES = 7
AT_REST = 3e-8  # |∇V|
REACH, LEAST, FARTHEST = 0.3, 0.05, 2.0  # of a model for a peak that is not known; bounds
BEYOND = 1.3  # reach over predicted peak
NEGLIGIBLE = 1e-6  # singular values of the Jacobians, in parts of the largest


@dataclass(frozen=True)
class FunctionSpaceModel:
    """The polynomials, the criterion, and the start; many models are stacked along a first dimension."""

    criterion: Callable[[Tensor, Tensor], Tensor]
    targets: Tensor
    eta: Tensor
    x: Tensor
    z: Tensor
    reach: Tensor
    values: Tensor
    jacobians: Tensor

    def gradient(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """∂V/∂x and ∂V/∂z."""
        outputs, slope, powers = self._outputs(x, z)
        residual = self._residual(outputs)
        weighted = (powers[..., None] * residual[..., None, :]).flatten(-2)
        return (residual * slope).sum(-1), (weighted[..., None, :] @ self.jacobians.flatten(-3, -2))[..., 0, :]

    def sharpness_at(self, x: Tensor, z: Tensor) -> Tensor:
        """The largest eigenvalue of Gauss–Newton's matrix of V, which is its Hessian where the residuals vanish."""
        outputs, slope, powers = self._outputs(x, z)
        rows = (powers[..., None, :] @ self.jacobians.flatten(-2)).unflatten(-1, self.jacobians.shape[-2:])[
            ..., 0, :, :
        ]
        jacobian = torch.cat([slope[..., None], rows], -1)
        curvature = vmap(jacrev(grad(self._criterion)))(outputs, self.targets)
        values: Tensor = torch.linalg.eigvalsh(jacobian.mT @ curvature @ jacobian)
        return values[..., -1]

    def at_rest(self, along: Tensor, across: Tensor) -> Tensor:
        """Whether these slopes of V are rounding."""
        return along**2 + across.square().sum(-1) < AT_REST**2

    def _residual(self, outputs: Tensor) -> Tensor:
        """The slope of the criterion by the outputs."""
        point = outputs.detach().requires_grad_()
        total = vmap(self._criterion)(point, self.targets).sum()
        return torch.autograd.grad(total, point)[0]

    def _outputs(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """f, ∂f/∂x and the powers of x/R."""
        exponents = torch.arange(NODES, dtype=x.dtype)
        scaled = (x / self.reach)[..., None]
        powers = scaled**exponents
        slopes = exponents * scaled ** (exponents - 1).clamp_min(0) / self.reach[..., None]
        moved = (self.jacobians.flatten(-3, -2) @ z[..., None])[..., 0].unflatten(-1, self.values.shape[-2:])
        both = torch.stack([powers, slopes], -2) @ (self.values + moved)
        return both[..., 0, :], both[..., 1, :], powers

    def _criterion(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return self.criterion(outputs.view(len(targets), -1) if targets.ndim > 1 else outputs, targets)


def function_space_model(frame: Frame, reach: float) -> FunctionSpaceModel:
    """The model at the frame's midpoint, exact along u at seven points of |x| ≤ reach."""
    return model_and_basis(frame, reach)[0]


def model_and_basis(frame: Frame, reach: float) -> tuple[FunctionSpaceModel, Tensor]:
    """The same, and the directions (m, p) of z; costs as many gradients as the Jacobians have rows, 7k."""
    nodes = np.cos((np.arange(NODES) + 0.5) * np.pi / NODES)
    places = [reach * float(node) for node in nodes]
    values = torch.stack([frame.outputs(place) for place in places])
    jacobians = frame.across(torch.stack([frame.jacobian(place) for place in places]))
    basis = orthonormal_rows(jacobians.flatten(0, 1), NEGLIGIBLE)
    coefficients = torch.from_numpy(np.linalg.inv(np.vander(nodes, increasing=True))).to(values)
    model = FunctionSpaceModel(
        criterion=frame.loss.criterion,
        targets=frame.loss.targets,
        eta=values.new_tensor(frame.eta),
        x=values.new_tensor(frame.x),
        z=basis @ frame.z,
        reach=values.new_tensor(reach),
        values=coefficients @ values,
        jacobians=torch.einsum("dj,jkp,mp->dkm", coefficients, jacobians, basis),
    )
    return model, basis


def reach_for(peak: float) -> float:
    """The reach of a model for a peak, if one is known."""
    return min(max(BEYOND * peak, LEAST), FARTHEST) if peak < FARTHEST else REACH
