"""Straight-line programs against exact rational arithmetic, 60-digit evaluation, mpmath and counts made by hand."""

import math
import os
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from itertools import combinations_with_replacement

import mpmath
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import (
    Abs,
    And,
    Eq,
    Float,
    Integer,
    Max,
    Min,
    Mul,
    Ne,
    Not,
    Number,
    Or,
    Piecewise,
    Pow,
    Rational,
    Symbol,
    atan,
    atan2,
    cos,
    erf,
    exp,
    log,
    nan,
    oo,
    pi,
    prod,
    sign,
    sqrt,
    symbols,
    tanh,
    zoo,
)

from eos_sym import GradientDescent, minimalist
from eos_sym.losses import product
from numeric.compile.program import share_pairs, straight_line

x, y, z, eta = symbols("x y z eta", real=True)
DIGITS = 60

numbers = st.one_of(
    st.integers(-9, 9).map(Integer), st.builds(lambda p, q: Rational(p, 2**q), st.integers(-40, 40), st.integers(0, 4))
)
leaves = st.one_of(st.sampled_from([x, y, z]), numbers)


def rational(parts):
    pairs = st.tuples(parts, parts)
    return st.one_of(
        pairs.map(lambda pair: pair[0] + pair[1]),
        pairs.map(lambda pair: pair[0] - pair[1]),
        pairs.map(lambda pair: pair[0] * pair[1]),
        pairs.map(lambda pair: pair[0] / (pair[1] + Rational(1, 8))),
        pairs.map(lambda pair: (pair[0] - pair[1]) * x + (pair[1] - pair[0]) * y),
        st.tuples(parts, st.integers(-4, 9).filter(bool)).map(lambda pair: (pair[0] + 1) ** pair[1]),
    )


def real(parts):
    pairs = st.tuples(parts, parts)
    return st.one_of(
        rational(parts),
        st.tuples(parts, st.integers(-5, 5)).map(lambda pair: (pair[0] ** 2 + 1) ** Rational(pair[1], 2)),
        st.tuples(parts, st.integers(-5, 5)).map(lambda pair: (2 - pair[0]) ** Rational(pair[1], 2)),
        st.tuples(parts, parts, st.sampled_from([-3, -1, 1, 3])).map(lambda v: (v[0] * v[1]) ** Rational(v[2], 2)),
        st.tuples(parts, st.sampled_from([exp, log, tanh, atan, cos, Abs, sign])).map(lambda pair: pair[1](pair[0])),
        pairs.map(lambda pair: (pair[0] ** 2 + 1) ** pair[1]),
        st.lists(parts, min_size=2, max_size=3).map(lambda several: Max(*several)),
        st.lists(parts, min_size=2, max_size=3).map(lambda several: Min(*several)),
        pairs.map(lambda pair: Piecewise((pair[0], pair[0] < pair[1]), (x, Eq(y, 1)), (pair[1] * z, True))),
        pairs.map(lambda pair: Piecewise((x, And(pair[0] > 1, Or(pair[1] <= 0, Ne(z, 2)))), (-pair[0], True))),
    )


points = st.tuples(*[st.builds(Rational, st.integers(-60, 60), st.just(16))] * 3)


def fraction_of(number):
    """The fraction of small integers that a float stands for, if there is one."""
    own = Fraction(float(number))
    fraction = own if own.numerator.bit_length() < 40 else own.limit_denominator(2**20)
    assume(fraction.numerator.bit_length() < 40)
    assume(float(fraction) == float(number))
    return Rational(fraction)


def exact(operation):
    return operation.xreplace({number: fraction_of(number) for number in operation.atoms(Float)})


def computed(program, point, digits=None):
    """The values of the results, computed line by line as the program says."""
    values = dict(zip(program.arguments, point, strict=True))
    for symbol, operation in program.assignments:
        value = exact(operation).xreplace(values)
        values[symbol] = value if value.is_Rational or digits is None else value.evalf(digits)
    return [exact(result).xreplace(values) for result in program.results]


def is_atom(value):
    return value.is_Symbol or value.is_Number


def assert_single_operations(program):
    """Every value is used after it is assigned, once, and is one operation on symbols and numbers."""
    known = set(program.arguments)
    assert len({operation for _, operation in program.assignments}) == len(program.assignments)
    for symbol, operation in program.assignments:
        assert operation.free_symbols <= known
        assert symbol not in known
        known.add(symbol)
        if operation.is_Mul:
            assert len(operation.args) == 2
            assert all(is_atom(part) or (part.is_Pow and part.exp == -1) for part in operation.args)
        elif operation.is_Add:
            assert all(is_atom(part) or (part.is_Mul and part.args[0].is_Number) for part in operation.args)
        elif operation.is_Pow and operation.exp.is_Integer:
            assert operation.exp in (2, -1)
            assert operation.base.is_Symbol
        elif isinstance(operation, Piecewise):
            assert all(is_atom(part.expr) for part in operation.args)
        else:
            assert all(map(is_atom, operation.args))
    for result in program.results:
        assert is_atom(result)
        assert result.free_symbols <= known


def wanted_values(expressions, point, evaluate):
    """The values by substitution, of expressions that have real ones at the point."""
    assume(not any(expression.has(oo, -oo, zoo, nan) for expression in expressions))
    values = dict(zip((x, y, z), point, strict=True))
    try:
        wanted = [evaluate(expression.xreplace(values)) for expression in expressions]
    except (TypeError, ValueError):  # complex numbers have no order
        assume(False)
    assume(all(value.is_Rational or value.is_Float for value in wanted))
    return wanted


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.lists(st.recursive(leaves, rational, max_leaves=7), min_size=1, max_size=3), points)
def test_a_program_of_rational_functions_has_exactly_their_values(expressions, point):
    wanted = wanted_values(expressions, point, lambda value: value)
    program = straight_line(expressions, (x, y, z))
    assert_single_operations(program)
    assert computed(program, point) == wanted


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.lists(st.recursive(st.sampled_from([x, y, z]), real, max_leaves=6), min_size=1, max_size=3), points)
def test_a_program_of_real_functions_has_their_values_to_many_digits(expressions, point):
    wanted = wanted_values(expressions, point, lambda value: value.evalf(DIGITS))
    program = straight_line(expressions, (x, y, z))
    assert_single_operations(program)
    for value, expected in zip(computed(program, point, DIGITS), wanted, strict=True):
        assert abs(value - expected) <= 1e-40 * (1 + abs(expected))


PRINTED = """
from sympy import Abs, And, Max, Min, Or, Piecewise, exp, sqrt, symbols
from eos_sym import minimalist
from eos_sym.rules import HeavyBall
from numeric.compile.program import straight_line
x, y, z = symbols("x y z", real=True)
objective = minimalist()
print(straight_line(list(objective.hessian), objective.weights))
step = HeavyBall().map(objective)
print(straight_line(step.step, (*step.state, *step.parameters)))
chosen = Piecewise((x, And(x < y, y < z, Or(x > 0, z > 3))), (Max(z * y, x * y, Abs(x)), y > Min(x, z)), (x, True))
print(straight_line([chosen, sqrt(1 + x * y * z) / (x + z), exp(x * y) / (x + z)], (x, y, z)))
"""


@pytest.mark.slow
def test_every_process_prints_the_same_program():
    texts = {
        subprocess.run(
            [sys.executable, "-c", PRINTED],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1
    assert "Piecewise" in texts.pop()


def length(expressions, arguments):
    return len(straight_line(expressions, arguments).assignments)


def test_the_reduced_minimalist_map_takes_nine_operations():
    residual = eta * (x**2 * y**2 - 1)
    assert length([x - residual * x * y**2, y - residual * x**2 * y], (x, y, eta)) == 9


def test_the_minimalist_map_takes_fifteen_operations():
    step = GradientDescent().map(minimalist())
    assert length(step.step, (*step.state, *step.parameters)) == 15


def test_a_step_on_a_product_of_eight_takes_at_most_four_operations_per_weight():
    step = GradientDescent().map(product(8))
    assert length(step.step, (*step.state, *step.parameters)) <= 32


@pytest.mark.parametrize("exponent", [2, 3, 7, 15, 31, 63, 127, 200, 255, 1023, 2**64 - 1])
def test_a_power_takes_at_most_two_products_per_binary_digit(exponent):
    program = straight_line([x**exponent], (x,))
    assert len(program.assignments) <= 2 * math.log2(exponent)
    assert exponent > 255 or computed(program, [Integer(3)]) == [Integer(3) ** exponent]


def test_factors_of_two_products_are_multiplied_once():
    assert length([x * y * z, x * y * eta, x * y], (x, y, z, eta)) == 3


def test_sums_are_shared_up_to_their_sign():
    program = straight_line([(x - y) * z, (y - x) ** 3, cos(y - x) + x - y], (x, y, z))
    assert sum(operation.is_Add for _, operation in program.assignments) == 2


def test_a_shared_denominator_is_inverted_once_and_no_product_is_made_in_vain():
    program = straight_line([1 / (1 + x), x * y / (1 + x), y * z / (1 + x)], (x, y, z))
    divisions = [operation for _, operation in program.assignments if operation.atoms(Pow) and operation.exp == -1]
    assert len(divisions) == 1
    assert len(program.assignments) == 5
    assert length([x / (1 + y)], (x, y)) == 2


def test_a_product_that_meets_the_product_under_a_root_is_computed_once():
    assert length([(x * y) ** Rational(3, 2), x * y * sqrt(x * y)], (x, y)) == 3


def test_a_factor_is_multiplied_into_a_sum_where_that_leaves_less_to_do():
    assert length([x * (1 - eta * y**2), y * (1 - eta * x**2)], (x, y, eta)) == 6


def test_a_product_costs_nothing_beside_the_sum_it_is_a_term_of_alone():
    assert straight_line([x * y + z], (x, y, z)).cost == 1
    assert straight_line([x * y + z, x * y], (x, y, z)).cost == 2


def test_results_may_be_arguments_repeated_negative_or_numbers():
    results = [x, -x, x, Integer(-3), x + y, -x - y, -x * y, Integer(0)]
    program = straight_line(results, (x, y))
    assert_single_operations(program)
    assert computed(program, [Rational(3, 4), Integer(5)]) == [
        result.subs({x: Rational(3, 4), y: 5}) for result in results
    ]
    assert program.results[0] == program.results[2] == program.arguments[0]
    assert len(program.assignments) == 5


def test_no_expressions_are_an_empty_program():
    program = straight_line([], (x,))
    assert program.assignments == program.results == ()


def test_expressions_without_arguments_are_numbers():
    program = straight_line([sqrt(2), Integer(-7), Max(1, pi)], ())
    assert program.assignments == ()
    assert [float(result) for result in program.results] == [math.sqrt(2), -7, math.pi]


CONSTANTS = [
    (sqrt(2) * pi / 3, lambda: mpmath.sqrt(2) * mpmath.pi / 3),
    (-(exp(1) ** 20) / 7, lambda: -(mpmath.e**20) / 7),
    (sqrt(10**20 + 1) - 10**10, lambda: mpmath.sqrt(10**20 + 1) - 10**10),
    (exp(-700), lambda: mpmath.exp(-700)),
    (Rational(1, 10**320), lambda: mpmath.mpf(10) ** -320),
    (Integer(2) ** 53 + 1, lambda: mpmath.mpf(2**53 + 1)),
    (Rational(10**400, 10**399 + 1), lambda: mpmath.mpf(10**400) / (10**399 + 1)),
    (log(3) ** Rational(1, 3), lambda: mpmath.log(3) ** (mpmath.mpf(1) / 3)),
]


def numbers_in(program):
    return {float(number) for _, operation in program.assignments for number in operation.atoms(Number)}


@pytest.mark.parametrize(("constant", "function"), CONSTANTS, ids=lambda value: None if callable(value) else str(value))
def test_constants_are_right_to_the_last_bit_wherever_they_stand(constant, function):
    (alone,) = straight_line([constant], ()).results
    with mpmath.workdps(500):
        assert abs(mpmath.mpf(float(alone)) - function()) <= 0.501 * math.ulp(float(function()))
    assert float(alone) in numbers_in(straight_line([x + constant], (x,)))
    assert abs(float(alone)) in numbers_in(straight_line([x * y * constant], (x, y)))
    assert float(alone) in numbers_in(straight_line([Max(x, constant)], (x,)))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (Integer(10) ** 400, math.inf),
        (-(Integer(10) ** 400), -math.inf),
        (Rational(1, 10**400), 0.0),
        (exp(exp(9)), math.inf),
    ],
    ids=["huge", "huge and negative", "tiny", "exponential"],
)
def test_constants_beyond_the_range_of_floats_are_infinite_or_zero(expression, value):
    assert [float(result) for result in straight_line([expression], ()).results] == [value]


@pytest.mark.parametrize("names", ["v0 v1", "v1 v0", "t0 n0", "n1 n0", "p0 p1", "p3 t1", "n2 v1", "p2 n3"])
def test_symbols_may_be_named_like_those_of_a_program(names):
    """The same program comes out, whatever the symbols are called."""

    def program(a, b):
        return straight_line([a * b + sqrt(a - b), (a * b) ** 3 / (b - a), (a * b) ** 2 * b, b], (a, b))

    assert program(*symbols(names)) == program(x, y)


def test_the_arguments_may_be_some_of_the_own_symbols_in_another_order():
    v0, v1, v2 = symbols("v:3")
    program = straight_line([v0 - v1, v1 * v2, v2], (v2, v0, v1))
    assert computed(program, [Integer(5), Integer(7), Integer(11)]) == [-4, 55, 5]


def test_symbols_that_differ_only_in_what_is_known_of_them_are_kept_apart():
    positive = Symbol("x", positive=True)
    program = straight_line([x - positive, x * positive], (x, positive))
    assert computed(program, [Integer(3), Integer(5)]) == [-2, 15]


@pytest.mark.parametrize(
    ("expression", "point", "value"),
    [
        ((-x) ** Rational(3, 2), -4, 8),
        ((-x) ** Rational(-3, 2), -4, Rational(1, 8)),
        ((y - x) ** Rational(3, 2) * (x - y), -3, -32),
        (Mul(x ** Rational(-1, 2), sqrt(x), evaluate=False), 9, 1),
        (sqrt(x) * (x * y) ** Rational(-1, 2), 9, 1),
        ((x - y) / (y - x), 9, -1),
        ((x - y) * z + (y - x) * z + x, 9, 9),
        (z * (x - y) ** 2 + z * (y - x) ** 2 + x, 3, 19),
        (1 / ((x - 1) * z + (1 - x) * z + x), 4, Rational(1, 4)),
        (sqrt(x**2) ** 3, -2, 8),
        ((x**2 * y) ** Rational(5, 2), 2, 32),
        (Max(x - y, y - x) / Max(y - x, x - y), 3, 1),
        ((x * y) ** Rational(1, 2) * (x * y) ** Rational(-3, 2), 4, Rational(1, 4)),
    ],
    ids=str,
)
def test_roots_and_signs_keep_their_values(expression, point, value):
    """With y = 1 and z = 2, after a program in which the differences were met with both signs."""
    for others in ([], [x - y], [y - x]):
        program = straight_line([*others, expression], (x, y, z))
        assert_single_operations(program)
        assert computed(program, [Integer(point), Integer(1), Integer(2)])[-1] == value


def test_conditions_keep_their_meaning():
    condition = Or(And(x < y, Not(Eq(x * y, 2))), And(x > 3, Ne(y, -x)))
    program = straight_line([Piecewise((x * y, condition), (sqrt(2), x > 5), (-y, True))], (x, y))
    for point in ((1, 2), (1, 3), (4, -4), (6, -6), (4, 3)):
        a, b = map(Integer, point)
        wanted = a * b if (a < b and a * b != 2) or (a > 3 and b != -a) else sqrt(2) if a > 5 else -b
        assert float(computed_floats(program, (a, b))[0]) == float(wanted)


def computed_floats(program, point):
    values = dict(zip(program.arguments, point, strict=True))
    for symbol, operation in program.assignments:
        values[symbol] = operation.xreplace(values)
    return [result.xreplace(values) for result in program.results]


def test_functions_of_other_libraries_stay_operations_on_symbols():
    program = straight_line([atan2(x * y, -x), erf(x * y)], (x, y))
    assert [type(operation) for _, operation in program.assignments] == [Mul, Mul, atan2, erf]


def test_a_deep_expression_is_taken_apart():
    expression = x
    for _ in range(100):
        expression = tanh(1 + expression)
    assert length([expression], (x,)) == 200


@given(st.lists(st.lists(st.integers(0, 5), min_size=4, max_size=4), min_size=1, max_size=8))
def test_when_pairs_have_been_shared_none_occurs_twice_and_the_products_are_what_they_were(exponents):
    """Against counts that are not kept up with what has changed; counted here from the beginning."""
    atoms = symbols("v0:4")
    products = {Symbol(f"r{n}"): +Counter(dict(zip(atoms, powers, strict=True))) for n, powers in enumerate(exponents)}
    wanted = {name: prod(factors.elements()) for name, factors in products.items()}
    share_pairs(products)
    occurring = Counter()
    for factors in products.values():
        for first, second in combinations_with_replacement(sorted(factors, key=str), 2):
            occurring[first, second] += factors[first] // 2 if first == second else min(factors[first], factors[second])
    assert max(occurring.values(), default=0) < 2

    def written_out(name):
        return prod(written_out(factor) if factor in products else factor for factor in products[name].elements())

    assert {name: written_out(name) for name in wanted} == wanted
