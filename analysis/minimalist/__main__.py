"""The minimalist example: from a little above the edge, gradient descent on ½(1 − xyzw)² ends just below it.

:cite:t:`zhu2022minimalist` asked for the simplest loss on which gradient descent ends at the edge, and found
L = ½(1 − xyzw)², a deep linear network of depth 4 and width 1 with a single example. From a symmetric start, z = x and
w = y, it stays symmetric, and two numbers say everything: the product P = xy, which is 1 (or −1) at the minima, and
the imbalance D = x² − y², which fixes the sharpness of the minimum that gradient flow would reach, 2√(D² + 4).

*Why it ends at the edge.* Gradient flow conserves D. Gradient descent does not: every step multiplies it by 1 − k²P²
with k = η(P² − 1), so while P oscillates about 1 the imbalance falls, and the sharpness with it, until it is low enough
for the oscillation to die out. In the coordinates a = √D − ∜(η⁻² − 4), which vanishes where the sharpness is 2/η, and
b = P − 1, two steps of gradient descent are, with κ = √η,

    a'' ≈ a − 4b²κ³,        b'' ≈ b + 8abκ − 16b³.

The cubic term holds b near the parabola a = 2b²/κ − κ³/8, along which a falls, and the orbit ends where the parabola
meets b = 0: at a = −κ³/8, that is, at the sharpness

    S∞ = 2/η − η/2 + O(η³).

*What it does not show.* There is no progressive sharpening here: gradient flow keeps the sharpness of the minimum it is
heading for, and gradient descent only lowers it. The start must be sharper than 2/η to begin with.

Everything here is derived by `analysis.minimalist.theory` from the formula of the loss, and tested against simulation,
automatic differentiation and a torch network. The claims state the formulas of the paper; where gradient descent ends
follows from a formal series, the invariant curve, so that its symbolic evidence supports the law and is no proof.
"""

from dataclasses import dataclass
from fractions import Fraction

from analysis.study import CommonOptions, Number, Study, assignments, check_step_sizes, check_steps
from eos_sym.errors import BadInput

PAPER, HERE = "Zhu et al. 2023", "derived here"
study = Study(__name__, source=PAPER)


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """Gradient descent on ½(1 − xyzw)² from a symmetric start, at the edge of stability."""

    eta: tuple[Number, ...] = (Fraction(2, 8), Fraction(2, 10), Fraction(2, 12))
    """step sizes of the trajectories in panels (a) to (c), each below 1/2"""
    start: tuple[str, ...] = ("x=2.5", "y=0.33")
    """where these trajectories start, with z = x and w = y"""
    steps: int = 300
    """iterations of these trajectories"""

    def __post_init__(self) -> None:
        check_step_sizes(self.eta)
        if max(self.eta) >= Fraction(1, 2):
            shown = " ".join(map(str, self.eta))
            raise BadInput(f"--eta {shown}: the coordinate a = √D − ∜(η⁻² − 4) needs step sizes below 1/2")
        check_steps(self.steps)
        self.starting_point()

    def starting_point(self) -> dict[str, float]:
        """x and y of the start."""
        return {name: float(value) for name, value in assignments("--start", self.start, ("x", "y")).items()}


from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from sympy import Expr, Integer, Rational, Symbol
from torch import Tensor

from analysis.minimalist import cycles, formulas, network
from analysis.minimalist.dynamics import Dynamics, distance_from_curve, parabola_exponents, remainder_exponent
from analysis.minimalist.figure import draw
from analysis.minimalist.theory import KAPPA, REMAINDERS, SCALE, B, Theory, a, b, derive
from analysis.study import (
    Pieces,
    about,
    agreement,
    axis,
    between,
    bounded,
    exceeds,
    expect,
    exponent,
    identity,
    supported,
)
from eos_sym import STEP_SIZE as ETA
from eos_sym import Undecided
from eos_sym.algebra import expand_in


class Start(NamedTuple):
    """A step size, and x and y of a start above the edge."""

    eta: float
    point: tuple[float, float]


STARTS = (Start(0.01, (12.5, 0.05)), Start(0.05, (4.9, 0.21)), Start(network.STEP_SIZE, network.START))
CUBIC = Rational(129, 32)
GRID_STEP_SIZE, GRID_A, GRID_B = 0.2, (-0.4, 0.9), (-0.75, 0.75)
GRID_RESOLUTION, GRID_STEPS = {"quick": 160, "full": 800}, 20_000
GAP_STEP_SIZES = {"quick": np.geomspace(0.02, 0.4, 9), "full": np.geomspace(0.005, 0.45, 25)}
LONG_ENOUGH = 5_000_000  # iterations; every run to its end ends by itself long before
APPROACH_STEP_SIZES = (0.01, 0.02, 0.04)
FITTED = slice(0.018, 0.06)  # step sizes for exponents: beyond, higher orders matter; below, rounding hides η⁵


@study.theory
def theory() -> Theory:
    """What follows from the formula of the loss."""
    return derive()


@study.measurement
def dynamics(theory: Theory) -> Dynamics:
    """The compiled map on the symmetric subspace, and what is observed along it."""
    return Dynamics(theory)


@study.experiment
def trajectories(options: Options, dynamics: Dynamics) -> xr.Dataset:
    """One start, several step sizes, every iteration recorded."""
    expect(len(options.eta) * options.steps)
    return dynamics.record(options.starting_point(), [float(eta) for eta in options.eta], options.steps)


@study.experiment
def reference(dynamics: Dynamics) -> xr.Dataset:
    """From STARTS, which have nothing in common, to their ends."""
    expect(len(STARTS) * LONG_ENOUGH)
    eta = axis("eta", [start.eta for start in STARTS])
    start = {name: eta.copy(data=[one.point[index] for one in STARTS]) for index, name in enumerate("xy")}
    return dynamics.with_ends(dynamics.simulator.run(start, {"eta": eta}, steps=LONG_ENOUGH))


@study.experiment
def initializations(options: Options, dynamics: Dynamics) -> xr.Dataset:
    """A grid of starts in the (a, b) plane at one step size, each run to its end."""
    resolution = GRID_RESOLUTION[options.preset]
    expect(resolution**2 * GRID_STEPS)
    grid = axis("a0", np.linspace(*GRID_A, resolution)), axis("b0", np.linspace(*GRID_B, resolution))
    start = dynamics.start_at(*grid, xr.DataArray(GRID_STEP_SIZE))
    return dynamics.with_ends(dynamics.simulator.run(start, {"eta": GRID_STEP_SIZE}, steps=GRID_STEPS))


@study.experiment
def terminal_gap(options: Options, dynamics: Dynamics) -> xr.Dataset:
    """Runs that start near the minima and above the edge, far enough for the end not to remember the start.

    In units of κ³ and κ² the start is A = min(3, 1/(10 η²)), B = 1/10: the memory decays as exp(−8A), and beyond
    A = 1/(4η²) the oscillation would escape.
    """
    eta = axis("eta", GAP_STEP_SIZES[options.preset])
    expect(eta.size * LONG_ENOUGH)
    start = dynamics.start_at((0.1 / eta**2).clip(max=3.0) * eta**1.5, 0.1 * eta, eta)
    return dynamics.with_ends(dynamics.simulator.run(start, {"eta": eta}, steps=LONG_ENOUGH))


@study.measurement
def recorded(dynamics: Dynamics) -> xr.Dataset:
    """The trajectories of the default options: no choice of a figure changes what is found of the loss."""
    return trajectories(Options(), dynamics)


study.measurement(network.sgd_path)
study.claim("GD on ½(1 − xyzw)² moves x by −ηyzw(xyzw − 1), and y, z, w likewise", f"{PAPER}, (1)")(
    formulas.gradient_descent_map
)
study.claim("z = x, w = y is invariant; on it GD moves x by −ηxy²(x²y² − 1) and y by −ηx²y(x²y² − 1)", f"{PAPER}, (2)")(
    formulas.symmetric_subspace
)
study.claim(
    "D = x² − y² and P = xy obey D' = D(1 − k²P²), P' = P(1 − k√(D² + 4P²) + k²P²), k = η(P² − 1), exactly", HERE
)(formulas.product_map)
study.claim(
    "gradient flow conserves D; GD multiplies it by 1 − k²P²; where k²P² ≤ 2, GD does not raise the sharpness "
    "2√(D² + 4) of the minimum ahead"
)(formulas.no_progressive_sharpening)
study.claim("the global minima are xyzw = 1; there the Hessian has three zero eigenvalues and a positive one")(
    formulas.minima
)
study.claim("at a symmetric minimum the sharpness is 2(x² + y²)")(formulas.sharpness_at_minima)
study.claim(
    "at symmetric points y²(1 − γ²) and x²(1 − γ²), γ = xy, are eigenvalues of the Hessian",
    f"corrects the conference text of {PAPER}",
)(formulas.small_eigenvalues)


SERIES_ORDERS = "up to O(κ⁹) and O(κ⁸) where a = O(κ³), b = O(κ²)"


@study.claim(
    f"one step gives a' = a − 2b²κ³, b' = −b − 3b² − b³ − 4abκ, {SERIES_ORDERS}",
    f"{PAPER}; orders {HERE}",
    id="series_of_1_step",
)
def series_of_one_step(theory: Theory) -> Pieces:
    """The series of the exact map, and how fast its remainder falls."""
    yield from series(theory, 1, {a: a - 2 * b**2 * KAPPA**3, b: -b - 3 * b**2 - b**3 - 4 * a * b * KAPPA})


@study.claim(
    f"two steps give a'' = a − 4b²κ³, b'' = b + 8abκ − 16b³, {SERIES_ORDERS}",
    f"{PAPER}; orders {HERE}",
    id="series_of_2_steps",
)
def series_of_two_steps(theory: Theory) -> Pieces:
    """The same for the exact map applied twice."""
    yield from series(theory, 2, {a: a - 4 * b**2 * KAPPA**3, b: b + 8 * a * b * KAPPA - 16 * b**3})


def series(theory: Theory, steps: int, expected: dict[Symbol, Expr]) -> Pieces:
    """The formulas; and the exponents of κ in their errors, from the exact map in many digits, which both share."""
    yield identity("a and b, as series in κ", list(expected.values()), list(theory.series[steps].values()))
    for name, order in REMAINDERS.items():
        found = remainder_exponent(theory.moved[steps][name], expected[name])
        quantity = f"exponent in κ of the remainder of {name}, least of 4 points"
        yield agreement("simulation", quantity, order, found, absolute=0.05)


@study.claim(
    "two steps leave a = 2b²/κ − κ³/8 by O(κ⁹) where b = O(κ²); along it they move a by −4b²κ³ + O(κ⁹)",
    f"{PAPER}; orders {HERE}",
)
def parabola(theory: Theory) -> Pieces:
    """The series of the exact map on the curve; and the exponents, from the same exact map in many digits."""
    curve = 2 * b**2 / KAPPA - KAPPA**3 / 8
    moved = {name: step.subs(a, curve) for name, step in theory.moved[2].items()}
    distance, change = (expand_in(moved[a] - end, KAPPA, 9, {b: SCALE[b]}) for end in (curve.subs(b, moved[b]), curve))
    orders = parabola_exponents(theory, curve)
    yield from about(
        "two steps leave",
        identity("distance from the curve after two steps, up to O(κ⁹)", Integer(0), distance),
        agreement("simulation", "exponent in κ of the distance after two steps", 9, orders[0], absolute=0.05),
    )
    yield from about(
        "along it",
        identity("change of a on the curve, up to O(κ⁹)", -4 * b**2 * KAPPA**3, change),
        agreement("simulation", "exponent in κ of the change of a", 7, orders[1], absolute=0.05),
    )


@study.claim(
    "GD from a = 3κ³ comes to follow the invariant curve: with A = a/κ³, B = b/κ², to within O(η³) of "
    "A = 2B² − 1/8 + 6B³η + (57B⁴/2 + 115B²/8 + 5/8)η², measured for 0.3 < |B| < 0.6",
    HERE,
)
def orbits_follow_the_curve(theory: Theory, dynamics: Dynamics) -> Pieces:
    """The formal series, and runs that started off the curve."""
    second = Rational(57, 2) * B**4 + Rational(115, 8) * B**2 + Rational(5, 8)
    curve = 2 * B**2 - Rational(1, 8) + 6 * B**3 * ETA + second * ETA**2
    yield supported("A on the invariant curve in B and η", curve, theory.curve)
    found = exponent(APPROACH_STEP_SIZES, [distance_from_curve(dynamics, eta) for eta in APPROACH_STEP_SIZES])
    yield agreement("simulation", "exponent in η of the distance of runs from the curve", 3, found, absolute=0.1)


@study.claim("GD from a = 3κ³ ends at a = −κ³/8 + O(κ⁷)", f"{PAPER}; order {HERE}")
def endpoint(theory: Theory, terminal_gap: xr.Dataset) -> Pieces:
    """Where the invariant curve meets the minima, and where runs end."""
    yield supported("a at the end", -(KAPPA**3) / 8, expand_in(theory.endpoint, KAPPA, 7))
    found = exponent_in_eta(terminal_gap.final_a / terminal_gap.eta**1.5 + 1 / 8)
    yield agreement("simulation", "exponent in η of a/κ³ + 1/8 at the end of runs", 2, found, absolute=0.05)


@study.claim("GD from a = 3κ³ ends at the sharpness S∞ = 2/η − η/2 + O(η³)", HERE)
def terminal_sharpness(theory: Theory, terminal_gap: xr.Dataset) -> Pieces:
    """The series, and the ends of runs."""
    yield supported("S∞ as a series in η", law(ETA), expand_in(theory.terminal_sharpness, ETA, 3))
    found = exponent_in_eta(terminal_gap.final_sharpness - law(terminal_gap.eta))
    yield agreement("simulation", "exponent in η of S∞ − (2/η − η/2)", 3, found, absolute=0.05)


@study.claim("the next term of S∞ is (129/32) η³, with the remainder O(η⁵)", HERE)
def terminal_sharpness_next_order(theory: Theory, terminal_gap: xr.Dataset) -> Pieces:
    """The coefficient, and the order of what is left at the ends of runs."""
    yield supported("coefficient of η³ in S∞", CUBIC, theory.terminal_sharpness.coeff(ETA, 3))
    error = terminal_gap.final_sharpness - law(terminal_gap.eta) - float(CUBIC) * terminal_gap.eta**3
    found = exponent_in_eta(error)
    yield agreement("simulation", "exponent in η of what three terms leave of S∞", 5, found, absolute=0.1)


@study.claim(
    "the end does not remember the start: from (x, y) = (12.5, 0.05), (4.9, 0.21), (2.6, 0.4) at η = 0.01, 0.05, 0.2 "
    "it is within 30 η⁵ of 2/η − η/2 + (129/32) η³",
    HERE,
)
def other_starts(reference: xr.Dataset, sgd_path: Tensor) -> Pieces:
    """Runs on two weights, and torch's SGD on four; the η³ term is 3 to 1,300 times the tolerance."""
    for eta in map(float, reference.eta):
        quantity, expected = f"S∞ at η = {eta:g}", law(eta) + float(CUBIC) * eta**3
        found = float(reference.final_sharpness.sel(eta=eta))
        yield agreement("simulation", quantity, expected, found, absolute=30 * eta**5)
    trained = network.sharpness_at(sgd_path[-1])
    yield agreement("network", f"{quantity}, torch's SGD", expected, trained, absolute=30 * eta**5)


def law(eta: Any) -> Any:
    """2/η − η/2."""
    return 2 / eta - eta / 2


def exponent_in_eta(errors: xr.DataArray) -> float:
    """The exponent in η of the errors of the runs with FITTED step sizes."""
    small = errors.sel(eta=FITTED)
    return exponent(small.eta, small)


@study.claim(
    "in all runs of these claims to their ends, from above the edge, the sharpness converges into (2/η − 20η/3, 2/η)",
    f"{PAPER}, main theorem, beyond the step sizes of its hypothesis",
)
def theorem_bound(reference: xr.Dataset, terminal_gap: xr.Dataset, sgd_path: Tensor) -> Pieces:
    """How far up the interval the ends are, beyond the step sizes of the theorem's hypothesis too; and torch's."""
    runs = xr.concat([run[["final_sharpness"]] for run in (reference, terminal_gap)], "eta")
    of = f"(2/η − S∞)/η of {runs.eta.size} runs, η from {float(runs.eta.min()):.3g} to {float(runs.eta.max()):.3g}"
    yield lambda: exceeds("simulation", f"least {of}", float(depths(runs).min()), above=0)
    yield lambda: bounded("simulation", f"greatest {of}", float(depths(runs).max()), below=20 / 3)
    eta = network.STEP_SIZE
    trained = (2 / eta - network.sharpness_at(sgd_path[-1])) / eta
    yield between("network", f"(2/η − S∞)/η of torch's SGD, η = {eta}", trained, 0, 20 / 3)


def depths(runs: xr.Dataset) -> xr.DataArray:
    """(2/η − S∞)/η; `Undecided` if a run came to no end."""
    if (without := runs.eta.values[runs.final_sharpness.isnull()]).size:
        shown = ", ".join(f"{eta:.3g}" for eta in without)
        raise Undecided(f"no end within {LONG_ENOUGH:,} iterations at η = {shown}")
    found: xr.DataArray = (2 / runs.eta - runs.final_sharpness) / runs.eta
    return found


study.measurement(cycles.cycles_found)
study.claim("every two-cycle in (x, y) has x² = y²", HERE)(cycles.two_cycles_are_balanced)
study.claim("for every η > 0 exactly one x > 0 has the cycle x ↦ −x on y = ±x, ηx²(x⁴ − 1) = 2; it is unstable", HERE)(
    cycles.symmetric_two_cycle
)
study.claim("the other two-cycles have x ↦ rx with x⁴ = (r³ + 1)/(r⁷ + 1); they exist only for η > ½", HERE)(
    cycles.asymmetric_two_cycles
)

study.figure(draw)


if __name__ == "__main__":
    study.main()
