"""The part of Python that kernels are written in means what it means in Python."""

import ctypes
import math
from fractions import Fraction
from math import fabs, inf

import numpy as np
import pytest
from llvmlite import ir

from numeric.compile.lowering import FLOAT, INTEGER, Instruction, Statements, kernel_module
from numeric.compile.machine import machine_code

ONE = 1023 << 52
NEGATIVE = -(2**40)
SMALLEST_NORMAL = 2.0**-1022
bits_of = Instruction(lambda builder, number: builder.bitcast(number, INTEGER))
of_bits = Instruction(lambda builder, bits: builder.bitcast(bits, FLOAT))
fused = Instruction(ir.IRBuilder.fma)


def power_of_two(exponent):
    """2ⁿ for a whole number −1022 ≤ n ≤ 1023."""
    rounding = 2.0**52 + 2.0**51
    return of_bits((bits_of(exponent + rounding) << 52) + ONE)


def two_sum(first, second):
    total = first + second
    rest = total - first
    return total, (first - (total - rest)) + (second - rest)


def rounded_away(first, second):
    total, rest = two_sum(first, second)
    return rest if rest != 0.0 else -total


def product_minus(first, second, third):
    return first * second - third


def odd_bits(number):
    bits = bits_of(number) ^ 5
    return 1.0 if (bits & 1 == 1) and not (bits >> 1 < NEGATIVE) else 0.0


def kind(number):
    denormal = fabs(number) < SMALLEST_NORMAL or False
    return 2.0 if denormal else 1.0 if number > -inf and number < inf else number


def looped(number):
    for _ in range(3):
        number = number + number
    return number


NAMES = {
    name: thing for name, thing in globals().items() if isinstance(thing, Instruction) or hasattr(thing, "__code__")
}


def computed(expression, *rows, contract=True):
    """The expression in a, b and c for every column of rows of numbers, from a kernel."""
    lanes = np.array(rows, dtype=np.float64)
    runs = lanes.shape[1]
    statements = [f"{'abc'[row]} = lanes[{runs * row} + lane]" for row in range(len(rows))]
    lines = Statements([*statements, f"lanes[0 + lane] = {expression}"], NAMES)
    run(kernel_module(lines, runs, contract=contract), lanes, 1)
    return lanes[0].tolist()


def run(text, lanes, steps):
    code = machine_code(text, "kernel")
    ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(code.address)(lanes.ctypes.data, steps)


def test_integers_are_the_bits_of_numbers():
    exponents = [-1022.0, -1.0, 0.0, 1.0, 52.0, 1023.0]
    assert computed("power_of_two(a)", exponents) == [2.0**exponent for exponent in exponents]
    numbers = [1.0, -1.0, math.nextafter(1, 2), 3e-310, -math.inf, 0.1]
    patterns = np.array(numbers).view(np.int64) ^ 5
    expected = [1.0 if bits & 1 == 1 and not bits >> 1 < NEGATIVE else 0.0 for bits in patterns.tolist()]
    assert computed("odd_bits(a)", numbers) == expected
    assert {*expected} == {0.0, 1.0}


def test_functions_give_tuples_and_are_never_contracted():
    """The rounding error of a sum, from the sum in floats; contraction or another order would leave nothing of it."""
    first, second = np.random.default_rng(0).uniform(-1, 1, (2, 16)) * 10.0 ** np.arange(16)
    exact = [float(Fraction(u) + Fraction(v) - Fraction(u + v)) for u, v in zip(first, second, strict=True)]
    expected = [rest if rest else -(u + v) for rest, u, v in zip(exact, first, second, strict=True)]
    assert computed("rounded_away(a, b)", first, second) == expected
    products = first * second
    assert computed("product_minus(a, b, c)", first, second, products) == [0.0] * 16
    errors = [float(Fraction(u) * Fraction(v) - Fraction(u * v)) for u, v in zip(first, second, strict=True)]
    assert computed("a*b - c", first, second, products) in (errors, [0.0] * 16)
    assert computed("a*b - c", first, second, products, contract=False) == [0.0] * 16
    assert computed("fused(a, b, -c)", first, second, products) == errors != [0.0] * 16


def test_conditions_are_those_of_python():
    numbers = [0.0, -0.0, 3e-310, 1.0, -1e300, math.inf, -math.inf, math.nan]
    found = computed("kind(a)", numbers)
    assert found[:7] == [2.0, 2.0, 2.0, 1.0, 1.0, math.inf, -math.inf]
    assert math.isnan(found[7])
    for sign in ("<", "<=", ">", ">=", "==", "!="):
        pairs = np.array(np.meshgrid(numbers, numbers)).reshape(2, -1)
        truth = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}
        truth |= {"==": np.equal, "!=": np.not_equal}
        assert computed(f"1.0 if a {sign} b else 0.0", *pairs) == truth[sign](*pairs).astype(float).tolist(), sign


@pytest.mark.parametrize(
    "expression", ["looped(a)", "unknown(a)", "d", "[a]", "a % b", "a < b < c", "lanes[a]", "kind(a)(b)", "abs"]
)
def test_what_is_none_of_it_is_refused(expression):
    with pytest.raises(KeyError):
        computed(expression, [1.0], [2.0], [3.0])


def test_lanes_that_are_left_are_done_again_from_where_they_were():
    """x ↦ 2x and a count of the steps, for x < 10; else x ↦ x/4, and −1 to the count."""
    lanes = np.array([[1.0, 7.0, 12.0, 100.0, math.nan], np.zeros(5)])
    lines = [
        "x = lanes[0 + lane]",
        "lanes[0 + lane] = 2.0*x",
        "lanes[5 + lane] = lanes[5 + lane] + 1.0",
        "left = x >= 10.0",
    ]
    careful = ["lanes[0 + lane] = lanes[0 + lane]/4.0", "lanes[5 + lane] = lanes[5 + lane] - 1.0"]
    run(kernel_module(Statements(lines, {}), 5, careful=Statements(careful, {})), lanes, 3)
    assert lanes[:, :4].tolist() == [[8.0, 7.0, 12.0, 12.5], [3.0, 1.0, 1.0, -1.0]]
    assert math.isnan(lanes[0, 4])
    assert lanes[1, 4] == 3.0
