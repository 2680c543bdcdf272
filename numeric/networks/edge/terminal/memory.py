"""M, the equation with memory: the oscillation along u, and what it drives across, with Gauss–Newton's matrix.

    z⁺ = z − η (F + G z + ½ x² T),    x⁺ = x − η [(λ + T·z) x + ½ T_u x² + Q x³/6],

at a midpoint, with r the slope of the criterion by the outputs, J their Jacobian, F = Jᵀr, G = Jᵀℓ″J, T = ∇³L(u,u,·),
all orthogonal to u, λ = S_mid, T_u = u·T and Q = ∇⁴L(u,u,u,u). Gauss–Newton's G and not the Hessian: that keeps driving
its zero modes, so that the model hovers for ever, or has negative ones, along which it runs away. G moves nothing in
the directions that the residuals do not depend on, and F + Gz dies with the residuals. So does u·∇L in the network;
as a constant in the equation of x it would displace x for ever, and ½x²T would drive z for ever. It is left out. And
where u is nearly a combination of the rows of J, what G is left with across u has an eigenvalue near 0, along which z
creeps long after: M ends when the oscillation does, and its sharpness is read there.

z stays in the span of the rows of J, of T and of z₀, and is followed there exactly: k + 2 numbers at most. It is the
gradient descent of V = ½λx² + T_u x³/6 + Qx⁴/24 + ½x² T·z + F·z + ½ z·Gz, whose sharpness is that of the model.

Shapes: z (m,), T and F (m,), G (m, m). Units: those of the loss and the weights. Source: derived for this project.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import grad

from numeric.networks.curvature import directional_gradient, hessian
from numeric.networks.edge.terminal.frame import Frame, orthonormal_rows

AT_REST = 3e-8  # |∂V/∂x|
NEGLIGIBLE = 1e-12  # of the largest singular value: rounding


@dataclass(frozen=True)
class MemoryModel:
    """The coefficients of V, and the start; many models are stacked along a first dimension."""

    eta: Tensor
    x: Tensor
    z: Tensor
    sharpness: Tensor  # λ
    skew: Tensor  # T_u
    quartic: Tensor  # Q
    bend: Tensor  # T across u
    drive: Tensor  # F
    matrix: Tensor  # G

    def gradient(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """∂V/∂x and ∂V/∂z."""
        across = (self.bend * z).sum(-1)
        along = (self.sharpness + across) * x + self.skew * x**2 / 2 + self.quartic * x**3 / 6
        moved = (self.matrix @ z[..., None])[..., 0]
        return along, self.drive + moved + x[..., None] ** 2 / 2 * self.bend

    def resting(self, x: Tensor, z: Tensor, along: Tensor, across: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Which models' oscillations are over, with x and z there: what z does then answers to nothing."""
        return along.abs() < AT_REST, x, z

    def sharpness_at(self, x: Tensor, z: Tensor) -> Tensor:
        """The largest eigenvalue of ∇²V."""
        corner = self.sharpness + (self.bend * z).sum(-1) + self.skew * x + self.quartic * x**2 / 2
        side = x[..., None] * self.bend
        upper = torch.cat([corner[..., None, None], side[..., None, :]], -1)
        lower = torch.cat([side[..., :, None], self.matrix], -1)
        values: Tensor = torch.linalg.eigvalsh(torch.cat([upper, lower], -2))
        return values[..., -1]


def memory_model(frame: Frame) -> MemoryModel:
    """The model at the frame's midpoint."""
    third, fourth = (directional_gradient(frame.loss, frame.middle, *[frame.u] * order) for order in (2, 3))
    outputs, jacobian = frame.outputs(0.0), frame.jacobian(0.0)
    residual, curvature = grad(frame.criterion)(outputs), hessian(frame.criterion, outputs)
    rows = frame.across(torch.cat([jacobian, third[None], frame.z[None]]))
    scaled = rows / rows.norm(dim=1, keepdim=True).clamp_min(torch.finfo(rows.dtype).tiny)
    basis = orthonormal_rows(scaled, NEGLIGIBLE)
    across = jacobian @ basis.T
    return MemoryModel(
        eta=torch.tensor(frame.eta, dtype=rows.dtype),
        x=torch.tensor(frame.x, dtype=rows.dtype),
        z=basis @ frame.z,
        sharpness=torch.tensor(frame.sharpness, dtype=rows.dtype),
        skew=third @ frame.u,
        quartic=fourth @ frame.u,
        bend=basis @ third,
        drive=residual @ across,
        matrix=across.T @ curvature @ across,
    )
