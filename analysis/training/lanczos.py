"""The sharpness by another method: SciPy's restarted Lanczos iteration on plain Hessian products, without a start.

Nothing is shared with `numeric.networks.curvature.eigen` or `numeric.networks.curvature.products`, so that agreement
says something.
"""

import numpy as np
import torch
import xarray as xr
from scipy.sparse.linalg import LinearOperator, eigsh

from numeric.compile import Array
from numeric.networks.loss import FlatLoss

SCIPY_TOLERANCE = 1e-4
LANCZOS_VECTORS = 12


def lanczos_sharpness(loss: FlatLoss, weights: Array) -> float:
    """The largest eigenvalue of the Hessian by implicitly restarted Lanczos iteration, from plain Hessian products."""
    point = torch.from_numpy(weights).double().requires_grad_()
    pieces = [
        (FlatLoss(loss.module, inputs, targets, loss.criterion), share) for (inputs, targets), share in loss.batches()
    ]

    def product(vector: Array) -> Array:
        image = torch.zeros(len(point), dtype=torch.float64)
        for piece, share in pieces:  # one graph at a time, so that the full batch need not fit
            (gradient,) = torch.autograd.grad(share * piece(point), point, create_graph=True)
            image += torch.autograd.grad(gradient, point, torch.from_numpy(vector).view(-1))[0]
        return image.detach().numpy()

    size = len(weights)
    operator = LinearOperator((size, size), matvec=product, dtype=np.float64)
    start = np.random.default_rng(0).normal(size=size)
    vectors = min(LANCZOS_VECTORS, size)
    values = eigsh(operator, 1, which="LA", v0=start, tol=SCIPY_TOLERANCE, ncv=vectors, return_eigenvectors=False)
    return float(values[0])


def last_before(history: xr.Dataset, crossing: int | None) -> int | None:
    """The last step before the crossing, or of all, at which weights were kept and the sharpness read; None if none."""
    kept = np.intersect1d(history.snapshot.values, history.reading.values)
    before = kept if crossing is None else kept[kept < crossing]
    return int(before[-1]) if len(before) else None
