"""The reduced-order model: which terms it has, and that Damian et al.'s dynamics are its lowest order."""

import pytest
from sympy import Rational, Symbol, diff, expand, symbols

from eos_sym import STEP_SIZE, BadInput, GradientDescent, Objective
from eos_sym.self_stabilization import BASE, EXPANDED, ReducedOrderModel, coefficient


def degree_of_each_term(model):
    x, z = model.edge_coordinates, model.across_coordinates
    polynomial = model.objective.loss.as_poly(*x, *z)
    return {(sum(m[: len(x)]), sum(m[len(x) :])) for m in polynomial.monoms()}


def test_the_base_has_every_term_of_weight_four_or_less():
    every = {(i, j) for i in range(5) for j in range(3) if 0 < i + 2 * j <= 4}
    assert degree_of_each_term(ReducedOrderModel(1, 2, BASE)) == every
    assert degree_of_each_term(ReducedOrderModel(2, 3, BASE)) == every


def test_the_full_order_adds_what_is_odd_or_high_along_the_edge_and_no_xzz():
    found = degree_of_each_term(ReducedOrderModel(2, 2, EXPANDED))
    assert found == {(i, 0) for i in range(1, 7)} | {(i, 1) for i in range(6)} | {(0, 2), (2, 2)}


def test_the_base_map_of_one_mode_is_the_formula_of_its_docstring():
    model = ReducedOrderModel(1, 1, BASE)
    x, z = *model.edge_coordinates, *model.across_coordinates
    a = [coefficient("a", (n,)) for n in range(5)]
    b0, b1, b2 = (coefficient("b", (n,), 0) for n in range(3))
    c = coefficient("C", (0,), 0, 0)
    step = GradientDescent().map(model.objective).step
    slope = a[1] + 2 * a[2] * x + 3 * a[3] * x**2 + 4 * a[4] * x**3 + (b1 + 2 * b2 * x) * z
    assert expand(step[0] - (x - STEP_SIZE * slope)) == 0
    assert expand(step[1] - (z - STEP_SIZE * (b0 + b1 * x + b2 * x**2 + c * z))) == 0


def test_an_exact_loss_in_its_eigenvectors_is_its_own_model():
    # L = 5/2 x² + x²z − x⁴/2 + z²/6 − z/9: coefficients read off by differentiation
    x, z = symbols("x1 z1", real=True)
    loss = Rational(5, 2) * x**2 + x**2 * z - x**4 / 2 + z**2 / 6 - z / 9
    model = ReducedOrderModel(1, 1, BASE)
    values = dict.fromkeys(model.objective.parameters, 0) | {
        coefficient("a", (2,)): diff(loss, x, 2).subs({x: 0, z: 0}) / 2,
        coefficient("a", (4,)): diff(loss, x, 4).subs({x: 0, z: 0}) / 24,
        coefficient("b", (2,), 0): diff(loss, x, 2, z).subs({x: 0, z: 0}) / 2,
        coefficient("b", (0,), 0): diff(loss, z).subs({x: 0, z: 0}),
        coefficient("C", (0,), 0, 0): diff(loss, z, 2).subs({x: 0, z: 0}),
    }
    exact = GradientDescent().map(Objective("exact", loss, (x, z)))
    modelled = GradientDescent().map(model.objective)
    assert [expand(a.subs(values) - b) for a, b in zip(modelled.step, exact.step, strict=True)] == [0, 0]


def test_names_are_identifiers_of_their_own():
    parameters = ReducedOrderModel(2, 3).objective.parameters
    assert len({one.name for one in parameters}) == len(parameters)
    assert all(one.name.isidentifier() for one in parameters)
    assert coefficient("b", (3, 1), 1) == Symbol("b_2_31", real=True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0, 1), "take 1 or more"),
        ((1, -1), "0 or more"),
        ((1, 1, (1, 2, 0)), "degrees"),
        ((1, 1, (10, 2, 0)), "degrees"),
    ],
)
def test_numbers_of_coordinates_and_degrees_are_checked(arguments, words):
    with pytest.raises(BadInput, match=words):
        ReducedOrderModel(*arguments)
