"""The eigenvectors at the edge, their images and the rest of their space, of matrices with known spectra."""

import numpy as np
import pytest
import torch

from numeric.networks.forecast.top_space import LEAST, RESIDUAL, find_top


def matrix(values):
    """A symmetric matrix with these eigenvalues, and a vector that has all eigenvectors."""
    generator = torch.Generator().manual_seed(1)
    size = len(values)
    basis = torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=torch.float64))[0]
    whole = basis @ torch.diag(torch.tensor(values, dtype=torch.float64)) @ basis.T
    return whole, torch.randn(size, generator=generator, dtype=torch.float64)


BULK = np.linspace(-1, 5, 300).tolist()


@pytest.mark.parametrize(("top", "count"), [([7.0], 1), ([12.0, 10.0], 2), ([12.0, 11.0, 10.0, 9.5], 3)])
def test_as_many_as_are_above_the_level_and_the_next(top, count):
    whole, start = matrix([*top, *BULK])
    found = find_top(lambda block: whole @ block, start, above=9.0)
    assert found.vectors.shape[1] == count
    assert found.eigenvalues[:count] == pytest.approx(top[:count], rel=RESIDUAL**2)
    assert found.eigenvalues[count] == pytest.approx([*top, 5.0][count], rel=RESIDUAL)
    assert float((found.images - whole @ found.vectors).norm()) < 1e-11  # though they are no eigenvectors to 1e-8
    assert float((whole @ found.vectors - found.vectors * torch.from_numpy(found.eigenvalues[:count])).norm()) > 1e-8


def test_the_hessian_is_diagonal_on_the_others_and_they_are_across():
    whole, start = matrix([12.0, *BULK])
    found = find_top(lambda block: whole @ block, start, above=9.0)
    assert float((found.others.T @ whole @ found.others - torch.diag(torch.from_numpy(found.values))).norm()) < 1e-9
    assert float((found.others.T @ found.vectors).norm()) < 1e-9


def test_a_second_one_that_the_start_hardly_has_is_found_with_no_more_than_the_least_products():
    whole, start = matrix([12.0, 10.5, *BULK])
    _, vectors = torch.linalg.eigh(whole)
    start = vectors[:, -1] + 1e-2 * start / start.norm()  # an oscillation has the first alone
    products = []
    found = find_top(lambda block: products.append(1) or whole @ block, start, above=9.0)
    assert found.eigenvalues[:2] == pytest.approx([12.0, 10.5], rel=1e-3)
    assert len(products) <= LEAST + 2


def test_a_small_space_is_exhausted_and_what_is_not_finite_is_said_to_be():
    whole, start = matrix([3.0, 2.0, 1.0])
    found = find_top(lambda block: whole @ block, start, above=0.5, fewest=3)
    assert found.eigenvalues == pytest.approx([3.0, 2.0, 1.0, -np.inf])
    assert np.isnan(find_top(lambda block: block * torch.nan, start, above=0.5).eigenvalues).all()
