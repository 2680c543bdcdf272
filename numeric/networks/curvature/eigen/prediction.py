"""The block of eigenvectors at new weights, predicted from those at past weights.

    V(θ) ≈ Σᵢ cᵢ V(θᵢ),   Σᵢ cᵢ = 1,   c the kriging weights of the variogram γ(h) = h^1.9:

    [ Γ  1 ] [ c ]   [ γ ]
    [ 1ᵀ 0 ] [ m ] = [ 1 ],    Γᵢⱼ = ‖θᵢ − θⱼ‖^1.9,   γᵢ = ‖θᵢ − θ‖^1.9

over the last readings. Near γ = h² this is the regression of the weights on the past weights, which sees that at the
edge θ_t is where θ_{t−2} was and not where θ_{t−1} was; just below, it is robust, and between distant readings prefers
the nearest, where a regression extrapolates. A block is kept in the rotation nearest to the past block that is most
like it, so that signs, and pairs whose eigenvalues cross, do not matter.

Shapes: θ (p,), blocks (p, b). Source: :cite:t:`matheron1963principles` for kriging; :cite:t:`schonemann1966generalized`
for the rotation.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from numeric.networks.curvature.eigen.columns import turn
from numeric.networks.curvature.eigen.inner_products import gram, overlap

EXPONENT = 1.9
FAMILIAR = 0.7  # overlap below which a block is another


class PastBlocks:
    """Weights and blocks of at most `most` readings, newest first."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.weights: list[Tensor] = []
        self.blocks: list[Tensor] = []
        self.order = torch.zeros(0, 0, dtype=torch.float64)  # what makes the newest block that of its Ritz vectors

    def __len__(self) -> int:
        return len(self.blocks)

    def predict(self, coefficients: Tensor, columns: slice, into: Tensor | None = None) -> Tensor:
        """These columns, in the order of the newest Ritz values, of the block Σ cᵢ Vᵢ, not orthonormal; (p, m)."""
        mix = self.order[:, columns]
        predicted = self.blocks[0].new_empty(mix.shape[1], len(self.blocks[0])) if into is None else into.T
        mixes = [coefficient * mix for coefficient in coefficients.tolist()]
        turn([block.T for block in self.blocks], mixes, predicted)
        return predicted.T

    def coefficients(self, weights: Tensor) -> Tensor:
        """How much each of the past blocks counts at these weights, float64; they sum to 1."""
        n = len(self)
        away = torch.stack([past - weights for past in self.weights], 1)
        products = torch.zeros(n + 1, n + 1, dtype=torch.float64)  # of differences, from and to the weights
        products[:n, :n] = gram(away, away)
        squares = products.diagonal()
        distances = (squares + squares[:, None] - 2 * products).clamp_min(0).sqrt()
        if not distances[:n, :n].any() or not distances.isfinite().all():  # all the same, or on the way to infinity
            return torch.eye(n, dtype=torch.float64)[0]
        variogram = (distances / distances[:n, :n].max()) ** EXPONENT
        system = torch.ones(n + 1, n + 1, dtype=torch.float64)
        system[:n, :n], system[n, n] = variogram[:n, :n], 0
        right = torch.cat([variogram[:n, n], torch.ones(1, dtype=torch.float64)])
        # gelsd: a point may be there twice
        solution: Tensor = torch.linalg.lstsq(system, right[:, None], driver="gelsd").solution
        return solution[:n, 0]

    def add(self, weights: Tensor, block: Tensor) -> None:
        """Remember an orthonormal block of Ritz vectors, turned, where it lies, to be nearest to the most alike."""
        self.order = torch.eye(block.shape[1], dtype=torch.float64)
        if self.blocks and self.blocks[0].shape != block.shape:
            self.weights, self.blocks = [], []
        if self.blocks:
            inside = max((gram(block, past) for past in self.blocks), key=lambda cosines: float(cosines.norm()))
            left, _, right = torch.linalg.svd(inside)
            self.order = (left @ right).T.contiguous()
            turn([block.T], [left @ right], block.T)
        del self.weights[self.most - 1 :], self.blocks[self.most - 1 :]  # before the new weights need memory
        self.weights.insert(0, weights.detach().clone())
        self.blocks.insert(0, block)

    def forget_strangers(self, block: Tensor) -> None:
        """Keep only the blocks that are near an orthonormal one (p, at most b)."""
        kept = [i for i, past in enumerate(self.blocks) if overlap(block, past) >= FAMILIAR]
        self.weights, self.blocks = [self.weights[i] for i in kept], [self.blocks[i] for i in kept]

    def state(self) -> dict[str, Tensor]:
        """Weights and blocks by name, a vector a row."""
        return (
            {f"weights_{i}": w for i, w in enumerate(self.weights)}
            | {f"block_{i}": b.T.contiguous() for i, b in enumerate(self.blocks)}
            | {"order": self.order}
        )

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a state."""
        count, self.order = sum(name.startswith("block_") for name in state), state["order"]
        self.weights = [state[f"weights_{i}"].clone() for i in range(count)]
        self.blocks = [state[f"block_{i}"].clone().T for i in range(count)]
