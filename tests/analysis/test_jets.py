"""Automatic differentiation by jets against torch's, function by function and for losses made of many."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Abs, Float, Integer, Rational, gamma, symbols

from analysis.derive.jets import ELEMENTARY, jet
from eos_sym import BadInput
from eos_sym.reading import FUNCTIONS, parse
from numeric.networks import gradient, hessian, torch_function

x, y = WEIGHTS = symbols("x y", real=True)
POINTS = np.array([[0.3, 0.7], [0.61, -0.25], [0.05, 0.4]])
LOSSES = [
    "(1 - x*y)**2/2",
    "log(cosh(1 - x*y)) + 5*(y - x*y)**2/2",
    "exp(-x**2)*sin(y) + x**3 - 2*x",
    "sqrt(1 + x**2 + y**4) - y",
    "(1 + x**2)**(y/3) + 2**(x*y)",
    "tanh(x*y)**2/(1 + atan(x)**2) + 3",
    "x**2",
    "7*x*0 + y",
]


def agrees(expression, points=POINTS):
    found, loss = jet(expression, WEIGHTS, points), torch_function(expression, WEIGHTS)
    assert found.gradient.shape == (2, len(points))
    assert found.hessian.shape == (2, 2, len(points))
    for index, point in enumerate(torch.tensor(points)):
        np.testing.assert_allclose(found.value[index], loss(point), rtol=1e-14, atol=1e-14)
        np.testing.assert_allclose(found.gradient[:, index], gradient(loss, point), rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(found.hessian[:, :, index], hessian(loss, point), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("text", LOSSES)
def test_losses_agree_with_torch(text):
    agrees(parse(text, WEIGHTS))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_of_the_language_agrees_with_torch(name):
    inside = 2 + x * y if name == "acosh" else (x + y**2) / 2
    agrees(FUNCTIONS[name](inside) * x)


def test_every_function_of_the_language_but_roots_has_its_derivatives():
    assert {*FUNCTIONS} - {"sqrt"} == {*ELEMENTARY} - {"Abs"}


def test_the_absolute_value_agrees_with_torch():
    agrees(Abs(x * y) * y)


@pytest.mark.parametrize("power", [Integer(0), Integer(1), Integer(2), Integer(3), Integer(5)])
def test_powers_have_their_derivatives_at_0(power):
    agrees((x - Rational(3, 10)) ** power * y + x, np.array([[0.3, 0.7]]))


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.floats(-3, 3), st.floats(0.2, 2), st.floats(0.2, 2))
def test_real_powers_agree_with_torch(power, first, second):
    agrees((x**2 + y) ** Float(power) + y ** (x * Float(power)), np.array([[first, second]]))


def test_a_symbol_without_a_value_is_named():
    with pytest.raises(BadInput, match="mu: without a value"):
        jet(symbols("mu") * x, WEIGHTS, POINTS)


def test_a_function_that_is_not_known_is_named():
    with pytest.raises(BadInput, match="gamma"):
        jet(gamma(x), WEIGHTS, POINTS)
