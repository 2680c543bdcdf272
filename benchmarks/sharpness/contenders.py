"""Who reads the sharpness: each is asked at one point after another, and keeps what it likes between.

eigsh stops on ‖r‖ ≤ tol·θ. Where we set its tol it is √(relative/20), with which ‖r‖²/gap is `relative` at a gap of a
twentieth: what our certificate asks for. The others take the tolerance they document.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh, lobpcg
from torch import Tensor, nn

from numeric.networks.curvature import HessianAt
from numeric.networks.curvature.eigen import TopEigenpairs
from numeric.networks.loss import FlatLoss

Read = Callable[[Tensor], tuple[float, int]]  # weights to the sharpness, and how many products that took
Contender = Callable[[FlatLoss, float], Read]


class Absent(Exception):
    """Why a contender cannot take part."""


def residual_tolerance(relative: float) -> float:
    """What eigsh is asked for."""
    return float(np.sqrt(relative / 20))


def ours(loss: FlatLoss, relative: float, guard: int = 1) -> Read:
    """`TopEigenpairs`."""
    eigenpairs = TopEigenpairs(1, guard=guard, relative=relative)

    def read(weights: Tensor) -> tuple[float, int]:
        hessian = HessianAt(loss, weights)
        reading = eigenpairs.read(hessian, weights, hessian.gradient)
        return float(reading.eigenvalues[0]), reading.products

    return read


def without_guard(loss: FlatLoss, relative: float) -> Read:
    """`TopEigenpairs` with a block of one."""
    return ours(loss, relative, guard=0)


class Counted:
    """A product for SciPy that counts itself."""

    def __init__(self, product: Callable[[Tensor], Tensor], size: int) -> None:
        self.calls, self.product = 0, product
        self.operator = LinearOperator((size, size), matvec=self._one, matmat=self._block, dtype=np.float32)

    def _one(self, vector: np.ndarray) -> np.ndarray:
        return self._block(vector.reshape(-1, 1))[:, 0]

    def _block(self, block: np.ndarray) -> np.ndarray:
        self.calls += block.shape[1]
        return np.stack([self.product(torch.from_numpy(np.ascontiguousarray(v))).numpy() for v in block.T], 1)


def plain_eigsh(loss: FlatLoss, relative: float) -> Read:
    """As in the repository of Cohen et al.: a graph for each product, a random start, to machine precision."""

    def read(weights: Tensor) -> tuple[float, int]:
        counted = Counted(lambda v: HessianAt(loss, weights).product(v[:, None])[:, 0], len(weights))
        return float(eigsh(counted.operator, k=1, which="LA", return_eigenvectors=False)[0]), counted.calls

    return read


def warm_eigsh(loss: FlatLoss, relative: float) -> Read:
    """The honest baseline: started from the last vector, a basis of five, our shared graph."""
    last: list[np.ndarray] = []

    def read(weights: Tensor) -> tuple[float, int]:
        hessian = HessianAt(loss, weights)
        counted = Counted(lambda v: hessian.product(v[:, None])[:, 0], len(weights))
        start = last[-1] if last else None
        values, vectors = eigsh(
            counted.operator, k=1, which="LA", v0=start, ncv=5 if last else None, tol=residual_tolerance(relative)
        )
        last[:] = [vectors[:, 0]]
        return float(values[0]), counted.calls

    return read


def warm_lobpcg(loss: FlatLoss, relative: float) -> Read:
    """SciPy's LOBPCG on a block of two, started from the last, our shared graph."""
    block = [np.random.default_rng(0).standard_normal((len(loss.parameters), 2)).astype(np.float32)]

    def read(weights: Tensor) -> tuple[float, int]:
        hessian = HessianAt(loss, weights)
        counted = Counted(lambda v: hessian.product(v[:, None])[:, 0], len(weights))
        theta = 2e1  # LOBPCG's tolerance is absolute; the sharpness here is near the edge
        values, block[0] = lobpcg(
            counted.operator, block[0], largest=True, tol=residual_tolerance(relative) * theta, maxiter=60
        )
        return float(values.max()), counted.calls

    return read


class Mean(nn.Module):
    """The criterion with the attribute that curvlinops asks for."""

    reduction = "mean"

    def __init__(self, loss: FlatLoss) -> None:
        super().__init__()
        self.criterion = loss.criterion

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The criterion."""
        return self.criterion(outputs, targets)


def curvlinops(loss: FlatLoss, relative: float) -> Read:
    """curvlinops' Hessian with eigsh."""
    library = package("curvlinops")

    criterion = Mean(loss)

    def read(weights: Tensor) -> tuple[float, int]:
        loss.load(weights)
        operator = library.HessianLinearOperator(
            loss.module,
            criterion,
            list(loss.module.parameters()),
            [(loss.inputs, loss.targets)],
            check_deterministic=False,
        )
        counted = Counted(lambda v: operator @ v, len(weights))
        tolerance = residual_tolerance(relative)
        return float(
            eigsh(counted.operator, k=1, which="LA", tol=tolerance, return_eigenvectors=False)[0]
        ), counted.calls

    return read


def pyhessian(loss: FlatLoss, relative: float) -> Read:
    """PyHessian's power iteration."""
    library = package("pyhessian.hessian")
    calls = [0]
    product = library.hessian_vector_product

    def counting(*arguments: Any) -> Any:
        calls[0] += 1
        return product(*arguments)

    def read(weights: Tensor) -> tuple[float, int]:
        loss.load(weights)
        library.hessian_vector_product, calls[0] = counting, 0
        try:
            computation = library.hessian(loss.module, loss.criterion, data=(loss.inputs, loss.targets), cuda=False)
            values, _ = computation.eigenvalues(maxIter=100, tol=relative, top_n=1)
        finally:
            library.hessian_vector_product = product
            for parameter in loss.module.parameters():
                parameter.grad = None  # it holds the graph
        return float(values[0]), calls[0]

    return read


def eigenthings(loss: FlatLoss, relative: float) -> Read:
    """hessian-eigenthings' Lanczos, 12 steps for 1e-3 and 25 below: its tolerance does not stop it."""
    operators = package("hessian_eigenthings.operators.hessian")
    algorithm = package("hessian_eigenthings.algorithms.lanczos")

    def loss_of(module: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return loss.criterion(module(batch[0]), batch[1])

    def read(weights: Tensor) -> tuple[float, int]:
        loss.load(weights)
        operator = operators.HessianOperator(loss.module, [(loss.inputs, loss.targets)], loss_of)
        steps = 12 if relative >= 1e-3 else 25
        found = algorithm.lanczos(operator, k=1, max_iter=steps, which="LA", seed=0)
        return float(found.eigenvalues[0]), int(found.iterations)

    return read


def package(name: str) -> Any:
    """A package of the extra `benchmark`."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Absent(f"not installed ({error}); pip install 'edge-of-stability[benchmark]'") from None


OURS, BASELINE = "ours", "eigsh, started from the last vector"
CONTENDERS: dict[str, Contender] = {
    OURS: ours,
    "ours without a guard": without_guard,
    BASELINE: warm_eigsh,
    "LOBPCG, started from the last block": warm_lobpcg,
    "eigsh as in Cohen et al.": plain_eigsh,
    "curvlinops with eigsh": curvlinops,
    "PyHessian": pyhessian,
    "hessian-eigenthings": eigenthings,
}
