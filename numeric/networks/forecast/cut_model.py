"""A network's loss near a point, with what enters its head as a polynomial, and the head and the loss exact.

    V(x, z) = loss(head(e(x, z); θ* + U x + K z)) − L(θ*),    e(x, z) = e* + A(x) + z·B(x) + ½ z·C z

with A, B and C those of `ReducedOrderModel`, but with vectors for coefficients: all that enters the head. A step on the
model is as many operations as they have numbers, and one evaluation of the head, however many weights come before it.

Shapes: e* (N,), A (n_A, N), B (n_B, m, N), C (q, q, N) on the first q directions; the head's weights (h,) and its part
of U and K (h, k + m). x (…, k), z (…, m).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from eos_sym.self_stabilization import ReducedOrderModel
from numeric.compile import Array
from numeric.networks.forecast.cut import Cut
from numeric.networks.forecast.loss_model import LossModel, monomials


@dataclass(frozen=True)
class CutModel:
    """V, of this form."""

    cut: Cut
    form: ReducedOrderModel
    entering: Tensor
    A: Tensor
    B: Tensor
    C: Tensor
    head_weights: Tensor
    head: Tensor
    value: float

    def potential(self, x: Array, z: Array) -> Array:
        """V, (…)."""
        return self._at_each(lambda x, z: float(self._loss(x, z)[0].detach()) - self.value, x, z)

    def gradient(self, x: Array, z: Array) -> tuple[Array, Array]:
        """∂V/∂x (…, k) and ∂V/∂z (…, m)."""
        slopes = self._at_each(self._gradient, x, z)
        return slopes[..., : self.form.edge], slopes[..., self.form.edge :]

    def hessian(self, x: Array, z: Array) -> Array:
        """∇²V, (…, k + m, k + m)."""
        return self._at_each(self._hessian, x, z)

    def entering_at(self, x: Array, z: Array) -> Tensor:
        """e, (N,), at one point."""
        along, linear, _ = (torch.from_numpy(one.values(x)) for one in monomials(self.form))
        across = torch.from_numpy(z)
        few = across[: len(self.C)]
        bent = torch.einsum("i,ijn,j->n", few, self.C, few) / 2
        return self.entering + along @ self.A + torch.einsum("e,i,ein->n", linear, across, self.B) + bent

    def _at_each(self, of: Callable[[Array, Array], float | Array], x: Array, z: Array) -> Array:
        points = zip(x.reshape(-1, x.shape[-1]), z.reshape(-1, z.shape[-1]), strict=True)
        found = np.array([of(*point) for point in points])
        return found.reshape((*x.shape[:-1], *found.shape[1:]))

    def _loss(self, x: Array, z: Array) -> tuple[Tensor, Tensor, Tensor]:
        entering = self.entering_at(x, z).requires_grad_()
        weights = (self.head_weights + self.head @ torch.from_numpy(np.concatenate([x, z]))).requires_grad_()
        return self.cut.loss_of(entering, weights), entering, weights

    def _pulled_back(self, slope: Tensor) -> LossModel:
        """The polynomial slope·e."""
        a, b = (self.A @ slope).numpy(), (self.B @ slope).numpy()
        curved = np.zeros((1, self.form.across, self.form.across))
        curved[0, : len(self.C), : len(self.C)] = (self.C @ slope).numpy()
        return LossModel(self.form, a, b, curved)

    @torch.enable_grad()
    def _gradient(self, x: Array, z: Array) -> Array:
        loss, *leaves = self._loss(x, z)
        to_entering, to_weights = torch.autograd.grad(loss, leaves, materialize_grads=True)
        polynomial = self._pulled_back(to_entering)
        return np.asarray(np.concatenate(polynomial.gradient(x, z)) + (self.head.T @ to_weights).numpy())

    @torch.enable_grad()
    def _hessian(self, x: Array, z: Array) -> Array:
        loss, *leaves = self._loss(x, z)
        slopes = torch.autograd.grad(loss, leaves, create_graph=True, materialize_grads=True)
        moved = self._jacobian(x, z)
        rows = []
        for entering, weights in zip(moved, self.head.T, strict=True):
            slope = (slopes[0] * entering).sum() + (slopes[1] * weights).sum()
            ahead = torch.autograd.grad(slope, leaves, retain_graph=True, materialize_grads=True)
            rows.append(moved @ ahead[0] + self.head.T @ ahead[1])
        return np.asarray(torch.stack(rows).numpy() + self._pulled_back(slopes[0].detach()).hessian(x, z))

    def _jacobian(self, x: Array, z: Array) -> Tensor:
        """∂e/∂(x, z), (k + m, N)."""
        along, linear, _ = monomials(self.form)
        across = torch.from_numpy(z)
        edge = torch.from_numpy(along.slopes(x)) @ self.A
        edge = edge + torch.einsum("ae,i,ein->an", torch.from_numpy(linear.slopes(x)), across, self.B)
        rest = torch.einsum("e,ein->in", torch.from_numpy(linear.values(x)), self.B)
        rest[: len(self.C)] += torch.einsum("ijn,j->in", self.C, across[: len(self.C)])
        return torch.cat([edge, rest])
