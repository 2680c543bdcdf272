"""What a user types is read exactly, or refused in one line that names it."""

import pytest
from sympy import Rational

from analysis.derive.problem import read_problem, refusal
from eos_sym import STEP_SIZE, BadInput, ParseError
from eos_sym.reading import names_in


def read(loss="(1 - x*y)**2/2", weights="x y", rules="gradient_descent", at="", near="", start="", positive=""):
    return read_problem(loss, *(texts.split() for texts in (weights, rules, at, near, start, positive)))


def test_the_names_in_a_text_are_its_symbols():
    assert names_in("a*sin(x_1) + 1e5*E - pi/b**a + .5e-3") == ["a", "x_1", "b"]
    assert names_in("floor(x) + 2") == ["x"]
    assert names_in("") == []


def test_every_other_symbol_of_the_loss_is_a_parameter():
    problem = read("(x**2 - mu)**2/4", "x", at="mu=1 eta=1.1")
    (mu,) = problem.objective.parameters
    assert mu.name == "mu"
    assert problem.at == {mu: 1, STEP_SIZE: Rational(11, 10)}


def test_points_are_exact():
    x, y = read().objective.weights
    problem = read(near="x=6 y=0.1", start="y=1/3 x=2")
    assert problem.near == {x: 6, y: Rational(1, 10)}
    assert problem.start == {x: 2, y: Rational(1, 3)}


def test_a_value_that_is_needed_and_missing_is_named():
    problem = read(at="")
    with pytest.raises(BadInput, match="--at eta=VALUE"):
        problem.values(problem.maps["gradient_descent"].parameters, "--start")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"rules": "adamw"}, "--rule adamw"),
        ({"rules": "nesterov nesterov"}, "each once"),
        ({"weights": ""}, "no weights"),
        ({"weights": "x y z"}, "z: declared as a weight"),
        ({"weights": "x x y"}, "declared twice"),
        ({"at": "lr=0.1"}, "--at lr=0.1"),
        ({"at": "eta"}, "NAME=VALUE"),
        ({"at": "eta=1 eta=2"}, "twice"),
        ({"at": "eta=-1"}, "positive"),
        ({"at": "eta=fast"}, "not a number"),
        ({"rules": "heavy_ball", "at": "momentum=1"}, "below 1"),
        ({"near": "x=1"}, "y missing"),
        ({"start": "x=1 y=2 z=3"}, "z=3"),
        ({"positive": "z"}, "--positive z: no parameter of the loss, which has none"),
        ({"loss": "a*x**2 + y**2", "positive": "y"}, "which has a"),
        ({"loss": "a*x**2 + y**2", "positive": "a", "at": "a=-1"}, "a must be positive"),
        ({"loss": "(1 - eta*x*y)**2"}, "rename"),
        ({"loss": "v_x*x + y**2", "weights": "x y", "rules": "heavy_ball"}, "rename"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(typed, said):
    with pytest.raises(BadInput, match=said) as refused:
        read(**typed)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("loss", ["floor(x) + y", "gamma(x) + y**2", "x**2 +* y", "x; y"])
def test_what_is_not_in_the_language_is_refused_by_the_parser(loss):
    with pytest.raises(ParseError):
        read(loss)


@pytest.mark.parametrize(
    "loss",
    [
        "log(x**2 - x + 1)",
        "1/(2 + sin(x)) + x**2",
        "sqrt(x**2 - x*y + y**2 + 1)",
        "log(3 + sin(x)*cos(y))",
        "atanh(tanh(x)/2)**2",
        "tan(atan(x)/2)**2",
        "log(exp(2*x) - exp(x) + 1)",
        "relu(x*y - 1)**2/2",
        "lambda*softplus(x) + y**2",
    ],
)
def test_a_loss_that_is_defined_everywhere_is_accepted(loss):
    weights = [name for name in ("x", "y") if name in loss.replace("exp", "").replace("Max", "")]
    assert refusal(read_problem(loss, weights, ["gradient_descent"], [], [], [])) is None


@pytest.mark.parametrize("loss", ["1/x + x**2", "sqrt(x)", "1/(1 + sin(x))", "tan(x)", "tan(x**2)", "acosh(x**2 + 1)"])
def test_a_loss_that_is_not_defined_everywhere_is_refused_with_a_remedy(loss):
    refused = refusal(read_problem(loss, ["x"], ["gradient_descent"], [], [], []))
    assert "defined everywhere, for example with exp" in str(refused)


def test_a_logarithm_may_be_defined_somewhere_but_not_nowhere():
    (x,) = read("x - log(x)", "x").objective.weights
    assert read("x - log(x)", "x").objective.domain == (x,)
    assert refusal(read("x - log(x)", "x")) is None
    assert "the loss is defined nowhere" in str(refusal(read("log(-x**2 - 1)", "x")))
