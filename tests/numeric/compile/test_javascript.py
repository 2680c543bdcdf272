"""Programs in JavaScript against NumPy, mpmath and exact texts."""

import mpmath
import numpy as np
import pytest
from sympy import (
    Float,
    Heaviside,
    Integer,
    LambertW,
    Max,
    Min,
    Piecewise,
    Pow,
    Rational,
    Symbol,
    erf,
    exp,
    gamma,
    nan,
    oo,
    sign,
    sqrt,
    symbols,
    tanh,
)
from sympy.codegen.numpy_nodes import logaddexp

from eos_sym import GradientDescent, minimalist, shallow
from numeric import compile_function, compile_map
from numeric.compile.javascript import FUNCTIONS, print_function, print_functions
from numeric.compile.printers import JavaScriptPrinter, UnprintableError
from numeric.compile.program import straight_line
from tests.javascript import returned_by
from tests.numeric.compile.test_printers import CASES, SPECIAL

x, y = symbols("x y", real=True)
EPSILON = 2.0**-52


def in_javascript(function, columns):
    """What a compiled function gives in JavaScript, a list for every expression."""
    code = f"const f = {print_functions({'f': function.program})}.f; const columns = {written(columns)};"
    rows = returned_by(code, "columns[0].map((_, k) => f(...columns.map((one) => one[k])))")
    return np.array(rows, dtype=float).T


def written(columns):
    """Numbers as JavaScript writes them."""
    texts = (", ".join(repr(float(one)) for one in column) for column in columns)
    return f"[{', '.join(f'[{text}]' for text in texts)}]".replace("inf", "Infinity").replace("nan", "NaN")


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        (x**2, "(x*x)"),
        (1 / x, "(1.0/x)"),
        (sqrt(x), "Math.sqrt(x)"),
        (x**y, "(x**y)"),
        (Pow(-2, x), "((-2.0)**x)"),
        (-x, "-x"),
        (Integer(3), "3.0"),
        (Float(5e-324), "5e-324"),
        (oo, "Infinity"),
        (-oo, "-Infinity"),
        (nan, "NaN"),
        (exp(x), "Math.exp(x)"),
        (Max(x, y, 1), "Math.max(1.0, x, y)"),
        (LambertW(x, -1), "lambertw(x, -1.0)"),
        (logaddexp(x, y), "logaddexp(x, y)"),
    ],
    ids=str,
)
def test_operations_are_printed_as_javascript(operation, text):
    assert JavaScriptPrinter().printed(operation) == text


def test_a_program_is_a_function_of_numbers_in_order():
    program = straight_line([x * y + 1, x], (x, y))
    assert print_function(program) == "(v0, v1) => {const t0 = v0*v1; const t1 = t0 + 1.0; return [t1, v0];}"


def test_only_what_is_called_is_written_besides():
    assert print_functions({"f": straight_line([x**2], (x,))}) == (
        "(() => {\nreturn {\nf: (v0) => {const t0 = (v0*v0); return [t0];}\n};\n})()"
    )
    text = print_functions({"f": straight_line([LambertW(x)], (x,))})
    assert [name for name in FUNCTIONS if f"const {name} =" in text] == ["lambertw"]


@pytest.mark.parametrize(("operation", "said"), [(erf(x), "erf"), (gamma(x), "gamma")])
def test_what_javascript_has_no_code_for_is_said(operation, said):
    with pytest.raises(UnprintableError, match=said):
        print_function(straight_line([operation], (x,)))


def test_every_function_agrees_with_mpmath():
    """Within three units in the last place, which is what browsers' own functions have."""
    cases = {name: case for name, case in CASES.items() if name not in ("erf", "erfc")}
    arguments = [Symbol(f"x{row}", real=True) for row in range(len(cases))]
    function = compile_function(
        [case(one) for (case, *_), one in zip(cases.values(), arguments, strict=True)], arguments
    )
    generator = np.random.default_rng(0)
    points = [generator.uniform(*domain, 64) for *_, domain in cases.values()]
    found = in_javascript(function, points)
    with mpmath.workdps(40):
        for name, row, values in zip(cases, points, found, strict=True):
            for point, value in zip(row, values, strict=True):
                exact = cases[name][1](mpmath.mpf(float(point)))
                assert abs(mpmath.mpf(value) - exact) <= 3 * EPSILON * abs(exact), (name, point)


@pytest.mark.parametrize(
    "expression",
    [Max(x, y), Min(x, y), logaddexp(x, y), sign(x), Heaviside(x, Rational(1, 2)), x / y, sqrt(x), x * y - x],
    ids=str,
)
def test_infinities_and_nan_are_what_they_are_in_numpy(expression):
    pairs = np.array(np.meshgrid(SPECIAL, SPECIAL)).reshape(2, -1)
    function = compile_function([expression], (x, y))
    np.testing.assert_allclose(in_javascript(function, pairs)[0], function(*pairs)[0], rtol=2 * EPSILON, atol=0)


def test_cases_are_taken_by_their_conditions():
    function = compile_function([Piecewise((x, (x < 0) | (x > 2)), (y, x < 1))], (x, y))
    points = np.array([[-1.0, 0.5, 1.5, 3.0], [7.0, 7.0, 7.0, 7.0]])
    np.testing.assert_array_equal(in_javascript(function, points)[0], function(*points)[0])


@pytest.mark.parametrize("branch", [0, -1])
def test_lambert_s_function_agrees_with_mpmath(branch):
    """Within a few units in the last place of W and of what one in z makes of it, which is W/(1 + W) units."""
    near = -np.exp(-1.0) * (1 - np.geomspace(1e-12, 0.9, 40))
    far = np.geomspace(1e-300, 1e300, 61) if branch == 0 else -np.geomspace(1e-300, 0.05, 61)
    points = [*near, *far, *(-far[far < 0.3] if branch == 0 else [])]
    code = f"{FUNCTIONS['lambertw']}; const points = {written([points])}[0];"
    found = returned_by(code, f"points.map((z) => lambertw(z, {branch}))")
    with mpmath.workdps(40):
        for point, value in zip(points, found, strict=True):
            exact = mpmath.lambertw(mpmath.mpf(float(point)), branch).real
            assert abs(value - exact) <= 4 * EPSILON * abs(exact) * (1 + 1 / abs(1 + exact)), point


def test_lambert_s_function_ends_at_its_branch_point():
    code = FUNCTIONS["lambertw"]
    ends = "[-1, -0.37, 0.1, -1 / Math.E, 0, 0].map((z, k) => lambertw(z, [0, -1, -1, 0, 0, -1][k]))"
    np.testing.assert_allclose(returned_by(code, ends), [np.nan, np.nan, np.nan, -1, 0, -np.inf], atol=2e-8)


@pytest.mark.parametrize(("objective", "eta"), [(minimalist(), 0.8), (shallow(), 1.5)], ids=["four weights", "two"])
def test_a_polynomial_map_takes_the_same_steps_to_the_last_bit(objective, eta):
    """A thousand of them where the run is chaotic: a single operation in another order would be another run."""
    dynamics = GradientDescent().map(objective)
    start = {weight.name: 0.9 + 0.1 * k for k, weight in enumerate(dynamics.state)}
    known = compile_map(dynamics).run(start, {"eta": eta}, steps=1000, record_every=1, engine="numpy").trajectory
    function = compile_function(dynamics.step, (*dynamics.state, *dynamics.parameters))
    code = f"const step = {print_function(function.program)}; const states = [{list(start.values())}];"
    code += f"for (let t = 0; t < 1000; t++) states.push(step(...states[t], {eta}));"
    found = np.array(returned_by(code, "states"))
    assert np.unique(found.round(6), axis=0).shape[0] > 500  # it goes on moving
    np.testing.assert_array_equal(found, known.values)


def test_exponentials_stay_within_rounding_of_numpy():
    function = compile_function([tanh(x) * exp(-y), tanh(x) / (1 + exp(y))], (x, y))
    points = np.random.default_rng(1).uniform(-3, 3, (2, 200))
    np.testing.assert_allclose(in_javascript(function, points), function(*points), rtol=1e-14)
