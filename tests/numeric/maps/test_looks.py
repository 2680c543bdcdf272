"""When runs are looked at, and what is then seen, on a map that is still but for two jumps at given iterations."""

import numpy as np
import pytest
from sympy import Piecewise, symbols

from eos_sym import Map
from numeric.compile import compile_function
from numeric.maps import NumpyEngine
from numeric.maps.kernels.engine import CompiledEngine
from numeric.maps.outcomes import CONVERGED, DIVERGED, UNDECIDED

x, y = symbols("x y", real=True)
FIRST, SECOND = symbols("first second", positive=True)  # what y is when x jumps
THERE, BACK = symbols("there back", real=True)  # how far
TOLERANCE = 2.0**-10
STEPS = [1, 7, 8, 15, 16, 17, 24, 40, 48, 63, 64, 65, 80, 100, 127, 128, 129, 136, 144, 145, 192, 200, 260, 330]


def at(threshold, jump):
    """The jump when y, which halves, is the threshold."""
    return Piecewise((0, y > 3 * threshold / 2), (jump, y > 3 * threshold / 4), (0, True))


JUMPS = Map((x, y), (FIRST, SECOND, THERE, BACK), (x + at(FIRST, THERE) + at(SECOND, BACK), y / 2))
FUNCTION = compile_function(JUMPS.step, (*JUMPS.state, *JUMPS.parameters))
ENGINES = {"compiled": CompiledEngine.of(FUNCTION, 1), "numpy": NumpyEngine(FUNCTION)}


def ends(engine, first, second, *, steps, there=1.0, back=1.0, bound=1e8):
    """Of runs that jump at these iterations. y moves by less than the tolerance from the start; nothing rounds."""
    first, second = np.broadcast_arrays(first, second)
    state = np.stack([np.zeros(first.size), np.full(first.size, 2.0**-12)])
    thresholds = [2.0 ** (-11.0 - jump.ravel()) for jump in (first, second)]
    values = np.stack([*thresholds, np.full(first.size, there), np.full(first.size, back)])
    found = ENGINES[engine].finish(
        state, values, steps=steps, tolerance=TOLERANCE, bound=bound, progress=lambda done: None
    )
    return list(zip(found.outcome.tolist(), found.step.tolist(), found.final[0].tolist(), strict=True))


def as_defined(jumps, steps):
    """Outcome, step and x of a run, by the words of `numeric.maps.outcomes`."""

    def still(iteration):
        length = 0
        while length < iteration and iteration - length not in jumps:
            length += 1
        return length

    def end(outcome, step):
        return outcome, step, float(sum(jump <= step for jump in jumps))

    restless = False
    for iteration in range(16, steps, 16):
        length = still(iteration)
        if iteration <= 128 or iteration % 64 == 0 or restless:
            if length >= 16 and (length < iteration or iteration >= 64):
                return end(CONVERGED, iteration - length + 1)
            if iteration % 64 == 0:
                restless = length > 0
    return end(CONVERGED, steps - still(steps) + 1) if still(steps) else end(UNDECIDED, steps)


DISTANCES = [1, 2, 14, 15, 16, 17, 18, 30, 31, 32, 33, 47, 63, 64, 65, 80]
PAIRS = [(first, first + distance) for first in range(1, 215, 3) for distance in DISTANCES]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("steps", STEPS)
def test_rest_is_seen_at_the_looks_and_dated_by_its_first_still_step(engine, steps):
    """Also a rest that begins at a look, that does not last, or that is not over when the steps are."""
    first, second = np.array(PAIRS).T
    expected = [as_defined(pair, steps) for pair in PAIRS]
    assert ends(engine, first, second, steps=steps) == expected
    assert {outcome for outcome, _, _ in expected} <= {CONVERGED, UNDECIDED}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_that_has_not_moved_yet_has_converged_only_after_a_block(engine):
    far = 900
    assert ends(engine, [50, 63, 64, 65], far, steps=300) == [
        (CONVERGED, 51, 1.0),
        (CONVERGED, 64, 1.0),
        (CONVERGED, 65, 1.0),
        (CONVERGED, 1, 0.0),
    ]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("jump", [1e9, -np.inf, np.nan])
def test_a_run_that_leaves_its_bound_while_it_is_counted_has_diverged_then(engine, jump):
    first = np.arange(1, 65)  # a run that has not moved by then has converged
    for distance in (1, 5, 12):  # less than 16, so no look has seen it converge
        expected = [(DIVERGED, int(start) + distance, 1.0) for start in first]
        assert ends(engine, first, first + distance, steps=400, back=jump) == expected


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("steps", [70, 400])
def test_an_excursion_of_one_step_is_an_escape_wherever_it_falls_between_looks(engine, steps):
    first = np.arange(1, 64)
    expected = [(DIVERGED, int(start), 0.0) for start in first]
    assert ends(engine, first, first + 1, steps=steps, there=20.0, back=-20.0, bound=10.0) == expected


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_near_its_bound_is_inside(engine):
    """Seven is the bound: sums of squares say that it may have been left in every part, and it never is."""
    first = np.arange(1, 64)
    found = ends(engine, first, first + 100, steps=90, there=7.0, back=0.0, bound=7.0)
    assert [outcome for outcome, _, _ in found] == [CONVERGED] * len(first)
    assert [step for _, step, _ in found] == (first + 1).tolist()


@pytest.mark.parametrize("number", [1, 3, 63, 64, 65, 129])
def test_how_a_run_ends_does_not_depend_on_how_many_there_are(number):
    first, second = np.array(PAIRS).T
    chosen = np.random.default_rng(number).permutation(len(PAIRS))[:number]
    together = ends("compiled", first, second, steps=260)
    assert ends("compiled", first[chosen], second[chosen], steps=260) == [together[run] for run in chosen]
