"""The derivation against the formulas of docs/theory/minimalist.md, written down here and nowhere in eos_sym."""

import pytest
from sympy import Rational, Symbol, expand, factor, simplify, sqrt, symbols

from analysis.minimalist.theory import KAPPA, A, B, D, P, a, b, derive
from analysis.minimalist.two_cycles import RATIO, SQUARE
from eos_sym import STEP_SIZE as ETA
from eos_sym.algebra import expand_in

x, y, z, w = symbols("x y z w", real=True)


@pytest.fixture(scope="module")
def theory():
    return derive()


def test_the_reduced_map(theory):
    k = ETA * (x**2 * y**2 - 1)
    assert expand(theory.reduced_map.substitution[x] - x * (1 - k * y**2)) == 0
    assert expand(theory.reduced_map.substitution[y] - y * (1 - k * x**2)) == 0


def test_the_minima_and_the_sharpness_there(theory):
    assert expand(theory.minima.equations[0] - (x * y * z * w - 1)) == 0
    assert expand(theory.sharpness_at_minima - 2 * (x**2 + y**2)) == 0
    assert theory.spectrum_at_minima.degree() == 4
    assert theory.spectrum_at_minima.all_coeffs()[2:] == [0, 0, 0]


def test_the_small_eigenvalues_at_symmetric_points(theory):
    for eigenvalue in (y**2 * (1 - x**2 * y**2), x**2 * (1 - x**2 * y**2)):
        assert expand(theory.symmetric_spectrum.eval(eigenvalue)) == 0


def test_the_exact_map_of_imbalance_and_product(theory):
    k = ETA * (P**2 - 1)
    assert simplify(theory.product_map.substitution[D] - D * (1 - k**2 * P**2)) == 0
    assert simplify(theory.product_map.substitution[P] - P * (1 - k * sqrt(D**2 + 4 * P**2) + k**2 * P**2)) == 0


def test_the_coordinate_a_vanishes_where_the_sharpness_is_two_over_eta(theory):
    assert simplify(theory.edge_root - (ETA**-2 - 4) ** Rational(1, 4)) == 0
    assert simplify(theory.sharpness_of_imbalance(theory.edge_root**2) - 2 / ETA) == 0


def test_the_drift_of_one_step_is_half_that_of_two(theory):
    """The trap of the conference text: 2b²κ³ per step, and the a-update starts with minus (κ⁻⁴ − 4)^¼."""
    assert theory.series[1][a] == a - 2 * b**2 * KAPPA**3
    assert theory.series[2][a] == a - 4 * b**2 * KAPPA**3
    assert expand(theory.series[2][b] - (b + 8 * a * b * KAPPA - 16 * b**3)) == 0


def test_the_series_of_two_steps_is_that_of_one_step_twice(theory):
    once = theory.series[1]
    twice = {name: step.subs(once, simultaneous=True) for name, step in once.items()}
    for name, order in ((a, 9), (b, 8)):
        assert expand(expand_in(twice[name], KAPPA, order, {a: 3, b: 2}) - theory.series[2][name]) == 0


def test_the_parabola_and_its_endpoint(theory):
    assert expand(theory.parabola - (2 * b**2 / KAPPA - KAPPA**3 / 8)) == 0
    assert expand_in(theory.endpoint, KAPPA, 7) == -(KAPPA**3) / 8


def test_the_invariant_curve_is_invariant_under_the_scaled_map(theory):
    moved = {name: step.subs(A, theory.curve) for name, step in theory.scaled_two_step_map.substitution.items()}
    assert expand_in(moved[A] - theory.curve.subs(B, moved[B]), ETA, 5) == 0


def test_the_terminal_sharpness(theory):
    assert expand_in(theory.terminal_sharpness, ETA, 3) == 2 / ETA - ETA / 2


def test_gradient_flow_conserves_the_imbalance_and_gradient_descent_lowers_it(theory):
    k = ETA * (x**2 * y**2 - 1)
    assert expand(theory.imbalance_cofactor - (1 - k**2 * x**2 * y**2)) == 0
    assert len(theory.conserved) == 3


def test_all_two_cycles_are_balanced_and_known(theory):
    cycles = theory.two_cycles
    assert cycles.balanced
    assert cycles.antidiagonal_is_a_mirror_image
    assert cycles.one_symmetric_cycle
    assert simplify(cycles.symmetric_step_size - 2 / (SQUARE * (SQUARE**2 - 1))) == 0
    assert simplify(cycles.asymmetric_square - (RATIO**3 + 1) / (RATIO**7 + 1)) == 0
    assert cycles.asymmetric_birth == Rational(1, 2)
    assert cycles.asymmetric_only_beyond_birth


def test_the_balanced_cycle_that_direct_solving_misses_is_found(theory):
    assert float(theory.two_cycles.symmetric_point(Rational(6, 5))) == pytest.approx(1.209, abs=5e-4)


def test_the_symmetric_cycle_is_unstable_at_every_step_size(theory):
    assert theory.two_cycles.symmetric_verdict == "unstable"
    multipliers = theory.two_cycles.symmetric_cycle.stability.multipliers
    assert 9 in multipliers


def test_the_derivation_needs_no_numbers_and_no_answers(theory):
    assert theory.as_report().keys() >= {"loss", "map", "parabola", "terminal_sharpness", "two_cycles"}
    assert factor(theory.objective.loss - (1 - x * y * z * w) ** 2 / 2) == 0
    assert Symbol("eta", positive=True) == ETA
