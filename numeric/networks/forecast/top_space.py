"""The eigenvectors at the edge, as cheaply as a forecast can have them, and the space in which they were found.

Lanczos' method from one vector v (`numeric.networks.curvature.spectrum`): after n products of H = ∇²L, X with columns,

    H X = X T + β x_{n+1} e_nᵀ,    T Y = Y Θ,    H U = U Θ + β x_{n+1} y_nᵀ,    U = X Y,

so that images and residuals β |y_n| of the Ritz vectors U cost no product more, and no image is kept. It ends after
`LEAST` products or more, when the residuals of the eigenvectors that are wanted are within `RESIDUAL` of their
eigenvalues, and the next one is known as well, or cannot be among them by its residual. A forecast does not depend on
their precision, since the rest of H U is a coefficient of its model. The other Ritz vectors begin its space across.

Of an eigenvalue that is multiple, v has one eigenvector alone. Nothing is proved of directions that v hardly has;
`numeric.networks.curvature.eigen` does that, at three times the products.

Shapes: v (p,), X (p, n), U (p, k). Source: :cite:t:`lanczos1950iteration`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from numeric.compile import Array
from numeric.networks.curvature.spectrum import Lanczos
from numeric.networks.signs import positive

RESIDUAL = 0.03
LEAST, MOST = 16, 60  # products
NEGLIGIBLE = 1e-10  # of the largest Ritz value: what is left of a product is rounding


@dataclass(frozen=True)
class TopSpace:
    """The top k eigenvectors U (p, k), H U, their eigenvalues and the next one (k + 1,), −∞ if there is none.

    `others` are the other Ritz vectors, (p, n − k), on which H is diag(`values`).
    """

    vectors: Tensor
    images: Tensor
    eigenvalues: Array
    others: Tensor
    values: Array


def find_top(
    product: Callable[[Tensor], Tensor],
    start: Tensor,
    above: float,
    fewest: int = 1,
    most: int = 3,
    least: int = LEAST,
) -> TopSpace:
    """The top eigenvectors of what the product (p, 1) ↦ (p, 1) is of, as many as have an eigenvalue above a level.

    At least so many products are taken: few will do where the start is made of eigenvectors.
    """
    space = Lanczos(start, room=least)
    while True:
        vector = space.vector
        space.add(vector, product(vector[:, None])[:, 0])
        if not space.finite:
            nothing = start.new_full((len(start), fewest), torch.nan)
            return TopSpace(nothing, nothing, np.full(fewest + 1, np.nan), nothing[:, :0], np.zeros(0))
        values, mix = np.linalg.eigh(space.matrix)
        values, mix = values[::-1].copy(), mix[:, ::-1].copy()
        count = min(max(int((values > above).sum()), fewest), most, len(values))
        residuals = space.length * np.abs(mix[-1])
        exhausted = space.length <= NEGLIGIBLE * np.abs(values).max() or len(values) >= min(MOST, len(start))
        if exhausted or (len(values) >= least and _known(values, residuals, count, above)):
            break
    known = space.basis
    turned = torch.from_numpy(mix).to(start)
    for part in known.split(max(1, known.shape[1] // len(known)), dim=1):
        part.copy_(turned.T @ part)  # in its place: these are Ritz vectors now
    scale = torch.from_numpy(values).to(start)[:count]
    signs = positive(known[:count].T)
    vectors = known[:count].T * signs
    return TopSpace(
        vectors=vectors,
        images=vectors * scale + space.remainder[:, None] * (turned[-1, :count] * signs),
        eigenvalues=np.append(values, -np.inf)[: count + 1],
        others=known[count:].T,
        values=values[count:],
    )


def _known(values: Array, residuals: Array, count: int, above: float) -> bool:
    """Whether the first `count` are accurate, and the next one is too or is not above the level."""
    accurate = residuals <= RESIDUAL * np.abs(values).clip(abs(above) / 2)
    return bool(accurate[:count].all() and (accurate[count] or values[count] + residuals[count] < above))
