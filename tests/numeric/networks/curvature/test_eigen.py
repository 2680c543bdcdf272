"""The tracked eigenvalues against the whole spectrum: of matrices that turn, cross and change, and of a network."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save
from torch import nn

from eos_sym import BadInput
from numeric.networks import FlatLoss, half_squared_error, hessian
from numeric.networks.curvature import HessianAt
from numeric.networks.curvature.eigen import TopEigenpairs
from numeric.networks.curvature.eigen.certificate import bounds
from numeric.networks.curvature.eigen.prediction import PastBlocks
from numeric.networks.curvature.eigen.search import UNLIKELY
from tests.numeric.networks.curvature.matrices import Matrix, spectrum


def weights_at(t, p=200, dtype=torch.float64):
    """Weights that swing, as they do at the edge."""
    a, b = torch.randn(2, p, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    return ((-1) ** t * a + 0.1 * t * b).to(dtype)


BULK = np.linspace(-2.0, 5.0, 197)


@pytest.mark.parametrize("relative", [1e-3, 1e-6, 1e-9])
def test_a_cold_reading_finds_the_algebraically_largest(relative):
    matrix = spectrum(np.r_[-30.0, 7.0, 9.0, BULK])
    reading = TopEigenpairs(2, relative=relative).read(matrix, weights_at(0))
    np.testing.assert_allclose(reading.eigenvalues.numpy(), [9.0, 7.0], rtol=relative)
    assert reading.converged
    assert reading.products + 2 == reading.evaluations == matrix.evaluations < 200  # two to measure rounding
    assert reading.overlooked <= UNLIKELY


def test_a_residual_is_that_of_the_pair():
    matrix = spectrum(np.r_[6.0, 7.0, 9.0, BULK])
    reading = TopEigenpairs(2).read(matrix, weights_at(0))
    r = matrix.entries @ reading.eigenvectors - reading.eigenvectors * reading.eigenvalues
    torch.testing.assert_close(reading.residuals, r.norm(dim=0), rtol=1e-6, atol=1e-12)


def test_an_operator_that_stays_costs_a_product_a_reading_and_four_more_where_it_looks_around():
    eigenpairs, matrix = TopEigenpairs(1, relative=1e-6), spectrum(np.r_[6.0, 7.0, 9.0, BULK])
    products = [eigenpairs.read(matrix, weights_at(t)).products for t in range(60)][9:]
    assert {1, 5} <= {*products} <= {1, 2, 5}  # without a guard, after sixteen without one, and with scouts
    assert np.mean(products) < 2


def test_a_guard_that_comes_up_at_every_other_reading_is_not_missed_by_looks_that_keep_step_with_it():
    """Wrong program: one that looks at every eighth reading."""
    eigenpairs, wrong = TopEigenpairs(1), 0
    for t in range(120):
        guard = 8.0 + 2.0 * (t % 2) * min(max((t - 20) / 60, 0), 1)
        reading = eigenpairs.read(spectrum(np.r_[6.0, guard, 9.0, BULK]), weights_at(t))
        wrong += abs(float(reading.eigenvalues[0]) - max(9.0, guard)) > 1e-3 * 9
    assert wrong <= 12  # of the 35 at which it is above


def test_an_eigenvalue_far_below_zero_makes_no_invariant_space_of_the_first_vector():
    diagonal = torch.tensor(np.r_[-1e6, 2.0, 1.9, np.linspace(-1, 1, 198)])
    reading = TopEigenpairs(1).read(Matrix(torch.diag(diagonal)), weights_at(0, 201))
    assert float(reading.eigenvalues[0]) == pytest.approx(2.0, rel=1e-3)
    assert abs(float(reading.eigenvalues[0]) - 2.0) <= float(reading.bounds[0])


def test_without_memory_for_a_guard_a_bound_is_the_length_of_the_residual():
    eigenpairs = TopEigenpairs(1, vectors=8)
    for t in range(12):
        swing, angle = torch.eye(200, dtype=torch.float64), 0.05 * t
        swing[:2, :2] = torch.tensor([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        entries = swing * torch.tensor(np.r_[9.0, 8.8, 6.0, BULK]) @ swing.T
        reading = eigenpairs.read(Matrix(entries), weights_at(t))
        assert abs(float(reading.eigenvalues[0]) - 9.0) <= float(reading.bounds[0])


def test_a_guard_is_taken_at_every_reading_where_it_comes_and_goes():
    eigenpairs = TopEigenpairs(1, relative=1e-4)
    for t in range(20):
        guard = 8.0 + 0.9 * (t % 2)
        reading = eigenpairs.read(spectrum(np.r_[6.0, guard, 9.0, BULK]), weights_at(t))
        assert reading.products >= (2 if t > 2 else 1)


def test_a_search_is_paid_at_every_sixty_fourth_reading_of_an_operator_that_stays():
    eigenpairs, matrix = TopEigenpairs(1), spectrum(np.r_[6.0, 7.0, 9.0, BULK])
    readings = [eigenpairs.read(matrix, weights_at(t)) for t in range(66)]
    assert [t for t, reading in enumerate(readings) if not np.isnan(reading.overlooked)] == [0, 64]
    assert readings[64].products > 5  # which a reading with scouts takes


@pytest.mark.parametrize("guard", [1, 2])
def test_eigenvalues_that_cross_are_followed(guard):
    eigenpairs = TopEigenpairs(1, guard=guard)
    for t in range(30):
        reading = eigenpairs.read(spectrum(np.r_[6.0, 9.5 - 0.1 * t, 7.0 + 0.1 * t, BULK]), weights_at(t))
        truth = max(9.5 - 0.1 * t, 7.0 + 0.1 * t)
        assert float(reading.eigenvalues[0]) == pytest.approx(truth, rel=1e-3)
        assert reading.converged


def test_eigenvectors_keep_their_side_while_they_turn_and_where_their_eigenvalues_cross():
    """Wrong programs: one that leaves the sign to the library; one that compares with what had the same rank before."""
    eigenpairs, last = TopEigenpairs(2), None
    for t in range(30):
        diagonal = torch.tensor(np.r_[6.0, 9.5 - 0.1 * t, 7.0 + 0.1 * t, BULK])
        swing = torch.eye(200, dtype=torch.float64)
        swing[:2, :2] = torch.tensor([[np.cos(0.05 * t), np.sin(0.05 * t)], [-np.sin(0.05 * t), np.cos(0.05 * t)]])
        vectors = eigenpairs.read(Matrix(swing * diagonal @ swing.T), weights_at(t)).eigenvectors
        if last is None:
            assert (vectors.gather(0, vectors.abs().argmax(0, keepdim=True)) > 0).all()
        else:
            assert (last.T @ vectors).max(0).values.min() > 0.9
        last = vectors


@pytest.mark.parametrize("seed", range(6))
def test_what_is_remembered_of_an_operator_that_is_gone_does_not_hold_a_reading_up(seed):
    """Wrong program: one that corrects by what it remembers as long as the reading lasts, all 400 products."""
    eigenpairs, small = TopEigenpairs(2, relative=1e-6), 1e-3 / 4.0 ** np.arange(10)
    eigenpairs.read(spectrum(np.linspace(0.7, -0.5, 40), seed), weights_at(0, 40))
    reading = eigenpairs.read(spectrum(np.r_[small, np.zeros(20), -small], seed + 100), weights_at(1, 40))
    assert reading.converged
    assert reading.products < 100
    np.testing.assert_allclose(reading.eigenvalues.numpy(), small[:2], rtol=1e-6)


@pytest.mark.parametrize("seed", range(2))
def test_the_rounding_of_a_larger_operator_does_not_end_the_reading_of_a_smaller_one(seed):
    """Wrong program: one that stops, unfinished, at the floor of float32 beside eigenvalues 10⁶ times as large."""
    eigenpairs, small = TopEigenpairs(1, relative=1e-3), 1e-6 / 4.0 ** np.arange(10)
    large = spectrum(np.linspace(0.7, -0.5, 40), seed, torch.float32)
    eigenpairs.read(large, weights_at(0, 40, torch.float32))
    matrix = spectrum(np.r_[small, np.zeros(20), -small], seed + 100, torch.float32)
    reading = eigenpairs.read(matrix, weights_at(1, 40, torch.float32))
    assert reading.converged
    np.testing.assert_allclose(reading.eigenvalues.numpy(), small[:1], rtol=1e-3)


def test_a_third_eigenvalue_that_overtakes_both_is_followed():
    eigenpairs = TopEigenpairs(1)
    for t in range(60):
        reading = eigenpairs.read(spectrum(np.r_[9.0, 8.0, 6.0 + 0.1 * t, BULK]), weights_at(t))
        assert float(reading.eigenvalues[0]) == pytest.approx(max(9.0, 6.0 + 0.1 * t), rel=1e-3)


def readings_until_found(gradient_share, seed):
    """Readings until a direction orthogonal to all that was seen, suddenly of curvature 12 beside 9, is found."""
    rng = np.random.default_rng(seed)
    p = 1000
    diagonal = torch.tensor(np.r_[9.0, 8.0, rng.uniform(-1.0, 5.0, p - 2)])
    new = torch.zeros(p, dtype=torch.float64)
    new[-1] = 1.0
    diagonal[-1] = 0.0
    eigenpairs = TopEigenpairs(1, seed=seed)
    known = torch.tensor(rng.standard_normal(p))
    known[-1] = 0.0
    for t in range(200):
        if t == 10:
            diagonal[-1] = 12.0
        gradient = known / known.norm() + (gradient_share * new if t >= 10 else 0)
        weights = (-1.0) ** t * known
        reading = eigenpairs.read(Matrix(torch.diag(diagonal)), weights, gradient)
        if t >= 10 and float(reading.eigenvalues[0]) == pytest.approx(12.0, rel=1e-3):
            return t - 9
    return None


def test_a_direction_never_seen_is_found_by_the_first_scouts_if_it_rules_the_gradient():
    assert np.mean([readings_until_found(10.0, seed) for seed in range(4)]) <= 16  # one reading in eight has scouts


@pytest.mark.parametrize("gradient_share", [0.0, 0.1])
def test_a_direction_never_seen_that_hardly_shows_is_found_by_scouts_or_else_by_the_next_search(gradient_share):
    found = sorted(readings_until_found(gradient_share, seed) for seed in range(4))
    assert found[1] <= 48
    assert found[-1] <= 64


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**6), st.floats(-6, 0), st.integers(1, 3))
def test_the_bounds_hold_where_the_complement_curves_less_than_the_guard(seed, exponent, count):
    rng = np.random.default_rng(seed)
    theta = np.sort(rng.uniform(1, 3, count + 1))[::-1]
    rest = rng.uniform(-3, theta[-1], 6)
    coupling = 10.0**exponent * rng.standard_normal((6, count + 1))
    matrix = np.block([[np.diag(theta), coupling.T], [coupling, np.diag(rest)]])
    squares = torch.tensor(coupling.T @ coupling)
    truth = np.linalg.eigvalsh(matrix)[::-1][:count]
    # ‖r‖ bounds the distance to some eigenvalue; the gap's bound is that to the one of the same rank.
    found = bounds(torch.tensor(theta.copy()), squares, count, theta[-1]).numpy()
    lengths = np.linalg.norm(coupling, axis=0)[:count]
    nearest = np.abs(np.linalg.eigvalsh(matrix)[:, None] - theta[:count]).min(0)
    claimed = np.where(found < lengths * (1 - 1e-9), np.abs(truth - theta[:count]), nearest)
    assert (claimed <= found * (1 + 1e-9) + 1e-13).all()


def test_in_float32_the_floor_is_reported_and_not_waited_for():
    values = np.r_[6.0, 7.0, 9.0, BULK]
    eigenpairs = TopEigenpairs(1, relative=1e-9)
    for t in range(4):
        reading = eigenpairs.read(spectrum(values, dtype=torch.float32), weights_at(t, dtype=torch.float32))
        assert reading.status == "rounding"
        assert abs(float(reading.eigenvalues[0]) - 9.0) <= float(reading.bounds[0]) < 2e-5
        assert reading.products < 60
    assert TopEigenpairs(1, relative=1e-6).read(spectrum(values, dtype=torch.float32), weights_at(0).float()).converged


def test_a_resumed_reading_has_the_same_bits():
    def matrix(t):
        return spectrum(np.r_[6.0, 9.5 - 0.1 * t, 7.0 + 0.1 * t, BULK + 0.01 * t])

    straight, before = TopEigenpairs(2, relative=1e-6), TopEigenpairs(2, relative=1e-6)
    expected = [straight.read(matrix(t), weights_at(t), weights_at(t + 1)) for t in range(14)]
    for t in range(6):
        before.read(matrix(t), weights_at(t), weights_at(t + 1))
    state = before.state()
    tensors = load(save({name: value for name, value in state.items() if isinstance(value, torch.Tensor)}))
    after = TopEigenpairs(2, relative=1e-6)
    after.restore({name: tensors.get(name, value) for name, value in state.items()})
    for t in range(6, 14):
        reading = after.read(matrix(t), weights_at(t), weights_at(t + 1))
        assert torch.equal(reading.eigenvalues, expected[t].eigenvalues)
        assert torch.equal(reading.eigenvectors, expected[t].eigenvectors)
        assert reading.products == expected[t].products


def test_an_operator_that_is_not_finite_is_nan_and_forgotten():
    eigenpairs, matrix = TopEigenpairs(1), spectrum(np.r_[6.0, 7.0, 9.0, BULK])
    eigenpairs.read(matrix, weights_at(0))
    for entries, weights in ((matrix.entries * torch.nan, weights_at(1)), (matrix.entries, weights_at(1) * torch.inf)):
        reading = eigenpairs.read(Matrix(entries), weights)
        assert reading.eigenvalues.isnan().all()
        assert reading.status == "not_finite"
    assert float(eigenpairs.read(matrix, weights_at(2)).eigenvalues[0]) == pytest.approx(9.0, rel=1e-3)


@pytest.mark.parametrize("p", [1, 2, 3])
def test_a_space_no_larger_than_the_block_is_read_exactly(p):
    reading = TopEigenpairs(1, relative=1e-12).read(spectrum(np.arange(1.0, p + 1)), torch.ones(p).double())
    assert float(reading.eigenvalues[0]) == pytest.approx(p, rel=1e-12)
    assert reading.products == p


class Rounded(Matrix):
    """A matrix whose products are off by a thousandth of a vector."""

    def __init__(self, entries, error):
        super().__init__(entries)
        self.error = error

    def product(self, block):
        return super().product(block) + self.error @ block


def test_what_rounding_makes_of_a_product_is_part_of_the_bound_until_it_is_measured_again():
    exact = spectrum(np.r_[6.0, 7.0, 9.0, BULK]).entries
    error = 1e-3 * torch.linalg.qr(torch.randn(200, 200, generator=torch.Generator().manual_seed(3)).double())[0]
    error = (error + error.T) / 2
    eigenpairs = TopEigenpairs(1, relative=1e-5)
    for t in range(9):
        scale = 1.0 + 0.01 * t
        rounded = Rounded(scale * exact, scale * error)
        rounded.repeated = lambda block, at=rounded: (at.product(block), at.entries @ block)
        reading = eigenpairs.read(rounded, weights_at(t))
        _, vector = torch.linalg.eigh(exact)
        assert abs(float(reading.eigenvalues[0]) - 9.0 * scale) <= float(reading.bounds[0]) < 3e-3 * scale
        assert reading.rounding == pytest.approx(2 * scale * float((error @ vector[:, -1]).norm()), rel=0.1)
    without = TopEigenpairs(1, relative=1e-9).read(Matrix(exact + error), weights_at(0))
    assert abs(float(without.eigenvalues[0]) - 9.0) > float(without.bounds[0])  # of the other matrix it is the value


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_residuals_whose_squares_are_beyond_float64_are_residuals(scale):
    eigenpairs, matrix = TopEigenpairs(1), Matrix(scale * spectrum(np.r_[6.0, 7.0, 9.0, BULK]).entries)
    for t in range(3):
        reading = eigenpairs.read(matrix, 1e200 * weights_at(t))
        assert float(reading.eigenvalues[0]) == pytest.approx(9.0 * scale, rel=1e-3)
        assert 0 < float(reading.residuals[0]) < 0.2 * scale
        assert reading.converged


@pytest.mark.parametrize("weights_scale", [1e-30, 1e25])
@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_an_operator_and_weights_whose_squares_are_beyond_float32_are_read_like_any_other(scale, weights_scale):
    values = np.r_[np.linspace(-2.0, 5.0, 597), 6.0, 7.0, 9.0]
    matrix, eigenpairs = Matrix(spectrum(values).entries.mul(scale).float()), TopEigenpairs(1)
    for t in range(5):
        reading = eigenpairs.read(matrix, weights_scale * weights_at(t, 600, torch.float32), 1e30 * weights_at(t, 600))
        assert float(reading.eigenvalues[0]) == pytest.approx(9.0 * scale, rel=1e-3)
        assert reading.converged


@pytest.mark.parametrize("p", [1, 2, 3, 40])
def test_an_operator_that_is_zero_has_zeros_for_eigenvalues(p):
    eigenpairs = TopEigenpairs(min(2, p))
    for t in range(6):
        reading = eigenpairs.read(Matrix(torch.zeros(p, p)), weights_at(t, p, torch.float32), torch.zeros(p))
        assert not reading.eigenvalues.any()
        assert reading.converged


def test_the_swinging_block_is_predicted_from_two_readings_ago():
    past, p = PastBlocks(3), 50
    q = torch.linalg.qr(torch.randn(p, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64))[0]
    for t in range(5):
        past.add(weights_at(t, p), (q[:, :2] if t % 2 else q[:, 2:]).T.clone().T)
    predicted = past.predict(past.coefficients(weights_at(5, p)), slice(None))
    inside = torch.linalg.norm(q[:, :2].T @ predicted) / torch.linalg.norm(predicted)
    assert float(inside) > 0.95


def test_a_network_on_its_way_has_the_sharpness_of_its_dense_hessian():
    torch.manual_seed(5)
    network = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2)).double()
    loss = FlatLoss(network, torch.randn(30, 4).double(), torch.randn(30, 2).double(), half_squared_error)
    theta, eigenpairs = loss.parameters, TopEigenpairs(2, relative=1e-6)
    for _ in range(12):
        at = HessianAt(loss, theta)
        reading = eigenpairs.read(at, theta, at.gradient)
        truth = torch.linalg.eigvalsh(hessian(loss, theta)).flip(0)[:2]
        assert (abs(reading.eigenvalues - truth) <= reading.bounds + 1e-14).all()
        torch.testing.assert_close(reading.eigenvalues, truth, rtol=1e-6, atol=0)
        theta = theta - 0.5 * at.gradient


def test_impossible_requests_are_refused():
    for options in ({"count": 0}, {"guard": -1}, {"relative": 0.0}):
        with pytest.raises(BadInput, match="must be"):
            TopEigenpairs(**options)
    with pytest.raises(BadInput, match="ask for fewer"):
        TopEigenpairs(5).read(spectrum(np.ones(3)), torch.ones(3).double())


def test_a_direction_that_jumps_to_the_top_is_seen_at_once_if_the_others_have_moved():
    eigenpairs = TopEigenpairs(1)
    before, after = (spectrum(np.r_[BULK, top]) for top in ([5.0, 8.0, 9.0], [12.0, 7.0, 7.9]))
    for t in range(5):
        eigenpairs.read(before, weights_at(t))
    assert float(eigenpairs.read(after, weights_at(5)).eigenvalues[0]) == pytest.approx(12.0, rel=1e-3)
