import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import I, Integer, Matrix, Rational, diff, expand, symbols

from eos_sym import BadInput, Objective, minimalist, product, quadratic, shallow

x, y = symbols("x y", real=True)


def test_the_gradient_and_hessian_of_the_shallow_loss_are_those_found_by_hand():
    objective = shallow()
    assert objective.gradient.applyfunc(expand) == Matrix([x * y**2 - y, x**2 * y - x])
    assert objective.hessian.applyfunc(expand) == Matrix([[y**2, 2 * x * y - 1], [2 * x * y - 1, x**2]])


@settings(derandomize=True, deadline=None, max_examples=25)
@given(
    powers=st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=4),
    directions=st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2)), min_size=1, max_size=4),
)
def test_a_directional_derivative_is_the_derivative_along_a_line_through_all_directions(powers, directions):
    loss = x**2 + y**2 + sum(c * x**p * y**q for c, p, q in powers)
    if not {x, y} <= loss.free_symbols:
        return
    objective = Objective("random", loss, (x, y))
    times = symbols(f"t0:{len(directions)}")
    moved = loss.subs(
        {
            x: x + sum(t * direction[0] for t, direction in zip(times, directions, strict=True)),
            y: y + sum(t * direction[1] for t, direction in zip(times, directions, strict=True)),
        },
        simultaneous=True,
    )
    expected = diff(moved, *times).subs(dict.fromkeys(times, 0))
    assert expand(objective.directional_derivative(*directions) - expected) == 0


def test_the_minima_of_a_product_loss_are_where_the_product_is_one():
    for objective in (minimalist(), shallow(), product(3)):
        (equation,) = objective.minima.equations
        expected = -1
        for weight in objective.weights:
            expected = weight * expected
        assert expand(equation + expected + 1) == 0 or expand(equation - (-expected - 1)) == 0
        assert objective.minima.value == 0
        assert objective.minima.on(objective.gradient).is_zero_matrix


def test_the_minimum_of_a_quadratic_is_the_origin():
    objective = quadratic(3)
    assert objective.minima.chart == dict.fromkeys(objective.weights, Integer(0))


def test_the_minimum_of_a_shifted_quadratic_solves_its_linear_equations():
    objective = Objective("shifted", (x - 2) ** 2 + (x + y) ** 2 + 7, (x, y))
    assert objective.minima.chart == {x: 2, y: -2}
    assert objective.minima.value == 7


def test_a_loss_from_text_has_exact_coefficients():
    objective = Objective.from_text("0.1*(1 - x*y)**2", ["x", "y"])
    assert objective.loss.coeff((1 - x * y) ** 2) == Rational(1, 10)


@pytest.mark.parametrize(
    ("loss", "weights", "parameters", "named"),
    [
        (x * y, (x,), (), "y"),
        (x, (x, y), (), "y"),
        (x, (), (), "no weights"),
        (x * y, (x, y), (x,), "x"),
    ],
)
def test_a_loss_that_does_not_fit_its_declaration_is_refused_by_name(loss, weights, parameters, named):
    with pytest.raises(BadInput, match=named):
        Objective("bad", loss, weights, parameters)


def test_a_direction_of_the_wrong_length_is_refused():
    with pytest.raises(BadInput, match="3 components"):
        shallow().directional_derivative((1, 2, 3))


@pytest.mark.parametrize("make", [quadratic, product])
def test_a_loss_without_dimensions_is_refused(make):
    with pytest.raises(BadInput, match="1 or more"):
        make(0)


def test_objectives_print_as_mathematics_in_a_notebook():
    assert shallow()._repr_latex_() == r"$L(x, y) = \frac{\left(- x y + 1\right)^{2}}{2}$"


def test_a_direction_that_moves_with_the_weights_is_refused():
    with pytest.raises(BadInput, match="constant"):
        shallow().directional_derivative((x, 1))


def test_a_loss_that_is_not_real_is_refused():
    with pytest.raises(BadInput, match="not real; write it without the imaginary unit"):
        Objective("complex", I * x**2 / 2, (x,))
