"""The spectral measure of a vector against eigenvectors of dense matrices: bounds hold, products make them tight."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eos_sym import BadInput, Undecided
from numeric.networks.curvature.spectrum import Across, spectral_measure
from tests.numeric.networks.curvature.matrices import Matrix, spectrum

VALUES = np.r_[20.0, 15.0, 12.0, np.linspace(-1.0, 4.0, 97)]
VECTOR = torch.randn(100, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
TIMES = [0, 1, 2, 7, 8, 15, 16, 17, 50, 51, 300, 301]


def known(matrix, vector):
    """Eigenvalues and the squares of the vector's coordinates, by numpy."""
    values, vectors = np.linalg.eigh(matrix.entries.double().numpy())
    return values, (vectors.T @ vector.double().numpy()) ** 2


def true_kernel(matrix, vector, eta):
    values, squares = known(matrix, vector)
    return np.array([squares @ (1 - eta * values) ** t for t in TIMES])


def test_moments_are_exact_up_to_twice_the_products():
    """Caught: weights that are not squared, a norm left out; one degree more is not exact."""
    matrix = spectrum(VALUES)
    values, squares = known(matrix, VECTOR)
    rule = spectral_measure(matrix, VECTOR, 6).rule
    for degree in range(12):
        assert rule.integral(lambda x: x**degree) == pytest.approx(squares @ values**degree, rel=1e-10)  # noqa: B023
    assert rule.integral(lambda x: x**12) != pytest.approx(squares @ values**12, rel=1e-10)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-3, 10), min_size=1, max_size=12),
    st.integers(1, 6),
    st.floats(-4, 11),
    st.floats(0.01, 0.25),
    st.integers(0, 5),
)
def test_bounds_hold_for_every_spectrum(values, products, x, eta, seed):
    """Mass at or below x, and k(t); degenerate ones, of one dimension and rank 0 among them."""
    matrix = spectrum(np.array(values), seed)
    vector = torch.randn(len(values), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    eigenvalues, squares = known(matrix, vector)
    measure = spectral_measure(matrix, vector, products)
    lower, upper = measure.mass_below(x)
    little = 1e-7 * squares.sum()
    assert lower - little <= squares[eigenvalues <= x + 1e-8].sum()
    assert squares[eigenvalues < x - 1e-8].sum() <= upper + little
    found = measure.kernel(eta, TIMES, eigenvalues[0] - 0.1, eigenvalues[-1] + 0.1)
    truth = true_kernel(matrix, vector, eta)
    size = squares.sum() * np.maximum(1, np.abs(1 - eta * eigenvalues).max()) ** np.array(TIMES)
    assert (found.lower - 1e-7 * size <= truth).all()
    assert (truth <= found.upper + 1e-7 * size).all()


def test_bounds_are_sharp_for_what_is_exact_and_narrow_with_products():
    matrix = spectrum(VALUES)
    ends = (-1.0 - 1e-9, 20.0 + 1e-9)
    widths = []
    for products in (8, 24):
        found = spectral_measure(matrix, VECTOR, products).kernel(0.09, TIMES, *ends)
        widths.append(found.upper - found.lower)
        exact = np.array(TIMES) < 2 * products
        np.testing.assert_allclose(found.kernel[exact], true_kernel(matrix, VECTOR, 0.09)[exact], rtol=1e-10)
    assert (widths[0][np.array(TIMES) >= 16] > 0).all()
    assert (widths[1] <= widths[0]).all()


def test_mass_is_known_where_the_spectrum_has_a_gap():
    matrix = spectrum(VALUES)
    values, squares = known(matrix, VECTOR)
    lower, upper = spectral_measure(matrix, VECTOR, 20).mass_below(8.0)
    assert lower == pytest.approx(squares[values < 8].sum(), rel=1e-8)
    assert upper - lower < 1e-8 * squares.sum()


def test_a_vector_made_of_few_eigenvectors_has_them_exactly_and_no_product_more_is_taken():
    matrix = spectrum(VALUES)
    vectors = np.linalg.eigh(matrix.entries.numpy())[1]
    measure = spectral_measure(matrix, torch.from_numpy(3 * vectors[:, -1] + 4 * vectors[:, 0]), 30)
    assert measure.exact
    assert matrix.evaluations == 2
    np.testing.assert_allclose(measure.rule.nodes, [-1, 20], rtol=1e-10)
    np.testing.assert_allclose(measure.rule.weights, [16, 9], rtol=1e-10)
    assert measure.mass_below(5.0) == pytest.approx((16, 16))
    assert measure.mass_below(20.0) == pytest.approx((16, 25))  # up to rounding, it may be above


@pytest.mark.parametrize("entries", [[[0.0]], [[-2.0]], np.zeros((4, 4)), -np.eye(5)])
def test_multiples_of_the_identity_take_one_product(entries):
    matrix = Matrix(torch.tensor(np.array(entries)))
    vector = torch.full((len(matrix.entries),), 2.0, dtype=torch.float64)
    measure = spectral_measure(matrix, vector, 5)
    assert measure.exact
    assert measure.rule.nodes == pytest.approx([float(matrix.entries[0, 0])])
    assert measure.rule.weights == pytest.approx([4.0 * len(vector)])


def test_of_no_vector_there_is_no_mass():
    measure = spectral_measure(spectrum(VALUES), 0 * VECTOR)
    assert measure.mass_below(30.0) == (0, 0)
    assert not measure.kernel(0.1, TIMES, 0.0, 1.0).kernel.any()


def test_the_error_of_a_smooth_function_is_estimated():
    """At 30 centres, from few products to many. Caught: a factor of four, the difference of two rules that agree."""
    matrix = spectrum(VALUES)
    values, squares = known(matrix, VECTOR)
    ratios = []
    for products in (8, 12, 16):
        measure = spectral_measure(matrix, VECTOR, products)
        for centre in np.linspace(-1, 4, 30):
            found, error = measure.integral(lambda x: np.exp(-((x - centre) ** 2)))  # noqa: B023
            ratios.append(error / abs(found - squares @ np.exp(-((values - centre) ** 2))))
    assert np.quantile(ratios, 0.1) > 0.5


def test_in_single_precision_it_is_within_a_millionth_of_the_norm():
    matrix = spectrum(VALUES)
    single = Matrix(matrix.entries.float())
    for products in (10, 60):
        exact, found = (spectral_measure(*pair, products).rule for pair in ((matrix, VECTOR), (single, VECTOR.float())))
        assert found.integral(lambda x: x) == pytest.approx(float(exact.integral(lambda x: x)), rel=1e-6)
        assert found.nodes[-1] == pytest.approx(20.0, rel=1e-6)
        assert found.nodes[0] > -1 - 20e-6


def test_across_an_eigenvector_its_part_is_gone():
    matrix = spectrum(VALUES)
    vectors = np.linalg.eigh(matrix.entries.numpy())[1]
    across = Across(matrix, torch.from_numpy(vectors[:, -1:].copy()))
    measure = spectral_measure(across, across.across(VECTOR[:, None])[:, 0], 30)
    assert measure.rule.nodes[-1] == pytest.approx(15.0, rel=1e-9)
    assert measure.mass == pytest.approx(known(matrix, VECTOR)[1][:-1].sum())


def test_what_is_refused_is_refused_with_the_remedy():
    matrix = spectrum(VALUES)
    with pytest.raises(BadInput, match="products"):
        spectral_measure(matrix, VECTOR, 0)
    with pytest.raises(BadInput, match="finite"):
        spectral_measure(matrix, VECTOR / 0)
    with pytest.raises(BadInput, match="give bounds of all of them"):
        spectral_measure(matrix, VECTOR, 20).kernel(0.1, TIMES, 0.0, 5.0)
    for eta, time, named in ((0.1, -1, "time = -1"), (0.1, 0.5, "time = 0.5"), (math.nan, 1, "eta"), (-0.1, 1, "eta")):
        with pytest.raises(BadInput, match=named):
            spectral_measure(matrix, VECTOR, 20).kernel(eta, [time], -1.0, 30.0)
    with pytest.raises(Undecided, match="not finite"):
        spectral_measure(Matrix(matrix.entries * torch.nan), VECTOR)


def test_a_level_or_a_vector_that_is_none_is_refused():
    measure = spectral_measure(Matrix(torch.eye(3, dtype=torch.float64)), torch.ones(3, dtype=torch.float64))
    for level in (np.nan, np.inf, "one"):
        with pytest.raises(BadInput, match="x"):
            measure.mass_below(level)
    with pytest.raises(BadInput, match="vector: list; must be a tensor"):
        spectral_measure(Matrix(torch.eye(3, dtype=torch.float64)), [1.0, 1.0, 1.0])
