"""Every result prints as mathematics in a notebook."""

import pytest
from sympy import Float, Integer, Rational, Symbol

from eos_sym import STEP_SIZE, GradientDescent, Objective, shallow
from eos_sym.edge import EdgeNormalForm
from eos_sym.edge.flip import FlipNormalForm
from eos_sym.flows import gradient_flow
from eos_sym.notebook import aligned
from eos_sym.orbits import fixed_points, two_cycles
from eos_sym.self_stabilization import undamped
from eos_sym.stability import stability

LOSS = Objective.from_text("(x**2 - 1)**2/4", "x")
MAP = GradientDescent().map(LOSS)
PLANE = GradientDescent().map(shallow())


@pytest.mark.parametrize(
    ("result", "parts"),
    [
        (MAP, [r"x &\mapsto", r"\eta"]),
        (gradient_flow(LOSS), [r"\dot{x} &="]),
        (stability(MAP.jacobian.subs(LOSS.weights[0], 1)), [r"2 \eta &> 0"]),
        (two_cycles(MAP, {STEP_SIZE: Rational(11, 10)}), [r"\leftrightarrow", r"\sqrt{341}"]),
        (two_cycles(MAP, {STEP_SIZE: Rational(1, 10)}), [r"\leftrightarrow"]),
        (fixed_points(PLANE), [r"x y - 1 = 0"]),
        (fixed_points(PLANE).manifolds[0], [r"x y - 1 &= 0"]),
        (shallow().minima, [r"x y - 1 &= 0", "L &= 0"]),
        (EdgeNormalForm(Float("1.23456789012345678", 30), Integer(-3)), [r"\beta &= 1.2345679", "self-stabilizing"]),
        (FlipNormalForm(Symbol("c", real=True)), [r"w &\mapsto -w + c w^3"]),
        (undamped(), [r"\mapsto", r"\alpha"]),
    ],
)
def test_a_result_prints_as_mathematics(result, parts):
    printed = result._repr_latex_()
    assert printed.startswith("$")
    assert printed.endswith("$")
    for part in parts:
        assert part in printed


def test_no_rows_are_no_error():
    assert aligned([]).startswith("$$")
