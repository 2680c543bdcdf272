"""What is claimed of the two-cycles of the reduced map, beside those that SciPy's root finder comes upon.

It looks for them from random starts at one step size.
"""

import numpy as np
from scipy.optimize import root as find_root
from sympy import Integer, Rational

from analysis.minimalist.dynamics import Dynamics
from analysis.minimalist.theory import Theory
from analysis.minimalist.two_cycles import RATIO, SQUARE
from analysis.study import CommonOptions, Evidence, Pieces, bounded, identity, theorem
from numeric import compile_function
from numeric.compile import Array

SEARCHED, SEARCHES = Rational(6, 5), 200  # the step size at which two-cycles are searched for, and from how many starts


def cycles_found(options: CommonOptions, dynamics: Dynamics) -> Array:
    """(x, y) of every two-cycle that SciPy's root finder reaches from random starts, one row each."""
    eta, forward = float(SEARCHED), dynamics.simulator.step.evaluate

    def defect(pair: Array) -> Array:
        first, second = pair[:2], pair[2:]
        return np.concatenate([second - forward(*first, eta), first - forward(*second, eta)])

    found = []
    for start in np.random.default_rng(options.seed).uniform(-1.7, 1.7, (SEARCHES, 4)):
        solution = find_root(defect, start, tol=1e-13)
        first, second = solution.x[:2], solution.x[2:]
        if np.abs(defect(solution.x)).max() < 1e-10 and np.abs(first - second).max() > 1e-4:
            found.append(first)
    return np.unique(np.round(found, 7), axis=0)


def two_cycles_are_balanced(theory: Theory, cycles_found: Array) -> Pieces:
    """A Gröbner basis, and the cycles found."""
    answer = f"no other complex cycle: {theory.two_cycles.balanced}"
    yield theorem("other two-cycles, complex ones included", "no other complex cycle: True", answer)
    difference = float(np.abs(np.diff(cycles_found**2)).max())
    yield bounded("simulation", f"largest |x² − y²| on the cycles found at η = {SEARCHED}", difference, below=1e-6)


def symmetric_two_cycle(theory: Theory, dynamics: Dynamics) -> Pieces:
    """Descartes' rule of signs, the equation, the multipliers; and two steps from the cycle's exact point."""
    cycles = theory.two_cycles
    answer = f"one positive root: {cycles.one_symmetric_cycle}"
    yield theorem("positive roots of the equation for x²", "one positive root: True", answer)
    answer = f"same on y = −x: {cycles.antidiagonal_is_a_mirror_image}"
    yield theorem("the map on y = −x beside that on y = x", "same on y = −x: True", answer)
    yield identity("ηx²(x⁴ − 1) on the cycle", Integer(2), cycles.symmetric_step_size * SQUARE * (SQUARE**2 - 1))
    yield theorem("stability at every η > 0", "unstable", cycles.symmetric_verdict)

    def returns() -> Evidence:
        point = float(cycles.symmetric_point(SEARCHED))
        run = dynamics.simulator.run({"x": point, "y": point}, {"eta": float(SEARCHED)}, steps=2)
        distance = float(abs(run.final - point).max())
        return bounded("simulation", f"distance from the cycle after two steps, η = {SEARCHED}", distance, below=1e-12)

    yield returns


def asymmetric_two_cycles(theory: Theory, dynamics: Dynamics, cycles_found: Array) -> Pieces:
    """The formula in r, where the cycles are born, and those of the cycles found that are not symmetric, x ↦ −x."""
    cycles = theory.two_cycles
    yield identity("x⁴ in r", (RATIO**3 + 1) / (RATIO**7 + 1), cycles.asymmetric_square)
    answer = f"born at {cycles.asymmetric_birth}, none before: {cycles.asymmetric_only_beyond_birth}"
    yield theorem("step sizes with such cycles", "born at 1/2, none before: True", answer)
    x = cycles_found[:, 0]
    images = dynamics.simulator.step(*cycles_found.T, float(SEARCHED))[0]
    fourth_power = compile_function([cycles.asymmetric_square], (RATIO,))(images / x)[0]
    errors = np.abs(x**4 - fourth_power)[np.abs(x + images) > 1e-4]
    largest = float(errors.max()) if errors.size else np.inf
    yield bounded("simulation", f"largest error of x⁴ on the cycles found at η = {SEARCHED}", largest, below=1e-5)
