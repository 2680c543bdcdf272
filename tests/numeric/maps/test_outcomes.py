"""How runs end, against closed forms and plain loops."""

import math
from itertools import pairwise

import numpy as np
import pytest
import xarray as xr
from sympy import Integer, Max, Piecewise, Rational, Symbol, exp, log, sqrt, symbols

from eos_sym import GradientDescent, Map, minimalist, quadratic
from numeric import compile_map
from numeric.maps.numpy_engine import FEW_RUNS
from numeric.maps.outcomes import EXAMINED_EVERY as BLOCK
from numeric.maps.outcomes import LONGEST_PERIOD

x, y, z, w = symbols("x y z w", real=True)
r = Symbol("r", positive=True)
ARRAY = FEW_RUNS + 4


def simulator(*step, state=(x,), parameters=()):
    return compile_map(Map(state, parameters, step))


def lanes(values):
    return xr.DataArray(np.asarray(values, dtype=float), dims="run")


def ends(run):
    return list(zip(run.outcome.values.tolist(), run.period.values.tolist(), run.step.values.tolist(), strict=True))


def the_end(run):
    return run.outcome.item(), run.period.item(), run.step.item()


@pytest.fixture(scope="module")
def parabola():
    return compile_map(GradientDescent().map(quadratic(1)))


@pytest.fixture(scope="module")
def logistic():
    return simulator(r * x * (1 - x), parameters=(r,))


@pytest.fixture(scope="module")
def halving():
    return simulator(x / 2)


@pytest.mark.parametrize("start", [1.0, -3e-5, 7e6])
@pytest.mark.parametrize("eta", [0.51, 0.55, 0.75, 1.5, 5.0])
def test_gradient_descent_beyond_two_over_lambda_diverges_when_the_closed_form_leaves_the_bound(parabola, eta, start):
    factor, bound = 1 - 4 * eta, 1e8
    first = math.floor(math.log(bound / abs(start)) / math.log(-factor)) + 1
    run = parabola.run({"theta1": start}, {"lambda1": 4.0, "eta": eta}, steps=5000, bound=bound)
    assert the_end(run) == ("diverged", 0, first)
    assert run.final.item() == pytest.approx(start * factor ** (first - 1), rel=1e-12)


@pytest.mark.parametrize("start", [1.0, -30.0])
@pytest.mark.parametrize("eta", [0.01, 0.2, 0.25, 0.3, 0.45, 0.49])
def test_gradient_descent_below_two_over_lambda_converges_when_the_closed_form_moves_less_than_the_tolerance(
    parabola, eta, start
):
    factor, tolerance = 1 - 4 * eta, 1e-10
    iterates = [start * factor**t for t in range(1200)]
    small = [abs(b - a) <= tolerance * (1 + abs(b)) for a, b in pairwise(iterates)]
    run = parabola.run({"theta1": start}, {"lambda1": 4.0, "eta": eta}, steps=1000, tolerance=tolerance)
    assert the_end(run) == ("converged", 1, small.index(True) + 1)
    assert run.final.item() == pytest.approx(iterates[small.index(True) + 1], rel=1e-10, abs=1e-300)


def test_at_two_over_lambda_gradient_descent_is_a_two_cycle(parabola):
    run = parabola.run({"theta1": 3.0}, {"lambda1": 4.0, "eta": 0.5}, steps=100)
    assert the_end(run) == ("periodic", 2, 2)
    assert run.final.item() == 3.0


def test_the_edge_separates_the_runs_of_a_grid(parabola):
    eta = xr.DataArray([0.1, 0.4, 0.499, 0.5, 0.501, 0.6], dims="eta")
    run = parabola.run({"theta1": 1.0}, {"lambda1": 4.0, "eta": eta}, steps=20_000)
    assert run.outcome.values.tolist() == ["converged"] * 3 + ["periodic"] + ["diverged"] * 2


@pytest.mark.parametrize("number", [1, ARRAY])
@pytest.mark.parametrize(
    ("rate", "outcome", "period"),
    [
        (2.8, "converged", 1),
        (3.2, "periodic", 2),
        (3.5, "periodic", 4),
        (3.55, "periodic", 8),
        (3.83, "periodic", 3),
        (3.7389, "periodic", 5),
        (3.9, "undecided", 0),
        (3.5675, "undecided", 0),
    ],
)
def test_the_logistic_map_doubles_its_period_and_has_windows_in_chaos(logistic, rate, outcome, period, number):
    run = logistic.run({"x": lanes(np.linspace(0.3, 0.31, number))}, {"r": rate}, steps=5000)
    assert run.outcome.values.tolist() == [outcome] * number
    assert run.period.values.tolist() == [period] * number
    if outcome == "undecided":
        assert run.step.values.tolist() == [5000] * number


def test_the_cycles_of_the_logistic_map_are_the_known_ones(logistic):
    run = logistic.run({"x": 0.3}, {"r": lanes([2.8, 3.2])}, steps=5000)
    fixed = 1 - 1 / 2.8
    pair = [(4.2 + sign * math.sqrt(4.2 * 0.2)) / 6.4 for sign in (1, -1)]
    assert run.final.values[0, 0] == pytest.approx(fixed, abs=1e-11)
    assert min(abs(run.final.values[1, 0] - point) for point in pair) < 1e-11


def plain_ending(step, start, steps, tolerance):
    """Outcome, period and step from the whole orbit of a one-dimensional map at once."""
    orbit = [start]
    for _ in range(steps):
        orbit.append(step(orbit[-1]))

    def move(t, period):
        return abs(orbit[t] - orbit[t - period])

    def comes_back(t, period):
        shorter = [part for part in range(1, period) if period % part == 0]
        longest = [max(move(s, part) for s in range(t - period + part, t + 1)) for part in shorter]
        near = move(t, period) <= tolerance * (1 + abs(orbit[t]))
        return near and all(move(t, period) <= 1e-9 * length for length in longest)

    for period in range(1, min(LONGEST_PERIOD, (steps + 1) // 2) + 1):
        if all(comes_back(t, period) for t in range(steps - period + 1, steps + 1)):
            away = [t for t in range(period, steps) if not comes_back(t, period)]
            return ("converged" if period == 1 else "periodic", period, max(away, default=period - 1) + 1)
    return ("undecided", 0, steps)


@pytest.mark.parametrize("tolerance", [1e-12, 1e-6])
def test_every_ending_of_the_logistic_map_is_that_of_a_plain_loop(logistic, tolerance):
    rates = np.linspace(2.6, 3.563, 60)
    run = logistic.run({"x": 0.3}, {"r": lanes(rates)}, steps=4001, tolerance=tolerance)
    expected = [plain_ending(lambda v, rate=rate: rate * v * (1 - v), 0.3, 4001, tolerance) for rate in rates.tolist()]
    assert ends(run) == expected
    assert {outcome for outcome, _, _ in expected} >= {"converged", "periodic"}


@pytest.mark.parametrize("number", range(1, 3 * BLOCK + 5, 7))
def test_a_plain_loop_agrees_for_any_number_of_steps(logistic, number):
    for rate in (2.5, 2.9, 3.2, 3.5):
        run = logistic.run({"x": 0.3}, {"r": rate}, steps=number)
        expected = plain_ending(lambda v, rate=rate: rate * v * (1 - v), 0.3, number, 1e-12)
        assert the_end(run) == expected


def test_convergence_is_dated_exactly_wherever_it_falls_in_a_block(halving):
    """x₀ = 2^(s−40) halves to a move of 2⁻⁴⁰, the tolerance, at iteration s."""
    dates = np.arange(1, 3 * BLOCK)
    run = halving.run({"x": lanes(2.0 ** (dates - 40.0))}, {}, steps=4 * BLOCK, tolerance=2.0**-40, bound=1e300)
    assert ends(run) == [("converged", 1, date) for date in dates]
    assert run.final.values[:, 0].tolist() == [2.0**-40] * len(dates)


def halving_rotation(period):
    """p numbers go round; y halves, and from 2^(s−40−p) moves over p steps by (1 − 2⁻ᵖ) 2⁻⁴⁰ at iteration s."""
    ring = symbols(f"a1:{period + 1}", real=True)
    start = {symbol.name: float(index) for index, symbol in enumerate(ring)}
    return simulator(*ring[1:], ring[0], y / 2, state=(*ring, y)), start


@pytest.mark.parametrize("period", range(2, LONGEST_PERIOD + 1))
def test_a_cycle_of_any_period_is_dated_exactly_wherever_it_falls_in_a_block(period):
    rotation, start = halving_rotation(period)
    dates = np.arange(1, 3 * BLOCK)
    values = {**start, "y": lanes(2.0 ** (dates - 40.0 - period))}
    run = rotation.run(values, {}, steps=4 * BLOCK, tolerance=2.0**-40, bound=1e300)
    assert ends(run) == [("periodic", period, max(date, period)) for date in dates]


@pytest.mark.parametrize("period", [2, 3, 5, LONGEST_PERIOD])
def test_a_cycle_is_recognized_as_soon_as_every_point_is_back_however_short_the_last_block(period):
    rotation, start = halving_rotation(period)
    for date in [*range(period, period + 3), *range(BLOCK - 10, BLOCK + 10)]:
        values = {**start, "y": 2.0 ** (date - 40 - period)}
        for missing, end in ((0, ("periodic", period, date)), (1, ("undecided", 0, date + period - 2))):
            steps = date + period - 1 - missing
            run = rotation.run(values, {}, steps=steps, tolerance=2.0**-40, bound=1e300)
            assert the_end(run) == end


def test_a_cycle_is_dated_by_the_ratio_to_its_steps_where_the_tolerance_is_coarse():
    """x flips its sign, a step of 2; y halves, and 3 · 2⁻ᵗ y₀ ≤ 2 · 10⁻⁹ first at t = 31 + k for y₀ = 2ᵏ."""
    exponents = np.arange(100)
    flip = simulator(-x, y / 2, state=(x, y))
    run = flip.run({"x": 1.0, "y": lanes(2.0**exponents)}, {}, steps=200, tolerance=1e-3, bound=1e300)
    assert ends(run) == [("periodic", 2, 31 + exponent) for exponent in exponents]


@pytest.mark.parametrize("distance", [Rational(1, 100), Rational(1, 1000), Rational(1, 10_000)])
def test_slow_oscillating_convergence_is_never_called_periodic(distance):
    factor, tolerance = -1 + float(distance), 1e-6
    value, date = 1.0, 0
    while True:
        value, previous, date = value * factor, value, date + 1
        if abs(value - previous) <= tolerance * (1 + abs(value)):
            break
    slow = simulator((distance - 1) * x)
    assert the_end(slow.run({"x": 1.0}, {}, steps=2 * date, tolerance=tolerance)) == ("converged", 1, date)
    for steps in (date // 3, date - 1):
        run = slow.run({"x": lanes([1.0] * ARRAY)}, {}, steps=steps, tolerance=tolerance)
        assert set(ends(run)) == {("undecided", 0, steps)}


@pytest.mark.parametrize("number", [1, ARRAY])
def test_convergence_that_rounding_stops_in_a_narrow_cycle_is_still_convergence(number):
    """At the multiplier −1 + 2·10⁻⁵ around 14.3 rounding leaves steps of about 10⁻¹⁰, which never get shorter."""
    distance, centre = Rational(1, 50_000), Rational(143, 10)
    slow = simulator(centre + (distance - 1) * (x - centre))
    run = slow.run({"x": lanes([14.4] * number)}, {}, steps=3_000_000 if number == 1 else 1_300_000)
    assert set(run.outcome.values) == {"converged"}
    assert np.abs(run.final.values - 14.3).max() < 1e-9


def test_a_narrow_cycle_of_the_map_is_still_a_cycle():
    cycle = simulator(-x + 10**9 * x * (x**2 - Rational(1, 10**10)))
    run = cycle.run({"x": 1.2e-5}, {}, steps=10**6)
    assert the_end(run)[:2] == ("periodic", 2)
    assert abs(run.final.item()) == pytest.approx(1e-5, rel=1e-6)


@pytest.mark.parametrize("steps", [1, 2, 63, 64, 65, 127, 128, 200])
@pytest.mark.parametrize("number", [1, 3, ARRAY])
def test_an_undecided_run_ends_after_exactly_the_steps_it_was_given(logistic, steps, number):
    run = logistic.run({"x": lanes([0.3] * number)}, {"r": 3.9}, steps=steps)
    value = 0.3
    for _ in range(steps):
        value = 3.9 * value * (1 - value)
    assert ends(run) == [("undecided", 0, steps)] * number
    assert run.final.values[:, 0].tolist() == [value] * number


@pytest.mark.parametrize("number", [1, ARRAY])
def test_a_diverging_run_ends_with_its_step_and_the_last_state_inside_the_bound(number):
    dates = np.linspace(1, 3 * BLOCK, number).astype(int)
    run = simulator(2 * x).run({"x": lanes(2.0 ** (20 - dates))}, {}, steps=4 * BLOCK, tolerance=0.0, bound=2.0**19.5)
    assert ends(run) == [("diverged", 0, date) for date in dates]
    assert run.final.values[:, 0].tolist() == [2.0**19] * number


def test_a_run_exactly_on_the_bound_is_inside():
    run = simulator(-x).run({"x": 7.0}, {}, steps=10, bound=7.0)
    assert the_end(run) == ("periodic", 2, 2)


def test_a_start_beyond_the_bound_has_diverged_at_once():
    run = simulator(x / 2).run({"x": lanes([1.0, -11.0])}, {}, steps=100, bound=10.0)
    assert ends(run)[1] == ("diverged", 0, 0)
    assert run.final.values[1, 0] == -11.0
    assert ends(run)[0][0] == "converged"


UNDEFINED = {
    "division by zero": ((1 / x - 1,), {"x": 1.0}, 2, [0.0]),
    "division of zero by zero": (((x - 1) / (x**2 - 1),), {"x": 1.0}, 1, [1.0]),
    "square root": ((sqrt(x) - 1,), {"x": 0.25}, 2, [-0.5]),
    "cube root": ((x ** Rational(1, 3) - 1,), {"x": 0.125}, 2, [-0.5]),
    "softplus of a cube root": ((log(1 + exp(x ** Rational(1, 3))) - 2,), {"x": 0.0}, 2, [math.log(2) - 2]),
    "softplus of a complex number": ((log(1 + exp(x ** Rational(1, 3))) - 2,), {"x": -1.0}, 1, [-1.0]),
    "largest of a cube root": ((Max(x ** Rational(1, 3), -5) - 1,), {"x": 0.125}, 2, [-0.5]),
    "logarithm": ((log(x),), {"x": 1.0}, 2, [0.0]),
    "logarithm of a negative": ((log(x),), {"x": 0.5}, 2, [math.log(0.5)]),
    "overflowing exponential": ((exp(x),), {"x": 800.0}, 1, [800.0]),
    "overflowing power": ((x**9,), {"x": 1e60}, 1, [1e60]),
    "negative power": ((x**-3,), {"x": 0.0}, 1, [0.0]),
    "a constant zero": ((Integer(0), 1 / x), {"x": 1.0, "y": 2.0}, 2, [0.0, 1.0]),
    "a constant negative": ((Integer(-1), x ** Rational(1, 3)), {"x": 8.0, "y": 0.0}, 2, [-1.0, 2.0]),
    "a huge power of a constant": ((Integer(10), x**400), {"x": 0.5, "y": 0.0}, 2, [10.0, 0.5**400]),
    "piecewise": ((Piecewise((sqrt(x), x < 1), (x / 4, True)) - 1,), {"x": 4.0}, 3, [-1.0]),
}

INFINITE = {
    *("division by zero", "logarithm", "overflowing exponential", "overflowing power", "negative power"),
    *("a constant zero", "a huge power of a constant"),
}


@pytest.mark.parametrize("number", [1, 3, ARRAY])
@pytest.mark.parametrize("case", UNDEFINED)
def test_where_a_map_is_infinite_the_run_diverges_and_where_it_is_undefined_it_is_undecided(case, number):
    step, start, date, final = UNDEFINED[case]
    undefined = simulator(*step, state=(x, y)[: len(step)])
    run = undefined.run({name: lanes([value] * number) for name, value in start.items()}, {}, steps=100, bound=1e300)
    assert ends(run) == [("diverged" if case in INFINITE else "undecided", 0, date)] * number
    np.testing.assert_allclose(run.final.values, [final] * number, rtol=1e-15)


@pytest.mark.parametrize("number", range(1, FEW_RUNS + 1))
def test_few_runs_and_many_agree_to_the_last_bit(logistic, number):
    """Few runs are computed with Python's floats, many with arrays; a chaotic orbit would show the smallest change."""
    rates = np.linspace(3.3, 4.0, ARRAY)
    together = logistic.run({"x": 0.3}, {"r": lanes(rates)}, steps=700, record_every=13)
    apart = logistic.run({"x": 0.3}, {"r": lanes(rates[:number])}, steps=700, record_every=13)
    xr.testing.assert_identical(apart, together.isel(run=slice(number)))


def test_few_runs_of_the_minimalist_example_agree_with_many_to_the_last_bit():
    dynamics = compile_map(GradientDescent().map(minimalist()))
    generator = np.random.default_rng(1)
    start = {name: lanes(generator.uniform(0.3, 2.0, ARRAY)) for name in "xyzw"}
    together = dynamics.run(start, {"eta": 0.2}, steps=500)
    assert set(together.outcome.values.tolist()) >= {"converged", "diverged"}
    for first in range(0, ARRAY, 3):
        part = {name: values[first : first + 3] for name, values in start.items()}
        xr.testing.assert_identical(
            dynamics.run(part, {"eta": 0.2}, steps=500), together.isel(run=slice(first, first + 3))
        )


def test_ended_runs_do_not_disturb_the_others(logistic):
    rates = [2.5, 5.0, 3.9, 3.2, 2.9, 3.5, 4.5, 3.7, 2.0, 3.83, 3.95]
    together = logistic.run({"x": 0.3}, {"r": lanes(rates)}, steps=3000)
    alone = [logistic.run({"x": 0.3}, {"r": rate}, steps=3000) for rate in rates]
    assert ends(together) == [the_end(run) for run in alone]
    assert together.final.values[:, 0].tolist() == [run.final.item() for run in alone]
    assert set(together.outcome.values.tolist()) == {"converged", "periodic", "diverged", "undecided"}


def test_a_slow_approach_to_a_two_cycle_is_not_called_a_four_cycle(logistic):
    """At r = 3.44 the two-cycle has the multiplier 4 + 2r − r² = −0.9536: moves over two steps change their sign."""
    run = logistic.run({"x": 0.3}, {"r": 3.44}, steps=5000, tolerance=1e-9)
    assert the_end(run)[:2] == ("periodic", 2)


def test_a_map_through_infinity_has_diverged_though_it_comes_back():
    for step, start in ((1 / (1 - x), 0.0), (x**-3, 0.0), (1 / x - 1, 1.0)):
        for steps in (5, 1000):
            run = simulator(step).run({"x": start}, {}, steps=steps)
            assert run.outcome.item() == "diverged"
            assert run.final.item() == (1.0 if step.subs(x, 0) == 1 else 0.0)
