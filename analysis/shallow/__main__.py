"""Degree 2 beside degree 4: why (1 − xy)² ends far below the edge of stability and (1 − x²y²)² just below it.

Two losses of two weights with the same minima, xy = 1 (and −1 for the second):

    ½(1 − xy)²      a linear network of depth 2, with the step size η,
    ½(1 − x²y²)²    with the step size η/4. This is the minimalist example ½(1 − xyzw)² on z = x, w = y with the step
                    size η/2, exactly: two weights that move together have twice the gradient.

Prefactors only rescale step sizes: (1 − xy)² with the step size η/2 is ½(1 − xy)² with η. With these step sizes the two
are at the edge at the same minima, D² + 4 = 4/η² with D = x² − y², and may be started at the same points.

*The same drift.* Both multiply D by less than 1 in every step, 1 − η²(P − 1)² and 1 − k²P², while P = xy oscillates, so
in both the sharpness falls once GD is above the edge. In a = √D − (4η⁻² − 4)^¼, b = P − 1 and κ = √η, two steps are

    degree 2    a'' ≈ a − √2 b²κ³,    b'' ≈ b + 4√2 abκ,
    degree 4    a'' ≈ a − 4b²κ³,      b'' ≈ b + 8abκ − 16b³      (with κ² = η/2, its own step size).

*Another end.* What differs is the cubic term. With it, orbits settle on a parabola and end where it meets b = 0.
Without it they run along ellipses b² = 4(C − a²)/κ², and one that enters at a = √C leaves at a = −√C: as far below
the edge as it came in above. The edge law says the same in one number, the depth 3β/(2|κ₄|) of the end from a large
excess:

    degree 2    (1 − η²)/(2η³)            much more than 2/η: no excess is large, GD overshoots, y∞ ≈ −y₀
    degree 4    η/2 + O(η³) (its own η)   every excess beyond it is large: GD ends at S∞ ≈ 2/η − η/2

*No scale.* As η → 0 at fixed K = ηD and ρ = ηb, degree 2 becomes (K, ρ) ↦ (K(1 − ρ²), ρ(1 − √(K² + 4ρ²) + ρ²)), in
which η no longer occurs: from S₀ = (1 + r)·2/η it ends at a fixed fraction of the edge, ηS∞/2 = 1 − r − (4/3)r² + …,
whatever the step size. Degree 4 ends a fraction η²/4 (its own η) below: only there does the edge become exact as η → 0.

Source: :cite:t:`zhu2022minimalist`, for the comparison; trajectories over 100 iterations are redrawn here. The edge
law is in `eos_sym.edge.normal_form`; series, ellipses, depths and the limit map are derived in
`analysis.shallow.theory`. The law and the expansion of the overshoot are formal arguments to leading orders; that runs
follow them is seen in simulation, not proved, so that their symbolic evidence counts as support.
"""

from dataclasses import dataclass
from fractions import Fraction

from analysis.study import CommonOptions, Number, Study, check_step_sizes, check_steps
from eos_sym.errors import BadInput

PAPER, HERE = "Zhu et al. 2022", "derived here"
study = Study(__name__, source=HERE)


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """Gradient descent on ½(1 − xy)² and on ½(1 − x²y²)² from the same starts."""

    eta: Number = Fraction(1, 5)
    """step size of ½(1 − xy)² in panels (a) to (c), below 1; ½(1 − x²y²)² has a quarter of it"""
    x: tuple[Number, ...] = (Fraction(32, 10), Fraction(34, 10), Fraction(36, 10))
    """first weights of the starts in panels (a) to (c)"""
    y: tuple[Number, ...] = (Fraction(33, 100), Fraction(25, 100), Fraction(30, 100))
    """second weights of the starts, as many"""
    steps: int = 100
    """iterations shown as dots in panels (a) and (b)"""

    def __post_init__(self) -> None:
        check_step_sizes([self.eta])
        if self.eta >= 1:
            raise BadInput(f"--eta {self.eta}: the coordinate a = √D − (4η⁻² − 4)^¼ needs a step size below 1")
        check_steps(self.steps)
        if not self.x or len(self.x) != len(self.y):
            raise BadInput(
                f"--x with {len(self.x)} and --y with {len(self.y)} values: give as many of each, at least 1"
            )
        for x, y in self.starts:
            if abs(x) <= abs(y):
                raise BadInput(f"--x {x:g} --y {y:g}: the coordinate a = √D − (4η⁻² − 4)^¼ needs starts with |x| > |y|")

    @property
    def starts(self) -> list[tuple[float, float]]:
        """(x, y) of the starts."""
        return [(float(x), float(y)) for x, y in zip(self.x, self.y, strict=True)]


from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from sympy import sqrt

from analysis.minimalist.dynamics import Dynamics, remainder_exponent
from analysis.minimalist.theory import KAPPA, P, Theory, a, b, derive
from analysis.shallow import ends, network
from analysis.shallow.ends import (
    EDGE_LAW_TOLERANCE,
    GAP_EXCESS,
    OFFSET,
    TABLE_STEP_SIZE,
    Forms,
    Runs,
    difference_of_squares,
    ellipse_exponent,
    frozen_exponent,
)
from analysis.shallow.figure import draw
from analysis.shallow.theory import (
    LEVEL,
    SCALED_IMBALANCE,
    SERIES_ORDERS,
    STEP_SIZE_RATIO,
    DegreeTwo,
    degree_two,
    edge_form,
    edge_law,
    frozen_product_map,
    square_of_squares,
    with_step_size,
)
from analysis.study import Pieces, agreement, axis, bounded, expect, identity
from eos_sym import STEP_SIZE as ETA
from eos_sym.edge import EdgeNormalForm


class Tabulated(NamedTuple):
    """A run of degree 2: its row in the table, its start, and the sharpness where it ends."""

    row: int
    start: tuple[float, float]
    sharpness: float


TABLE = (Tabulated(1, (3.2, 0.33), 9.651), Tabulated(2, (3.4, 0.25), 7.919), Tabulated(3, (3.6, 0.3), 5.571))
EXCESSES = {"quick": np.geomspace(1e-3, 0.2, 9), "full": np.geomspace(2e-4, 0.25, 25)}
GAP_STEP_SIZES = {"quick": np.geomspace(0.03, 0.4, 7), "full": np.geomspace(0.01, 0.45, 20)}
RECORDED = 4000
LONG_ENOUGH = 2_000_000  # iterations; every run to its end ends by itself before
ALLOWED_MISS = 5.1e-4  # half a unit of the third digit that is tabulated
ROUNDING = 1e-12


@study.measurement
def two() -> DegreeTwo:
    """The theory of ½(1 − xy)²."""
    return degree_two()


@study.measurement
def four() -> Theory:
    """The theory of ½(1 − xyzw)², which is ½(1 − x²y²)² on z = x, w = y."""
    return derive()


@study.measurement
def forms(two: DegreeTwo, four: Theory) -> dict[int, EdgeNormalForm]:
    """The edge law of both, in their own step sizes."""
    return {2: edge_form(two), 4: edge_form(four)}


@study.measurement
def dynamics(two: DegreeTwo, four: Theory) -> dict[int, Dynamics]:
    """The compiled maps and observables of both."""
    return {2: Dynamics(two), 4: Dynamics(four)}


@study.theory
def derived(two: DegreeTwo, forms: Forms) -> dict[str, Any]:
    """What degree 2 does near the edge, and the edge law of both."""
    return two.as_report() | {f"edge_law_of_degree_{degree}": edge_law(form) for degree, form in forms.items()}


@study.experiment
def table(dynamics: Mapping[int, Dynamics]) -> xr.Dataset:
    """The tabulated runs of degree 2, to their ends."""
    expect(len(TABLE) * LONG_ENOUGH)
    start = at([run.start for run in TABLE])
    run = dynamics[2].simulator.run(start, {"eta": TABLE_STEP_SIZE}, steps=LONG_ENOUGH)
    return run.assign(final_sharpness=dynamics[2].observables["sharpness"].at_end(run))


@study.experiments
def runs(options: Options, dynamics: Mapping[int, Dynamics]) -> dict[str, Callable[[], xr.Dataset]]:
    """Three experiments for each degree; `eta` is always the step size of ½(1 − xy)²."""
    return {
        f"{name}_of_degree_{degree}": partial(run, options, dynamics[degree], ratio)
        for degree, ratio in STEP_SIZE_RATIO.items()
        for name, run in (("trajectories", trajectories), ("ends", over_excesses), ("gaps", over_step_sizes))
    }


def trajectories(options: Options, dynamics: Dynamics, ratio: float) -> xr.Dataset:
    """Every iteration from the starts of the figure, RECORDED at least, with all observables along them."""
    steps = max(options.steps, RECORDED)
    expect(len(options.starts) * steps)
    run = dynamics.simulator.run(at(options.starts), {"eta": ratio * float(options.eta)}, steps=steps, record_every=1)
    return run.assign({name: observable.along(run) for name, observable in dynamics.observables.items()})


def over_excesses(options: Options, dynamics: Dynamics, ratio: float) -> xr.Dataset:
    """Starts at a range of excesses above the edge at one step size: where does each end?"""
    return from_above(dynamics, ratio, axis("excess", EXCESSES[options.preset]), xr.DataArray(TABLE_STEP_SIZE))


def over_step_sizes(options: Options, dynamics: Dynamics, ratio: float) -> xr.Dataset:
    """Starts equally far above the edge, relatively, at many step sizes: how far below it does each end?"""
    eta = axis("eta_of_degree_2", GAP_STEP_SIZES[options.preset])
    return from_above(dynamics, ratio, xr.DataArray(GAP_EXCESS), eta)


def from_above(dynamics: Dynamics, ratio: float, relative: xr.DataArray, eta: xr.DataArray) -> xr.Dataset:
    """Runs to their ends from P = 1 + OFFSET and D = √((1 + relative)² 4/η² − 4): sharpness (1 + relative) · 2/η."""
    imbalance = (((1 + relative) * 2 / eta) ** 2 - 4) ** 0.5
    own = ratio * eta
    at_edge = ((2 / eta) ** 2 - 4) ** 0.25
    start = dynamics.start_at(imbalance**0.5 - at_edge, xr.zeros_like(imbalance) + OFFSET, own)
    expect(imbalance.size * LONG_ENOUGH)
    run = dynamics.simulator.run(start, {"eta": own}, steps=LONG_ENOUGH)
    end = dynamics.observables["sharpness"].at_end(run).where(run.outcome == "converged")
    return run.assign(final_excess=end - 2 / own, excess_at_start=relative * 2 / own)


def at(starts: Sequence[tuple[float, float]]) -> dict[str, xr.DataArray]:
    """x and y of the starts along a dimension."""
    x, y = np.transpose(starts)
    return {"x": xr.DataArray(x, dims="start"), "y": xr.DataArray(y, dims="start")}


@study.claim("GD on ½(1 − x²y²)² with the step size η/4 is GD on ½(1 − xyzw)² with η/2 on z = x, w = y")
def step_sizes(four: Theory) -> Pieces:
    """The maps, and runs of both."""
    minimalist = [step.subs(ETA, ETA / 2) for step in four.reduced_map.step]
    yield identity("x and y after one step", minimalist, with_step_size(square_of_squares(), ETA / 4))
    error = difference_of_squares(four.full_map)
    yield bounded("simulation", "largest difference in x and y along 300 steps", error, below=ROUNDING)


@study.claim(
    "at xy = 1 the sharpness is x² + y² at degree 2 and 2(x² + y²) at degree 4, so with η and η/2 both are at the edge "
    "where D² + 4 = 4/η²"
)
def same_edge(options: Options, two: DegreeTwo, four: Theory) -> Pieces:
    """The sharpness at minima, where it is 2/η, and what torch finds."""
    x, y = two.reduced_map.state
    found = [two.sharpness_at_minima, four.sharpness_at_minima]
    yield identity("sharpness where xy = 1, degrees 2 and 4", [x**2 + y**2, 2 * (x**2 + y**2)], found)
    yield identity("√D at the edge, degrees 2 and 4", two.edge_root, four.edge_root.subs(ETA, ETA / 2))
    error = network.sharpness_error(options.seed)
    yield bounded("autograd", "largest relative error of the sharpness at 10 minima", error, below=ROUNDING)


@study.claim(
    "as η → 0 at fixed K = ηD, one step takes P to P − K(P − 1) at degree 2, which is linear, and to P(1 + K − KP²) at "
    "degree 4, which is cubic"
)
def no_cubic_term(options: Options, two: DegreeTwo, four: Theory) -> Pieces:
    """The limits; and how fast the exact maps, of which both channels know, approach them."""
    yield identity("P after one step, degree 2", P - SCALED_IMBALANCE * (P - 1), frozen_product_map(two))
    yield identity("P after one step, degree 4", P * (1 + SCALED_IMBALANCE * (1 - P**2)), frozen_product_map(four))
    for degree, theory in ((2, two), (4, four)):
        found = frozen_exponent(theory, options.seed)
        yield agreement("simulation", f"exponent in η of the error, degree {degree}", 2, found, absolute=0.1)


SERIES = {a: a - sqrt(2) * b**2 * KAPPA**3, b: b + 4 * sqrt(2) * a * b * KAPPA}
DAMPING = -2 * b**3 * KAPPA**4


@study.claim(
    "at degree 2, two steps give a'' = a − √2 b²κ³ + O(κ¹¹), b'' = b + 4√2 abκ + O(κ¹⁰) where a = O(κ³), b = O(κ²)",
    f"{PAPER}; orders {HERE}",
)
def series_of_2_steps(two: DegreeTwo) -> Pieces:
    """The formulas; and the exponents of κ in their errors, from the exact map in many digits, which both share."""
    yield identity("a and b, as series in κ", list(SERIES.values()), list(two.series[2].values()))
    for name, order in SERIES_ORDERS.items():
        found = remainder_exponent(two.moved[2][name], SERIES[name])
        yield agreement("simulation", f"exponent in κ of the remainder of {name}", order, found, absolute=0.05)


@study.claim("the cubic term of degree 2 is −2b³κ⁴, smaller by κ⁴/8 = η²/8 than the −16b³ of degree 4")
def weak_damping(two: DegreeTwo) -> Pieces:
    """The next order; and what is left of the exact map beyond it, which both channels share."""
    yield identity("term of b'' in b³", DAMPING, two.cubic_term)
    found = remainder_exponent(two.moved[2][b], SERIES[b] + DAMPING)
    yield agreement("simulation", "exponent in κ of the remainder of b with this term", 10, found, absolute=0.05)


@study.claim(
    "to leading order two steps conserve C = a² + κ²b²/4: orbits run along b² = 4(C − a²)/κ², and C changes by a part "
    "of it that is proportional to the size of the ellipse"
)
def ellipses(two: DegreeTwo, dynamics: Mapping[int, Dynamics]) -> Pieces:
    """The curves, and C along runs of three sizes."""
    yield identity("b² on the ellipse of C", 4 * (LEVEL - a**2) / KAPPA**2, two.ellipse_branch)
    found = ellipse_exponent(two, dynamics[2])
    yield agreement("simulation", "exponent in the size of the relative change of C", 1, found, absolute=0.1)


study.claim(
    "from a large excess the edge law puts the end (1 − η²)/(2η³) below the edge at degree 2, more than 2/η for η < ½, "
    "and η/2 + O(η³) at degree 4"
)(ends.depths)
study.claim(
    f"degree 4 ends where the edge law says, within {EDGE_LAW_TOLERANCE:.0%}: at the depth, from any larger excess"
)(ends.degree_4_forgets)
study.claim("degree 2 ends where the edge law says, at −y₀ to leading order, with an error O(y₀²)")(
    ends.degree_2_overshoots
)
study.claim(
    "as η → 0 degree 2 becomes (K, ρ) ↦ (K(1 − ρ²), ρ(1 − √(K² + 4ρ²) + ρ²)) with K = ηD, ρ = η(P − 1), and its ends "
    "approach those of this map as η²"
)(ends.scale_free_limit)
study.claim(
    "near the edge two steps conserve δ² + 2ρ² + (2/3)δ³ + 2δρ² up to the fifth order, δ = K − 2, so that "
    "δ∞ = −δ₀ − (2/3)δ₀² + O(δ₀³)"
)(ends.overshoot)
study.claim(
    "from 5 % above the edge degree 2 ends a fixed fraction of 2/η below it, degree 4 a fraction proportional to η²"
)(ends.relative_gaps)


@study.claim(
    f"degree 2 with η = {TABLE_STEP_SIZE} from (x, y) = {{run.start}} ends at sharpness {{run.sharpness}}, "
    f"the edge being {2 / TABLE_STEP_SIZE:g}",
    "reference runs",
    id="table_{run.row}",
    run=TABLE,
)
def tabulated_end(table: xr.Dataset, run: Tabulated) -> Pieces:
    """The network makes as many steps as the simulation needed to converge."""
    found = table.isel(start=run.row - 1)
    yield agreement("simulation", "S∞", run.sharpness, float(found.final_sharpness), absolute=ALLOWED_MISS)
    trained = network.end_sharpness(2, run.start, TABLE_STEP_SIZE, int(found.step))
    yield agreement("network", "S∞ of torch's SGD", run.sharpness, trained, absolute=ALLOWED_MISS)


@study.figure
def figure(options: Options, two: DegreeTwo, four: Theory, forms: Forms, runs: Runs) -> Figure:
    """Trajectories, the sharpness along them, and where runs end."""
    return draw(two, four, forms, runs, dots=options.steps)


if __name__ == "__main__":
    study.main()
