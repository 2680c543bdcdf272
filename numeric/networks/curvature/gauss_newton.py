"""Products of the Gauss–Newton matrix of a loss, which for cross-entropy is the Fisher information matrix.

    G = Σ_b Jᵀ ∇²ℓ J,    ∇²L = G + Σ_b Σ_k (∂ℓ/∂f_k) ∇²f_k

with J the Jacobian of the module's outputs f by the weights and ∇²ℓ the Hessian of the criterion by the outputs, both
exact. G is what is left of the Hessian where the residuals vanish, and is positive semidefinite where ℓ is convex, of
rank at most that of ∇²ℓ: the number of outputs of all examples.

*Fisher.* Let the criterion be −log p(y | f). The Fisher information E_x E_{y ~ p(·|f(x))} [∇log p ∇log pᵀ] takes its
labels from the model. For `cross_entropy`, p the softmax, ∇²ℓ = diag p − ppᵀ is that expectation over the classes at
each example, so that G *is* the Fisher matrix, with no label in it; for `half_squared_error` likewise, p a Gaussian of
unit variance. The *empirical* Fisher matrix, Σ ∇ℓᵢ∇ℓᵢᵀ/n with the labels of the data, is another matrix: with
the squared error it vanishes where every example is fitted, and G does not; with the cross-entropy both do, it as the
square of what p lacks to 1, and G as that itself. It is not computed here.

A product is three steps: Jv, as the derivative by w of ⟨Jᵀw, v⟩, whose graph is shared by all products; ∇²ℓ; and Jᵀ.

Shapes and units as in `products`. Errors: `BadInput` as there, and for outputs that are not one tensor. Sources:
:cite:t:`schraudolph2002fast` for the product, :cite:t:`martens2020new` for the Fisher matrix,
:cite:t:`kunstner2019limitations` for the empirical one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from eos_sym import BadInput
from numeric.networks.curvature.products import CurvatureAt, along, checked, flat
from numeric.networks.loss import FlatLoss

GAUSS_NEWTON_PRODUCT = 1.35


@dataclass(frozen=True)
class Linearized:
    """A micro-batch's outputs, Jᵀw with its graph, and the slope of the criterion with its own."""

    outputs: Tensor
    seed: Tensor  # w
    pulled: Sequence[Tensor]  # Jᵀw
    point: Tensor  # the outputs that the slope depends on
    slope: Tensor


class GaussNewtonAt(CurvatureAt[Linearized]):
    """The loss, its gradient and products of its Gauss–Newton matrix at one point."""

    cost = GAUSS_NEWTON_PRODUCT

    def _differentiated(self, batch: Any, share: float) -> tuple[Linearized, Tensor, Sequence[Tensor]]:
        loss = self.loss
        if not isinstance(loss, FlatLoss):
            raise BadInput("a Gauss–Newton matrix is of a criterion of a module's outputs: give a loss of tensors")
        outputs, targets = loss.outputs(self._leaves, batch[0]), batch[1]
        value = checked(share * loss.criterion(outputs, targets))
        if not isinstance(outputs, Tensor):
            raise BadInput(
                f"the module's outputs are a {type(outputs).__name__}: let it return one tensor, and the criterion "
                "take it; the Hessian needs neither"
            )
        point = outputs.detach().requires_grad_()
        (slope,) = torch.autograd.grad(share * loss.criterion(point, targets), point, create_graph=True)
        seed, leaves = torch.zeros_like(outputs).requires_grad_(), list(self._leaves.values())
        pulled = torch.autograd.grad(
            outputs, leaves, seed, create_graph=True, allow_unused=True, materialize_grads=True
        )
        gradient = along([outputs], [slope.detach()], leaves)
        return Linearized(outputs, seed, pulled, point, slope), value, gradient

    @torch.enable_grad()
    def _image(self, graph: Linearized, direction: Sequence[Tensor]) -> Tensor:
        """Jᵀ ∇²ℓ J times the direction, (p,)."""
        pushed = along(graph.pulled, direction, [graph.seed])
        return flat(along([graph.outputs], along([graph.slope], pushed, [graph.point]), list(self._leaves.values())))
