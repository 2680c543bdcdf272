"""A matrix that is given itself is an operator like any other; what is none is refused in one line."""

import numpy as np
import pytest
import scipy.sparse
import torch
from scipy.sparse.linalg import aslinearoperator

from eos_sym import BadInput
from numeric.networks.curvature.spectrum import (
    Across,
    Block,
    Flipped,
    XTrace,
    blocks,
    extreme_eigenvalues,
    spectral_density,
    spectral_measure,
)

ENTRIES = np.diag(np.arange(1.0, 13.0)) + 0.1
WEIGHTS = torch.ones(12, dtype=torch.float64)
FIRST = torch.eye(12, dtype=torch.float64)[:, :1]
KINDS = {
    "a tensor": torch.tensor(ENTRIES),
    "an array": ENTRIES,
    "of integers": np.round(10 * ENTRIES).astype(int),
    "sparse": scipy.sparse.csr_array(ENTRIES),
    "a LinearOperator": aslinearoperator(ENTRIES),
}
FUNCTIONS = {
    "XTrace": lambda matrix, weights: float(XTrace(matrix, weights, 24).traces().trace),
    "extreme_eigenvalues": lambda matrix, weights: float(extreme_eigenvalues(matrix, weights).eigenvalue[0, 0]),
    "blocks": lambda matrix, weights: float(blocks(matrix, weights, {"a": torch.arange(5)}).eigenvalue[0]),
    "spectral_density": lambda matrix, weights: float(spectral_density(matrix, weights, width=1.0).density.max()),
    "spectral_measure": lambda matrix, weights: float(spectral_measure(matrix, weights).rule.nodes[-1]),
    "Block": lambda matrix, weights: float(Block(matrix, torch.arange(5), 12).product(weights[:5, None]).sum()),
    "Across": lambda matrix, weights: float(Across(matrix, FIRST).product(weights[:, None])[1]),
    "Flipped": lambda matrix, weights: float(Flipped(matrix, 2.0).product(weights[:, None]).sum()),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_function_takes_every_matrix(function, kind):
    expected = function(10 * ENTRIES if kind == "of integers" else ENTRIES, WEIGHTS)
    assert function(KINDS[kind], WEIGHTS) == pytest.approx(expected, rel=1e-6)


def test_the_numbers_are_those_of_the_matrix():
    values = np.linalg.eigvalsh(ENTRIES)
    assert FUNCTIONS["XTrace"](ENTRIES, WEIGHTS) == pytest.approx(values.sum())
    assert FUNCTIONS["extreme_eigenvalues"](ENTRIES, WEIGHTS) == pytest.approx(values[-1], rel=1e-3)
    assert XTrace(ENTRIES, WEIGHTS, 24).evaluations == 24


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (ENTRIES[:, :5], "matrix: 12 × 5; must be square"),
        (ENTRIES + 1j, "matrix: complex128; must be real"),
        (np.triu(ENTRIES), "matrix: not symmetric, by 0.008 of its largest entry"),
        (torch.eye(12).to_sparse(), "matrix: a tensor of layout torch.sparse_coo; give matrix.to_dense"),
        (None, "operator: NoneType; give HessianAt"),
        (lambda vector: vector, "operator: function; give HessianAt"),
    ],
    ids=["oblong", "complex", "not symmetric", "sparse", "nothing", "a function"],
)
def test_what_is_no_symmetric_matrix_is_refused(function, matrix, message):
    with pytest.raises(BadInput, match=message):
        function(matrix, WEIGHTS)


def test_weights_that_are_none_of_the_matrix_are_refused():
    with pytest.raises(BadInput, match="matrix: 12 × 12; must be square and as long as the weights, 3"):
        XTrace(ENTRIES, WEIGHTS[:3])
    with pytest.raises(BadInput, match="weights: ndarray; must be a tensor of floating-point numbers"):
        XTrace(ENTRIES, WEIGHTS.numpy())
    with pytest.raises(BadInput, match="weights: torch"):
        extreme_eigenvalues(ENTRIES, torch.arange(12))
