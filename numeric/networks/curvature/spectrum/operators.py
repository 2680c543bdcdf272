"""Matrices made of a curvature matrix A: its blocks, what it is across some directions, and its other end.

    Block     E_gᵀ A E_g       the rows and columns of some weights, as of one layer while all layers train
    Across    P A P            P = 1 − UUᵀ, for an orthonormal U
    Flipped   c − A            whose largest eigenvalues are c − λ for the least λ of A

Each is an `Operator`, as `HessianAt`, `GaussNewtonAt` and `Preconditioned` are, so that whatever is computed of one is
computed of all, a product of A for a product.

Shapes: places (q,) the positions of the weights of a block, ascending; U (p, k). A `Block` takes vectors of length q.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from numeric.networks.curvature.eigen import Operator
from numeric.networks.curvature.eigen.inner_products import combine, gram
from numeric.networks.loss import FlatLoss


@dataclass(frozen=True)
class Made:
    """A matrix made of another one by what is done to vectors before and after a product."""

    whole: Operator

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
