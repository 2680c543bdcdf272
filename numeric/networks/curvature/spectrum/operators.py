"""Matrices made of a curvature matrix A: its blocks, what it is across some directions, and its other end.

    Block     E_gᵀ A E_g       the rows and columns of some weights, as of one layer while all layers train
    Across    P A P            P = 1 − UUᵀ, for an orthonormal U
    Flipped   c − A            whose largest eigenvalues are c − λ for the least λ of A

Each is an `Operator`, as `HessianAt`, `GaussNewtonAt` and `Preconditioned` are, so that whatever is computed of one is
computed of all, a product of A for a product. So is a matrix that is given itself, of torch, NumPy or SciPy, where it
may be sparse or a `LinearOperator`: `operator_of` makes it one, and every function here takes either.

Shapes: places (q,) the positions of the weights of a block, ascending; U (p, k). A `Block` takes vectors of length q.
Errors: `BadInput` for what is no operator and no matrix, and for a matrix that is not real, square, of the weights'
length or symmetric; of a `LinearOperator` the last is not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator
from torch import Tensor

from eos_sym import BadInput
from numeric.networks.curvature.eigen import Operator
from numeric.networks.curvature.eigen.inner_products import combine, gram
from numeric.networks.loss import FlatLoss

SYMMETRIC = 1e-5  # of the largest entry, as float32 sums leave


class Given:
    """A matrix that is given itself; a product counts as an evaluation."""

    def __init__(self, matrix: Any) -> None:
        self._matrix, self.evaluations = matrix, 0.0

    def product(self, block: Tensor) -> Tensor:
        """The matrix times every column of the block."""
        self.evaluations += block.shape[1]
        if isinstance(self._matrix, Tensor):
            return self._matrix.to(block) @ block
        return torch.from_numpy(np.asarray(self._matrix @ block.cpu().numpy())).to(block)

    def repeated(self, block: Tensor) -> tuple[Tensor, Tensor]:
        """The product of the block, and a third of that of its triple, which is rounded otherwise."""
        return self.product(block), self.product(3 * block) / 3


def operator_of(matrix: Any, weights: Tensor | None = None) -> Operator:
    """The operator that is given, or that of a matrix; of these weights, after a look at their shape."""
    if weights is not None and not (isinstance(weights, Tensor) and weights.ndim == 1 and weights.is_floating_point()):
        kind = f"{weights.dtype} {tuple(weights.shape)}" if isinstance(weights, Tensor) else type(weights).__name__
        raise BadInput(f"weights: {kind}; must be a tensor of floating-point numbers, of one dimension")
    if callable(getattr(matrix, "product", None)):
        operator: Operator = matrix
        return operator
    shape, kind = tuple(getattr(matrix, "shape", ())), f"{type(matrix).__name__}"
    if not (len(shape) == 2 and hasattr(matrix, "__matmul__")):
        raise BadInput(f"operator: {kind}; give HessianAt(loss, weights) or the like, or a symmetric matrix")
    if shape[0] != shape[1] or (weights is not None and len(weights) != shape[0]):
        wanted = f" and as long as the weights, {len(weights)}" if weights is not None else ""
        raise BadInput(f"matrix: {shape[0]} × {shape[1]}; must be square{wanted}")
    if isinstance(matrix, Tensor) and matrix.layout is not torch.strided:
        raise BadInput(f"matrix: a tensor of layout {matrix.layout}; give matrix.to_dense(), or one of SciPy")
    if "complex" in str(matrix.dtype):
        raise BadInput(f"matrix: {matrix.dtype}; must be real")
    if not isinstance(matrix, LinearOperator):
        off, size = (float(abs(one).max()) if shape[0] else 0.0 for one in (matrix - matrix.T, matrix))
        if off > SYMMETRIC * size:
            raise BadInput(f"matrix: not symmetric, by {off / size:.1g} of its largest entry; give (A + A.T)/2")
    return Given(matrix)


@dataclass(frozen=True)
class Made:
    """A matrix made of another one by what is done to vectors before and after a product."""

    whole: Operator

    def __post_init__(self) -> None:
        object.__setattr__(self, "whole", operator_of(self.whole))

    @property
    def evaluations(self) -> float:
        """What the other one has cost so far, in gradient evaluations."""
        return self.whole.evaluations

    def product(self, block: Tensor) -> Tensor:
        """The matrix times every column of the block."""
        return self._after(self.whole.product(self._before(block)), block)

    def repeated(self, block: Tensor) -> tuple[Tensor, Tensor]:
        """The product twice, in two arithmetics."""
        one, other = self.whole.repeated(self._before(block))
        return self._after(one, block), self._after(other, block)

    def _before(self, block: Tensor) -> Tensor:
        raise NotImplementedError

    def _after(self, image: Tensor, block: Tensor) -> Tensor:
        raise NotImplementedError


@dataclass(frozen=True)
class Block(Made):
    """The rows and columns of A at some of p places."""

    places: Tensor
    size: int  # p

    def _before(self, block: Tensor) -> Tensor:
        return block.new_zeros(self.size, block.shape[1]).index_copy(0, self.places, block)

    def _after(self, image: Tensor, block: Tensor) -> Tensor:
        return image[self.places]


@dataclass(frozen=True)
class Across(Made):
    """A across the columns of an orthonormal U."""

    directions: Tensor

    def across(self, block: Tensor) -> Tensor:
        """P times the block."""
        return block - combine(self.directions, gram(self.directions.to(block), block))

    def _before(self, block: Tensor) -> Tensor:
        return self.across(block)

    def _after(self, image: Tensor, block: Tensor) -> Tensor:
        return self.across(image)


@dataclass(frozen=True)
class Flipped(Made):
    """c − A."""

    level: float

    def _before(self, block: Tensor) -> Tensor:
        return block

    def _after(self, image: Tensor, block: Tensor) -> Tensor:
        return self.level * block.to(image) - image


def parameter_places(loss: FlatLoss, group: Callable[[str], str] = str) -> Mapping[str, Tensor]:
    """The places in θ of the trainable parameters, by what `group` makes of their names; each by its own if not given.

    ``group=layer`` joins those of a module.
    """
    sizes = {name: piece.numel() for name, piece in loss.split(loss.parameters).items()}
    places = torch.arange(sum(sizes.values())).split([*sizes.values()])
    found: dict[str, list[Tensor]] = {}
    for name, own in zip(sizes, places, strict=True):
        found.setdefault(group(name), []).append(own)
    return {name: torch.cat(own) for name, own in found.items()}


def layer(name: str) -> str:
    """The module that a parameter belongs to, by its name."""
    return name.rpartition(".")[0]
