"""The largest and the least eigenvalues of a matrix, and the largest of its blocks, each with its bound.

`TopEigenpairs` finds the algebraically largest eigenvalues of A, and of c − A with c the largest of them: λ = c − those
for the least. Shifted so, a least eigenvalue of zero has a tolerance like any other: `relative` of the distance between
the ends of the spectrum, where it is `relative` of itself at the upper end. (That tolerance is a goal; the bound says
what was reached.)

The block of some weights is that of the Hessian while *all* of them are trained: it is not what freezing the others
would make of training, and its largest eigenvalue is at most that of the whole.

Shapes: eigenvalues and bounds (end, rank), rank 0 at the end itself; blocks along ``group``. Source:
`numeric.networks.curvature.eigen`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from torch import Tensor

from numeric.networks.curvature.eigen import Operator, Reading, TopEigenpairs
from numeric.networks.curvature.spectrum.operators import Block, Flipped, operator_of
from numeric.networks.curvature.spectrum.xtrace import XTrace


def extreme_eigenvalues(
    operator: Operator, weights: Tensor, count: int = 1, *, relative: float = 1e-3, seed: int = 0
) -> xr.Dataset:
    """The `count` largest and least eigenvalues, with bounds, at ``end`` "largest" and "least"."""
    operator = operator_of(operator, weights)
    top = TopEigenpairs(count, relative=relative, seed=seed).read(operator, weights)
    level = float(top.eigenvalues[0])
    bottom = TopEigenpairs(count, relative=relative, seed=seed).read(Flipped(operator, level), weights)
    ends = {"largest": (top, top.eigenvalues), "least": (bottom, level - bottom.eigenvalues)}
    return xr.Dataset(
        {
            "eigenvalue": (("end", "rank"), np.array([values.numpy() for _, values in ends.values()])),
            "bound": (("end", "rank"), np.array([reading.bounds.numpy() for reading, _ in ends.values()])),
            "overlooked": ("end", [reading.overlooked for reading, _ in ends.values()]),
            "status": ("end", [reading.status for reading, _ in ends.values()]),
        },
        {"end": [*ends], "rank": np.arange(count)},
        {"evaluations": operator.evaluations},
    )


def blocks(
    operator: Operator,
    weights: Tensor,
    groups: Mapping[str, Tensor],
    *,
    relative: float = 1e-3,
    products: int = 60,
    seed: int = 0,
) -> xr.Dataset:
    """The largest eigenvalue of every group's block, with its bound, and its trace, with its standard error.

    The traces are all from the same products of the whole, the eigenvalues from some of their own for every block.
    """
    operator = operator_of(operator, weights)
    readings = [_top(Block(operator, own, len(weights)), weights[own], relative, seed) for own in groups.values()]
    traces = XTrace(operator, weights, products, seed).traces(groups)
    return traces.assign(
        weights=("group", [len(own) for own in groups.values()]),
        eigenvalue=("group", [float(one.eigenvalues[0]) for one in readings]),
        bound=("group", [float(one.bounds[0]) for one in readings]),
        status=("group", [one.status for one in readings]),
    ).assign_attrs(evaluations=operator.evaluations)


def _top(block: Operator, weights: Tensor, relative: float, seed: int) -> Reading:
    return TopEigenpairs(1, relative=relative, seed=seed).read(block, weights)
