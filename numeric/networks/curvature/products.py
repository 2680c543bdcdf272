"""Products of a curvature matrix of a loss with vectors at one point θ, their cost counted in gradient evaluations.

    Hessian         ∇²L(θ) v = ∇_θ ⟨∇L(θ), v⟩
    Gauss–Newton    Jᵀ ∇²ℓ J v,    J the Jacobian of the outputs and ℓ the criterion of them

Both are sums over batches of something linear in v by the graph of that batch's loss: `CurvatureAt` is the sum, and
`HessianAt` and `gauss_newton.GaussNewtonAt` are the term.

The graph is built once and shared by all products at the point: reverse mode over reverse mode, which on the networks
here costs less than forward over reverse. In batches the graphs of all of them would need the memory of the full
batch, so every product builds them again, one batch at a time, and costs a gradient more.

What rounding makes of a product is measured: `repeated` computes it a second time, of all data or of `MEASURED`
examples spread over them, in float64; or, where that is no other arithmetic or the module converts to a coarser one on
its own, at the weights θ(1 ± ε), ε the precision of the coarsest, so that what is computed from them is rounded
otherwise.

Shapes: θ (p,), gradient (p,), block (p, m) with one vector a column, product (p, m). Units: `evaluations` is in
gradients of the full batch, `GRADIENT_WITH_GRAPH` for the gradient and `PRODUCT` for one of the Hessian; that is 6
matrix products a layer where a gradient is 3; `python -m benchmarks.sharpness` measures the ratio in seconds. Errors:
`BadInput` for a block of another number of rows, for a loss that is not one number, and for operations whose second
derivative torch gets wrong. A loss that is not finite has products that are not finite, and no error.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from eos_sym import BadInput
from numeric.networks.curvature.passes import GradientAt
from numeric.networks.loss import BatchedLoss, in_double_precision, refuse_wrong_derivatives
from numeric.networks.loss.batched_loss import pieces
from numeric.networks.loss.precision import coarsest_precision

GRADIENT_WITH_GRAPH = 1.0
PRODUCT = 1.8
MEASURED = 128  # examples

Graph = TypeVar("Graph")


class CurvatureAt(GradientAt, ABC, Generic[Graph]):
    """The loss, its gradient and products at one point; the graph is freed with the object, or `free`."""

    cost: float  # of a product, in gradient evaluations

    def __init__(self, loss: BatchedLoss, parameters: Tensor) -> None:
        super().__init__(loss, parameters)
        self.products = 0
        self._leaves = {name: piece.detach().requires_grad_() for name, piece in loss.split(self.point).items()}
        self._shared = not loss.in_batches
        self._graph: Graph | None = None

    @property
    def evaluations(self) -> float:
        """What has been computed so far, in gradient evaluations."""
        return super().evaluations + self.cost * self.products

    def product(self, block: Tensor) -> Tensor:
        """The matrix times every column of the block (p, m)."""
        size = len(self.point)
        if block.ndim != 2 or len(block) != size:
            raise BadInput(f"a block of shape {tuple(block.shape)} for {size} parameters: must be (p, m)")
        vectors, leaves = block.T.contiguous(), [*self._leaves.values()]
        directions = [pieces(vector, leaves) for vector in vectors]
        self._at_point()
        images = torch.zeros_like(vectors)
        if self._graph is not None:
            for image, direction in zip(images, directions, strict=True):
                image.copy_(self._image(self._graph, direction))
        else:
            self._over_batches(lambda graph, *_: self._add(images, graph, directions))
            self._gradients += GRADIENT_WITH_GRAPH
        self.products += len(vectors)
        return images.T

    def repeated(self, block: Tensor) -> tuple[Tensor, Tensor]:
        """The products of a block (p, m), of all data or of a sample, as computed here and in another arithmetic."""
        weights = torch.cat([leaf.detach().reshape(-1) for leaf in self._leaves.values()])
        for loss in self.loss.samples(MEASURED):
            try:
                own = self if loss is self.loss else type(self)(loss, weights)
                products = own.product(block), self._otherwise(loss, weights, block)
            except (RuntimeError, ValueError, TypeError, IndexError):
                if loss is self.loss:
                    raise
                continue  # the module is made for as many examples as there are
            self._gradients += (own.evaluations if own is not self else 0.0) * loss.size / self.loss.size
            if loss is self.loss or all(one.isfinite().all() for one in products):
                break
        return products

    def free(self) -> None:
        """Let go of the gradient's graph; a later product builds it again."""
        self._graph = None
        if self._shared:
            self._value_and_gradient = None

    def _at_point(self) -> tuple[Tensor, Tensor]:
        """Value and gradient, computed when first asked for, with the graph where it is shared."""
        if self._value_and_gradient is None:
            values: list[Tensor] = []
            gradients: list[Tensor] = []

            def collect(graph: Graph, value: Tensor, gradient: Sequence[Tensor]) -> None:
                refuse_wrong_derivatives(value, 2, self.loss.module)
                values.append(value.detach())
                gradients.append(flat(gradient).detach())
                if self._shared:
                    self._graph = graph

            self._over_batches(collect)
            self._gradients += GRADIENT_WITH_GRAPH
            self._value_and_gradient = torch.stack(values).sum(), torch.stack(gradients).sum(0)
        return self._value_and_gradient

    @torch.enable_grad()
    def _over_batches(self, use: Callable[[Graph, Tensor, Sequence[Tensor]], None]) -> None:
        """Call with graph, value and gradient of every batch's term of the loss."""
        for batch, share in self.loss.batches():
            use(*self._differentiated(batch, share))

    @abstractmethod
    def _differentiated(self, batch: Any, share: float) -> tuple[Graph, Tensor, Sequence[Tensor]]:
        """What the images are computed from, the value and the gradient of a batch's term."""

    @abstractmethod
    def _image(self, graph: Graph, direction: Sequence[Tensor]) -> Tensor:
        """A batch's term of the matrix times a direction, in the leaves' pieces, (p,); the graph is kept."""

    def _add(self, images: Tensor, graph: Graph, directions: Sequence[Sequence[Tensor]]) -> None:
        for image, direction in zip(images, directions, strict=True):
            image += self._image(graph, direction)

    def _otherwise(self, loss: BatchedLoss, weights: Tensor, block: Tensor) -> Tensor:
        """The matrix times a block, rounded otherwise."""
        if weights.dtype == torch.float32:
            try:
                with in_double_precision(loss) as exact, exact.loaded(weights.double()):
                    if coarsest_precision(exact, weights.double()) == torch.float64:
                        return type(self)(exact, weights.double()).product(block.double())
            except (RuntimeError, TypeError, ValueError):
                pass  # it converts to float32 on its own
        signs = torch.randint(2, weights.shape, generator=torch.Generator().manual_seed(0)).to(weights) * 2 - 1
        moved = weights * (1 + torch.finfo(coarsest_precision(loss, weights)).eps * signs)
        with loss.loaded(moved):
            return type(self)(loss, moved).product(block)


class HessianAt(CurvatureAt[Sequence[Tensor]]):
    """The loss, its gradient and its Hessian's products: the graph is that of the gradient."""

    cost = PRODUCT

    def _differentiated(self, batch: Any, share: float) -> tuple[Sequence[Tensor], Tensor, Sequence[Tensor]]:
        value = checked(self.loss.at(self._leaves, batch))
        value = value if share == 1 else share * value  # at every product, a factor is an operation more
        leaves = list(self._leaves.values())  # those that do not enter the loss have a gradient of zeros
        gradient = torch.autograd.grad(value, leaves, create_graph=True, allow_unused=True, materialize_grads=True)
        return gradient, value, gradient

    @torch.enable_grad()
    def _image(self, graph: Sequence[Tensor], direction: Sequence[Tensor]) -> Tensor:
        """∇⟨gradient, direction⟩, (p,)."""
        return flat(along(graph, direction, list(self._leaves.values())))


def checked(value: Tensor) -> Tensor:
    """The loss of a batch, after a look that it is one number."""
    if value.numel() != 1:
        raise BadInput(f"a loss of shape {tuple(value.shape)}: must be one number, the mean over examples")
    return value


def along(pieces: Sequence[Tensor], direction: Sequence[Tensor], leaves: Sequence[Tensor]) -> Sequence[Tensor]:
    """∇⟨pieces, direction⟩ by the leaves, the graph kept; zero where the pieces are constant."""
    curved = [(piece, part) for piece, part in zip(pieces, direction, strict=True) if piece.requires_grad]
    if not curved:
        return [torch.zeros_like(leaf) for leaf in leaves]
    pieces, parts = zip(*curved, strict=True)
    return torch.autograd.grad(pieces, leaves, parts, retain_graph=True, allow_unused=True, materialize_grads=True)


def flat(pieces: Sequence[Tensor]) -> Tensor:
    """The pieces as one vector, (p,)."""
    return torch.cat([piece.reshape(-1) for piece in pieces])
