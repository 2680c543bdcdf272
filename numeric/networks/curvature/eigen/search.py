"""Whether a direction outside the block curves more than its k-th: looked for from a random vector, by Lanczos.

With C the compression of H to the complement of the block, and ξ its largest Ritz value in the Krylov space of m
products with a vector that is uniform on the sphere,

    P(μ₁ − ξ > ε (μ₁ − μ_p)) ≤ 1.648 √p e^{−√ε (2m − 1)},    μ₁ ≥ … ≥ μ_p the eigenvalues of C.

So that one of them is above a level ℓ > ξ has been overlooked with at most the probability of ε = (ℓ − ξ)/(ℓ − μ_p).
For μ_p the least Ritz value is taken, less ℓ − ξ. The level is the block's k-th Ritz value plus the tolerance. The
search ends when the probability is `UNLIKELY`, at `MOST` products, when a Ritz value is above the level, which is a
find, or when the Krylov space is all that there is: then nothing is overlooked.

Source: :cite:t:`kuczynski1992estimating`, theorem 4.2.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from numeric.networks.curvature.eigen.subspace import Subspace

UNLIKELY = 1e-3
MOST = 40


def search(subspace: Subspace, fresh: Tensor, level: float) -> float | None:
    """Extend a subspace that is a block of Ritz vectors by the Krylov space of a random vector (p, 1) outside it.

    At most the probability that an eigenvalue of the complement above the level was overlooked; None for a find.
    """
    block, vector = subspace.size, fresh
    while subspace.extend(vector):
        if not subspace.finite:
            return math.nan
        inside = torch.linalg.eigvalsh(subspace.projected[block:, block:])
        least, most, products = float(inside[0]), float(inside[-1]), len(inside)
        if most > level:
            return None
        epsilon = (level - most) / (2 * level - most - least) if most < level else 0.0
        probability = overlooked(len(fresh), products, epsilon)
        if probability <= UNLIKELY or products >= MOST:
            return probability
        vector = subspace.images[:, -1:]
    return 0.0


def overlooked(size: int, products: int, epsilon: float) -> float:
    """The bound on the probability, for a matrix of this size."""
    exponent = math.sqrt(epsilon) * (2 * products - 1)
    return min(1.0, 1.648 * math.sqrt(size) * math.exp(-exponent))
