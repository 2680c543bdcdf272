"""Real solutions of systems with infinitely many complex ones."""

import pytest
from sympy import sqrt, symbols

from eos_sym.algebra import Ideal, points_of, real_parts
from eos_sym.algebra.solutions.real_zeros import real_zeros

x, y, z = symbols("x y z", real=True)


def parts(equations):
    """The dimensions of the real manifolds among the zeros, then the real points that lie on none of them."""
    variables = sorted(set().union(*(e.free_symbols for e in equations)), key=str)
    found = real_parts(Ideal.of(equations, variables))
    assert all(part.is_real is not None for part in found if part.ideal.dimension > 0)
    manifolds = [part for part in found if part.is_real]
    for part in manifolds:
        values = part.point.values(variables)
        assert all(abs(equation.subs(values).evalf(30)) < 1e-25 for equation in equations)
    zeros = points_of([part.ideal for part in found if part.ideal.dimension == 0])
    isolated = [
        zero
        for zero in zeros
        if zero.is_real and not any(all(map(zero.vanishes, part.ideal.basis)) for part in manifolds)
    ]
    return [part.ideal.dimension for part in manifolds], sorted(tuple(z.values(variables).values()) for z in isolated)


@pytest.mark.parametrize(
    ("equations", "dimensions", "isolated"),
    [
        ([x**2 + y**2 - 1], [1], []),
        ([x**2 + y**2 + 1], [], []),
        ([x**2 * y**2 + 2 * x**2 - x * y + 2 * y**2 + 4], [], []),  # (xy − 1/2)² + 2x² + 2y² + 15/4
        ([(x - 5) ** 2 + (3 * y - 17) ** 2 - 1], [1], []),  # on none of the planes that are tried first
        ([x**2 + y**2 + z**2 - 1, x + y + z - 3], [], []),  # the plane misses the sphere by √3 − 1
        ([x**2 + y**2 + z**2 - 1, x + y + z - 1], [1], []),
        ([x**4 + y**4 - 1, z**2 + x**2 + 1], [], []),
        ([(x**2 + y**2) ** 2], [], [(0, 0)]),
        ([x**4 + y**4], [], [(0, 0)]),
        ([x**2 + y**2 * z**2], [1, 1], []),  # the axes x = y = 0 and x = z = 0
        ([y**2 + x**2 * (x**2 - 1) ** 2], [], [(-1, 0), (0, 0), (1, 0)]),  # complex curves y = ±i x (x² − 1)
        ([y**2 - x**2 * (x - 1)], [1], []),  # (0, 0) is isolated among the real points, and solves the equation
        ([x**2 - x * y**2 + y**4], [], [(0, 0)]),  # (x − y²/2)² + 3y⁴/4
        ([x * y, x**2 - x], [1], [(1, 0)]),
        ([(x**2 + y**2) * (x**2 + y**2 - 1), z * (x**2 + y**2 - 1)], [2], [(0, 0, 0)]),
        ([x * (x**2 + y**2)], [1], []),
    ],
)
def test_real_zeros_are_manifolds_where_they_are_smooth_and_points_where_they_are_not(equations, dimensions, isolated):
    assert parts(equations) == (dimensions, isolated)


def test_a_root_of_five_free_unknowns_is_real_where_all_are_the_same():
    """√(a³ + … + e³) is, at ½."""
    free = symbols("a b c d e", real=True)
    total = sum(name**3 for name in free)
    found = real_zeros([x**2 - total], (x, *free))
    assert [(zeros.chart, zeros.free) for zeros in found] == [({x: sqrt(total)}, free), ({x: -sqrt(total)}, free)]
