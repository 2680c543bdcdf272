"""Derivatives that are written into a polynomial by hand come out, and points without real ones are refused."""

import pytest
from mpmath import mp
from sympy import I, Rational, oo, sqrt

from eos_sym import BadInput, Objective
from eos_sym.edge import edge_normal_form_at
from eos_sym.losses.local_expansion import Derivatives, real_number, values_of

PLANTED = Objective.from_text("2*x - y + (7*x**2 + 3*y**2)/2 + 5*x**2*y/2 - 4*x*y**2 + 11*x**4/24", "x y")


def test_the_expansion_has_the_coefficients_that_were_planted():
    """u = (1, 0), so that T = (L_xxx, L_xxy) and Q = L_xxxx; the sign of an eigenvector is free."""
    here = Derivatives(PLANTED, {}).expansion([mp.mpf(0), mp.mpf(0)])
    assert list(here.gradient) == [2, -1]
    assert here.hessian == mp.matrix([[7, 0], [0, 3]])
    assert here.eigenvalues == (7, 3)
    assert [float(entry) for entry in here.third] == pytest.approx([0, 5], abs=1e-12)
    assert float(here.fourth) == pytest.approx(11)
    first, second = here.vectors[0, 0], here.vectors[1, 1]
    assert [abs(first), abs(second)] == [1, 1]
    assert [float(value) for value in here.projections] == pytest.approx([0, 5 * second], abs=1e-12)
    assert [float(value) for value in here.forces] == pytest.approx([2 * first, -second])


@pytest.mark.parametrize("loss", ["sqrt(x)*x**4", "log(1 + x)*x", "1/(1 + x)", "asin(2*x)"])
def test_a_point_without_real_derivatives_is_refused(loss):
    """At −1 √x x⁴ is complex and as finite as can be, log(1 + x) and 1/(1 + x) are infinite."""
    derivatives = Derivatives(Objective.from_text(loss, "x"), {})
    with pytest.raises(BadInput, match=r"x = -1\.0: the loss has no (real )?derivatives there; choose another point"):
        derivatives.hessian([mp.mpf(-1)])


def test_a_point_where_the_loss_is_not_real_has_no_expansion():
    """The derivatives of log x are real at −1; with η = 2/85 the point (−2, ½) would be a minimum at the edge."""
    loss = Objective.from_text("log(x*y) + 21*(x*y)**2/2 + 22*x*y", "x y")
    x, y = loss.weights
    with pytest.raises(BadInput, match=r"x = -2\.0, y = 0\.5: the loss has no real derivatives there"):
        edge_normal_form_at(loss, {x: -2, y: Rational(1, 2)}, Rational(2, 85), Rational(1, 100), {})


def test_every_parameter_has_one_value_that_is_a_finite_real_number():
    derivatives = Derivatives(Objective.from_text("a*x**2/2 + b", "x", "a b"), {"a": 3, "b": 5})
    assert (derivatives.loss([mp.mpf(2)]), derivatives.gradient([mp.mpf(2)])[0]) == (11, 6)
    x, y = PLANTED.weights
    with pytest.raises(BadInput, match="weights: no value for y; give one for each of x, y"):
        values_of("weights", [x, y], {x: 1})
    for value in (I, oo, sqrt(-2)):
        with pytest.raises(BadInput, match="is not a finite real number"):
            real_number("x", value)


def test_a_value_has_all_digits_of_the_working_precision():
    with mp.workdps(50):
        assert abs(real_number("x", sqrt(2)) - mp.sqrt(2)) < mp.mpf(10) ** -50
