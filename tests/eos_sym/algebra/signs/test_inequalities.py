"""A point where expressions are positive is one, and none is claimed only where there is none."""

import pytest
from sympy import Symbol, sin

from eos_sym import Undecided
from eos_sym.algebra import point_where_positive

x, y, p = (Symbol(name, real=True) for name in "xyp")


@pytest.mark.parametrize(
    "expressions",
    [
        [],
        [x],
        [-x, x + 3],
        [-x - 10**6],
        [1 - x**2],
        [x - 10**6, 10**6 + 1 - x],
        [(x - 1) * (x - 2), (1000 * x - 1001) * (1002 - 1000 * x), -x + 2],
    ],
)
def test_a_point_is_found_or_there_is_none(expressions):
    found = point_where_positive(expressions, [x])
    if found is None:
        assert expressions == [(x - 1) * (x - 2), (1000 * x - 1001) * (1002 - 1000 * x), -x + 2]
    else:
        assert all(expression.subs(found) > 0 for expression in expressions)


@pytest.mark.parametrize("expressions", [[x, -x], [-(x**2) - 1], [x**3, -x - 1], [x**2 - 2, 1 - x**2]])
def test_polynomials_that_are_never_positive_together_are_known(expressions):
    assert point_where_positive(expressions, [x, y]) is None


def test_in_several_unknowns_a_point_is_looked_for():
    found = point_where_positive([x * y - 1, -x], [x, y])
    assert found[x] < 0 < found[x] * found[y] - 1
    for expressions in ([x * y - 1000], [sin(x) - 2], [x - p]):
        with pytest.raises(Undecided, match="positive"):
            point_where_positive(expressions, [x, y])
