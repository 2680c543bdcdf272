"""The edge law: where gradient descent ends once it has entered the edge of stability, on losses of every kind.

Let gradient descent start beside a manifold of minima, where the sharpness exceeds 2/η by y₀. It oscillates across the
valley with a growing amplitude x, and the oscillation drives it along the valley to flatter minima, until it dies out:
below the edge, by how much? Near the edge two steps are, with q = x² and the excess y of the sharpness,

    Δ₂y = −ηβq,    Δ₂x = x(2ηy + (η/3)κ₄q),

where β = |∇S|² along the minima and κ₄ is the fourth derivative of the loss across the valley, corrected for the
directions that follow the oscillation. Both can be computed for any loss at the minimum where the sharpness is 2/η.
Every orbit then satisfies dq/dy = −4y/β + e q, e = −2κ₄/(3β), which is solved by

    q = 4/(βe²) [1 + e y − (1 + e y₀) exp(e(y − y₀))],

and it ends where q = 0 again. In units of 1/e this is one curve for all losses with κ₄ < 0, step sizes and starts:

    e y∞ = −1 − W₀(−(1 + e y₀) exp(−1 − e y₀)).

*Overshooting.* For e y₀ ≪ 1 the end is y∞ = −y₀: what was too sharp ends as much too flat. *Self-stabilization.* For
e y₀ ≫ 1 it is y∞ = −1/e, whatever the start: orbits fall onto the parabola y = |κ₄|q/6 − 1/e and follow it down to
q = 0. *Escape.* For κ₄ > 0 the end is below −y₀, if there is one: beyond |e|y₀ = 1 there is none.

*Hovering.* Where the gradient along the valley leads to sharper points, there is no end: gradient descent stays at the
edge in a two-cycle of amplitude δ, which is |κ₄|δ²/6 above the edge on the floor of the valley, less at the midpoint of
the oscillation, and stable if |κ₄| is large enough.

All of this is a formal argument to leading order. Here it is derived from the formulas of six losses
(`analysis.edge_law.cases`), and tested against simulation over three decades of e y₀; the tolerance is the size of the
terms that the argument neglects. As the map of two steps is formal, symbolic evidence supports the law and is no proof.
"""

from dataclasses import dataclass

from analysis.study import CommonOptions, Study

study = Study(__name__, source="derived here; cf. Gan 2026a, 2026b")


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """Where gradient descent ends after entering the edge of stability: the law against simulation."""


from collections.abc import Iterator, Mapping
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from sympy import Rational

from analysis.edge_law import autograd, equation, hovering
from analysis.edge_law.cases import LONG_ENOUGH, Case, cases, product_case, quartic_case
from analysis.edge_law.figure import draw
from analysis.study import Claim, Evidence, Pieces, agreement, bounded, expect, identity, over, same
from eos_sym import STEP_SIZE as ETA
from eos_sym import Undecided, product
from eos_sym.edge import EdgeNormalForm, edge_normal_form, leading_margins

POINTS = {"quick": 7, "full": 25}  # starts per loss
SLOWEST = {"quick": 3e-4, "full": 1e-4}  # ηy₀; a run takes about 25/(ηy₀) iterations
DEPTHS = (2, 4, 8)
ORBITS = (0.5, 2.0, 8.0)  # e y₀
ESCAPE_SIDES = (0.9, 1.1)  # |e| y₀
ROUNDING = 1e-9
PRINTED = 1e-4  # the simulated column of the table depends on how small its q₀ was taken
SMALL_EXCESS = 0.3  # e y₀ up to which the exponent of the deviation is fitted, with the next order beside it
LARGE = 5.0  # of e y₀
RUN_IN_TORCH = ("log-cosh", "soft label")  # the others would only take longer


class Row(NamedTuple):
    """A tabulated start, and y∞ as predicted and as simulated."""

    name: str
    step_size: str
    excess: float
    predicted: str
    simulated: str

    @property
    def label(self) -> str:
        """Loss, η and y₀."""
        return f"{self.name}, η = {self.step_size}, y₀ = {self.excess:g}"

    @property
    def words(self) -> str:
        """The same in an identifier."""
        return f"{self.name} {self.step_size} {self.excess:g}".translate(str.maketrans("./ ", "___"))


TABLE = (
    Row("depth 4", "1/5", 0.05, "-0.03441", "-0.03448"),
    Row("depth 4", "1/5", 0.1, "-0.05176", "-0.05187"),
    Row("depth 4", "1/5", 0.2, "-0.06691", "-0.06659"),
    Row("depth 4", "1/5", 0.5, "-0.07431", "-0.07257"),
    Row("depth 4", "1/20", 2.0, "-0.02457", "-0.02450"),
    Row("depth 2", "1/5", 0.05, "-0.04997", "-0.05027"),
    Row("depth 2", "1/5", 0.1, "-0.09989", "-0.10116"),
    Row("quartic 15", "1/10", 0.05, "-0.0756", "-0.0762"),
    Row("quartic 3/2", "1/10", 0.2, "-0.231", "-0.236"),
)


@cache
def table_case(name: str, step_size: str) -> Case:
    """The loss of a row of the table."""
    kind, _, parameter = name.partition(" ")
    if kind == "depth":
        return product_case(int(parameter), Rational(step_size))
    return quartic_case(Rational(parameter), Rational(step_size))


@study.measurement
def products() -> dict[int, EdgeNormalForm]:
    """The normal forms of ½(1 − x₁…x_d)² in η, at the minima x, 1/x, x, … with sharpness 2/η, by depth."""
    return {depth: closed_form(depth) for depth in DEPTHS}


def closed_form(depth: int) -> EdgeNormalForm:
    """One of them."""
    loss = product(depth)
    first = loss.weights[0]
    curve = {weight: first if index % 2 == 0 else 1 / first for index, weight in enumerate(loss.weights)}
    return edge_normal_form(loss, {w: curve[w] for w in loss.weights[1:-1]}).in_step_size()


@study.theory
def derived(products: Mapping[int, EdgeNormalForm]) -> dict[str, Any]:
    """The coefficients and the end from a large excess, of the products in η and of all losses in numbers."""
    return {
        "products": {f"depth {depth}": as_report(form) for depth, form in products.items()},
        "losses": {case.name: as_report(case.form) | {"eta": case.step_size} for case in cases()},
        "hovering_margins": leading_margins(),
    }


def as_report(form: EdgeNormalForm) -> dict[str, Any]:
    """β, κ₄, the end, and the kind."""
    values = {"beta": form.beta, "quartic": form.quartic, "terminal_sharpness": form.terminal_sharpness}
    numbers = {name: float(value) if value.is_number else value for name, value in values.items()}
    return {**numbers, "kind": form.kind}


@study.experiment
def ends(options: Options) -> xr.Dataset:
    """Every loss from excesses y₀ that span the decades, as far as ηy₀ ≤ 1/10 allows, each run to its end."""
    points, slowest = POINTS[options.preset], SLOWEST[options.preset]
    expect(len(cases()) * points * LONG_ENOUGH)
    runs = [case.ends(case.excesses(points, slowest)) for case in cases()]
    return xr.concat(runs, dim="loss").assign_coords(loss=[case.name for case in cases()])


@study.experiment
def table() -> xr.Dataset:
    """The tabulated starts, to their ends."""
    expect(len(TABLE) * LONG_ENOUGH)
    runs = [table_case(row.name, row.step_size).ends([row.excess]) for row in TABLE]
    return xr.concat(runs, dim="start").assign_coords(start=[row.label for row in TABLE])


@study.experiment
def orbits() -> xr.Dataset:
    """Every second state of runs of the loss with a fast direction, with y and q in the units of the law."""
    case = cases()[-1]
    e, beta = float(case.form.e), float(case.form.beta)
    y0 = np.array(ORBITS) / e
    steps = round(20 / (float(case.step_size) * y0.min()))
    expect(len(y0) * steps)
    run = case.run(y0, steps, record_every=2)
    run["scaled_y"] = (e * (run.trajectory.sel(state="s", drop=True) - case.edge)).assign_attrs(units="1")
    run["scaled_q"] = (beta * e**2 / 4 * run.trajectory.sel(state="u", drop=True) ** 2).assign_attrs(units="1")
    run["neglected"] = ("start", y0 * case.neglected_rate, {"units": "1"})
    return run


@study.experiment
def escape() -> xr.Dataset:
    """Starts on both sides of |e| y₀ = 1 where κ₄ > 0."""
    case = table_case("quartic 15", "1/10")
    expect(len(ESCAPE_SIDES) * LONG_ENOUGH)
    return case.run(np.array(ESCAPE_SIDES) / abs(float(case.form.e)))


study.experiment(hovering.hovering)
study.experiment(hovering.threshold)


@study.claim(
    "at its minima x, 1/x, x, … at the edge, ½(1 − x₁…x_d)² has β = 8(1 − d²η²/4)/η, and κ₄ = −24η² for d = 2, "
    "−24(4η⁴ + 3η² + 1)/η² for d = 4, −24(16η⁴ + 9η² + 2)/η² for d = 8"
)
def coefficients(products: Mapping[int, EdgeNormalForm]) -> Pieces:
    """The closed forms of the products, and torch's derivatives of all losses."""
    quartics = (
        -24 * ETA**2,
        -24 * (4 * ETA**4 + 3 * ETA**2 + 1) / ETA**2,
        -24 * (16 * ETA**4 + 9 * ETA**2 + 2) / ETA**2,
    )
    slopes = [8 * (1 - depth**2 * ETA**2 / 4) / ETA for depth in DEPTHS]
    expected = [coefficient for pair in zip(slopes, quartics, strict=True) for coefficient in pair]
    derived = [coefficient for form in products.values() for coefficient in (form.beta, form.quartic)]
    yield identity("β and κ₄ in η, depths 2, 4 and 8", expected, derived)
    yield from over(cases(), coefficients_by_autograd)


def coefficients_by_autograd(case: Case) -> Evidence:
    """The larger of the relative errors of β and κ₄."""
    expected = (float(case.form.beta), float(case.form.quartic))
    errors = [abs(found / value - 1) for found, value in zip(autograd.coefficients(case), expected, strict=True)]
    return bounded("autograd", f"larger relative error of β and κ₄, {case.name}", max(errors), below=ROUNDING)


@study.claims
def laws(ends: xr.Dataset) -> Iterator[Claim]:
    """The law for every loss, over the range of excesses that its runs span."""
    for case in cases():
        run = ends.sel(loss=case.name)
        first, last = (float(run.scaled_excess[index]) for index in (0, -1))
        yield Claim(
            f"law_{case.name.replace(' ', '_').replace('-', '_')}",
            f"{case.name}, η = {case.step_size}: from e y₀ = {first:.2g} to {last:.2g} gradient descent ends at "
            f"y∞ = −(1 + W₀)/e, up to a relative deviation of first order in y₀ and smaller than the size "
            f"{case.neglected_rate:.2g} y₀ of the neglected terms",
            study.source,
            partial(law, case, run),
        )


def law(case: Case, run: xr.Dataset) -> Pieces:
    """W₀ solves q(y∞) = 0; deviations of runs, in units of σ and in their order; and one run with torch's gradients.

    Torch starts where the simulation did, and takes as many steps.
    """
    yield equation.end_solves
    yield within_the_neglected(run)
    yield agreement("simulation", "exponent in y₀ of the relative deviation", 1, order(run), absolute=0.05)
    if case.name in RUN_IN_TORCH:
        last = run.isel(start=-1)
        found = autograd.end(case, float(last.excess), int(last.step))
        deviation = abs(found / float(last.predicted) - 1) / float(last.neglected)
        yield bounded("autograd", "relative deviation from the largest y₀, over σ", deviation, below=1)


def within_the_neglected(run: xr.Dataset) -> Evidence:
    """The largest deviation in units of σ."""
    quantity = "largest relative deviation, over σ"
    if not (run.outcome == "converged").all():
        outcomes = ", ".join(run.outcome.values.tolist())
        return Evidence("simulation", quantity, "undecided", "all runs converge", outcomes)
    return bounded("simulation", quantity, float((abs(run.end / run.predicted - 1) / run.neglected).max()), below=1)


def order(run: xr.Dataset) -> float:
    """The exponent p of y₀ in the relative deviation, fitted as c y₀ᵖ exp(d e y₀) at small e y₀, at three or more."""
    small = run.sortby("scaled_excess").isel(start=slice(max(3, int((run.scaled_excess < SMALL_EXCESS).sum()))))
    columns = [np.log(small.excess), small.scaled_excess, np.ones(small.sizes["start"])]
    deviation = abs(small.end / small.predicted - 1)
    return float(np.linalg.lstsq(np.column_stack(columns), np.log(deviation))[0][0])


@study.claim("e y₀ ≫ 1 ends at −1/e, where the parabola y = |κ₄|q/6 − 1/e meets q = 0; κ₄ → 0 ends at −y₀")
def limits(ends: xr.Dataset) -> Pieces:
    """The two solutions, and the ends of runs from the largest and from the smallest excess."""
    yield equation.parabola_solves
    yield equation.mirrored_without_quartic
    for case in cases():
        last = ends.sel(loss=case.name).isel(start=-1)
        if last.scaled_excess > LARGE:
            found, sigma = float(last.end * last.scaled_excess / last.excess), float(last.neglected)
            yield agreement("simulation", f"e y∞ from the largest y₀, {case.name}", -1, found, absolute=sigma)
    first = ends.sel(loss="depth 2").isel(start=0)
    allowed = float(first.neglected + first.scaled_excess)
    quantity = "y∞ from the smallest y₀, depth 2"
    yield agreement("simulation", quantity, -float(first.excess), float(first.end), relative=allowed)


@study.claim("orbits are q = 4/(βe²) [1 + e y − (1 + e y₀) exp(e(y − y₀))], which is the parabola once e(y₀ − y) ≫ 1")
def parabola(orbits: xr.Dataset) -> Pieces:
    """The orbit in its equation, and the largest distance of runs from it."""
    yield equation.orbit_solves
    start = orbits.scaled_y.isel(iteration=0)
    predicted = 1 + orbits.scaled_y - (1 + start) * np.exp(orbits.scaled_y - start)
    distance = abs(orbits.scaled_q - predicted).max("iteration") / orbits.scaled_q.max("iteration")
    largest = float((distance / orbits.neglected).max())
    yield bounded("simulation", "largest distance from q(y), relative to its height, over σ", largest, below=1)


@study.claim(
    "{row.label}: predicted y∞ = {row.predicted}, simulated {row.simulated}", id="table_{row.words}", row=TABLE
)
def tabulated_end(table: xr.Dataset, row: Row) -> Pieces:
    """To the digits that are tabulated."""
    predicted, simulated = float(row.predicted), float(row.simulated)
    digits = 0.51 * 10.0 ** -len(row.predicted.partition(".")[2])
    case = table_case(row.name, row.step_size)
    yield lambda: agreement("symbolic", "y∞ by the law", predicted, case.predicted(row.excess), absolute=digits)
    found = float(table.end.sel(start=row.label))
    yield agreement("simulation", "y∞ of the run", simulated, found, absolute=max(PRINTED, digits))


@study.claim("for κ₄ > 0 gradient descent ends below −y₀ while |e| y₀ < 1, and escapes beyond", id="escape")
def escapes(escape: xr.Dataset) -> Pieces:
    """What the law says, and what becomes of runs, on both sides of |e| y₀ = 1."""
    sides = " and ".join(f"{side:g}" for side in ESCAPE_SIDES)
    yield same("symbolic", f"fate at |e| y₀ = {sides}", "ends, may escape", ", ".join(map(fate, ESCAPE_SIDES)))
    found = ", ".join(escape.outcome.values.tolist())
    yield same("simulation", f"outcomes from |e| y₀ = {sides}", "converged, diverged", found)


def fate(scaled: float) -> str:
    """What the law says of a start with this |e| y₀ where κ₄ > 0."""
    case = table_case("quartic 15", "1/10")
    try:
        case.predicted(scaled / abs(float(case.form.e)))
    except Undecided:
        return "may escape"
    return "ends"


study.claim(
    "½su² + ½b(s − 25)² + {valley.half_t:g}wu² + (5/2)w² + ({valley.c:g}/24)u⁴ hovers {valley.floor} above the edge on "
    "the floor, {valley.midpoint} at the midpoint, {valley.at_iterate:.4f} at the iterates",
    "derived here",
    id="hovering_{valley.words}",
    valley=hovering.VALLEYS,
)(hovering.hovers)
study.claim(
    "with the drift α − by − βq/2 the cycle is stable iff |κ₄|δ²/3 + b > ηβδ², to leading order", "derived here"
)(hovering.hovering_stability)

study.figure(draw)

if __name__ == "__main__":
    study.main()
