"""Whether a direction outside the block curves more than its k-th: looked for from a random vector, by Lanczos.

Let C be the compression of H to the complement of the block, x₁ uniform on the sphere of its p dimensions, and α, β
what Lanczos' method makes of them. Its vectors are polynomials of C times the first, xⱼ₊₁ = pⱼ(C) x₁ with

    p₀ = 1,    βⱼ₊₁ pⱼ₊₁(λ) = (λ − αⱼ₊₁) pⱼ(λ) − βⱼ pⱼ₋₁(λ).

If C has an eigenvalue λ with eigenvector u, then u·xⱼ₊₁ = pⱼ(λ) u·x₁, and since xⱼ₊₁ has length 1, |u·x₁| ≤ 1/|pⱼ(λ)|.
Above the largest Ritz value every pⱼ grows. So an eigenvalue above a level ℓ that is above all Ritz values has been
overlooked only if u·x₁ is small, with at most the probability

    P(|u·x₁| ≤ t) ≤ t √(2p/π),      t = 1/maxⱼ pⱼ(ℓ).

This is what *this* run of Lanczos' method has seen, and many orders below what can be said of all matrices beforehand.
The level is the block's k-th Ritz value plus the tolerance. The search ends when the probability is `UNLIKELY`, at
`MOST` products, when a Ritz value is above the level, which is a find, or when the Krylov space is all that there is:
then nothing is overlooked.

*The Krylov space that the block itself is from* is as good a search for k = 1, where ℓ is above all of its Ritz values.
(For k > 1 it is none: of a double eigenvalue a Krylov space knows one vector.)

No vector is kept: three terms, orthogonal to the block, make α and β. Without orthogonality to all the others copies of
a Ritz value come once it has converged, which makes the largest no larger and leaves what is said of u·xⱼ true. What is
found is put together by the same products a second time.

Source: :cite:t:`vandorsselaer2001computing`, :cite:t:`hochstenbach2013probabilistic`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from numeric.networks.curvature.eigen.inner_products import gram, length, outside
from numeric.networks.curvature.eigen.reading import Operator

UNLIKELY = 1e-2
MOST = 40
LARGEST = 1e100  # of a polynomial
NOTHING = 10.0  # machine precisions of the largest Ritz value: a next vector shorter than this is rounding


@dataclass(frozen=True)
class Search:
    """The probability that a direction was overlooked, NaN after a find; the largest Ritz value; what was found."""

    overlooked: float
    largest: float
    found: Tensor | None
    products: int


def search(operator: Operator, block: Tensor, fresh: Callable[[], Tensor], level: float) -> Search:
    """Search the complement of an orthonormal block (p, b) for curvature above the level.

    From a random vector (p,), which is asked for a second time where something is found.
    """
    diagonal: list[float] = []
    beside: list[float] = []
    lanczos = steps(operator, block, fresh())
    for vector, alpha, beta in lanczos:
        del vector
        diagonal.append(alpha)
        beside.append(beta)
        if not math.isfinite(alpha) or not math.isfinite(beta):
            return Search(math.nan, math.nan, None, len(diagonal))
        values, vectors = torch.linalg.eigh(tridiagonal(diagonal, beside))
        largest, products = float(values[-1]), len(diagonal)
        if largest > level:
            lanczos.close()  # its vectors need memory
            found = _again(operator, block, fresh, vectors[:, -1])
            return Search(math.nan, largest, found, 2 * products)
        if beta <= NOTHING * torch.finfo(block.dtype).eps * float(values.abs().max()):
            return Search(0.0, largest, None, products)
        probability = overlooked(len(block) - block.shape[1], diagonal, beside, level)
        if probability <= UNLIKELY or products >= MOST:
            return Search(probability, largest, None, products)
    return Search(0.0, -math.inf, None, len(diagonal))


def steps(
    operator: Operator, block: Tensor, vector: Tensor, before: Tensor | None = None, beta: float = 0.0
) -> Generator[tuple[Tensor, float, float]]:
    """Lanczos' vectors (p,), with α and the next β, for as long as there is a next one; from the midst of them too."""
    vector = outside(vector, block)
    norm = length(vector)
    while 0 < norm < math.inf:
        vector.div_(norm)
        image = operator.product(vector[:, None])[:, 0]
        alpha = float(gram(vector[:, None], image[:, None]))
        image.sub_(vector, alpha=alpha)
        if before is not None:
            image.sub_(before, alpha=beta)
        before = None
        image = outside(image, block)
        beta = norm = length(image)
        yield vector, alpha, beta
        vector, before = image, vector


def _again(operator: Operator, block: Tensor, fresh: Callable[[], Tensor], coordinates: Tensor) -> Tensor:
    """The Ritz vector (p,) with these coordinates, from the same products again."""
    found = torch.zeros_like(block[:, 0])
    for coordinate, (vector, _, _) in zip(coordinates.tolist(), steps(operator, block, fresh()), strict=False):
        found.add_(vector, alpha=coordinate)
    return found


def tridiagonal(diagonal: Sequence[float], beside: Sequence[float]) -> Tensor:
    """T, (n, n), float64, of n diagonal entries and at least n − 1 beside them."""
    matrix = torch.diag(torch.tensor(diagonal, dtype=torch.float64))
    off = torch.tensor(beside[: len(diagonal) - 1], dtype=torch.float64)
    return matrix + torch.diag(off, 1) + torch.diag(off, -1) if len(off) else matrix


def overlooked(size: int, diagonal: Sequence[float], beside: Sequence[float], level: float) -> float:
    """The bound on the probability in so many dimensions, from n diagonal entries and the n beside them.

    The level is above all Ritz values.
    """
    before, polynomial, most, last = 0.0, 1.0, 1.0, 0.0
    for alpha, beta in zip(diagonal, beside, strict=True):
        if beta == 0 or most > LARGEST:
            return 0.0
        before, polynomial = polynomial, ((level - alpha) * polynomial - last * before) / beta
        most, last = max(most, abs(polynomial)), beta
    return min(1.0, math.sqrt(2 * size / math.pi) / most)
