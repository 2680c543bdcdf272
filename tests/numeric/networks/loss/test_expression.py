"""A loss formula evaluated by torch agrees with SymPy, node by node and in its derivatives."""

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Float, Symbol, cosh, exp, gamma, lambdify, log, sqrt, symbols

from analysis.derive.jets import jet
from eos_sym import BadInput, Objective
from eos_sym.reading.language import FUNCTIONS
from numeric.networks import gradient, hessian, torch_function

X, Y = symbols("x y", real=True)
LOSSES = [f"{name}((1 + x*y)/5 + {1 if name == 'acosh' else 0})" for name in FUNCTIONS] + [
    "(1 - x*y)**2/2 + pi*x - E*y",
    "log(cosh(1 - x*y)) + x**3/(1 + y**2)",
    "(1 + x**2)**(1/3)*exp(-y**2) + 2**x",
    "x + y - 7/3",
]


@pytest.mark.parametrize("text", LOSSES)
@settings(derandomize=True, max_examples=3, deadline=None)
@given(x=st.floats(0.2, 1.2), y=st.floats(0.2, 1.2))
def test_value_gradient_and_hessian_are_those_of_the_formula(text, x, y):
    loss = Objective.from_text(text, "x y")
    function = torch_function(loss.loss, loss.weights)
    point = torch.tensor([x, y], dtype=torch.float64)
    values = dict(zip(loss.weights, (Float(x, 30), Float(y, 30)), strict=True))
    assert float(function(point)) == pytest.approx(float(loss.loss.subs(values)), rel=1e-12)
    expected = [float(slope) for slope in loss.gradient.subs(values)]
    assert gradient(function, point).tolist() == pytest.approx(expected, rel=1e-11, abs=1e-13)
    curvatures = [float(entry) for entry in loss.hessian.subs(values)]
    assert hessian(function, point).flatten().tolist() == pytest.approx(curvatures, rel=1e-10, abs=1e-12)


def test_a_symbol_without_a_value_is_named():
    x, mu = Symbol("x", real=True), Symbol("mu", real=True)
    with pytest.raises(BadInput, match="mu"):
        torch_function(mu * x, [x])


def test_a_function_that_torch_is_not_told_is_refused_by_name():
    x = Symbol("x", real=True)
    with pytest.raises(BadInput, match="gamma"):
        torch_function(gamma(x), [x])(torch.tensor([1.0]))


@pytest.mark.parametrize(
    "loss",
    [
        log(exp(X) + 2 * exp(Y) + 3),
        log(2 * cosh(X - Y)) ** 2,
        exp(X) / (exp(X) + exp(Y)),
        log(1 / (1 + exp(-X * Y / 1000))),
        sqrt(1 + exp(X)) * Y,
    ],
    ids=str,
)
@pytest.mark.parametrize("point", [(1000.0, 999.0), (-1000.0, 3.0), (1e-3, -1e-3)])
def test_sums_of_exponentials_have_their_derivatives_far_out(loss, point):
    """Against derivatives of the formula in 900 digits."""
    objective, at = Objective("loss", loss, (X, Y)), torch.tensor(point, dtype=torch.float64)
    exact = lambdify((X, Y), [objective.loss, *objective.gradient, *objective.hessian], modules="mpmath")
    with mpmath.workdps(900):
        expected = [float(value) for value in exact(*map(mpmath.mpf, point))]
    function = torch_function(loss, (X, Y))
    found = [float(function(at)), *gradient(function, at).tolist(), *hessian(function, at).flatten().tolist()]
    assert found == pytest.approx(expected, rel=1e-11, abs=1e-13)
    moved = jet(loss, (X, Y), np.array([point]))
    found = [*moved.value, *moved.gradient.flatten(), *moved.hessian.flatten()]
    assert found == pytest.approx(expected, rel=1e-11, abs=1e-13)
