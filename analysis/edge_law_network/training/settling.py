"""Runs that have come to their end as far as the sharpness goes, though their slowest residuals have not.

With few examples of one number the eigenvalues of JJᵀ, J the Jacobian of the residuals r, span three orders of
magnitude and more, and where ηλ/2 is .97 for the first it is 10⁻⁴ for the last: ‖∇L‖ < `CONVERGED` takes some 10⁵
steps, of which the oscillation has long died in all but the first 10⁴. What is left is least squares of outputs that
are nearly linear, and there gradient descent goes from θ to the nearest zero of r, whatever its step size,

    θ_∞ = θ − J⁺r,

again from there while ‖∇L‖ is not below `CONVERGED`. A run is *settled* where its swing is less than `QUIET`, S(θ) and
S(θ_∞) are below 2/η, and going to θ_∞ moves the sharpness by less than `SETTLED` of the gap 2/η − S(θ_∞). What θ_∞
misses is of second order in the way there: on T₃ with tanh .012 to .04 of the gap where S had .24 to .48 of it to go.

Shapes: R runs, p weights.
"""

import torch
from torch import Tensor

from analysis.edge_law_network.training.batch import Batch

CONVERGED = 3e-8  # ‖∇L‖
QUIET = 1e-5  # swing, in units of the weights
SETTLED = 0.1
NEWTON = 6
ITERATIONS = 100  # power iterations of either sharpness


def settled(batch: Batch, vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Which of these quiet runs are settled, (R,), and θ_∞, (R, p); from vectors near the top eigenvectors."""
    ends = batch.weights
    for _ in range(NEWTON):
        residuals, jacobians = batch.residuals(ends)
        fine = jacobians.flatten(1).isfinite().all(1)
        ways = torch.linalg.lstsq(jacobians[fine], residuals[fine][..., None], driver="gelsd").solution[..., 0]
        ends = ends.index_add(0, fine.nonzero()[:, 0], -ways)
    slopes = batch.at(ends).value_and_gradient()[1].norm(dim=1)
    here, there = (batch.sharpness(weights, vectors, ITERATIONS)[0] for weights in (batch.weights, ends))
    gap = 2 / batch.eta - there
    return (slopes < CONVERGED) & (here < 2 / batch.eta) & (gap > 0) & ((there - here).abs() < SETTLED * gap), ends
