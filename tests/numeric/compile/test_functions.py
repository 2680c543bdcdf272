"""What is compiled besides smooth functions, and what is refused."""

import numpy as np
import pytest
from sympy import Abs, Function, Heaviside, Integral, Max, Piecewise, ceiling, exp, floor, symbols, zeta

from eos_sym import BadInput, Map, Objective
from numeric import compile_map, compile_sharpness

x, y = symbols("x y", real=True)


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_functions_with_kinks_and_jumps_are_the_same_in_every_engine(engine):
    """By hand, at (0.3, −1.5): |xy − 1| = 1.45, max(0, x, y) = .3, ⌊5y⌋ = −8, ⌈5y⌉ = −7, H(y) = 0, the case xy < 0."""
    cases = Piecewise((x, x * y < 0), (y, x * y > 0))
    step = (Abs(x * y - 1) + Max(0, x, y) + floor(5 * y) + ceiling(5 * y) + Heaviside(y), cases)
    run = compile_map(Map((x, y), (), step)).run({"x": 0.3, "y": -1.5}, {}, steps=1, engine=engine)
    assert run.final.values == pytest.approx([1.45 + 0.3 - 15, 0.3], rel=1e-15)


@pytest.mark.parametrize(
    ("expression", "name"),
    [(exp(zeta(x)), "zeta"), (Function("f")(x), "f"), (Integral(exp(-(x**2)), (x, 0, y)), "Integral")],
)
def test_what_has_no_numbers_is_refused_by_name_in_one_line(expression, name):
    for step in ((x + expression, y), (x, y * expression)):
        with pytest.raises(BadInput, match=f"^{name}: [^\n]*$"):
            compile_map(Map((x, y), (), step))


@pytest.mark.parametrize("function", [zeta, floor, Function("f")])
def test_the_sharpness_of_what_has_no_derivative_is_refused_by_name(function):
    with pytest.raises(BadInput, match=f"^{function.__name__}: no derivative"):
        compile_sharpness(Objective("loss", function(x) + x**2, (x,)))


def test_the_sharpness_is_missing_on_a_kink_and_right_beside_it():
    """L = |xy − 1|: ∇²L = ±[[0, 1], [1, 0]], with the sharpness 1 on both sides."""
    sharpness = compile_sharpness(Objective.from_text("abs(x*y - 1)", "x y"))
    found = sharpness.evaluate(np.array([2.0, 2.0, 2.0]), np.array([0.75, 0.25, 0.5]))
    np.testing.assert_array_equal(found, [1, 1, np.nan])
