"""What is claimed of the two-cycles of the reduced map, beside those that SciPy's root finder comes upon.

It looks for them from random starts at one step size.
"""

import numpy as np
from scipy.optimize import root as find_root
from sympy import Integer, Rational

from analysis.minimalist.dynamics import Dynamics
from analysis.minimalist.theory import Theory
from analysis.minimalist.two_cycles import RATIO, SQUARE
from analysis.study import CommonOptions, Evidence, Pieces, about, agreement, bounded, identity, same, theorem
from numeric import compile_function
from numeric.compile import Array

SEARCHED, SEARCHES = Rational(6, 5), 200  # the step size at which two-cycles are searched for, and from how many starts
AROUND_BIRTH = (0.48, 0.6)


def cycles_found(options: CommonOptions, dynamics: Dynamics) -> Array:
    """The two-cycles found at the step size SEARCHED."""
    return search(dynamics, float(SEARCHED), options.seed)


def search(dynamics: Dynamics, eta: float, seed: int) -> Array:
    """(x, y) of every two-cycle that SciPy's root finder reaches from random starts, one row each."""
    forward = dynamics.simulator.step.evaluate

    def defect(pair: Array) -> Array:
        first, second = pair[:2], pair[2:]
        return np.concatenate([second - forward(*first, eta), first - forward(*second, eta)])

    found = []
    for start in np.random.default_rng(seed).uniform(-1.7, 1.7, (SEARCHES, 4)):
        solution = find_root(defect, start, tol=1e-13)
        first, second = solution.x[:2], solution.x[2:]
        if np.abs(defect(solution.x)).max() < 1e-10 and np.abs(first - second).max() > 1e-4:
            found.append(first)
    return np.unique(np.round(found, 7), axis=0).reshape(-1, 2)


def proved_or_not(*found: bool) -> list[str]:
    """What was proved of several statements; one that was not is undecided, and not false."""
    return ["True" if one else "undecided" for one in found]


def two_cycles_are_balanced(theory: Theory, cycles_found: Array) -> Pieces:
    """A Gröbner basis, and the cycles found."""
    answer = f"no other complex cycle: {theory.two_cycles.balanced}"
    yield theorem("other two-cycles, complex ones included", "no other complex cycle: True", answer)
    difference = float(np.abs(np.diff(cycles_found**2)).max())
    yield bounded("simulation", f"largest |x² − y²| on the cycles found at η = {SEARCHED}", difference, below=1e-6)


def symmetric_two_cycle(theory: Theory, dynamics: Dynamics) -> Pieces:
    """Descartes' rule of signs, the equation, the multipliers; and two steps from the exact point and from beside it.

    Across y = x the multiplier is 9 at every η.
    """
    cycles = theory.two_cycles
    answers = ", ".join(proved_or_not(cycles.one_symmetric_cycle, cycles.antidiagonal_is_a_mirror_image))

    def after_two_steps(distance: float) -> float:
        point = float(cycles.symmetric_point(SEARCHED))
        start = {"x": point + distance, "y": point - distance}
        run = dynamics.simulator.run(start, {"eta": float(SEARCHED)}, steps=2)
        return float(abs(run.final - point).max())

    def returns() -> Evidence:
        quantity = f"distance from the cycle after two steps, η = {SEARCHED}"
        return bounded("simulation", quantity, after_two_steps(0.0), below=1e-12)

    def leaves() -> Evidence:
        quantity = f"growth of a distance of 1e-6 across y = x in two steps, η = {SEARCHED}"
        return agreement("simulation", quantity, 9, after_two_steps(1e-6) * 1e6, relative=1e-3)

    yield from about(
        "exactly one",
        theorem("one positive root of the equation for x²; same map on y = −x", "True, True", answers),
        identity("ηx²(x⁴ − 1) on the cycle", Integer(2), cycles.symmetric_step_size * SQUARE * (SQUARE**2 - 1)),
        returns,
    )
    yield from about("unstable", theorem("stability at every η > 0", "unstable", cycles.symmetric_verdict), leaves)


def asymmetric_two_cycles(options: CommonOptions, theory: Theory, dynamics: Dynamics, cycles_found: Array) -> Pieces:
    """The formula in r, where the cycles are born, and those of the cycles found that are not symmetric, x ↦ −x."""
    cycles = theory.two_cycles
    others = ", ".join(str(part) for part in cycles.families if not part.has(SQUARE))
    x, images = cycles_found[:, 0], dynamics.simulator.step(*cycles_found.T, float(SEARCHED))[0]
    fourth_power = compile_function([cycles.asymmetric_square], (RATIO,))(images / x)[0]
    errors = np.abs(x**4 - fourth_power)[np.abs(x + images) > 1e-4]
    largest = float(errors.max()) if errors.size else np.inf
    yield from about(
        "x⁴",
        identity("x⁴ in r", (RATIO**3 + 1) / (RATIO**7 + 1), cycles.asymmetric_square),
        theorem("factors in r alone, of the other two-cycles", "r + 1", others),
        bounded("simulation", f"largest error of x⁴ on the cycles found at η = {SEARCHED}", largest, below=1e-5),
    )
    (before,) = proved_or_not(cycles.asymmetric_only_beyond_birth)
    answer = f"born at {cycles.asymmetric_birth}, none before: {before}"
    counts = []
    for eta in AROUND_BIRTH:
        found = search(dynamics, eta, options.seed)
        after = dynamics.simulator.step(*found.T, eta)[0]
        counts.append("some" if (np.abs(found[:, 0] + after) > 1e-4).any() else "none")
    yield from about(
        "η > ½",
        theorem("step sizes with such cycles", "born at 1/2, none before: True", answer),
        same("simulation", f"such cycles found at η = {AROUND_BIRTH}", "none, some", ", ".join(counts)),
    )
