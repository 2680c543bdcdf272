import mpmath
import numpy as np
import pytest
from sympy import Float, Matrix, Rational, cos, exp, lambdify, log, pi, simplify, sin, sqrt, symbols, tanh

from eos_sym import BadInput, Objective, Undecided

x, y, z, a, b, c, d, w = symbols("x y z a b c d w", real=True)


def minima_of(text, weights):
    return Objective.from_text(text, weights).minima


def charts(minima):
    return [dict(piece.chart) for piece in minima.pieces]


@pytest.mark.parametrize(
    ("text", "weights", "expected", "value"),
    [
        ("(1 - x)**2 + 100*(y - x**2)**2", "x y", [{x: 1, y: 1}], 0),
        ("(x**2 - 1)**2/4", "x", [{x: 1}, {x: -1}], 0),
        ("x**4/4 - x**2/2", "x", [{x: 1}, {x: -1}], Rational(-1, 4)),
        ("(x*y)**2/2", "x y", [{x: 0}, {y: 0}], 0),
        ("(x**2 + y**2 - 1)**2/4", "x y", [{y: sqrt(1 - x**2)}, {y: -sqrt(1 - x**2)}], 0),
        ("((1 - x*y)**2 + (2 - x*z)**2)/2", "x y z", [{y: 1 / x, z: 2 / x}], 0),
        ("(a*tanh(w) - 1/2)**2/2", "a w", [{a: 1 / (2 * tanh(w))}], 0),
        ("log(cosh(x - 1)) + log(cosh(x + y))", "x y", [{x: 1, y: -1}], 0),
        ("x**4", "x", [{x: 0}], 0),
        ("1 - exp(-x**2 - y**2)", "x y", [{x: 0, y: 0}], 0),
        ("log(cosh(x*y))", "x y", [{x: 0}, {y: 0}], 0),
        ("(x**2 + 1)**2", "x", [{x: 0}], 1),
        (
            "((x + y - 1)**2 + (2*x - y)**2 + (x - 3*y - 2)**2)/2",
            "x y",
            [{x: Rational(13, 50), y: Rational(-9, 25)}],
            None,
        ),
        ("(1/(1 + exp(-x)) - 1/4)**2/2", "x", [{x: -log(3)}], 0),
    ],
)
def test_the_global_minima_of(text, weights, expected, value):
    minima = minima_of(text, weights)
    assert minima.are_global
    found = charts(minima)
    assert len(found) == len(expected)
    for chart in expected:
        assert any(
            chart.keys() == other.keys() and all(simplify(other[k] - v) == 0 for k, v in chart.items())
            for other in found
        )
    assert value is None or minima.value == value


def test_the_best_matrix_of_rank_one_keeps_the_largest_singular_value():
    """Eckart and Young: of diag(2, 1) it is diag(2, 0), and ½ of the other singular value squared is left."""
    minima = minima_of("((2 - a*c)**2 + (a*d)**2 + (b*c)**2 + (1 - b*d)**2)/2", "a b c d")
    (chart,) = charts(minima)
    product = (Matrix([a, b]) * Matrix([[c, d]])).subs(chart)
    assert product == Matrix([[2, 0], [0, 0]])
    assert minima.are_global
    assert minima.value == Rational(1, 2)


def test_the_minima_of_himmelblau_s_function_are_its_four_common_zeros():
    found = {
        tuple(round(float(piece.chart[name]), 5) for name in (x, y))
        for piece in minima_of("(x**2 + y - 11)**2 + (x + y**2 - 7)**2", "x y").pieces
    }
    assert found == {(3.0, 2.0), (-2.80512, 3.13131), (-3.77931, -3.28319), (3.58443, -1.84813)}


def test_of_the_critical_points_of_a_coercive_polynomial_those_of_the_least_value_are_global():
    """The six-hump camel has six minima; the least are ±(0.0898, −0.7126), −1.0316."""
    minima = minima_of("(4 - 2.1*x**2 + x**4/3)*x**2 + x*y + (-4 + 4*y**2)*y**2", "x y")
    assert minima.are_global
    assert sorted(round(float(piece.chart[x]), 4) for piece in minima.pieces) == [-0.0898, 0.0898]
    assert float(minima.value) == pytest.approx(-1.031628453, abs=1e-9)


def test_a_convex_loss_has_its_only_minimum_where_an_interval_proves_a_critical_point():
    """Logistic regression with overlapping classes: ∇L = 0 is 3 sigmoids that balance."""
    (piece,) = minima_of("log(1 + exp(-x - y)) + log(1 + exp(2*x - y)) + log(1 + exp(2*y))", "x y").pieces
    p, q, r = (1 / (1 + exp(-argument)) for argument in (-x - y, 2 * x - y, 2 * y))
    assert all(abs(slope.subs(piece.chart).evalf(25)) < 1e-24 for slope in (-p + 2 * q, -p - q + 2 * r))
    assert 0 < piece.error < Float("1e-25")


@pytest.mark.parametrize(
    "text",
    [
        "log(1 + exp(-x))",
        "-(1 - x*y)**2",
        "tanh(x*y)",
        "x**2 - y**2",
        "exp(x*y)",
        "(x*y - 1)**2 + x**2",
        "log(1 + exp(-x*y))",
    ],
)
def test_a_loss_without_minima_has_none(text):
    minima = minima_of(text, " ".join(name for name in "xy" if name in text.replace("exp", "")))
    assert minima.pieces == ()
    assert ("nowhere" if text == "log(1 + exp(-x))" else "there are lower ones") in minima.reason


def test_minima_that_are_not_known_to_be_least_are_local_ones():
    """x³ − 3x has a local minimum at 1, and falls without bound."""
    minima = minima_of("x**3 - 3*x", "x")
    assert charts(minima) == [{x: 1}]
    assert not minima.are_global
    assert minima.value == -2


@pytest.mark.parametrize(
    ("text", "weights", "expected"),
    [
        ("1 - cos(x)", "x", {x: 0}),
        ("sin(x)**2 + cos(y)", "x y", {x: pi, y: pi}),
        ("2 + cos(x)", "x", {x: pi}),
        ("sin(x)*sin(y)", "x y", {x: pi / 2, y: -pi / 2}),
        ("1 - cos(x) + y**4/4 - y", "x y", {x: 0, y: 1}),
        ("(1 - x*y)**2/2 + (x**2 + y**2)/20", "x y", {x: 3 / sqrt(10), y: 3 / sqrt(10)}),
        ("(1 - x*y)**2 + (x + y)**2/9 + (x - y)**2/10", "x y", {x: sqrt(7) / 3, y: sqrt(7) / 3}),
        ("(x - y)**2/7 + (x + y)**2/9 + x**2*y**2 + (1 - x*y)**2/2", "x y", {x: sqrt(15) / 9, y: sqrt(15) / 9}),
        ("x**4 - x**2*y**2 + y**4 - x*y", "x y", {x: 1 / sqrt(2), y: 1 / sqrt(2)}),
        ("(x**2 - 1)**2 + x/10", "x", {x: Float("-1.01227313103")}),
    ],
)
def test_the_least_critical_value_is_the_least_value_where_one_is_attained(text, weights, expected):
    """The points by hand, or by Newton's method; no value on a wide grid is below that there."""
    minima = minima_of(text, weights)
    loss = lambdify(list(expected), Objective.from_text(text, weights).loss, "numpy")
    grid = np.meshgrid(*[np.linspace(-9, 9, 400)] * len(expected))
    assert minima.are_global
    assert loss(*(float(place) for place in expected.values())) == pytest.approx(float(minima.value), abs=1e-9)
    assert loss(*grid).min() >= float(minima.value) - 1e-9


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("(erf(x) - 1/2)**2/2", mpmath.erfinv(0.5)),
        ("(erf(2*x - 1) + 1/3)**2/2", (1 - mpmath.erfinv(mpmath.mpf(1) / 3)) / 2),
    ],
)
def test_erf_is_monotone_and_has_an_inverse(text, place):
    minima = minima_of(text, "x")
    assert minima.are_global
    assert float(minima.chart[x]) == pytest.approx(float(place), rel=1e-14)
    assert minima_of("(erf(x) - 2)**2/2", "x").pieces == ()


@pytest.mark.parametrize(
    ("text", "weights", "expected"),
    [
        ("abs(x)", "x", [({x: 0}, ())]),
        ("abs(x) + x/2", "x", [({x: 0}, ())]),
        ("abs(x - 1) + x**2/4", "x", [({x: 1}, ())]),
        ("abs(x - 1) + x**2", "x", [({x: Rational(1, 2)}, ())]),
        ("abs(x - 1) + abs(x + 1)", "x", [({}, (x + 1, 1 - x))]),
        ("max(x**2 - 1, 0)", "x", [({}, (1 - x**2,))]),
        ("min(x**2, (x - 1)**2 + 1/10)", "x", [({x: 0}, ())]),
        ("abs(x)**(4/3) + y**2", "x y", [({x: 0, y: 0}, ())]),
        ("abs(x*y - 1)", "x y", [({y: 1 / x}, ())]),
        ("relu(1 - x*y)", "x y", [({}, (x * y - 1,))]),
        ("(a*relu(w) - 1)**2/2", "a w", [({w: 1 / a}, (1 / a,))]),
        ("log(cosh(a*abs(w) - 1))", "a w", [({w: -1 / a}, (1 / a,)), ({w: 1 / a}, (1 / a,))]),
    ],
)
def test_minima_on_kinks_beside_them_and_in_regions(text, weights, expected):
    """By hand; and no point of a grid is below a point of theirs."""
    objective = Objective.from_text(text, weights)
    assert objective.minima.are_global
    assert [(dict(piece.chart), piece.where) for piece in objective.minima.pieces] == expected
    loss = lambdify(objective.weights, objective.loss, "numpy")
    least = loss(*np.meshgrid(*[np.linspace(-3, 3, 241)] * len(objective.weights))).min()
    for piece in objective.minima.pieces:
        assert objective.loss.subs(piece.sample) == piece.value <= least + 1e-12


@pytest.mark.parametrize(
    "text",
    ["abs(x) - 2*x", "relu(sin(x)) - x", "exp(-abs(x))", "sign(x)*x", "abs(x*y) - x + y**2", "abs(x*log(x - 1))"],
)
def test_losses_with_kinks_are_undecided_where_they_are_least_nowhere_or_not_defined(text):
    with pytest.raises(Undecided, match="the minima"):
        _ = Objective.from_text(text, "x y" if "y" in text else "x").minima


def test_beside_a_kink_a_net_has_the_theory_of_its_smooth_part():
    """½(a relu(w) − 1)² is ½(aw − 1)² where w > 0; on the kink of |x| there is none."""
    net = Objective.from_text("(a*relu(w) - 1)**2/2", "a w")
    assert net.beside(net.minima.piece).loss == Objective.from_text("(a*w - 1)**2/2", "a w").loss
    kinked = Objective.from_text("abs(x)", "x")
    with pytest.raises(Undecided, match="kink"):
        kinked.beside(kinked.minima.piece)


@pytest.mark.parametrize(
    ("text", "weights", "expected"),
    [
        ("x - log(x)", "x", {x: 1}),
        ("x*log(x)", "x", {x: exp(-1)}),
        ("(log(x) - 1)**2", "x", {x: exp(1)}),
        ("-log(x) - log(1 - x) - x", "x", {x: (sqrt(5) - 1) / 2}),
        ("x + y - log(x) - log(y)", "x y", {x: 1, y: 1}),
        ("x**2 + y**2 - log(x + y)", "x y", {x: Rational(1, 2), y: Rational(1, 2)}),
    ],
)
def test_minima_where_a_loss_with_logarithms_is_defined(text, weights, expected):
    minima = minima_of(text, weights)
    (chart,) = charts(minima)
    assert minima.are_global
    assert all(simplify(chart[name] - place) == 0 for name, place in expected.items())


def test_a_critical_point_of_the_gradient_alone_is_no_point_of_the_loss():
    """x² log x² is not defined at 0, where its gradient has the limit 0; it is least at ±e^(−1/2)."""
    assert charts(minima_of("x**2*log(x**2)", "x")) == [{x: exp(Rational(-1, 2))}, {x: -exp(Rational(-1, 2))}]
    assert charts(minima_of("x**3*log(x)", "x")) == [{x: exp(Rational(-1, 3))}]


@pytest.mark.parametrize(
    ("text", "place"), [("log(x**2 - x + 1)", Rational(1, 2)), ("sqrt(x**2 - 3*x + 4)", Rational(3, 2))]
)
def test_a_radicand_that_is_positive_everywhere_leaves_the_loss_smooth(text, place):
    minima = minima_of(text, "x")
    assert minima.are_global
    assert charts(minima) == [{x: place}]


@pytest.mark.parametrize(
    ("text", "weights", "expected"),
    [
        ("x**3", "x", []),
        ("x**3 - 3*x*y**2", "x y", []),  # the monkey saddle
        ("x**2 - y**4", "x y", []),
        ("x**2*y - y**3 + (x - y)**4", "x y", [{x: Rational(9, 128), y: Rational(-3, 128)}]),
        ("x**5 + x**4", "x", [{x: 0}]),  # and the saddle's opposite, a maximum at −4/5
        ("x**3 - x**4", "x", []),
        ("(x*y*z)**2 - x*y*z + z**2", "x y z", []),  # singular at 0, in the closure of saddles
    ],
)
def test_where_the_hessian_is_singular_the_first_derivative_that_is_not_zero_decides(text, weights, expected):
    minima = minima_of(text, weights)
    assert not minima.are_global
    assert charts(minima) == expected


def test_a_singular_hessian_that_no_line_decides_stays_undecided():
    """(y − x²)(y − 3x²) − x⁶ rises along every line through 0, and falls along y = 2x²."""
    with pytest.raises(Undecided, match="do not decide"):
        minima_of("(y - x**2)*(y - 3*x**2) - x**6", "x y")


def test_points_where_the_loss_is_not_defined_are_no_minima_of_it():
    """The gradient of x + log x is zero at −1, where there is no logarithm."""
    assert minima_of("x + log(x)", "x").reason == "the gradient is zero nowhere, where the loss is defined"
    assert minima_of("-log(x**2)", "x").pieces == ()
    assert not minima_of("-log(1 - x**2 - y**2)", "x y").are_global  # it is, but that is not proved


def test_positive_parameters_tell_where_the_minima_are():
    """ax² + bx⁴ is a well, and a double well if a < 0."""
    (piece,) = Objective.from_text("a*x**2 + b*x**4", "x", "a b", positive="a b").minima.pieces
    assert piece.chart == {x: 0}
    with pytest.raises(Undecided):
        _ = Objective.from_text("a*x**2 + b*x**4", "x", "a b", positive="b").minima
    with pytest.raises(BadInput, match="c: said to be positive"):
        Objective.from_text("a*x**2", "x", "a", positive="c")


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("x**3 - 3*x + y**2", "x y"),
        ("x**4 + y**4 - 3*x**2*y**2 + x**2 + 2*y**2", "x y"),  # falls along x = y
        ("sin(x) + x/2", "x"),
        ("cos(x) + y**3 - 3*y", "x y"),
        ("4*x**2 + log(1 - x)", "x"),  # at the upper end of its domain
        ("z**3 - 3*z + (x - y)**2", "x y z"),  # a line of them
    ],
)
def test_where_the_loss_falls_without_bound_minima_are_local(text, weights):
    minima = minima_of(text, weights)
    assert minima.pieces
    assert not minima.are_global


def test_a_family_of_minima_has_one_for_every_integer():
    """1 − cos x + y² is 0 at x = 2πk; its other critical points, x = π + 2πk, are saddles."""
    (piece,) = minima_of("1 - cos(x) + y**2", "x y").pieces
    (integer,) = piece.chart[x].free_symbols
    assert piece.chart == {x: 2 * pi * integer, y: 0}
    assert integer.is_integer


@pytest.mark.parametrize(
    ("text", "weights", "parameters"),
    [
        ("(p*x - 1)**2", "x", "p"),
        ("x**5 - x + exp(x*y)*sin(y)", "x y", ""),
        ("p*x**2 + x**3", "x", "p"),
        ("(x*y)**3 + 1/(x*y)**2", "x y", ""),
        ("exp(x) - log(x)", "x", ""),
        ("exp(x) - p*x", "x", "p"),
        ("abs(x) + p*x", "x", "p"),
        ("x - p*log(x)", "x", "p"),
    ],
)
def test_minima_that_are_not_proved_are_undecided(text, weights, parameters):
    with pytest.raises(Undecided, match="the minima: "):
        _ = Objective.from_text(text, weights, parameters).minima


def test_several_pieces_are_asked_for_one_by_one():
    with pytest.raises(Undecided, match="2 pieces"):
        _ = minima_of("(x**2 - 1)**2", "x").chart


@pytest.mark.parametrize(
    ("text", "weights", "sharpness"),
    [
        ("((1 - x*y)**2 + (2 - x*z)**2)/2", "x y z", x**2 + 5 / x**2),
        ("(a*tanh(w) - 1/2)**2/2", "a w", tanh(w) ** 2 + (1 - tanh(w) ** 2) ** 2 / (4 * tanh(w) ** 2)),
        ("(a*sin(w) - 1/2)**2/2", "a w", sin(w) ** 2 + cos(w) ** 2 / (4 * sin(w) ** 2)),
        ("(1 - x)**2 + 100*(y - x**2)**2", "x y", 501 + sqrt(250601)),
        ("(x**2 + y**2 - 1)**2/4", "x y", 2),
    ],
)
def test_the_sharpness_at_minima(text, weights, sharpness):
    """By hand: |∇f|² for ½f²; xᵀx + |(1, 2)|²/x² for a net with two outputs; Rosenbrock's eigenvalues at (1, 1)."""
    objective = Objective.from_text(text, weights)
    for piece in objective.minima.pieces:
        assert simplify(piece.sharpness(objective.hessian) - sharpness) == 0


@pytest.mark.parametrize(
    ("text", "equation", "value"),
    [
        ("log(cosh(1 - x*y))", x * y - 1, 0),
        ("sqrt(1 + (x*y - 3)**2)", x * y - 3, 1),
        ("log(1 + exp(-x*y)) + x*y/4", x * y - log(3), log(Rational(4, 3)) + log(3) / 4),  # soft label 3/4
        ("cosh(x - y)", x - y, 1),
    ],
)
def test_a_function_of_one_polynomial_has_its_minima_where_the_function_has(text, equation, value):
    minima = minima_of(text, "x y")
    assert minima.equations == (equation,)
    assert minima.value.equals(value)
    assert simplify(minima.on(equation)) == 0


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("exp(x)", "none: the gradient is zero nowhere"),
        ("x**2", "global: x = 0"),
        ("x**3 - 3*x", "local: x = 1"),
    ],
)
def test_minima_say_what_they_are(text, shown):
    assert str(minima_of(text, "x")) == shown
