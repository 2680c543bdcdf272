"""A network's loss near a point, with what enters its head as a polynomial, and the head and the loss exact.

    V(x, z) = loss(head(e(x, z); θ* + U x + K z)) − L(θ*),    e(x, z) = e* + A(x) + z·B(x) + ½ z·C z

with A, B and C those of `ReducedOrderModel`, but with vectors for coefficients: all that enters the head. So e − e* is
a row φ(x, z) of monomials times a matrix E of f such vectors; a step on the model costs two products with E and one
evaluation of the head, however many weights come before it.

Shapes: e* (N,), E (f, N): of xᵉ, of xᵉ z_i and of z_i z_j, i ≤ j, on the first `form.quadratic` directions, in this
order; the head's weights (h,) and its part of U and K (h, k + m). x (…, k), z (…, m).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from eos_sym.self_stabilization import ReducedOrderModel
from numeric.compile import Array
from numeric.networks.forecast.cut_expansion.cut import Cut
from numeric.networks.forecast.loss_expansion.model import LossModel, monomials
from numeric.networks.forecast.path import at_each

LINEAR_ORDER = (2, 0, 0)  # of what is linear: the least that there is


@dataclass(frozen=True)
class CutModel:
    """V, of this form."""

    cut: Cut
    form: ReducedOrderModel
    entering: Tensor
    fields: Tensor
    head_weights: Tensor
    head: Tensor
    value: float

    def potential(self, x: Array, z: Array) -> Array:
        """V, (…)."""
        return at_each(lambda x, z: float(self._loss(x, z)[0].detach()) - self.value, x, z, ())

    def gradient(self, x: Array, z: Array) -> tuple[Array, Array]:
        """∂V/∂x (…, k) and ∂V/∂z (…, m)."""
        slopes = at_each(self._gradient, x, z, (self._coordinates,))
        return slopes[..., : self.form.edge], slopes[..., self.form.edge :]

    def hessian(self, x: Array, z: Array) -> Array:
        """∇²V, (…, k + m, k + m)."""
        return at_each(self._hessian, x, z, 2 * (self._coordinates,))

    def entering_at(self, x: Array, z: Array) -> Tensor:
        """e, (N,), at one point."""
        along, linear, _ = (one.values(x) for one in monomials(self.form))
        first, second = np.triu_indices(self._size)
        row = [along, np.outer(linear, z).ravel(), z[first] * z[second] * self._shares]
        return self.entering + torch.from_numpy(np.concatenate(row)) @ self.fields

    @property
    def affine(self) -> bool:
        """Whether what enters the head is linear in x and z, so that V is exact."""
        return self.form.order == LINEAR_ORDER

    @property
    def _size(self) -> int:
        """On how many directions there is a C."""
        return min(self.form.quadratic or 0, self.form.across)

    @property
    def _shares(self) -> Array:
        """What z_i z_j comes with, i ≤ j."""
        first, second = np.triu_indices(self._size)
        return np.where(first == second, 0.5, 1.0)

    @property
    def _coordinates(self) -> int:
        """k + m."""
        return self.form.edge + self.form.across

    def _loss(self, x: Array, z: Array) -> tuple[Tensor, Tensor, Tensor]:
        entering = self.entering_at(x, z).requires_grad_()
        weights = (self.head_weights + self.head @ torch.from_numpy(np.concatenate([x, z]))).requires_grad_()
        return self.cut.loss_of(entering, weights), entering, weights

    def _polynomial(self, values: Array) -> LossModel:
        """φ·values, (f,), as a function of x and z."""
        first, second = np.triu_indices(self._size)
        along, linear, pairs = np.split(values, [len(self.form.along), len(values) - len(first)])
        curved = np.zeros((1, self.form.across, self.form.across))
        curved[0, first, second] = curved[0, second, first] = pairs
        return LossModel(self.form, along, linear.reshape(len(self.form.linear), self.form.across), curved)

    @torch.enable_grad()
    def _gradient(self, x: Array, z: Array) -> Array:
        loss, *leaves = self._loss(x, z)
        to_entering, to_weights = torch.autograd.grad(loss, leaves, materialize_grads=True)
        polynomial = self._polynomial((self.fields @ to_entering).numpy())
        return np.asarray(np.concatenate(polynomial.gradient(x, z)) + (self.head.T @ to_weights).numpy())

    @torch.enable_grad()
    def _hessian(self, x: Array, z: Array) -> Array:
        loss, *leaves = self._loss(x, z)
        slopes = torch.autograd.grad(loss, leaves, create_graph=True, materialize_grads=True)
        moved = torch.from_numpy(self._slopes(x, z)) @ self.fields
        directions = (moved, self.head.T.contiguous())
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "There is a performance drop", UserWarning)  # one by one, it is as slow
            ahead = torch.autograd.grad(slopes, leaves, directions, is_grads_batched=True, materialize_grads=True)
        to_entering, to_weights = (one.expand(len(moved), -1) for one in ahead)  # zeros come without the directions
        within = moved @ to_entering.T + self.head.T @ to_weights.T
        bent = self._polynomial((self.fields @ slopes[0].detach()).numpy()).hessian(x, z)
        return np.asarray(within.numpy() + bent)

    def _slopes(self, x: Array, z: Array) -> Array:
        """∂φ/∂(x, z), (k + m, f)."""
        along, linear, _ = monomials(self.form)
        unit, (first, second) = np.eye(self.form.across), np.triu_indices(self._size)
        number = len(self.form.linear) * self.form.across
        mixed = np.einsum("ae,i->aei", linear.slopes(x), z).reshape(self.form.edge, number)
        across = np.einsum("e,ij->jei", linear.values(x), unit).reshape(self.form.across, number)
        curved = (unit[first] * z[second, None] + unit[second] * z[first, None]).T * self._shares
        zeros = np.zeros
        edge = np.hstack([along.slopes(x), mixed, zeros((self.form.edge, len(first)))])
        return np.vstack([edge, np.hstack([zeros((self.form.across, len(self.form.along))), across, curved])])
