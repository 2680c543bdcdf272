"""What operations are printed as, and the functions that kernels call against mpmath and NumPy."""

import ctypes

import mpmath
import numpy as np
import pytest
from sympy import (
    Abs,
    Derivative,
    Float,
    Function,
    Heaviside,
    Integer,
    Max,
    Min,
    Piecewise,
    Pow,
    Rational,
    Symbol,
    atan2,
    erf,
    erfc,
    exp,
    gamma,
    nan,
    oo,
    sign,
    sqrt,
    symbols,
)
from sympy.codegen.numpy_nodes import logaddexp

from eos_sym.reading.language import FUNCTIONS
from numeric import compile_function
from numeric.compile.kernel import LANES, compile_kernel
from numeric.compile.printers import NumpyPrinter, ScalarPrinter, UnprintableError

x, y, z = symbols("x y z")
EPSILON = 2.0**-52

# The function of a kernel's row, the same from mpmath, and where its values are compared.
CASES = {
    "exp": (FUNCTIONS["exp"], mpmath.exp, (-30, 30)),
    "log": (FUNCTIONS["log"], mpmath.log, (1e-3, 30)),
    "sqrt": (FUNCTIONS["sqrt"], mpmath.sqrt, (0, 30)),
    "sin": (FUNCTIONS["sin"], mpmath.sin, (-10, 10)),
    "cos": (FUNCTIONS["cos"], mpmath.cos, (-10, 10)),
    "tan": (FUNCTIONS["tan"], mpmath.tan, (-10, 10)),
    "sinh": (FUNCTIONS["sinh"], mpmath.sinh, (-20, 20)),
    "cosh": (FUNCTIONS["cosh"], mpmath.cosh, (-20, 20)),
    "tanh": (FUNCTIONS["tanh"], mpmath.tanh, (-20, 20)),
    "asin": (FUNCTIONS["asin"], mpmath.asin, (-1, 1)),
    "acos": (FUNCTIONS["acos"], mpmath.acos, (-1, 1)),
    "atan": (FUNCTIONS["atan"], mpmath.atan, (-20, 20)),
    "asinh": (FUNCTIONS["asinh"], mpmath.asinh, (-20, 20)),
    "acosh": (FUNCTIONS["acosh"], mpmath.acosh, (1, 20)),
    "atanh": (FUNCTIONS["atanh"], mpmath.atanh, (-1, 1)),
    "erf": (erf, mpmath.erf, (-3, 3)),
    "erfc": (erfc, mpmath.erfc, (-3, 3)),
    "Abs": (Abs, abs, (-3, 3)),
    "sign": (sign, mpmath.sign, (-3, 3)),
    "Max": (lambda u: Max(u, Rational(1, 2)), lambda v: max(v, 0.5), (-3, 3)),
    "Min": (lambda u: Min(u, 1, -u), lambda v: min(v, 1, -v), (-3, 3)),
    "logaddexp": (lambda u: logaddexp(u, Integer(2)), lambda v: mpmath.log(mpmath.exp(v) + mpmath.exp(2)), (-30, 30)),
    "cube root": (lambda u: u ** Rational(1, 3), mpmath.cbrt, (1e-3, 30)),
    "power of 2": (lambda u: 2**u, lambda v: mpmath.mpf(2) ** v, (-30, 30)),
    "self-power": (lambda u: u**u, lambda v: v**v, (1e-3, 30)),
    "Piecewise": (
        lambda u: Piecewise((u**2, (u > 1) & (u < 2)), (1 / u, (u < -1) | (u >= 2)), (Integer(3), True)),
        lambda v: v * v if 1 < v < 2 else 1 / v if v < -1 or v >= 2 else 3,
        (-3, 3),
    ),
}


@pytest.fixture(scope="module")
def cases():
    """The compiled function with a case for every argument, points for each, and its values by mpmath."""
    arguments = [Symbol(f"x{row}", real=True) for row in range(len(CASES))]
    expressions = [case(argument) for (case, *_), argument in zip(CASES.values(), arguments, strict=True)]
    generator = np.random.default_rng(0)
    points = np.array([generator.uniform(*domain, LANES) for *_, domain in CASES.values()])
    with mpmath.workdps(40):
        exact = [
            [function(mpmath.mpf(float(point))) for point in row]
            for (_, function, _), row in zip(CASES.values(), points, strict=True)
        ]
    return compile_function(expressions, arguments), points, exact


def assert_close(found, exact, ulps):
    for name, values, row in zip(CASES, found, exact, strict=True):
        with mpmath.workdps(40):
            errors = [abs(mpmath.mpf(float(value)) - wanted) for value, wanted in zip(values, row, strict=True)]
        for error, wanted in zip(errors, row, strict=True):
            assert error <= ulps * EPSILON * abs(wanted), name


def test_every_function_of_the_language_is_among_the_cases():
    assert {*FUNCTIONS} <= {*CASES}


def test_every_function_agrees_with_mpmath_in_numpy(cases):
    function, points, exact = cases
    assert_close(function(*points), exact, 5)  # SciPy's erfc; the others have 1.1


def test_every_function_agrees_with_mpmath_in_a_kernel(cases):
    function, points, exact = cases
    assert_close(in_a_kernel(function, points), exact, 1)


SPECIAL = [0.0, -0.0, 1.0, -2.5, 5e-324, 1e308, -1e308, 709.0, 710.5, -745.2, np.inf, -np.inf, np.nan]


def in_a_kernel(function, values):
    """What a kernel makes of any number of columns of values, as many rows as the function has results."""
    kernel = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(compile_kernel(function, watching=False).address)
    blocks = [np.zeros((len(values), LANES)) for _ in range(0, values.shape[1], LANES)]
    for block, start in zip(blocks, range(0, values.shape[1], LANES), strict=True):
        part = values[:, start : start + LANES]
        block[:, : part.shape[1]] = part
        kernel(block.ctypes.data, 1)
    return np.concatenate(blocks, axis=1)[: len(function.expressions), : values.shape[1]]


@pytest.mark.parametrize(
    ("function", "known"), [(Max, np.maximum), (Min, np.minimum), (logaddexp, np.logaddexp)], ids=str
)
def test_functions_of_two_numbers_are_those_of_numpy_for_infinities_and_nan(function, known):
    a, b = symbols("a b", real=True)
    pairs = np.array(np.meshgrid(SPECIAL, SPECIAL)).reshape(2, -1)
    found = in_a_kernel(compile_function([function(a, b)], (a, b)), pairs)[0]
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(found, known(*pairs), rtol=EPSILON, atol=0)


def test_the_sign_and_the_unit_step_are_those_of_numpy_for_infinities_and_nan():
    a = Symbol("a", real=True)
    function, known = (
        compile_function([sign(a), Heaviside(a, Rational(1, 2))], (a,)),
        [np.sign(SPECIAL), np.heaviside(SPECIAL, 0.5)],
    )
    np.testing.assert_array_equal(in_a_kernel(function, np.array([SPECIAL, SPECIAL])), known)
    np.testing.assert_array_equal(function(SPECIAL), known)


@pytest.mark.parametrize("printer", [NumpyPrinter(), ScalarPrinter()], ids=["numpy", "scalar"])
@pytest.mark.parametrize(
    ("operation", "text"),
    [
        (x**2, "(x*x)"),
        (1 / x, "(1.0/x)"),
        (sqrt(x), "sqrt(x)"),
        (x**y, "(x**y)"),
        (x**-y, "(x**(-y))"),
        (x ** Float(0.1), "(x**0.1)"),
        (x ** Float(-0.1), "(x**(-0.1))"),
        (Pow(-2, x), "((-2.0)**x)"),
        (x / y, "x/y"),
        (2 / y, "2.0/y"),
        (x * y, "x*y"),
        (-x, "-x"),
        (Integer(3), "3.0"),
        (-Integer(3), "-3.0"),
        (Integer(2) ** 53 - 1, "9007199254740991.0"),
        (Float(5e-324), "5e-324"),
        (Float(0.1), "0.1"),
        (Float(1.7976931348623157e308), "1.7976931348623157e+308"),
        (oo, "inf"),
        (-oo, "-inf"),
        (nan, "nan"),
        (exp(x), "exp(x)"),
        (sign(x), "sign(x)"),
        (logaddexp(x, y), "logaddexp(x, y)"),
    ],
    ids=str,
)
def test_operations_are_printed_in_floats_without_integer_powers(printer, operation, text):
    assert printer.doprint(operation) == text


def test_the_largest_of_several_is_taken_in_pairs():
    assert ScalarPrinter().printed(Max(x, y, z, 1)) == "maximum(maximum(maximum(1.0, x), y), z)"
    assert ScalarPrinter().printed(Min(x, y)) == "minimum(x, y)"


@pytest.mark.parametrize("number", [0.1, 1 / 3, 2**0.5, 1e-320, 123456789.123456789, 2.0**60])
def test_printed_numbers_are_read_back_to_the_last_bit(number):
    assert float(ScalarPrinter().printed(Float(number))) == number
    assert float(NumpyPrinter().doprint(Float(number))) == number


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        (atan2(x, y), "atan2"),
        (gamma(x), "gamma"),
        (Function("f")(x), "f"),
        (Derivative(Function("f")(x), x), "f"),
    ],
    ids=str,
)
def test_what_a_kernel_has_no_code_for_is_said(operation, said):
    with pytest.raises(UnprintableError, match=said) as caught:
        ScalarPrinter().printed(operation)
    assert "\n" not in str(caught.value)


def test_numpy_has_code_for_what_is_in_scipy_or_not_defined_everywhere():
    a, b = symbols("a b", real=True)
    function = compile_function([erf(a), atan2(a, b), Piecewise((a, a < 0), (b, a < 1))], (a, b))
    values = function(np.array([-1.0, 0.5, 2.0]), 3.0)
    np.testing.assert_allclose(values[0], [float(mpmath.erf(number)) for number in (-1, 0.5, 2)], rtol=1e-15)
    np.testing.assert_allclose(values[1], np.arctan2([-1.0, 0.5, 2.0], 3.0), rtol=1e-15)
    np.testing.assert_array_equal(values[2], [-1.0, 3.0, np.nan])
    with pytest.raises(UnprintableError, match="atan2"):
        compile_kernel(function, watching=False)
