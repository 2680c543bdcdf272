"""The two engines against each other and against plain loops, and the choice between them."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Rational, Symbol, erf, exp, gamma, log, symbols, tan

from eos_sym import BadInput, GradientDescent, Map, Objective, minimalist, quadratic
from eos_sym.rules import RULES
from numeric.compile import compile_function
from numeric.compile.kernel import LANES, compile_kernel
from numeric.maps import NumpyEngine
from numeric.maps.engines import choose_engine
from numeric.maps.kernels.engine import CompiledEngine
from numeric.maps.outcomes import CONVERGED, DIVERGED, EXAMINED_EVERY, PERIODIC, UNDECIDED

x, y = symbols("x y", real=True)
r = Symbol("r", positive=True)
LOGISTIC = Map((x,), (r,), (r * x * (1 - x),))
SWAP = Map((x, y), (), (y / 2, x / 2))  # rounds nothing, contracted or not
THROUGH_INFINITY = Map((x,), (), (1 / x - 1,))


def compiled(dynamics, threads=1):
    return CompiledEngine.of(step(dynamics), threads)


def step(dynamics):
    return compile_function(dynamics.step, (*dynamics.state, *dynamics.parameters))


def ends(engine, state, values=None, *, steps=1000, tolerance=1e-12, bound=1e8, progress=lambda done: None):
    state = np.atleast_2d(np.asarray(state, dtype=float))
    values = np.zeros((0, state.shape[1])) if values is None else np.atleast_2d(np.asarray(values, dtype=float))
    return engine.finish(state, values, steps=steps, tolerance=tolerance, bound=bound, progress=progress)


def same(first, second):
    return all(
        np.array_equal(getattr(first, name), getattr(second, name), equal_nan=True)
        for name in ("final", "outcome", "period", "step")
    )


def grid(runs):
    rates = np.linspace(0.5, 4.5, runs)
    return np.linspace(0.05, 0.95, runs)[None], rates[None]


@pytest.mark.parametrize("steps", [1, 15, 16, 63, 64, 65, 127, 128, 129, 200, 1000])
@pytest.mark.parametrize("dynamics", [SWAP, THROUGH_INFINITY], ids=["swap", "through infinity"])
def test_where_nothing_is_contracted_the_engines_agree_to_the_last_bit(dynamics, steps):
    generator = np.random.default_rng(0)
    state = generator.uniform(-3, 3, (len(dynamics.state), 500)) * 10.0 ** generator.integers(-3, 12, 500)
    state[:, :3] = [[0.0, 1.0, 1e8]] * len(state)
    assert same(ends(compiled(dynamics), state, steps=steps), ends(NumpyEngine(step(dynamics)), state, steps=steps))


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.integers(1, 400), st.integers(1, 700), st.floats(1e-14, 1e-3), st.floats(0.6, 1e6))
def test_on_the_logistic_map_the_engines_agree_on_all_but_the_last_bits(runs, steps, tolerance, bound):
    """Contraction moves the exact step by a few iterations where the convergence is slow, and chaos altogether."""
    state, rates = grid(runs)
    found = ends(compiled(LOGISTIC), state, rates, steps=steps, tolerance=tolerance, bound=bound)
    known = ends(NumpyEngine(step(LOGISTIC)), state, rates, steps=steps, tolerance=tolerance, bound=bound)
    tame = (rates[0] < 3.5) | (rates[0] > 4.001)
    agree = (found.outcome == known.outcome) & (found.period == known.period)
    assert agree[tame].mean() > 0.97  # a run at the edge of a threshold may fall on either side
    early = agree & tame & (known.outcome == DIVERGED)
    assert np.abs(found.step - known.step)[early].max(initial=0) <= 1
    settled = agree & tame & (known.outcome == CONVERGED)
    np.testing.assert_allclose(found.final[:, settled], known.final[:, settled], atol=1e3 * tolerance + 1e-9)


@pytest.mark.parametrize(
    ("loss", "weights", "largest"),
    [("(1 - a*tanh(b*c))**2/2", "a b c", 1.8), ("log(cosh(1 - x*y))", "x y", 2.2), ("log(1 + exp(-x*y))", "x y", 30)],
)
def test_on_activations_the_engines_agree_on_how_runs_end(loss, weights, largest):
    """The kernel's exponentials are its own, and rounded differently: so are the states, by as much."""
    dynamics = GradientDescent().map(Objective.from_text(loss, weights))
    state = np.random.default_rng(0).uniform(0.3, 2, (len(dynamics.state), 300))
    rates = np.linspace(0.1, largest, 300)
    found = ends(compiled(dynamics), state, rates)
    known = ends(NumpyEngine(step(dynamics)), state, rates)
    agree = (found.outcome == known.outcome) & (found.period == known.period)
    assert agree.mean() > 0.99  # a run at the edge of a threshold may fall on either side
    settled = agree & (known.outcome == CONVERGED)
    assert np.abs(found.step - known.step)[settled].max() <= 2
    np.testing.assert_allclose(found.final[:, settled], known.final[:, settled], rtol=1e-10)
    assert settled.mean() > 0.3


def test_the_answer_does_not_depend_on_the_number_of_threads_nor_on_the_other_runs():
    state, rates = grid(3000)
    together = ends(compiled(LOGISTIC, 1), state, rates, steps=3000)
    assert same(ends(compiled(LOGISTIC, 2), state, rates, steps=3000), together)
    assert same(ends(compiled(LOGISTIC, 5), state, rates, steps=3000), together)
    some = np.random.default_rng(1).permutation(3000)[:37]
    alone = ends(compiled(LOGISTIC), state[:, some], rates[:, some], steps=3000)
    np.testing.assert_array_equal(alone.step, together.step[some])
    np.testing.assert_array_equal(alone.final, together.final[:, some])


def test_all_outcomes_of_the_logistic_map_are_found():
    rates = np.array([[2.8, 3.2, 3.5, 3.55, 3.83, 3.7389, 3.9, 5.0]])
    found = ends(compiled(LOGISTIC), np.full((1, 8), 0.3), rates, steps=5000)
    assert found.outcome.tolist() == [CONVERGED, *[PERIODIC] * 5, UNDECIDED, DIVERGED]
    assert found.period.tolist() == [1, 2, 4, 8, 3, 5, 0, 0]
    assert found.step[6] == 5000


@pytest.mark.parametrize("steps", [1, 40, 64, 100, 640, 1000])
def test_runs_that_never_end_take_all_steps_and_are_where_a_plain_loop_is(steps):
    turn = Map((x, y), (), (y, -x))
    state = np.random.default_rng(0).normal(size=(2, 2 * LANES + 5))
    found = ends(compiled(turn), state, steps=steps, tolerance=0.0, bound=np.inf)
    if steps >= EXAMINED_EVERY:  # a quarter turn is a four-cycle
        assert (found.period == 4).all()
    expected = compiled(turn).advance(state, np.zeros((0, state.shape[1])), steps)
    for _ in range(steps):
        state = np.stack([state[1], -state[0]])
    np.testing.assert_array_equal(expected, state)


@pytest.mark.parametrize("runs", [0, 1, LANES - 1, LANES, 1025, 2500])
@pytest.mark.parametrize("every", [1, 3, 64, 100])
def test_trajectories_are_those_of_a_plain_loop_in_numpy(runs, every):
    state, values = np.random.default_rng(2).normal(size=(2, runs)), np.zeros((0, runs))
    lost = np.where(np.arange(runs) % 3 == 0, 2 * every, np.iinfo(np.int64).max)
    found = compiled(SWAP, 2).record(state, values, records=5, every=every, lost=lost)
    known = NumpyEngine(step(SWAP)).record(state, values, records=5, every=every, lost=lost)
    np.testing.assert_array_equal(found, known)
    assert np.isnan(found[2:, :, ::3]).all()
    assert np.isfinite(found[:2]).all()


def test_an_excursion_is_seen_at_the_step_at_which_it_happens():
    """1/x − 1 leads from 1 over 0 through infinity to −1 and on; a tent in the plane leaves the bound for one step."""
    for engine in (compiled(THROUGH_INFINITY), NumpyEngine(step(THROUGH_INFINITY))):
        found = ends(engine, [1.0, 0.5, 0.3], steps=1000)
        assert found.outcome[:2].tolist() == [DIVERGED, DIVERGED]
        assert found.step[:2].tolist() == [2, 3]
        assert found.final[0, :2].tolist() == [0.0, 0.0]
    hop = Map((x, y), (), (y, x * Rational(1, 2)))
    for engine in (compiled(hop), NumpyEngine(step(hop))):
        found = ends(engine, np.array([[1.0], [11.0]]), steps=1000, bound=10.0)
        assert (found.outcome.item(), found.step.item()) == (DIVERGED, 0)
        assert found.final.ravel().tolist() == [1.0, 11.0]


@pytest.mark.parametrize("name", [*RULES])
def test_every_rule_has_a_kernel_that_does_what_numpy_does(name):
    dynamics = RULES[name].map(quadratic(2))
    generator = np.random.default_rng(3)
    state = generator.uniform(0.5, 1.5, (len(dynamics.state), 3))
    values = np.stack([np.full(3, 0.05 if p.name != "momentum" else 0.9) for p in dynamics.parameters])
    found = compiled(dynamics).advance(state, values, 20)
    np.testing.assert_allclose(found, NumpyEngine(step(dynamics)).advance(state, values, 20), rtol=1e-12)


def test_progress_adds_up_to_all_map_steps():
    done = []
    state, rates = grid(1000)
    ends(compiled(LOGISTIC, 2), state, rates, steps=5000, progress=done.append)
    assert sum(done) == 5_000_000
    assert min(done) >= 0


def test_an_interruption_stops_the_threads_soon():
    engine, begun = compiled(LOGISTIC, 2), time.perf_counter()

    def interrupt(done):
        if time.perf_counter() - begun > 0.3:
            raise KeyboardInterrupt

    state, rates = np.full((1, 200), 0.3), np.full((1, 200), 3.9)
    with pytest.raises(KeyboardInterrupt):
        ends(engine, state, rates, steps=10**12, progress=interrupt)
    assert time.perf_counter() - begun < 20
    assert threading.active_count() < 20


def test_numpy_is_chosen_for_little_work_and_the_kernel_for_much():
    function = step(LOGISTIC)
    assert choose_engine(function, runs=100, steps=1000, requested="auto").name == "numpy"
    assert choose_engine(function, runs=10**6, steps=10**4, requested="auto").name == "compiled"
    assert choose_engine(function, runs=1, steps=10**9, requested="auto").name == "compiled"
    assert choose_engine(function, runs=10**6, steps=10**4, requested="numpy").name == "numpy"


def test_a_map_without_a_kernel_is_left_to_numpy_or_refused_if_a_kernel_was_asked_for():
    function = compile_function([gamma(1 + x**2)], [x])
    assert choose_engine(function, runs=10**9, steps=10**9, requested="auto").name == "numpy"
    with pytest.raises(BadInput, match="no kernel for gamma; give engine = numpy"):
        choose_engine(function, runs=1, steps=1, requested="compiled")
    with pytest.raises(BadInput, match="give auto, numpy or compiled"):
        choose_engine(function, runs=1, steps=1, requested="fast")


def test_functions_that_llvm_cannot_vectorize_are_right_too():
    dynamics = Map((x,), (), (tan(x) / 2 + exp(-x) - log(1 + x**2) + erf(x),))
    state = np.linspace(-1, 1, 9)[None]
    found = compiled(dynamics).advance(state, np.zeros((0, 9)), 3)
    known = NumpyEngine(step(dynamics)).advance(state, np.zeros((0, 9)), 3)
    np.testing.assert_allclose(found, known, rtol=1e-10)


def test_a_kernel_is_made_once_for_equal_maps():
    dynamics = GradientDescent().map(minimalist())
    assert compile_kernel(step(dynamics), watching=True) is compile_kernel(step(dynamics), watching=True)


FIRST_CALL = """
import sys
from eos_sym import GradientDescent, shallow
from numeric import compile_map
from numeric.maps.kernels import engine
simulator = compile_map(GradientDescent().map(shallow()))
run = simulator.run({"x": 3.2, "y": 0.33}, {"eta": 0.2}, steps=5000, record_every=1000, engine="compiled")
loops = [(engine.finish, engine.FINISH), (engine.record, engine.RECORD), (engine.move, engine.MOVE)]
made = [engine.loop(*one).code.made for one in loops]
print(run.outcome.item(), float(run.final[0]), made, *{"numba", "torch", "matplotlib"} & {*sys.modules})
"""


def first_call(cache):
    return subprocess.Popen(
        [sys.executable, "-c", FIRST_CALL],
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said(process):
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")
    return output.strip()


@pytest.mark.slow
def test_the_loops_are_made_once_by_whoever_comes_first_and_found_by_the_others(tmp_path):
    both = [said(process) for process in [first_call(tmp_path), first_call(tmp_path)]]
    files = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.o")}
    assert len(files) == 6  # three loops and three kernels
    later = said(first_call(tmp_path))
    assert later.endswith("[False, False, False]")
    assert {answer.partition(" [")[0] for answer in (*both, later)} == {later.partition(" [")[0]}
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.o")} == files


@pytest.mark.slow
def test_what_is_damaged_is_made_anew_and_what_cannot_be_kept_is_made_by_everyone(tmp_path):
    first = said(first_call(tmp_path))
    for file in tmp_path.rglob("*.o"):
        file.write_bytes(file.read_bytes()[:-100])
    assert said(first_call(tmp_path)) == first
    assert said(first_call(tmp_path)).endswith("[False, False, False]")
    for file in tmp_path.rglob("*.o"):
        file.unlink()
        file.mkdir()
    assert said(first_call(tmp_path)) == first
