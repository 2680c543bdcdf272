"""A direction outside the block is found, or overlooked no more often than is said."""

import numpy as np
import pytest
import torch

from numeric.networks.curvature.eigen import TopEigenpairs
from numeric.networks.curvature.eigen.search import UNLIKELY, overlooked, search
from numeric.networks.curvature.eigen.subspace import Subspace
from tests.numeric.networks.curvature.test_eigen import Matrix, spectrum, weights_at


def largest_ritz_value(diagonal, start, products):
    """Of the Krylov space, by a tridiagonal matrix."""
    basis, remainder = [], start
    for _ in range(products):
        for _ in range(2):
            remainder = remainder - sum((vector * (vector @ remainder) for vector in basis), np.zeros_like(start))
        basis.append(remainder / np.linalg.norm(remainder))
        remainder = diagonal * basis[-1]
    block = np.array(basis)
    return np.linalg.eigvalsh(block * diagonal @ block.T)[-1]


@pytest.mark.parametrize("products", [4, 6, 8, 10])
@pytest.mark.parametrize("above", [0.05, 0.3])
def test_the_bound_on_the_probability_holds_for_lanczos_from_random_vectors(products, above):
    rng = np.random.default_rng(products)
    diagonal = np.r_[np.linspace(0, 1, 199), 1 + above]
    level = 1 + above / 2
    epsilon = (diagonal[-1] - level) / diagonal[-1]
    missed = [largest_ritz_value(diagonal, rng.standard_normal(200), products) < level for _ in range(300)]
    assert np.mean(missed) <= overlooked(200, products, epsilon) + 0.05


def block_of(matrix, *columns):
    """A subspace that is these eigenvectors, the first ones the largest."""
    return Subspace(matrix, torch.linalg.eigh(matrix.entries)[1].flip(1)[:, list(columns)])


def test_a_direction_that_the_block_does_not_know_is_found():
    matrix = spectrum(np.r_[6.0, 8.0, 9.0, np.linspace(-2.0, 5.0, 197)])
    fresh = torch.randn(200, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    subspace = block_of(matrix, 1, 2)
    assert search(subspace, fresh, 8.0) is None
    assert 8.0 < float(subspace.ritz(1).values[0]) <= 9.0
    assert search(block_of(matrix, 0, 1), fresh, 9.0) <= UNLIKELY


def test_where_the_krylov_space_is_all_there_is_nothing_is_overlooked():
    assert search(block_of(spectrum([1.0, 2.0, 3.0]), 0, 1), torch.ones(3, 1).double(), 3.0) == 0.0
    assert search(block_of(Matrix(torch.zeros(5, 5).double()), 0, 1), torch.ones(5, 1).double(), 0.0) == 0.0


def test_where_the_level_is_too_near_the_bulk_the_probability_that_was_reached_is_said():
    matrix = spectrum(np.r_[np.linspace(-2.0, 5.0, 399), 5.01])
    fresh = torch.randn(400, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert UNLIKELY < search(block_of(matrix, 0), fresh, 5.01) <= 1.0


def test_a_direction_that_grows_from_nothing_between_distant_readings_is_seen_at_once():
    eigenpairs = TopEigenpairs(1)
    vectors = torch.linalg.qr(torch.randn(300, 300, generator=torch.Generator().manual_seed(4)).double())[0]
    values = torch.linspace(-2.0, 5.0, 300, dtype=torch.float64)
    for t, top in enumerate((0, 50, 100, 150)):
        now = values.clone()
        now[top], now[top + 1] = 12.0 * 2**t, 8.0
        reading = eigenpairs.read(Matrix(vectors * now @ vectors.T), weights_at(t, 300))
        assert float(reading.eigenvalues[0]) == pytest.approx(12.0 * 2**t, rel=1e-3)
        assert reading.overlooked <= UNLIKELY
