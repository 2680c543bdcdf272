"""The block of eigenvectors at new weights, predicted from those at past weights.

    V(θ) ≈ Σᵢ cᵢ V(θᵢ),   Σᵢ cᵢ = 1,   c the kriging weights of the variogram γ(h) = h^1.9:

    [ Γ  1 ] [ c ]   [ γ ]
    [ 1ᵀ 0 ] [ m ] = [ 1 ],    Γᵢⱼ = ‖θᵢ − θⱼ‖^1.9,   γᵢ = ‖θᵢ − θ‖^1.9

over the last five readings. Near γ = h² this is the regression of the weights on the past weights, which sees that at
the edge θ_t is where θ_{t−2} was and not where θ_{t−1} was; just below, it is robust, and between distant readings
prefers the nearest, where a regression extrapolates. A block is kept in the rotation nearest to that of the block
before, so that signs, and pairs whose eigenvalues cross, do not matter.

Shapes: θ (p,), blocks (p, b). Source: :cite:t:`matheron1963principles` for kriging; :cite:t:`schonemann1966generalized`
for the rotation.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from numeric.networks.curvature.eigen.inner_products import combine, gram, overlap

MOST = 5
EXPONENT = 1.9
FAMILIAR = 0.7  # overlap below which a block is another


class PastBlocks:
    """The last five weights and blocks, newest first."""

    def __init__(self) -> None:
        self.weights: list[Tensor] = []
        self.blocks: list[Tensor] = []

    def __len__(self) -> int:
        return len(self.blocks)

    def predict(self, weights: Tensor) -> Tensor:
        """The block at the weights, (p, b), not orthonormal."""
        predicted = torch.zeros_like(self.blocks[0])
        for coefficient, block in zip(self.coefficients(weights).tolist(), self.blocks, strict=True):
            predicted.add_(block, alpha=coefficient)
        return predicted

    def coefficients(self, weights: Tensor) -> Tensor:
        """How much each of the past blocks counts, float64; they sum to 1."""
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
        """Remember an orthonormal block, in the rotation nearest to the last one."""
        if self.blocks:
            left, _, right = torch.linalg.svd(gram(block, self.blocks[0]))
            block = combine(block, left @ right)
        self.weights = [weights.detach().clone(), *self.weights[: MOST - 1]]
        self.blocks = [block, *self.blocks[: MOST - 1]]

    def forget_strangers(self, block: Tensor) -> None:
        """Keep only the blocks that are near this one."""
        kept = [i for i, past in enumerate(self.blocks) if overlap(block, past) >= FAMILIAR]
        self.weights, self.blocks = [self.weights[i] for i in kept], [self.blocks[i] for i in kept]

    def state(self) -> dict[str, Tensor]:
        """Weights and blocks by name, a vector a row."""
        return {f"weights_{i}": w for i, w in enumerate(self.weights)} | {
            f"block_{i}": b.T.contiguous() for i, b in enumerate(self.blocks)
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a state."""
        count = sum(name.startswith("block_") for name in state)
        self.weights = [state[f"weights_{i}"].clone() for i in range(count)]
        self.blocks = [state[f"block_{i}"].clone().T for i in range(count)]
