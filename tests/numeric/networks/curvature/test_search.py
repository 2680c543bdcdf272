"""A direction outside the block is found, or overlooked no more often than is said."""

import numpy as np
import pytest
import torch

from numeric.networks.curvature.eigen import TopEigenpairs
from numeric.networks.curvature.eigen.krylov import Krylov, first_space, unlikely
from numeric.networks.curvature.eigen.search import UNLIKELY, overlooked, search, steps
from tests.numeric.networks.curvature.matrices import Matrix, spectrum
from tests.numeric.networks.curvature.test_eigen import weights_at


def random(size, seed):
    return torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def block_of(matrix, *ranks):
    """Eigenvectors, the largest being of rank 0."""
    return torch.linalg.eigh(matrix.entries)[1].flip(1)[:, list(ranks)]


@pytest.mark.parametrize("above", [0.02, 0.1, 0.5])
def test_where_an_eigenvalue_is_hidden_so_little_probability_is_claimed_no_more_often_than_that(above):
    """The claim is a p-value: over random starts it is at most t with at most the frequency t."""
    matrix = Matrix(torch.diag(torch.tensor(np.r_[np.linspace(0, 1, 199), 1 + above])))
    claims = []
    for seed in range(400):
        diagonal, beside = [], []
        for _, alpha, beta in steps(matrix, torch.zeros(200, 0).double(), random(200, seed)):
            diagonal.append(alpha)
            beside.append(beta)
            tri = np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1)
            if np.linalg.eigvalsh(tri)[-1] > 1 + above / 2 or len(diagonal) == 30:
                break
            least = overlooked(200, diagonal, beside, 1 + above / 2)
        claims.append(least)  # at the last product at which the level was still above all Ritz values
    for claim in (0.03, 0.1, 0.3):
        assert np.mean(np.array(claims) <= claim) <= claim + 3 * np.sqrt(claim * (1 - claim) / 400)
    assert min(claims) < 0.1


def test_the_claim_is_the_part_of_the_start_that_would_have_had_to_be_so_small():
    """|u·x₁| ≤ 1/max pⱼ(λ) for the eigenvector of every eigenvalue, from the polynomials of a dense computation."""
    values = np.linspace(-1.0, 3.0, 60)
    start = random(60, 5)
    diagonal, beside = [], []
    for _, alpha, beta in steps(Matrix(torch.diag(torch.tensor(values))), torch.zeros(60, 0).double(), start.clone()):
        diagonal.append(alpha)
        beside.append(beta)
        if len(diagonal) == 12:
            break
    ritz = np.linalg.eigvalsh(np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1))
    level = ritz[-1] + 0.01
    polynomial = max(np.prod(level - np.linalg.eigvalsh(np.diag(diagonal[:m]) + np.diag(beside[: m - 1], 1)
                     + np.diag(beside[: m - 1], -1))) / np.prod(beside[:m]) for m in range(1, 13))  # fmt: skip
    assert overlooked(60, diagonal, beside, level) == pytest.approx(min(1, np.sqrt(120 / np.pi) / max(polynomial, 1)))


def test_a_direction_that_the_block_does_not_know_is_found():
    matrix = spectrum(np.r_[6.0, 8.0, 9.0, np.linspace(-2.0, 5.0, 197)])
    outcome = search(matrix, block_of(matrix, 1, 2), lambda: random(200, 1), 8.0)
    rayleigh = outcome.found @ matrix.entries @ outcome.found / (outcome.found @ outcome.found)
    assert 8.0 < float(rayleigh) == pytest.approx(outcome.largest, rel=1e-9)
    assert outcome.products == matrix.evaluations
    assert search(matrix, block_of(matrix, 0, 1), lambda: random(200, 1), 9.0).overlooked <= UNLIKELY


def test_where_the_krylov_space_is_all_there_is_nothing_is_overlooked():
    matrix = spectrum([1.0, 2.0, 3.0])
    assert search(matrix, block_of(matrix, 0, 1), lambda: torch.ones(3).double(), 3.0).overlooked == 0.0
    nothing = Matrix(torch.zeros(5, 5).double())
    assert search(nothing, block_of(nothing, 0, 1), lambda: torch.ones(5).double(), 0.0).overlooked == 0.0


def test_where_the_level_is_too_near_the_bulk_the_probability_that_was_reached_is_said():
    matrix = spectrum(np.r_[np.linspace(-2.0, 5.0, 1499), 5.0001])
    assert UNLIKELY < search(matrix, block_of(matrix, 0), lambda: random(1500, 1), 5.0001).overlooked <= 1.0


def test_the_first_reading_says_what_it_overlooks_from_the_products_that_it_took():
    matrix = spectrum(np.r_[np.linspace(-2.0, 5.0, 397), 6.0, 8.0, 9.0])
    krylov = Krylov(matrix, lambda: random(400, 1), 21)
    first_space(krylov, 1, 2, 1e-3, 400)
    assert unlikely(krylov, 1e-3, 400) <= UNLIKELY
    assert krylov.products == matrix.evaluations <= 21


@pytest.mark.parametrize("room", [4, 8, 12])
def test_without_room_the_first_reading_begins_again_and_is_as_right(room):
    matrix = spectrum(np.r_[np.linspace(-2.0, 5.0, 397), 6.0, 8.0, 9.0])
    krylov = Krylov(matrix, lambda: random(400, 1), room)
    first_space(krylov, 1, 2, 1e-6, 400)
    values, vectors, ends = krylov.pairs(2)
    assert float(values[0]) == pytest.approx(9.0, rel=1e-6)
    residual = matrix.entries @ vectors[0] - values[0] * vectors[0]
    torch.testing.assert_close(residual, float(ends[0]) * krylov.after, atol=1e-12, rtol=1e-6)
    assert unlikely(krylov, 1e-6, 400) == 1.0


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
