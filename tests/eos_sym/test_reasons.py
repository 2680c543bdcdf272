"""Reasons are read by people: what is long in them is named, and numbers have the digits that one takes in."""

import pytest
from sympy import Add, Dummy, Float, Integer, Rational, cos, exp, symbols

from eos_sym import GradientDescent, Objective
from eos_sym.orbits import two_cycles
from eos_sym.reasons import LONGEST, brief, counted

a, w = symbols("a w", real=True)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (a * w - 1, "a*w - 1"),
        (Rational(1, 3) * a, "a/3"),
        (Float("0.476936276204469873381418353643", 30) * w, "0.476936*w"),
        (Integer(10) ** 60 + 1, "1.0e+60"),
        (Add(*(exp(-n) for n in range(40))), "1.58198"),  # 1/(1 − 1/e)
        (((a + 2) ** 12 * (w + 1)).expand(), "a polynomial of degree 13 in a, w"),
        (exp(cos(a) + w) * ((a + w) ** 9).expand(), "an expression in a, w"),
        (Dummy("b_next") + a, "a + b_next"),
        ({a: Float("1.23456789"), w: 0 * a}, "a = 1.23457, w = 0"),
        ([a, w - 1], "a, w - 1"),
        ([((a + 2) ** 12).expand()] * 3 + [w], "a polynomial of degree 12 in a and 3 more"),
    ],
)
def test_mathematics_in_brief(what, words):
    assert brief(what) == words


def test_the_reason_of_a_net_with_two_relus_can_be_read():
    net = Objective.from_text("(a*relu(w) + b*relu(v - 2*w) - 1)**2/2", "a b w v")
    reason = two_cycles(GradientDescent().map(net), {"eta": Rational(1, 10)}).reason
    assert all(len(part) < 4 * LONGEST for part in reason.split("; "))
    assert "_next**2" not in reason


def test_one_is_not_in_the_plural():
    assert [counted(number, "complex two-cycle") for number in (0, 1, 2)] == [
        "0 complex two-cycles",
        "1 complex two-cycle",
        "2 complex two-cycles",
    ]
