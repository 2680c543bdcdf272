"""The functions of kernels against mpmath over their whole ranges, and NumPy where there is something special."""

import ctypes

import mpmath
import numpy as np
import pytest

from numeric.compile import functions
from numeric.compile.lowering import Statements, kernel_module
from numeric.compile.machine import has_fused_multiply_adds, machine_code

NUMBER = 1000  # of points, of every kind
LANES = 64

pytestmark = pytest.mark.skipif(not has_fused_multiply_adds(), reason="this processor keeps the C library's functions")


def computed(expression, *rows):
    """An expression in a and b for every column of rows of numbers."""
    numbers = np.zeros((len(rows), -(-len(rows[0]) // LANES) * LANES))
    numbers[:, : len(rows[0])] = rows
    lines = [f"{'ab'[row]} = lanes[{LANES * row} + lane]" for row in range(len(rows))]
    lines = Statements([*lines, f"lanes[0 + lane] = {expression}"], vars(functions))
    code = machine_code(kernel_module(lines, LANES, contract=True), "kernel")
    kernel = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(code.address)
    found = []
    for start in range(0, numbers.shape[1], LANES):
        lanes = np.ascontiguousarray(numbers[:, start : start + LANES])
        kernel(lanes.ctypes.data, 1)
        found.append(lanes[0])
    return np.concatenate(found)[: len(rows[0])]


def of_every_size(generator, smallest, largest, number):
    """Numbers of both signs whose logarithms are spread evenly."""
    sizes = 10.0 ** generator.uniform(np.log10(smallest), np.log10(largest), number)
    return sizes * generator.choice([-1.0, 1.0], number)


ENDS = {
    "exp": (-708.3, 709.7),
    "tanh": (-20, 20),
    "sin": (-(2.0**30), 2.0**30),
    "cos": (-(2.0**30), 2.0**30),
    "tan": (-(2.0**30), 2.0**30),
}


def points(name, number):
    """Over the whole range, of every size, and where it matters most."""
    generator = np.random.default_rng(0)
    if name == "log":
        whole, beside = of_every_size(generator, 1e-323, 1e308, number), of_every_size(generator, 1e-16, 0.5, number)
        return np.concatenate([abs(whole), 1 + beside, generator.uniform(0.5, 2, number)])
    least, most = ENDS.get(name, (-710.4, 710.4))
    sizes = of_every_size(generator, 1e-310, most, number)
    return np.concatenate([generator.uniform(least, most, number), sizes, generator.uniform(-3, 3, number)])


def largest_error(found, exact, unit_of):
    """In units of the last place of the numbers that are given for that."""
    with mpmath.workdps(40):
        errors = [abs(mpmath.mpf(float(value)) - wanted) for value, wanted in zip(found, exact, strict=True)]
        units = np.spacing(np.abs(np.array(unit_of, dtype=np.float64)))
        return max(float(error / mpmath.mpf(float(unit))) for error, unit in zip(errors, units, strict=True))


def error_of(name, number):
    arguments = points(name, number)
    with mpmath.workdps(40):
        exact = [getattr(mpmath, name)(mpmath.mpf(float(argument))) for argument in arguments]
    return largest_error(computed(f"{name}(a)", arguments), exact, exact)


# What their docstrings say.
BOUNDS = {"exp": 0.6, "log": 0.7, "sinh": 0.7, "cosh": 0.65, "tanh": 0.7, "sin": 0.65, "cos": 0.65, "tan": 0.75}


@pytest.mark.parametrize("name", BOUNDS)
def test_values_are_within_their_bound_of_those_of_mpmath(name):
    assert error_of(name, NUMBER) < BOUNDS[name]


def error_of_logaddexp(number):
    """In units of the larger of |max| and log(1 + t), with the difference in t as it is rounded."""
    generator = np.random.default_rng(0)
    sizes = of_every_size(generator, 1e-3, 1e300, number)
    first = np.concatenate([np.zeros(number), generator.uniform(-700, 700, number), sizes])
    second = first + np.concatenate([generator.uniform(-744, 744, number), generator.uniform(-40, 40, 2 * number)])
    with mpmath.workdps(40):
        rests = [mpmath.log1p(mpmath.exp(-mpmath.mpf(distance))) for distance in np.abs(first - second).tolist()]
        larger = [mpmath.mpf(number) for number in np.maximum(first, second).tolist()]
        exact = [number + rest for number, rest in zip(larger, rests, strict=True)]
        units = [max(abs(number), rest) for number, rest in zip(larger, rests, strict=True)]
    return largest_error(computed("logaddexp(a, b)", first, second), exact, units)


def test_the_logarithm_of_a_sum_of_exponentials_is_within_its_bound():
    assert error_of_logaddexp(NUMBER) < 1.4


def assert_same(found, wanted):
    np.testing.assert_array_equal(found, wanted)
    number = ~np.isnan(wanted)
    np.testing.assert_array_equal(np.signbit(found)[number], np.signbit(wanted)[number])


SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e300, -1e300]
SMALL = [5e-324, -5e-324, 3e-310, 2.0**-1022, -(2.0**-1022), 1e-200, -1e-17]
EDGES = {
    "exp": [709.782712893384, 709.7827128933841, 710.5, -745.1332191019411, -745.1332191019412, -746.5],
    "log": [1.0, -1.0, -5e-324],
    "sinh": [710.4758600739439, 710.475860073944, -710.475860073944, 711.0],
    "cosh": [710.4758600739439, 710.475860073944, -710.475860073944, 711.0],
    "tanh": [19.0, -19.5, 22.0, 800.0],
    "sin": [],
    "cos": [],
    "tan": [],
}


@pytest.mark.parametrize("name", EDGES)
def test_infinities_nan_zeros_and_overflow_are_those_of_numpy(name):
    edges = [number for number in SPECIAL if name not in ("sin", "cos", "tan") or not 2.0**30 < abs(number) < np.inf]
    arguments = np.array(edges + EDGES[name])
    with np.errstate(all="ignore"):
        wanted = getattr(np, name)(arguments)
    found = computed(f"{name}(a)", arguments)
    exact = ~np.isfinite(wanted) | (wanted == 0)
    assert_same(found[exact], wanted[exact])
    np.testing.assert_allclose(found[~exact], wanted[~exact], rtol=2.0**-52)
    assert set(np.isfinite(wanted)) == {True, False}


@pytest.mark.parametrize("name", EDGES)
def test_of_small_and_of_denormal_numbers_values_are_the_nearest(name):
    arguments = np.array(SMALL if name != "log" else np.abs(SMALL))
    wanted = np.array([float(getattr(mpmath, name)(argument)) for argument in arguments.tolist()])
    found = computed(f"{name}(a)", arguments)
    if name == "log":
        np.testing.assert_allclose(found, wanted, rtol=2.0**-52)
    else:
        assert_same(found, wanted)


def test_values_that_are_denormal_are_rounded_twice_at_most():
    arguments = np.linspace(-745.1, -708.4, 1000)
    with mpmath.workdps(40):
        exact = [mpmath.exp(argument) for argument in arguments.tolist()]
    assert largest_error(computed("exp(a)", arguments), exact, exact) < 0.75


def test_values_at_0_and_at_1_are_exact():
    for name, argument, value in (("exp", 0.0, 1.0), ("exp", -0.0, 1.0), ("cosh", 0.0, 1.0), ("cos", 0.0, 1.0)):
        assert computed(f"{name}(a)", [argument]) == [value]
    assert_same(computed("log(a)", [1.0]), np.array([0.0]))


@pytest.mark.parametrize(
    ("name", "sign"), [("sinh", -1), ("tanh", -1), ("sin", -1), ("tan", -1), ("cosh", 1), ("cos", 1)]
)
def test_even_functions_are_even_and_odd_ones_odd(name, sign):
    numbers = points(name, 100)
    assert_same(computed(f"{name}(a)", -numbers), sign * computed(f"{name}(a)", numbers))


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_beside_multiples_of_half_pi_all_digits_are_right(name):
    """The floats next to nπ/2, one of which the sine or the cosine takes to a few times 10⁻¹⁷ of n."""
    turns = np.concatenate([np.arange(-50, 51), np.random.default_rng(0).integers(0, 2**29, 500)])
    arguments = turns * (np.pi / 2)
    with mpmath.workdps(60):
        exact = [getattr(mpmath, name)(mpmath.mpf(argument)) for argument in arguments.tolist()]
    assert largest_error(computed(f"{name}(a)", arguments), exact, exact) < BOUNDS[name]


def test_special_sums_of_exponentials_are_those_of_numpy():
    first, second = np.array(np.meshgrid(SPECIAL, SPECIAL)).reshape(2, -1)
    with np.errstate(all="ignore"):
        wanted = np.logaddexp(first, second)
    np.testing.assert_allclose(computed("logaddexp(a, b)", first, second), wanted, rtol=2.0**-52)
