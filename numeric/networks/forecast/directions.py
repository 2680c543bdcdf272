"""The directions across the edge that a forecast follows: those in which the base model moves, in a Krylov space.

Across the edge gradient descent is driven by the gradient F and, through the oscillation, by the third derivatives
T_ab = ∇³L(u_a, u_b, ·), and H = ∇²L moves what they drive. So z stays in the block Krylov space of H from these drivers
and the start z₀, and is found there, before anything is left out, by the model of lowest order, which needs no more
than H on that space. The leading singular directions of its path z₀, z₁ … are what is kept: few, since what is driven
twice is driven along the same lines.

Where the expansion at the cut needs no H on that space but the space alone, it is made by differences of gradients.

Shapes: drivers (p, d), basis (p, n), in the parts in which it was made, since all of it is the largest thing that a
forecast keeps; directions (p, m); ∇²L on them (n, n) and (m, m).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from numeric.compile import Array
from numeric.networks.forecast.anchor import Anchor

Basis: TypeAlias = Sequence[Tensor]

NEGLIGIBLE = 1e-10  # of a block's largest vector: what is left of it is rounding
DIFFERENCE = 1e-6  # relative to the length of the weights
LITTLE = 0.1  # of a unit vector: then what was left of it was rounding


def leading_directions(basis: Basis, projected: Array, path: Array, count: int) -> tuple[Tensor, Array]:
    """The `count` leading directions of a path (steps, n) in the basis, (p, m), and ∇²L on them, (m, m)."""
    leading, _, _ = np.linalg.svd(path.T, full_matrices=False)
    chosen = leading[:, :count]
    parts = torch.from_numpy(chosen).to(basis[0]).split([len(one.T) for one in basis])
    found = basis[0] @ parts[0]
    for one, part in zip(basis[1:], parts[1:], strict=True):
        found.addmm_(one, part)
    return found, chosen.T @ projected @ chosen


def along(basis: Basis, vectors: Tensor) -> Tensor:
    """The coordinates of vectors (p,) or (p, d) in the basis, (n,) or (n, d)."""
    return torch.cat([one.T @ vectors for one in basis])


def krylov_space(anchor: Anchor, drivers: Tensor, products: int) -> tuple[Basis, Array]:
    """An orthonormal basis of the block Krylov space, and ∇²L on it, (n, n)."""
    vectors, values = anchor.known or (drivers.new_zeros(len(drivers), 0), np.zeros(0))
    basis = [vectors]
    projected, used = np.diag(values), 0
    scaled = drivers / drivers.norm(dim=0).clamp_min(torch.finfo(drivers.dtype).tiny)
    block = orthonormal(scaled, *basis, anchor.edge)
    while block.shape[1] and used < products:
        image = anchor.across(anchor.hessian_at(anchor.weights, block))
        basis, used = [*basis, block], used + block.shape[1]
        columns = along(basis, image).numpy()
        before = len(projected)
        projected = np.block([[projected, columns[:before]], [columns[:before].T, columns[before:]]])
        block = orthonormal(image, *basis, anchor.edge)
    return basis, (projected + projected.T) / 2


def krylov_space_across(anchor: Anchor, block: Tensor, products: int, *bases: Tensor) -> Tensor:
    """What so many products of ∇²L, with an orthonormal block (p, n) first, add to orthogonal bases, (p, products).

    The products are differences of gradients, a gradient each: enough to know where they lead.
    """
    step, found = DIFFERENCE * (float(anchor.weights.norm()) or 1.0), block[:, :0]
    while block.shape[1] and products:
        block = block[:, :products]
        products -= block.shape[1]
        images = [(anchor.gradient_at(anchor.weights + step * one) - anchor.gradient) / step for one in block.T]
        block = orthonormal(torch.stack(images, 1), *bases, found)
        found = torch.cat([found, block], 1)
    return found


def orthonormal(block: Tensor, *bases: Tensor) -> Tensor:
    """What the block adds to bases that are orthogonal, orthonormal, the leading directions first."""
    least = NEGLIGIBLE * float(block.norm(dim=0).max()) if block.shape[1] else 0.0
    for _ in range(2):  # what is small has lost its right angles: once more, at length 1
        for basis in 2 * bases:
            block = block - basis @ (basis.T @ block)
        vectors, sizes, _ = torch.linalg.svd(block, full_matrices=False)
        block, least = vectors[:, sizes > least], LITTLE
    return block
