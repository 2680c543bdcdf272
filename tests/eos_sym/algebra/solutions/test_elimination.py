"""Lists for symbolic parameters say for which values they hold; at the others there is more."""

import pytest
from sympy import pi, symbols

from eos_sym import GradientDescent, Objective, Undecided
from eos_sym.algebra.solutions.elimination import integer_solutions
from eos_sym.orbits import fixed_points, two_cycles

j, k = symbols("j k", integer=True)


def descent(text, weights, parameters):
    return GradientDescent().map(Objective.from_text(text, weights, parameters))


@pytest.mark.parametrize(
    ("text", "weights", "parameters", "excluded", "special"),
    [
        ("a*x**2/2", "x", "a", ["a ≠ 0"], {"a": 0}),
        ("a*x**2/2 + b*y**2/2", "x y", "a b", ["a ≠ 0", "b ≠ 0"], {"a": 0, "b": 1}),
        ("a*x*y + x**2 + y**2", "x y", "a", ["a - 2 ≠ 0", "a + 2 ≠ 0"], {"a": 2}),
    ],
)
def test_a_line_of_fixed_points_appears_at_the_excluded_values(text, weights, parameters, excluded, special):
    dynamics = descent(text, weights, parameters)
    found = fixed_points(dynamics)
    assert found.complete
    assert all(condition in found.reason for condition in excluded)
    assert fixed_points(dynamics, special).manifolds


def test_a_linear_map_of_one_weight_has_two_cycles_at_the_excluded_step_size():
    dynamics = descent("x**2/2", "x", "")
    found = two_cycles(dynamics)
    assert not found.orbits
    assert "for parameters with eta - 2 ≠ 0" in found.reason
    assert two_cycles(dynamics, {"eta": 2}).manifolds


def test_a_list_that_holds_for_all_values_excludes_none():
    assert "≠" not in fixed_points(descent("(1 - x*y)**2/2", "x y", "")).reason


@pytest.mark.parametrize(
    ("condition", "solution"),
    [
        (2 * k + 4, [(k, -2)]),
        (2 * k + 3, []),
        (pi * k - 3, []),
        (pi * k - 3 * pi, [(k, 3)]),
        (j + 2 * k - 3, [(j, 3 - 2 * k)]),
        (2 * j - k + 5, [(k, 2 * j + 5)]),
        (j / 2 + k - pi / (2 * pi), [(j, 1 - 2 * k)]),
        (2 * j + 4 * k + 1, []),
    ],
)
def test_a_linear_condition_on_integers_is_solved(condition, solution):
    assert integer_solutions(condition) == solution


@pytest.mark.parametrize("condition", [2 * j + 3 * k + 1, j * k - 1, k**2 - 4, pi * j + k - 1])
def test_other_conditions_on_integers_are_undecided(condition):
    with pytest.raises(Undecided, match="not solved in integers"):
        integer_solutions(condition)
