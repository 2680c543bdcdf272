"""Degree 2 beside degree 4: why (1 − xy)² ends far below the edge of stability and (1 − x²y²)² just below it.

Two losses of two weights with the same minima, xy = 1 (and −1 for the second):

    ½(1 − xy)²      a linear network of depth 2, with the step size η,
    ½(1 − x²y²)²    with the step size η/4. This is the minimalist example ½(1 − xyzw)² on z = x, w = y with the step
                    size η/2, exactly: two weights that move together have twice the gradient.

Prefactors only rescale step sizes: (1 − xy)² with the step size η/2 is ½(1 − xy)² with η. With these step sizes the two
are at the edge at the same minima, D² + 4 = 4/η² with D = x² − y², and may be started at the same points.

*The same drift.* Every step multiplies D by 1 − η²(P − 1)² and by 1 − k²P², while P = xy oscillates about 1, so in both
the sharpness falls once GD is above the edge. In a = √D − ∜(4η⁻² − 4), b = P − 1 and κ = √η, two steps are

    degree 2    a'' ≈ a − √2 b²κ³,    b'' ≈ b + 4√2 abκ,
    degree 4    a'' ≈ a − 4b²κ³,      b'' ≈ b + 8abκ − 16b³      (with κ² = η/2, its own step size).

*Another end.* What differs is the cubic term. With it, orbits settle on a parabola and end where it meets b = 0.
Without it they run along ellipses b² = 4(C − a²)/κ², and one that enters at a = √C leaves at a = −√C: as far below
the edge as it came in above. The edge law says the same in one number, the depth 3β/(2|κ₄|) of the end from a large
excess:

    degree 2    (1 − η²)/(4η²)      more than all of it for η < 1/√5: no excess is large, GD overshoots, y∞ ≈ −y₀
    degree 4    η²/16 + O(η⁴)       every excess well beyond it is large: GD ends there, whatever the start

in units of each one's edge, η being the step size of degree 2.

*No scale.* As η → 0 at fixed K = ηD and ρ = ηb, degree 2 becomes (K, ρ) ↦ (K(1 − ρ²), ρ(1 − √(K² + 4ρ²) + ρ²)), in
which η no longer occurs: from S₀ = (1 + r)·2/η it ends at a fixed fraction of the edge, ηS∞/2 = 1 − r − (4/3)r² + …,
whatever the step size. Degree 4 ends a fraction η²/16 below: only there does the edge become exact as η → 0.

Source: :cite:t:`zhu2022minimalist`, for the comparison; trajectories over 100 iterations are redrawn here. The edge
law is in `eos_sym.edge.normal_forms.normal_form`; series, ellipses, depths and the limit map are derived in
`analysis.shallow.theory`. Formulas are proved, as what they are: series of the map. That runs follow them is seen in
simulation alone.
"""

from dataclasses import dataclass
from fractions import Fraction

from analysis.study import CommonOptions, Number, Study, check_step_sizes, check_steps
from eos_sym.errors import BadInput

PAPER, HERE = "Zhu et al. 2023", "derived here"
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
            raise BadInput(f"--eta {self.eta}: the coordinate a = √D − ∜(4η⁻² − 4) needs a step size below 1")
        check_steps(self.steps)
        if not self.x or len(self.x) != len(self.y):
            raise BadInput(
                f"--x with {len(self.x)} and --y with {len(self.y)} values: give as many of each, at least 1"
            )
        for x, y in self.starts:
            if abs(x) <= abs(y):
                raise BadInput(f"--x {x:g} --y {y:g}: the coordinate a = √D − ∜(4η⁻² − 4) needs starts with |x| > |y|")

    @property
    def starts(self) -> list[tuple[float, float]]:
        """(x, y) of the starts."""
        return [(float(x), float(y)) for x, y in zip(self.x, self.y, strict=True)]


from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from sympy import Integer, Rational, sqrt

from analysis.minimalist.dynamics import Dynamics, remainder_exponent
from analysis.minimalist.theory import KAPPA, P, Theory, a, b, derive
from analysis.shallow import ends, network
from analysis.shallow.ends import (
    EDGE_LAW_TOLERANCE,
    GAP_EXCESS,
    OFFSET,
    SMALL_KAPPA,
    TABLE_STEP_SIZE,
    Forms,
    Runs,
    difference_of_squares,
    ellipse_exponent,
    frozen_exponent,
    third_difference,
)
from analysis.shallow.figure import draw
from analysis.shallow.theory import (
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
from analysis.study import Pieces, about, agreement, axis, bounded, exceeds, expect, identity
from eos_sym import STEP_SIZE as ETA
from eos_sym.edge import EdgeNormalForm
from numeric.compile import Array

STARTS = ((3.2, 0.33), (3.4, 0.25), (3.6, 0.3))  # the default ones of the figure
EXCESSES = {"quick": np.geomspace(1e-3, 0.2, 9), "full": np.geomspace(2e-4, 0.25, 25)}
GAP_STEP_SIZES = {"quick": np.geomspace(0.03, 0.4, 7), "full": np.geomspace(0.01, 0.45, 20)}
RECORDED = 4000
LONG_ENOUGH = 2_000_000  # iterations; every run to its end ends by itself before
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


@study.measurement
def farthest_start(options: Options) -> float:
    """The greatest excess over the edge from which runs start, relative to it."""
    return float(EXCESSES[options.preset][-1])


@study.theory
def derived(two: DegreeTwo, forms: Forms) -> dict[str, Any]:
    """What degree 2 does near the edge, and the edge law of both."""
    return two.as_report() | {f"edge_law_of_degree_{degree}": edge_law(form) for degree, form in forms.items()}


@study.experiment
def same_starts(dynamics: Mapping[int, Dynamics]) -> xr.Dataset:
    """Both losses from the same starts to their ends: the sharpness ahead at first and at the end, over the edge."""
    expect(2 * len(STARTS) * LONG_ENOUGH)
    parts = []
    for degree, ratio in STEP_SIZE_RATIO.items():
        eta, ahead = ratio * TABLE_STEP_SIZE, dynamics[degree].observables["sharpness_ahead"]
        run = dynamics[degree].simulator.run(at(STARTS), {"eta": eta}, steps=LONG_ENOUGH)
        first, last = (ahead(run[name], {}) * eta / 2 for name in ("initial", "final"))
        parts.append(xr.Dataset({"first": first, "last": last, "step": run.step}))
    return xr.concat(parts, xr.DataArray(list(STEP_SIZE_RATIO), dims="degree", name="degree"))


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
    "at xy = 1 the sharpness is x² + y² at degree 2 and 2(x² + y²) at degree 4; with η and η/2 both are at the edge "
    "where D² + 4 = 4/η²"
)
def same_edge(options: Options, two: DegreeTwo, four: Theory) -> Pieces:
    """The sharpness at minima, where it is 2/η, and what torch finds at both."""
    x, y = two.reduced_map.state
    found = [two.sharpness_at_minima, four.sharpness_at_minima]
    error, at_edge = network.sharpness_error(options.seed), network.edge_error((0.05, 0.2, 0.8))
    yield from about(
        "at xy = 1",
        identity("sharpness where xy = 1, degrees 2 and 4", [x**2 + y**2, 2 * (x**2 + y**2)], found),
        bounded("autograd", "largest relative error of the sharpness at 10 minima", error, below=ROUNDING),
    )
    roots = [two.edge_root, four.edge_root.subs(ETA, ETA / 2)]
    yield from about(
        "at the edge",
        identity("√D at the edge, degrees 2 and 4", [(4 / ETA**2 - 4) ** Rational(1, 4)] * 2, roots),
        bounded("autograd", "largest |ηS/2 − 1| there, η = 0.05, 0.2, 0.8", at_edge, below=ROUNDING),
    )


@study.claim(
    "as η → 0 at fixed K = ηD, one step takes P to P − K(P − 1) at degree 2, which is linear; to P(1 + K − KP²) at "
    "degree 4, which is cubic"
)
def no_cubic_term(options: Options, two: DegreeTwo, four: Theory) -> Pieces:
    """The limits; and how fast the exact maps, of which both channels know, approach them."""
    limits = {2: P - SCALED_IMBALANCE * (P - 1), 4: P * (1 + SCALED_IMBALANCE * (1 - P**2))}
    for degree, theory in ((2, two), (4, four)):
        order = frozen_exponent(theory, options.seed)
        yield from about(
            f"degree {degree}",
            identity(f"P after one step, degree {degree}", limits[degree], frozen_product_map(theory)),
            agreement("simulation", f"exponent in η of the error, degree {degree}", 2, order, absolute=0.1),
        )


SERIES = {a: a - sqrt(2) * b**2 * KAPPA**3, b: b + 4 * sqrt(2) * a * b * KAPPA}


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
def weak_damping(two: DegreeTwo, four: Theory) -> Pieces:
    """The terms of the series; and third differences in b of the exact map at a = 0 in many digits."""
    cubes = [two.cubic_term.coeff(b, 3), four.series[2][b].coeff(b, 3)]
    yield identity("coefficients of b³ in b'', degrees 2 and 4", [-2 * KAPPA**4, Integer(-16)], cubes)
    found = third_difference(two) / third_difference(four)
    yield agreement("simulation", "8/κ⁴ times their ratio, κ = 0.01", 1, 8 * found / SMALL_KAPPA**4, absolute=0.01)


@study.claim(
    "at degree 2 two steps change C = a² + κ²b²/4, which is O(κ⁶), by O(κ¹⁴); along runs around the ellipse "
    "b² = 4(C − a²)/κ² the part by which C changes is proportional to the size of the ellipse"
)
def ellipses(two: DegreeTwo, dynamics: Mapping[int, Dynamics]) -> Pieces:
    """The change in a series and in many digits; and C along runs of three sizes."""
    level, moved = a**2 + KAPPA**2 * b**2 / 4, two.moved[2]
    change = level.subs(moved, simultaneous=True) - level
    order = remainder_exponent(change, Integer(0))
    yield from about(
        "O(κ¹⁴)",
        identity("C by the program", level, two.ellipse),
        identity("change of C in two steps up to O(κ¹⁴)", Integer(0), two.expanded(change, 14)),
        agreement("simulation", "exponent in κ of the change of C, least of 4 points", 14, order, absolute=0.05),
    )
    quantity, found = "exponent in the size of the relative change of C", ellipse_exponent(two, dynamics[2])
    yield from about("along runs", agreement("simulation", quantity, 1, found, absolute=0.1))


study.claim(
    "the edge law's depth of the end from a large excess is (1 − η²)/(4η²) of the edge at degree 2, more than all of "
    "it for η < 1/√5; η²/16 + O(η⁴) of the edge at degree 4, with the step size η/2",
)(ends.depths)
study.claim(
    f"degree 4 ends where the edge law says, within {EDGE_LAW_TOLERANCE:.0%}; from more than {ends.FORGOTTEN} times "
    "the depth above the edge, up to {farthest_start:.0%} above it, it ends at the depth, likewise"
)(ends.degree_4_forgets)
study.claim(
    "degree 2 ends at −y₀ with an error O(y₀²); so the edge law has it there, whose e y₀ is below 0.01",
)(ends.degree_2_overshoots)
study.claim(
    "as η → 0 degree 2 becomes (K, ρ) ↦ (K(1 − ρ²), ρ(1 − √(K² + 4ρ²) + ρ²)) with K = ηD, ρ = η(P − 1); from K = 2.1 "
    "its ends approach those of this map as η²"
)(ends.scale_free_limit)
study.claim(
    "two steps of that map change δ² + 2ρ² + (2/3)δ³ + 2δρ², δ = K − 2, by the sixth order in δ and ρ; from ρ near 0 "
    "it ends at δ∞ = −δ₀ − (2/3)δ₀² + O(δ₀³)"
)(ends.overshoot)
study.claim(
    "from 5 % above the edge degree 2 ends the fraction 0.0533 of its edge below it at all η tried, up to "
    f"{ends.FITTED:g}; degree 4, with η/2, a fraction of its own edge that is proportional to η²"
)(ends.relative_gaps)


@study.claim(
    f"from (x, y) = (3.2, 0.33), (3.4, 0.25), (3.6, 0.3) degree 2 ends, with η = {TABLE_STEP_SIZE}, farther below the "
    "edge than the minimum ahead was above it; degree 4, with η/2 and so at the edge at the same minima, ends less "
    "than 0.3 % below its own"
)
def farther_below(same_starts: xr.Dataset) -> Pieces:
    """Both ends by simulation; and torch's SGD on networks of depth 2 and 4, as many steps as the simulation took."""
    two, four = (same_starts.sel(degree=degree) for degree in (2, 4))
    least = float(((1 - two["last"]) / (two["first"] - 1)).min())
    quantity = "least distance below the edge over that above"
    yield from about("farther", exceeds("simulation", quantity, least, above=1))
    yield from about("farther", exceeds("network", quantity, float(trained(two).min()), above=1))
    depth = float((1 - four["last"]).max())
    yield from about("degree 4", bounded("simulation", "greatest distance below the edge", depth, below=0.003))
    yield from about("degree 4", exceeds("simulation", "least", float((1 - four["last"]).min()), above=0))


def trained(runs: xr.Dataset) -> Array:
    """1 − S∞ over S − 1 in units of the edge, where torch's SGD ends from the same starts."""
    found = [
        1 - network.end_sharpness(2, start, TABLE_STEP_SIZE, int(steps)) * TABLE_STEP_SIZE / 2
        for start, steps in zip(STARTS, runs.step.values, strict=True)
    ]
    return np.asarray(np.array(found) / (runs["first"].values - 1))


@study.figure
def figure(options: Options, two: DegreeTwo, four: Theory, forms: Forms, runs: Runs) -> Figure:
    """Trajectories, the sharpness along them, and where runs end."""
    return draw(two, four, forms, runs, dots=options.steps)


if __name__ == "__main__":
    study.main()
