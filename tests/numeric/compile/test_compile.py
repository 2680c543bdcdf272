"""Compiled functions against exact arithmetic, mpmath and 50-digit running error analysis."""

from fractions import Fraction
from itertools import product as combinations

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import (
    Abs,
    Expr,
    Integer,
    Max,
    Min,
    Piecewise,
    Rational,
    Symbol,
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atanh,
    cos,
    cosh,
    diff,
    erf,
    exp,
    lambdify,
    log,
    nan,
    pi,
    sign,
    sin,
    sinh,
    sqrt,
    symbols,
    tan,
    tanh,
)

from eos_sym import BadInput, GradientDescent, Objective, minimalist
from numeric import CompilationError, compile_function, compile_map
from numeric.compile import function
from numeric.compile.check import check

x, y, z = symbols("x y z", real=True)
ROUNDING = 2.0**-53
SMALLEST = 2.0**-1022
MP_FUNCTIONS = {tanh: mpmath.tanh, atan: mpmath.atan, exp: mpmath.exp, log: mpmath.log, sin: mpmath.sin}

leaves = st.one_of(
    st.sampled_from([x, y, z, sin(x), pi]),
    st.integers(-9, 9).map(Integer),
    st.builds(Rational, st.integers(-20, 20), st.integers(1, 9)),
)


def combine(parts):
    pairs = st.tuples(parts, parts)
    return st.one_of(
        pairs.map(lambda pair: pair[0] + pair[1]),
        pairs.map(lambda pair: pair[0] * pair[1]),
        pairs.map(lambda pair: pair[0] / (1 + pair[1] ** 2)),
        st.tuples(parts, st.integers(2, 7)).map(lambda pair: pair[0] ** pair[1]),
        parts.map(lambda part: (1 + part**2) ** Rational(-3, 2)),
        parts.map(lambda part: log(1 + part**2)),
        parts.map(lambda part: exp(-(part**2))),
        parts.map(tanh),
        parts.map(atan),
    )


expressions = st.recursive(leaves, combine, max_leaves=6)


def with_rounding(expression: Expr, point):
    """The value in mpmath and a bound on the error of evaluating the expression as written, in units of rounding."""
    if expression.is_Symbol:
        return point[expression], mpmath.mpf(0)
    if not expression.args:
        value = mpmath.mpf(str(expression.evalf(60)))
        return value, abs(value)
    values, errors = zip(*(with_rounding(part, point) for part in expression.args), strict=True)
    if expression.is_Add:
        return sum(values), sum(errors) + len(values) * sum(map(abs, values))
    if expression.is_Mul:
        shares = (
            error * mpmath.fprod(abs(other) for j, other in enumerate(values) if j != i)
            for i, error in enumerate(errors)
        )
        return mpmath.fprod(values), sum(shares) + len(values) * abs(mpmath.fprod(values))
    if expression.is_Pow and expression.exp.is_Rational:
        power = values[1]
        slope = abs(power) * abs(values[0]) ** (power - 1) if values[0] or power > 1 else mpmath.mpf(0)
        value = values[0] ** power
        return value, slope * errors[0] + (abs(power) + 2) * abs(value)
    function = MP_FUNCTIONS[expression.func]
    return function(values[0]), abs(mpmath.diff(function, values[0])) * errors[0] + 4 * abs(function(values[0]))


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.lists(expressions, min_size=1, max_size=3), st.integers(0, 2**32 - 1))
def test_compiled_values_are_exact_up_to_the_rounding_of_the_expression_as_written(written, seed):
    points = np.random.default_rng(seed).uniform(-3, 3, (3, 4))
    compiled = compile_function(written, (x, y, z))(*points)
    with mpmath.workdps(50):
        for lane, numbers in enumerate(points.T):
            point = dict(zip((x, y, z), map(mpmath.mpf, map(float, numbers)), strict=True))
            for expression, values in zip(written, compiled, strict=True):
                exact, error = with_rounding(expression, point)
                assert abs(mpmath.mpf(float(values[lane])) - exact) <= 2 * ROUNDING * error + SMALLEST


def test_integers_are_taken_as_floats():
    """By hand: (10⁵)⁴ = 10²⁰ > 2⁶³."""
    assert compile_function([x**4], [x])(100_000)[0] == 1e20


@pytest.mark.parametrize(
    ("expression", "function", "points"),
    [
        (exp(x), mpmath.exp, (-700.0, -1.5, 0.0, 2.5, 700.0)),
        (log(x), mpmath.log, (1e-300, 0.3, 1.0, 1e300)),
        (sqrt(x), mpmath.sqrt, (0.0, 2.0, 1e-300)),
        (sin(x), mpmath.sin, (-2.0, 0.0, 1e5)),
        (cos(x), mpmath.cos, (-2.0, 0.0, 1e5)),
        (tan(x), mpmath.tan, (-2.0, 0.0, 1.5)),
        (sinh(x), mpmath.sinh, (-700.0, -1.5, 0.0, 1e-9)),
        (cosh(x), mpmath.cosh, (-700.0, -1.5, 0.0)),
        (tanh(x), mpmath.tanh, (-800.0, -1e-9, 0.5)),
        (asin(x), mpmath.asin, (-1.0, 0.3)),
        (acos(x), mpmath.acos, (-1.0, 0.3, 1.0)),
        (atan(x), mpmath.atan, (-1e300, -1.0, 0.3)),
        (asinh(x), mpmath.asinh, (-5.0, 1e-9, 1e300)),
        (acosh(x), mpmath.acosh, (1.0, 3.5)),
        (atanh(x), mpmath.atanh, (-0.5, 1e-9, 0.99)),
        (erf(x), mpmath.erf, (-2.0, 1e-9, 0.5)),
        (Abs(x), abs, (-2.5, 0.0, 3.0)),
        (sign(x), mpmath.sign, (-2.5, 0.0, 3.0)),
        (Max(x, 1), lambda value: max(value, 1), (-2.5, 1.0, 3.0)),
        (Min(x, 1, x**2), lambda value: min(value, 1, value**2), (-2.5, 0.5, 3.0)),
        (Piecewise((x**2, x < 1), (1 / x, True)), lambda v: v**2 if v < 1 else 1 / v, (-2.5, 1.0, 3.0)),
        (x**-1, lambda value: 1 / value, (-3.0, 0.7)),
        (x**-2, lambda value: 1 / value**2, (-3.0, 0.7)),
        (x**-11, lambda value: 1 / value**11, (-3.0, 0.7)),
        ((x + 2) ** -3, lambda value: (value + 2) ** -3, (-3.0, 0.75)),
        (3 / (x**2 * (1 + x) ** 4), lambda value: 3 / (value**2 * (1 + value) ** 4), (-3.0, 0.75)),
        (x ** Rational(-3, 2), lambda value: 1 / mpmath.sqrt(value) ** 3, (0.7, 2.0)),
        (x ** Rational(1, 3), mpmath.cbrt, (0.7, 27.0)),
        (x**40, lambda value: value**40, (-3.0, 0.7)),
    ],
    ids=lambda value: None if callable(value) else str(value),
)
def test_functions_and_powers_agree_with_mpmath(expression, function, points):
    (values,) = compile_function([expression], [x])(np.array(points))
    with mpmath.workdps(40):
        exact = [float(function(mpmath.mpf(point))) for point in points]
    np.testing.assert_allclose(values, exact, rtol=40 * ROUNDING, atol=0)


def test_integer_powers_are_exact_on_integers():
    powers = compile_function([x**exponent for exponent in range(1, 34)], [x])(3.0)
    assert [float(power) for power in powers] == [3**exponent for exponent in range(1, 34)]


def test_values_broadcast_and_constants_with_them():
    function = compile_function([Integer(3), pi, x * y, x], [x, y])
    values = function(np.arange(1, 3).reshape(2, 1), np.arange(1, 4))
    assert [value.shape for value in values] == [(2, 3)] * 4
    assert [value.dtype for value in values] == [np.float64] * 4
    assert values[0].tolist() == [[3.0] * 3] * 2
    assert values[1].tolist() == [[np.pi] * 3] * 2
    assert values[2].tolist() == [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]]
    assert values[3].tolist() == [[1.0] * 3, [2.0] * 3]


def test_a_function_of_nothing_is_its_value():
    assert [value.item() for value in compile_function([Integer(2), sqrt(3)], [])()] == [2.0, np.sqrt(3.0)]


@pytest.mark.parametrize(
    ("expression", "point", "value"),
    [
        (x**3, 1e200, np.inf),
        (x**3, -1e200, -np.inf),
        (x**300, 100.0, np.inf),
        (exp(x), 1e4, np.inf),
        (exp(x), -1e4, 0.0),
        (1 / x, 0.0, np.inf),
        (x**-7, 1e-100, np.inf),
        (log(x), 0.0, -np.inf),
        (log(x), -1.0, np.nan),
        (sqrt(x), -1.0, np.nan),
        (x ** Rational(1, 3), -1.0, np.nan),
        (x**2 - x, np.inf, np.nan),
        (x + Integer(10) ** 400, 1.0, np.inf),
        (Integer(10) ** 400, 1.0, np.inf),
        (-(Integer(10) ** 400), 1.0, -np.inf),
    ],
    ids=str,
)
def test_what_overflows_is_infinite_and_what_is_undefined_nan_without_a_warning(expression, point, value):
    np.testing.assert_array_equal(compile_function([expression], [x])(point)[0], value)


@pytest.mark.parametrize(
    "text",
    [
        "exp(x**4)/(1+exp(2*x))",
        "cosh(x**3)/(1+x**2)",
        "sinh(x**4)/cosh(x)",
        "exp(x**6)*exp(-x)",
        "(exp(x**3)+exp(-x**3))/(1+exp(x))",
        "cosh(exp(x))/(1+exp(2*x))",
    ],
)
def test_a_loss_whose_gradient_leaves_floating_point_by_two_ways_is_compiled(text):
    loss = Objective.from_text(text, "x")
    simulator = compile_map(GradientDescent().map(loss))
    gradient = mpmath.diff(lambdify(loss.weights, loss.loss, "mpmath"), 1.25)
    step = simulator.run({"x": 1.25}, {"eta": 2**-10}, steps=1, outcomes=False).final.item()
    assert step == pytest.approx(1.25 - float(gradient) / 2**10, rel=1e-12)
    run = simulator.run({"x": 30.0}, {"eta": 1.0}, steps=9)
    assert run.outcome.item() == "diverged"


def test_towers_of_exponentials_are_compared_where_they_have_a_value():
    tower = compile_function([exp(exp(exp(x)))], [x])
    assert tower(-1.0)[0] == pytest.approx(float(mpmath.exp(mpmath.exp(mpmath.exp(-1)))), rel=1e-13)
    assert tower(9.0)[0] == np.inf


def test_a_number_beyond_floating_point_is_no_excuse_for_one_within_it():
    wrong = [np.array(1.0)]
    with pytest.raises(CompilationError, match=r"compiled 1.0, exact inf"):
        check(lambda *values: wrong, [exp(exp(x**2 + 7))], [x])


@pytest.mark.parametrize(
    ("symbol", "said"),
    [
        (Symbol("class"), "class"),
        (Symbol("None"), "None"),
        (Symbol("a b"), "a b"),
        (Symbol("a\nb"), r"a\\nb"),
        (Symbol("_x"), "_x"),
        (Symbol("2x"), "2x"),
        (Symbol(""), "''"),
        (Symbol("η"), "η"),
        (Symbol("x.real"), "x.real"),
        (Symbol('__import__("os")'), "__import__"),
    ],
    ids=str,
)
@pytest.mark.parametrize("declared", [True, False])
def test_a_name_that_is_no_identifier_is_refused(symbol, said, declared):
    with pytest.raises(BadInput, match=said) as caught:
        compile_function([symbol + 1], [symbol] if declared else [])
    assert "usable name" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_name_of_a_symbol_is_never_run(tmp_path):
    victim = tmp_path / "victim"
    symbol = Symbol(f'__import__("pathlib").Path("{victim}").touch()')
    for arguments in ([symbol], []):
        with pytest.raises(BadInput):
            compile_function([symbol], arguments)
    assert not victim.exists()


@pytest.mark.parametrize(
    ("expressions", "arguments", "said"),
    [
        ([x + y], [x], "y: unbound"),
        ([x + y * z, z], [x], "y, z: unbound"),
        ([x], [], "x: unbound"),
        ([x + Symbol("x")], [x], "x: the name of two symbols"),
        ([x + Symbol("x")], [x, Symbol("x")], "x: the name of two symbols"),
        ([x], [x, Symbol("x", positive=True)], "x: the name of two symbols"),
        ([x], [x, x], "x: the name of two symbols"),
    ],
)
def test_symbols_that_are_unbound_or_share_a_name_are_refused(expressions, arguments, said):
    with pytest.raises(BadInput, match=said) as caught:
        compile_function(expressions, arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "names",
    [*combinations(["x0", "x1", "numpy", "Dummy_1"], ["integer_power", "exp", "sqrt", "reduce", "e", "range"])],
    ids="-".join,
)
def test_symbols_may_be_named_like_what_the_generated_code_uses(names):
    a, b = symbols(names, real=True)
    shared = (a + b) ** 5
    function = compile_function([exp(a) * shared, sqrt(shared**2 + b) + Max(a, b), (a * b) ** 7], [a, b])
    u, v = 0.75, 1.5
    expected = [np.exp(u) * (u + v) ** 5, np.sqrt((u + v) ** 10 + v) + v, (u * v) ** 7]
    np.testing.assert_allclose(function(u, v), expected, rtol=40 * ROUNDING)


def forget():
    """What was compiled before is not compiled again."""
    function._compile.cache_clear()


def corrupted(change):
    def wrong_lambdify(*arguments, **settings):
        right = lambdify(*arguments, **settings)
        return lambda *values: change(right(*values))

    return wrong_lambdify


@pytest.mark.parametrize(
    "change",
    [
        lambda results: [results[0] * (1 + 1e-9), *results[1:]],
        lambda results: [*results[:-1], results[-1] * (1 + 1e-9)],
        lambda results: [results[1], results[0], *results[2:]],
        lambda results: [*results[:-1], -results[-1]],
        lambda results: [*results[:-1], 0 * results[-1]],
        lambda results: [*results[:-1], results[-1] * np.inf],
        lambda results: [*results[:-1], results[-1] * np.nan],
    ],
    ids=["first entry", "last entry", "order", "sign", "zero", "infinite", "nan"],
)
def test_wrong_code_is_caught(monkeypatch, change):
    monkeypatch.setattr("numeric.compile.function.lambdify", corrupted(change))
    with pytest.raises(CompilationError, match="compiled"):
        compile_function([x * y**2, x + y, exp(-x), 1 / (1 + x**2)], [x, y])


def test_a_wrong_map_is_caught_though_only_one_of_its_steps_is_wrong_by_a_billionth(monkeypatch):
    step = GradientDescent().map(minimalist())
    forget()
    monkeypatch.setattr("numeric.compile.function.lambdify", corrupted(lambda r: [*r[:2], r[2] * (1 - 1e-9), r[3]]))
    with pytest.raises(CompilationError):
        compile_function(step.step, (*step.state, *step.parameters))


@pytest.mark.parametrize("expression", [log(-1 - x**2), asin(2 + x**2), nan * x], ids=str)
def test_an_expression_that_is_nowhere_defined_is_refused(expression):
    with pytest.raises(CompilationError, match="defined at fewer than"):
        compile_function([x, expression], [x])


def test_the_imaginary_unit_is_refused():
    with pytest.raises(BadInput, match="not real"):
        compile_function([x, sqrt(-exp(x))], [x])


def test_an_expression_that_is_rarely_defined_is_checked_where_it_is():
    (values,) = compile_function([sqrt(x - 50) * log(y - 1)], [x, y])([54.0, 49.0], [2.0, 2.0])
    np.testing.assert_array_equal(values, [0.0, np.nan])


@pytest.mark.parametrize(
    "expression",
    [
        x / (1 + x) + 1 / (1 + x) - 1,
        sin(x) ** 2 + cos(x) ** 2 - 1,
        cos(x) - 1 + x**2 / 2,
        diff((x * y - 1) ** 2 / (1 + (x * y - 1) ** 2), x, y),
        diff((1 - tanh(x * y)) ** 2, x, 2),
        diff((1 - 1 / (1 + exp(-x * y))) ** 2, x, 2),
        exp(-(x**2)),
        x**-300,
    ],
    ids=str,
)
def test_cancellation_and_underflow_are_not_mistaken_for_wrong_code(expression):
    """As far as rounding of the terms explains a difference to the exact value, the code computes what it says."""
    point = {x: Rational(3, 4), y: Rational(5, 4)}
    (value,) = compile_function([expression], [x, y])(0.75, 1.25)
    assert float(value) == pytest.approx(float(expression.subs(point).evalf(30, chop=True)), rel=1e-13, abs=1e-15)


def minimalist_hessian(weights):
    """∂ᵢ²L = pᵢ² and ∂ᵢ∂ⱼL = pᵢ pⱼ − (1 − p) pᵢⱼ for p = xyzw, its partial products taken in exact arithmetic."""
    exact = [Fraction(weight) for weight in weights]
    whole = np.prod(exact)
    for i, j in combinations(range(4), repeat=2):
        both = (whole / exact[i]) * (whole / exact[j])
        yield float(both if i == j else both - (1 - whole) * whole / (exact[i] * exact[j]))


def test_the_hessian_of_the_minimalist_example_keeps_its_value():
    """SymPy 1.14 changes it: by `create_expand_pow_optimization` with `expm1_opt` and then `lambdify(cse=True)`."""
    objective = minimalist()
    weights = (0.75, 1.25, -0.5, 2.25)
    values = compile_function(list(objective.hessian), objective.weights)(*weights)
    np.testing.assert_allclose(values, list(minimalist_hessian(weights)), rtol=1e-14, atol=0)


def test_a_positive_symbol_is_only_checked_where_it_is_positive():
    eta, rho = symbols("eta rho", positive=True)
    critical = (-sqrt(eta) + sqrt(eta + 8 * rho)) / (2 * sqrt(eta) * rho)  # SAM's critical sharpness
    (value,) = compile_function([critical], (eta, rho))(0.1, 0.05)
    assert value == pytest.approx((np.sqrt(1 + 8 * 0.05 / 0.1) - 1) / (2 * 0.05))
