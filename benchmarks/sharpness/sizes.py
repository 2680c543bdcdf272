"""What the first readings of networks of 10⁵ to 10⁷ weights take: evaluations, vector algebra, memory.

64–w–w–10 tanh networks on 300 of scikit-learn's digits, float32, read at every step of gradient descent from the start.
An evaluation is the processor time of a gradient in the same process. `overhead` is a reading's time over that of what
it counts: a gradient, and products at what one takes. `vectors` is by how much the process has grown through the
readings, beyond what a gradient and a product had needed, in vectors of the length of the weights: measuring rounding
in float64 and what the allocator keeps included.
"""

from __future__ import annotations

import resource
import statistics
import sys
from dataclasses import dataclass
from functools import partial

import torch

from benchmarks.sharpness.measure import seconds
from benchmarks.sharpness.problem import ETA, digits_loss
from numeric.networks.curvature import HessianAt
from numeric.networks.curvature.eigen import TopEigenpairs
from numeric.networks.loss import FlatLoss

EXAMPLES = 300
LATER = 8  # readings: a round of looking around
TIMES = 3


@dataclass(frozen=True)
class Size:
    """A network's first reading, and the means of later ones."""

    weights: int
    products: int
    evaluations: float
    overhead: float
    overlooked: float
    vectors: float
    later_products: float
    later_evaluations: float
    later_overhead: float


def measured(width: int) -> Size:
    """Readings of a network of this width."""
    _read_once(digits_loss(torch.float32, 16, EXAMPLES))  # what is loaded and made by a process's first reading
    loss = digits_loss(torch.float32, width, EXAMPLES)
    weights = loss.parameters
    hessian = HessianAt(loss, weights)
    direction = hessian.gradient[:, None]
    hessian.product(direction)
    product = statistics.median(seconds(partial(hessian.product, direction)) for _ in range(TIMES))
    gradient = statistics.median(seconds(lambda: loss.value_and_gradient(weights)) for _ in range(TIMES))
    del hessian, direction
    before, eigenpairs = _resident(), TopEigenpairs(1, relative=1e-3)
    spent, products, overlooked = [], [], []

    def read(at: torch.Tensor) -> None:
        hessian = HessianAt(loss, at)
        reading = eigenpairs.read(hessian, at, hessian.gradient)
        products.append(reading.products)
        overlooked.append(reading.overlooked)

    for _ in range(1 + LATER):
        spent.append(seconds(partial(read, weights)))
        weights = weights - ETA * loss.value_and_gradient(weights)[1]
    counted = [gradient + count * product for count in products]
    return Size(
        len(weights),
        products[0],
        spent[0] / gradient,
        spent[0] / counted[0],
        overlooked[0],
        (_resident() - before) / weights.nbytes,
        statistics.mean(products[1:]),
        statistics.mean(spent[1:]) / gradient,
        sum(spent[1:]) / sum(counted[1:]),
    )


def _read_once(loss: FlatLoss) -> None:
    hessian = HessianAt(loss, weights := loss.parameters)
    TopEigenpairs(1).read(hessian, weights, hessian.gradient)


def _resident() -> int:
    """The most bytes that the process has held so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most
