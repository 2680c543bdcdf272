"""F, the model in function space: outputs linear across u, exact along it, and the loss of them exact.

    f(x, z) = f(Ux) + J(Ux) z,    V(x, z) = ℓ(f(x, z)),    z ⊥ u,

U x = θ̄ + x u. V is bounded below as ℓ is, so that residuals and drive decay as they should; ∇³L(u,u,·) enters through
the change of J along u. f(Ux) and J(Ux) are polynomials of degree 6 through their values at seven Chebyshev points of
|x| ≤ R, the reach, which belongs where the predicted peak needs it. z is followed in the span of those Jacobians, which
is where gradient descent on V stays.

The slowest modes of V may take 10⁵ steps to rest. So where the oscillation is over, (x, z) is sent to where gradient
descent on outputs that are linear goes, the nearest minimum, if that is one to `AT_REST` and the sharpnesses there and
here differ by less than `SETTLED` of the gap.

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
from numeric.networks.edge.terminal.stack import chosen

NODES = 7
AT_REST = 3e-8  # |∇V|
QUIET = 1e-5  # |∂V/∂x| of an oscillation that is over
SETTLED = 0.1  # of the gap: what the sharpness may still have to go
ROUNDING = 1e-12  # eigenvalues of the curvature that are none, in parts of the largest
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
        values: Tensor = torch.linalg.eigvalsh(self._curvature(x, z))
        return values[..., -1]

    def resting(self, x: Tensor, z: Tensor, along: Tensor, across: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Which models are at rest, or settled, and the x and z to which they come; from the slopes of V at (x, z)."""
        rest = along**2 + across.square().sum(-1) < AT_REST**2
        x, z = x.clone(), z.clone()
        quiet = (along.abs() < QUIET) & ~rest & z.isfinite().all(-1)
        if quiet.any():
            rest[quiet], x[quiet], z[quiet] = chosen(self, quiet).settled(x[quiet], z[quiet])
        return rest, x, z

    def settled(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Whether what is still to go hardly moves the sharpness, and where it goes: Gauss–Newton's shortest step."""
        along, across = self.gradient(x, z)
        slope = torch.cat([along[..., None], across], -1)[..., None]
        step = (torch.linalg.pinv(self._curvature(x, z), rtol=ROUNDING, hermitian=True) @ slope)[..., 0]
        there = x - step[..., 0], z - step[..., 1:]
        along, across = self.gradient(*there)
        rest = along**2 + across.square().sum(-1) < AT_REST**2
        before, after = self.sharpness_at(x, z), self.sharpness_at(*there)
        gap = 2 / self.eta - after
        return rest & (before < 2 / self.eta) & (gap > 0) & ((after - before).abs() < SETTLED * gap), *there

    def _curvature(self, x: Tensor, z: Tensor) -> Tensor:
        """Gauss–Newton's matrix of V, (…, 1 + m, 1 + m)."""
        outputs, slope, powers = self._outputs(x, z)
        jacobian = torch.cat([slope[..., None], self._rows(powers)], -1)
        curvature: Tensor = jacobian.mT @ vmap(jacrev(grad(self._criterion)))(outputs, self.targets) @ jacobian
        return curvature

    def _rows(self, powers: Tensor) -> Tensor:
        """∂f/∂z, (…, k, m)."""
        flat = powers[..., None, :] @ self.jacobians.flatten(-2)
        rows: Tensor = flat.unflatten(-1, self.jacobians.shape[-2:])[..., 0, :, :]
        return rows

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
