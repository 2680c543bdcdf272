"""Real solutions of systems with infinitely many complex ones."""

import pytest
from sympy import symbols

from eos_sym.algebra import Ideal, real_point

x, y, z = symbols("x y z", real=True)


@pytest.mark.parametrize(
    ("equations", "real"),
    [
        ([x**2 + y**2 - 1], True),
        ([x**2 + y**2 + 1], False),
        ([x**2 * y**2 + 2 * x**2 - x * y + 2 * y**2 + 4], False),  # (xy − 1/2)² + 2x² + 2y² + 15/4
        ([(x - 5) ** 2 + (3 * y - 17) ** 2 - 1], True),  # on none of the planes that are tried first
        ([x**2 + y**2 + z**2 - 1, x + y + z - 3], False),  # the plane misses the sphere by √3 − 1
        ([x**2 + y**2 + z**2 - 1, x + y + z - 1], True),
        ([x**4 + y**4 - 1, z**2 + x**2 + 1], False),
    ],
)
def test_a_real_point_is_found_or_proved_not_to_exist(equations, real):
    zero = real_point(Ideal.of(equations, sorted(set().union(*(e.free_symbols for e in equations)), key=str)))
    assert (zero is not None) == real
    if zero is not None:
        values = zero.values(zero.variables)
        assert all(abs(equation.subs(values).evalf(30)) < 1e-25 for equation in equations)
