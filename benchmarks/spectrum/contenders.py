"""Who tells the trace or the density: each is given so many products and a seed.

A density comes as nodes and weights (probe, node), which are smoothed alike, so that kernels and grids do not count.
PyHessian's density needs torch.eig, which torch has not had since 1.13: it gets one here, made of torch.linalg.eigh,
and nothing else is changed. curvlinops' Lanczos is taken without the kernel around it, for the same reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.sharpness.contenders import Absent, Mean, package
from numeric.compile import Array
from numeric.networks.curvature import HessianAt, TopEigenpairs
from numeric.networks.curvature.spectrum import XTrace, spectral_density
from numeric.networks.loss import FlatLoss

Trace = Callable[[FlatLoss, int, int], float]  # loss at its module's weights, products, seed
Density = Callable[[FlatLoss, int, int, int], tuple[Array, Array]]  # loss, probes, products a probe, seed
OUTLIERS = 10
LEAST = -0.05  # at the default options the least eigenvalue is -0.022


def our_trace(loss: FlatLoss, products: int, seed: int) -> float:
    """`XTrace`."""
    weights = loss.parameters
    return float(XTrace(HessianAt(loss, weights), weights, products, seed).traces().trace)


def our_trace_above(loss: FlatLoss, products: int, seed: int) -> float:
    """The same with a bound of all eigenvalues from below, as an earlier reading has it."""
    weights = loss.parameters
    return float(XTrace(HessianAt(loss, weights), weights, products, seed, least=LEAST).traces().trace)


def curvlinops_trace(name: str) -> Trace:
    """One of curvlinops' estimators."""

    def trace(loss: FlatLoss, products: int, seed: int) -> float:
        library = package("curvlinops")
        torch.manual_seed(seed)
        return float(getattr(library, name)(_linear_operator(loss), products))

    return trace


def eigenthings_trace(method: str) -> Trace:
    """One of hessian-eigenthings' estimators."""

    def trace(loss: FlatLoss, products: int, seed: int) -> float:
        library = package("hessian_eigenthings.algorithms.trace")
        return float(library.trace(_eigenthings(loss), num_matvecs=products, method=method, seed=seed).estimate)

    return trace


def pyhessian_trace(loss: FlatLoss, products: int, seed: int) -> float:
    """PyHessian's; with the tolerance 0 it takes all products."""
    return float(np.mean(_pyhessian(loss, seed).trace(maxIter=products, tol=0.0)))


def our_density(loss: FlatLoss, probes: int, products: int, seed: int) -> tuple[Array, Array]:
    """`spectral_density`."""
    weights = loss.parameters
    found = spectral_density(HessianAt(loss, weights), weights, width=1.0, probes=probes, products=products, seed=seed)
    return found.nodes.values, found.weights.values


def our_density_with_outliers(loss: FlatLoss, probes: int, products: int, seed: int) -> tuple[Array, Array]:
    """The same with the outliers certified first, their products taken from those of the probes."""
    weights = loss.parameters
    hessian = HessianAt(loss, weights)
    known = TopEigenpairs(OUTLIERS, relative=1e-2, seed=seed).read(hessian, weights)
    left = probes * products - known.products
    if left < 2 * probes:
        raise Absent(f"the outliers alone took {known.products} products")
    found = spectral_density(
        hessian, weights, width=1.0, probes=probes, products=left // probes, seed=seed, known=known
    )
    nodes = np.concatenate([found.nodes.values, np.tile(known.eigenvalues.numpy(), (probes, 1))], 1)
    share = np.full((probes, OUTLIERS), 1 / len(weights))
    return nodes, np.concatenate([found.weights.values, share], 1)


def curvlinops_density(loss: FlatLoss, probes: int, products: int, seed: int) -> tuple[Array, Array]:
    """curvlinops' `fast_lanczos`, which does not orthogonalize."""
    library = package("curvlinops.papyan2020traces.spectrum")
    torch.manual_seed(seed)
    operator = _linear_operator(loss)
    pairs = [library.fast_lanczos(operator, products) for _ in range(probes)]
    return np.array([values.numpy() for values, _ in pairs]), np.array([(one[0] ** 2).numpy() for _, one in pairs])


def eigenthings_density(loss: FlatLoss, probes: int, products: int, seed: int) -> tuple[Array, Array]:
    """hessian-eigenthings' `spectral_density`."""
    library = package("hessian_eigenthings.algorithms.spectral_density")
    found = library.spectral_density(
        _eigenthings(loss), num_runs=probes, lanczos_steps=products, num_grid_points=10, seed=1000 * seed
    )
    return found.raw_eigenvalues.numpy(), found.raw_weights.numpy()


def pyhessian_density(loss: FlatLoss, probes: int, products: int, seed: int) -> tuple[Array, Array]:
    """PyHessian's `density`."""
    computation = _pyhessian(loss, seed)
    torch.eig = _eig  # type: ignore[attr-defined, assignment]
    try:
        nodes, weights = computation.density(iter=products, n_v=probes)
    finally:
        del torch.eig  # type: ignore[attr-defined]
    return np.array(nodes), np.array(weights)


def _eig(matrix: Tensor, eigenvectors: bool) -> tuple[Tensor, Tensor]:
    """What torch.eig gave of a symmetric matrix: real and imaginary parts of the eigenvalues, and eigenvectors."""
    values, vectors = torch.linalg.eigh(matrix)
    return torch.stack([values, torch.zeros_like(values)], 1), vectors


def _linear_operator(loss: FlatLoss) -> Any:
    library = package("curvlinops")
    return library.HessianLinearOperator(
        loss.module,
        Mean(loss),
        list(loss.module.parameters()),
        [(loss.inputs, loss.targets)],
        check_deterministic=False,
    )


def _eigenthings(loss: FlatLoss) -> Any:
    library = package("hessian_eigenthings.operators.hessian")

    def loss_of(module: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return loss.criterion(module(batch[0]), batch[1])

    return library.HessianOperator(loss.module, [(loss.inputs, loss.targets)], loss_of)


def _pyhessian(loss: FlatLoss, seed: int) -> Any:
    torch.manual_seed(seed)
    library = package("pyhessian.hessian")
    return library.hessian(loss.module, loss.criterion, data=(loss.inputs, loss.targets), cuda=False)


def smoothed(nodes: Array, weights: Array, grid: Array, width: float) -> Array:
    """The density of nodes and weights, the mean over the probes; nan is nothing."""
    kernel = np.exp(-(((grid[:, None, None] - nodes) / width) ** 2) / 2) / (width * math.sqrt(2 * math.pi))
    return np.asarray(np.nansum(kernel * weights, 2).mean(1))


OURS = "ours"
TRACES: dict[str, Trace] = {
    f"{OURS}, XTrace": our_trace,
    f"{OURS}, XNysTrace, a bound from below given": our_trace_above,
    "curvlinops, Hutch++": curvlinops_trace("hutchpp_trace"),
    "curvlinops, XTrace": curvlinops_trace("xtrace"),
    "hessian-eigenthings, Hutch++": eigenthings_trace("hutch++"),
    "curvlinops, Hutchinson": curvlinops_trace("hutchinson_trace"),
    "PyHessian, Hutchinson": pyhessian_trace,
}
DENSITIES: dict[str, Density] = {
    f"{OURS}, outliers certified": our_density_with_outliers,
    OURS: our_density,
    "curvlinops": curvlinops_density,
    "hessian-eigenthings": eigenthings_density,
    "PyHessian": pyhessian_density,
}
