"""Trace, trace of the square and diagonal of a symmetric matrix from products with random vectors, by Hutch++.

Of the images of s Gaussian vectors an orthonormal basis Q is made, which has what dominates the matrix; its part is
exact, and m vectors g of random signs say what is left, with P = 1 − QQᵀ and B = PAP:

    tr A     = tr QᵀAQ + E[g·Bg]
    tr A²    = 2‖AQ‖² − ‖QᵀAQ‖² + E[‖Bg‖²]
    diag A   = 2 diag(QQᵀA) − diag(QQᵀAQQᵀ) + E[g ∘ Bg]

all from the same s + s + m products, s = m up to a remainder. So the diagonal sums to the trace, and over the weights
of a layer to the trace of its block. The means over the g are unbiased whatever Q is, and independent given Q: their
standard errors follow. With m small they scatter themselves, as Student's t with m − 1 degrees of freedom; and a ‖Bg‖²
that a few eigenvalues rule is skewed, so that of nine tenths with m = 10 eight tenths hold.

The error of the trace is that of ‖B‖ in place of ‖A‖: where A has rank s at most, as a Gauss–Newton matrix of few
examples, B = 0 and all is exact, up to rounding: products in float32 leave some 1e-6 of Σ|λ|.

Shapes: θ (p,), groups (q,) the places of some weights. Units: the trace those of A. Errors: `BadInput` for fewer than
`FEWEST` products; `Undecided` where the matrix is not finite. Sources: :cite:t:`meyer2021hutch` for the trace; after
:cite:t:`epperly2024xtrace` for the diagonal; :cite:t:`hutchinson1989stochastic`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from eos_sym import Undecided
from numeric.networks.curvature.eigen import Operator
from numeric.networks.curvature.eigen.inner_products import combine, gram, orthonormal
from numeric.values import whole_number

FEWEST = 4  # products: one to begin with, one in Q, and two that say how far they scatter


class Hutchpp:
    """What so many products say of an operator at these weights."""

    def __init__(self, operator: Operator, weights: Tensor, products: int = 60, seed: int = 0) -> None:
        whole_number("products", products, least=FEWEST)
        sketched = min(products // 3, len(weights))
        whole_number("seed", seed, least=0)
        generator = torch.Generator().manual_seed(seed)
        images = operator.product(gaussian(weights, sketched, generator))
        self._basis = orthonormal(images, images[:, :0])
        rank = self._basis.shape[1]
        self._images = operator.product(self._basis)
        self._projected = gram(self._basis, self._images)
        left = 0 if rank == len(weights) else products - sketched - rank
        self._probes = torch.randint(2, (left, len(weights)), generator=generator).to(weights).T * 2 - 1
        across = self._across(self._probes)
        self._answers = self._across(operator.product(across)) if left else across
        self.products, self.evaluations = sketched + rank + left, operator.evaluations
        if not all(one.isfinite().all() for one in (images, self._images, self._answers)):
            raise Undecided("the matrix is not finite at these weights: it has no trace")

    def traces(self, groups: Mapping[str, Tensor] | None = None) -> xr.Dataset:
        """Trace and trace of the square, with standard errors; and the trace of the block of every group of weights."""
        rest, spread = _mean((self._probes.double() * self._answers.double()).sum(0))
        squares, scatter = _mean(self._answers.double().square().sum(0))
        inside = float(self._images.double().square().sum())
        values = {
            "trace": float(self._projected.trace()) + rest,
            "trace_error": spread,
            "square": 2 * inside - float(self._projected.square().sum()) + squares,
            "square_error": scatter,
        }
        found = xr.Dataset(values, attrs={"products": self.products, "evaluations": self.evaluations})
        if groups is None:
            return found
        exact, samples = self._exact_diagonal(), self._samples()
        parts = [(float(exact[own].sum()), *_mean(samples[own].sum(0))) for own in groups.values()]
        return found.assign(
            block_trace=("group", [known + rest for known, rest, _ in parts]),
            block_trace_error=("group", [error for *_, error in parts]),
        ).assign_coords(group=[*groups])

    def diagonal(self) -> xr.Dataset:
        """The diagonal and its standard errors, along ``weight``."""
        samples = self._samples()
        count = samples.shape[1]
        rest = samples.mean(1) if count else torch.zeros(len(samples), dtype=torch.float64)
        error = samples.std(1) / count**0.5 if count else torch.zeros_like(rest)
        values = {"diagonal": self._exact_diagonal() + rest, "diagonal_error": error}
        return xr.Dataset(
            {name: ("weight", one.cpu().numpy()) for name, one in values.items()},
            attrs={"products": self.products, "evaluations": self.evaluations},
        )

    def _across(self, block: Tensor) -> Tensor:
        return block - combine(self._basis, gram(self._basis, block))

    def _exact_diagonal(self) -> Tensor:
        """The diagonal of A − B, (p,), float64."""
        basis = self._basis.double()
        turned = combine(basis, self._projected)
        return (basis * (2 * self._images.double() - turned)).sum(1)

    def _samples(self) -> Tensor:
        """g ∘ Bg, (p, m), float64."""
        return self._probes.double() * self._answers.double()


def gaussian(weights: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """So many Gaussian vectors, (p, count), the same in every precision."""
    return torch.randn(count, len(weights), generator=generator, dtype=torch.float64).to(weights).T


def _mean(samples: Tensor) -> tuple[float, float]:
    """The mean and its standard error; zero without samples, since then nothing is left."""
    if not len(samples):
        return 0.0, 0.0
    values = samples.cpu().numpy()
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
