"""Functions become symbols of which they are powers, with their signs."""

import pytest
from sympy import Abs, E, Rational, cos, cosh, exp, log, sin, sqrt, symbols

from eos_sym.algebra import Kernels

x, y = symbols("x y", real=True)
p = symbols("p", positive=True)


def test_exponentials_are_powers_of_as_few_symbols_as_there_are_terms():
    """Exp(2x − y + 1) = u² v⁻¹ e."""
    expression = exp(2 * x - y + 1) + exp(3 * x)
    kernels = Kernels([expression])
    form = kernels.algebraic(expression)
    named = {kernel: symbol for symbol, kernel in kernels.meaning.items()}
    u, v, e = (next(symbol for kernel, symbol in named.items() if kernel in pair) for pair in ([exp(x)], [exp(y)], [E]))
    assert form == u**2 * e / v + u**3
    assert kernels.restored(form) == expression.expand()


@pytest.mark.parametrize(
    ("expression", "unit"),
    [
        (exp(x / 2) + exp(x / 3), exp(x / 6)),
        (exp(4 * x) + exp(-6 * x), exp(2 * x)),
        (exp(Rational(3, 2) * x) + exp(Rational(9, 4) * x), exp(Rational(3, 4) * x)),
        (p**x + p ** (3 * x), exp(x * log(p))),
    ],
)
def test_the_unit_of_an_exponent_is_the_greatest_common_divisor(expression, unit):
    kernels = Kernels([expression])
    form = kernels.algebraic(expression)
    assert list(kernels.meaning.values()) == [unit]
    (symbol,) = kernels.meaning
    assert form.is_rational_function(symbol)


@pytest.mark.parametrize(
    ("kernel", "positive", "nonnegative"),
    [(exp(x), True, True), (cosh(x), True, True), (Abs(x), None, True), (sin(x), None, None)],
)
def test_a_symbol_has_the_sign_of_its_function(kernel, positive, nonnegative):
    symbol = Kernels([kernel]).algebraic(kernel)
    assert symbol.is_real
    assert (symbol.is_positive, symbol.is_nonnegative) == (positive, nonnegative)


def test_what_is_rational_stays_and_roots_are_powers_of_one():
    expression = sqrt(2) * x**2 - sqrt(1 + x**2) ** 3 / cos(y)
    kernels = Kernels([expression])
    form = kernels.algebraic(expression)
    assert sorted(map(str, kernels.meaning.values())) == ["cos(y)", "sqrt(x**2 + 1)"]
    root, cosine = sorted(kernels.meaning, key=lambda symbol: str(kernels.meaning[symbol]), reverse=True)
    assert form == sqrt(2) * x**2 - root**3 / cosine
