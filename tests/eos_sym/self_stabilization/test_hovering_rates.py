"""The rates of a perturbed two-cycle: the matrix written out by hand, its equation, and the case of the edge law.

Wrong programs these catch: one that leaves the midpoint where it was while the oscillation grows (T_u counts once, not
three times), one that sums over the first direction alone, one that has the sign of what z does to x wrong, and one
whose threshold is that of the differential equation, without the step.
"""

import pytest
from sympy import Matrix, Rational, Symbol, det, eye, simplify, symbols

from eos_sym import STEP_SIZE as ETA
from eos_sym.edge import leading_margins
from eos_sym.edge.hovering import QUARTIC, RESTORING, SLOPE
from eos_sym.self_stabilization import hovering_rates, threshold_terms
from eos_sym.self_stabilization.hovering_rates import AMPLITUDE, EIGENVALUE, FREQUENCY, RATE, derivative, slope

Q = AMPLITUDE**2


def test_one_direction_at_the_edge():
    rates = hovering_rates(1)
    effective = derivative(1, 1, 1, 1) - 3 * derivative(1, 1, 1) ** 2 * ETA / 2  # λ₁ = 2/η
    t = AMPLITUDE * slope(1, 1)
    expected = Matrix([[Q * effective / 3, t], [-t, -EIGENVALUE]])
    assert (rates.matrix - expected).applyfunc(simplify) == Matrix.zeros(2, 2)
    assert rates.balance[derivative(1, 1)] == -derivative(1, 1, 1, 1) * Q / 6


def test_the_sums_over_two_directions_across_the_edge():
    first, second, one, other = symbols("t11_1 t11_2 lambda_1 lambda_2", real=True)
    effective = derivative(1, 1, 1, 1) - 3 * derivative(1, 1, 1) ** 2 * ETA / 2
    expected = RATE - Q * effective / 3 + Q * (first**2 / (RATE + one) + second**2 / (RATE + other))
    assert simplify(hovering_rates(1).characteristic(2) - expected) == 0


def test_two_directions_at_the_edge():
    def along(*places):
        return derivative(*places)

    mixed = along(1, 1, 1) * along(1, 1, 2) + along(1, 1, 2) * along(1, 2, 2)
    alone = along(1, 1, 1) ** 2 + along(1, 1, 2) ** 2
    across = along(1, 1, 2) ** 2 + along(1, 2, 2) ** 2
    expected = Matrix(
        [
            [Q / 3 * (along(1, 1, 1, 1) - 3 * ETA / 2 * alone), Q / 3 * (along(1, 1, 1, 2) - 3 * ETA / 2 * mixed)],
            [
                Q / 3 * (along(1, 1, 1, 2) - 3 * ETA / 2 * mixed),
                along(2, 2) + Q / 2 * (along(1, 1, 2, 2) - ETA * across),
            ],
        ]
    )
    rates = hovering_rates(2)
    assert (rates.edge - expected).applyfunc(simplify) == Matrix.zeros(2, 2)
    assert {*rates.symbols} == expected.free_symbols - {ETA, AMPLITUDE}
    t = [Symbol("t11_1", real=True), Symbol("t12_1", real=True)]
    g = Matrix(2, 2, lambda a, b: t[a] * t[b] / (RATE + Symbol("lambda_1", real=True)))
    assert simplify(rates.characteristic(1) - det(RATE * eye(2) - rates.edge + Q * g)) == 0


def test_flat_directions_alone_give_the_margin_of_the_edge_law():
    at = {EIGENVALUE: 0, derivative(1, 1, 1): 0}
    step = eye(2) + ETA * hovering_rates(1).matrix.subs(at).subs(derivative(1, 1, 1, 1), QUARTIC).subs(
        slope(1, 1), SLOPE
    )
    margin = 1 - step.det()  # of a pair of complex multipliers
    known = leading_margins()[-1].subs(RESTORING, 0)
    assert simplify(margin - known / 2) == 0


@pytest.mark.parametrize("eigenvalue", [Rational(0), Rational(1, 50), Rational(7)])
def test_the_threshold_has_multipliers_of_modulus_one(eigenvalue):
    eta, square, frequency = Rational(1, 10), Rational(1, 400), Rational(1, 3)
    at = {EIGENVALUE: eigenvalue, ETA: eta, FREQUENCY: frequency}
    t = slope(1, 1)
    share, held = (one.subs(at) for one in threshold_terms())
    weight = 1 / (square * share.subs(t, 1))  # t², for which Ω is 1/3
    stands = 3 / square * (square * held.subs(t, 1) * weight - eta * frequency**2)
    matrix = hovering_rates(1).matrix.subs({AMPLITUDE: Rational(1, 20), EIGENVALUE: eigenvalue, ETA: eta})
    matrix = matrix.subs({derivative(1, 1, 1): 0, derivative(1, 1, 1, 1): stands})
    step = eye(2) + eta * matrix
    product = step.det().subs(t**2, weight).expand().subs(t**2, weight)
    assert simplify(product - 1) == 0
    assert abs(float(step.trace())) < 2  # complex, of modulus one
