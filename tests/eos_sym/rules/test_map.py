import pytest
from sympy import Symbol, expand, simplify, sqrt, symbols

from eos_sym import STEP_SIZE, BadInput, GradientDescent, Map, Undecided, minimalist, quadratic, shallow

x, y, z, w = symbols("x y z w", real=True)
D = Symbol("D", positive=True)
P = Symbol("P", real=True)
ROOT = Symbol("s", nonnegative=True)
eta = STEP_SIZE


@pytest.fixture(scope="module")
def full():
    return GradientDescent().map(minimalist())


@pytest.fixture(scope="module")
def reduced(full):
    return full.restrict({z: x, w: y})


def test_gradient_descent_steps_against_the_gradient(full):
    assert expand(full.substitution[x] - (x - eta * y * z * w * (x * y * z * w - 1))) == 0
    assert full.parameters == (eta,)


def test_the_symmetric_subspace_is_invariant_and_its_map_is_the_paper_s(reduced):
    assert expand(reduced.substitution[x] - (x - eta * x * y**2 * (x**2 * y**2 - 1))) == 0
    assert expand(reduced.substitution[y] - (y - eta * x**2 * y * (x**2 * y**2 - 1))) == 0


def test_a_subspace_that_is_not_invariant_is_refused_with_the_difference(full):
    with pytest.raises(BadInput, match="not invariant"):
        full.restrict({z: 2 * x})


def test_a_subspace_is_written_in_its_free_variables(full):
    for subspace in ({z: w, w: z}, {Symbol("q"): x}):
        with pytest.raises(BadInput, match="free ones"):
            full.restrict(subspace)


def test_iterating_is_composing():
    logistic = Map((x,), (eta,), (eta * x * (1 - x),))
    twice = eta * (eta * x * (1 - x)) * (1 - eta * x * (1 - x))
    assert expand(logistic.iterate(2).step[0] - twice) == 0
    assert logistic.iterate(1) == logistic
    with pytest.raises(BadInput):
        logistic.iterate(0)


def test_the_jacobian_of_two_steps_is_the_product_of_the_jacobians(reduced):
    two = reduced.iterate(2)
    point = {x: 2, y: 3, eta: 5}
    image = {x: reduced.step[0].subs(point), y: reduced.step[1].subs(point), eta: 5}
    assert two.jacobian.subs(point) == reduced.jacobian.subs(image) * reduced.jacobian.subs(point)


def test_imbalance_and_product_obey_the_exact_map_of_the_theory(reduced):
    exact = reduced.semiconjugate({D: x**2 - y**2, P: x * y}, {ROOT: x**2 + y**2})
    k = eta * (P**2 - 1)
    assert simplify(exact.substitution[D] - D * (1 - k**2 * P**2)) == 0
    assert simplify(exact.substitution[P] - P * (1 - k * sqrt(D**2 + 4 * P**2) + k**2 * P**2)) == 0


def test_quantities_that_are_not_closed_among_themselves_are_undecided(reduced):
    with pytest.raises(Undecided):
        reduced.semiconjugate({D: x**2 - y**2}, {})


def test_the_imbalance_is_multiplied_by_its_cofactor(reduced):
    k = eta * (x**2 * y**2 - 1)
    assert expand(reduced.cofactor(x**2 - y**2) - (1 - k**2 * x**2 * y**2)) == 0
    with pytest.raises(Undecided):
        reduced.cofactor(x + 2 * y)


def test_a_conjugate_map_takes_the_same_steps_in_other_coordinates(reduced):
    u, v = symbols("u v", real=True)
    rotated = reduced.conjugate({u: x + y, v: x - y}, {x: (u + v) / 2, y: (u - v) / 2})
    image = {name: step.subs({x: 2, y: 1}) for name, step in reduced.substitution.items()}
    assert expand(rotated.substitution[u].subs({u: 3, v: 1}) - image[x] - image[y]) == 0
    assert expand(rotated.substitution[v].subs({u: 3, v: 1}) - image[x] + image[y]) == 0


def test_a_change_of_variables_with_the_wrong_inverse_is_refused(reduced):
    u, v = symbols("u v", real=True)
    with pytest.raises(BadInput, match="not inverted"):
        reduced.conjugate({u: x + y, v: x - y}, {x: u + v, y: u - v})


def test_the_balanced_two_cycle_of_the_product_map_is_a_four_cycle_of_the_weights(reduced):
    """D = 2√2/k, P = √2/k maps to (−D, −P): back after two steps, while (x, y) needs four."""
    from sympy import nsolve

    step_size = 0.3
    product = float(nsolve(step_size * (P**2 - 1) * P - sqrt(2), P, 2))
    k = step_size * (product**2 - 1)
    imbalance = 2 * 2**0.5 / k
    start_x = (((imbalance**2 + 4 * product**2) ** 0.5 + imbalance) / 2) ** 0.5
    points = [(start_x, product / start_x)]
    for _ in range(4):
        at = dict(zip((x, y), points[-1], strict=True))
        points.append(tuple(float(step.subs({**at, eta: step_size})) for step in reduced.step))
    (x0, y0), (x1, y1), (x2, y2), _, (x4, y4) = points
    assert x1**2 - y1**2 == pytest.approx(-imbalance)
    assert x2**2 - y2**2 == pytest.approx(imbalance)
    assert x2 * y2 == pytest.approx(product)
    assert (x2, y2) != pytest.approx((x0, y0))
    assert (x4, y4) == pytest.approx((x0, y0), rel=1e-9)


def test_a_map_must_say_what_becomes_of_every_state_variable_and_use_declared_symbols():
    with pytest.raises(BadInput, match="2 state variables has 1 steps"):
        Map((x, y), (), (x,))
    with pytest.raises(BadInput, match="y: in the step"):
        Map((x,), (), (x + y,))


def test_a_rule_of_one_s_own_takes_a_few_lines():
    class SignDescent:
        def map(self, objective):
            steps = tuple(w - eta * g / sqrt(g**2) for w, g in zip(objective.weights, objective.gradient, strict=True))
            return Map(objective.weights, (*objective.parameters, eta), steps)

    step = SignDescent().map(shallow()).step[0]
    assert step.subs({x: 2, y: 3, eta: 1}) == 1


def test_maps_print_as_mathematics_in_a_notebook():
    assert r"\mapsto" in GradientDescent().map(quadratic(1))._repr_latex_()
