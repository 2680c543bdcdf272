"""Principal axes of points: the directions in which they vary most, each with a sign of its own, the same everywhere.

    X − 1x̄ᵀ = U diag(σ) Vᵀ,  σ₁ ≥ σ₂ ≥ …        axes v₁, v₂, … the columns of V,  components (x − x̄)·v_k

The decomposition leaves the sign of every v_k open, and libraries choose it differently, even from one processor to the
next: a network that is trained on the components is another one then. Here the entry of v_k with the largest magnitude
is positive, and of several that are alike the first (`numeric.networks.signs`).

Where two singular values are nearly equal no sign helps: any rotation of their axes is as good, and rounding of the
order ε chooses one, since it turns v_k by ε σ₁/(σ_k − σ_{k+1}). Axes that are closer than a millionth of σ₁ to the next
are refused; the others are determined to about 10⁻⁹.

Shapes: points (n, d), axes (d, count). Errors: `BadInput` for more axes than the points vary in, or axes that are not
determined.
"""

from __future__ import annotations

import torch
from torch import Tensor

from eos_sym import BadInput
from numeric.networks.signs import positive
from numeric.values import whole_number

APART = 1e-6  # of the largest singular value: how far apart two are that are told from each other


def principal_axes(points: Tensor, count: int) -> Tensor:
    """The leading axes as columns, (d, count), in float64."""
    whole_number("count", count, least=1)
    centred = points.double() - points.double().mean(0)
    _, sizes, rows = torch.linalg.svd(centred, full_matrices=False)
    spread = torch.cat([sizes, sizes.new_zeros(1)])  # beyond these directions nothing varies
    told = int((spread > APART * sizes[0]).sum())
    if told < count:
        raise BadInput(f"{count} principal axes of {len(points)} points that vary in {told} directions: ask for fewer")
    close = spread[:count] - spread[1 : count + 1] <= APART * sizes[0]
    if close.any():
        first = int(close.nonzero()[0, 0]) + 1
        raise BadInput(
            f"principal axes {first} and {first + 1}: the points vary alike in both; ask for fewer than these"
        )
    axes: Tensor = rows[:count].T
    axes *= positive(axes)
    return axes
