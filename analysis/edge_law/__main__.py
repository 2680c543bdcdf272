"""The edge law: where gradient descent ends once it has entered the edge of stability, on six losses.

Let gradient descent start beside a manifold of minima, where the sharpness exceeds 2/η by y₀. It oscillates across the
valley with a growing amplitude x, and the oscillation drives it along the valley to flatter minima, until it dies out:
below the edge, by how much? The law supposes that nothing else moves it along the valley while the oscillation dies,
α = −∇L·∇λ₁ → 0: so it is beside minima, and not in the training of networks (`analysis.edge_law_network`). Near the
edge two steps are, with q = x² and the excess y of the sharpness,

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
terms that the argument neglects. That the orbits solve the equation and where they end is proved; that gradient descent
follows them is not, since the map of two steps is formal: it is measured, against the law with a wrong κ₄ as well.
"""

from dataclasses import dataclass

from analysis.study import CommonOptions, Study

study = Study(__name__, source="derived here; cf. Gan 2026a, 2026b")


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """Where gradient descent ends after entering the edge of stability: the law against simulation."""


from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from sympy import Float, Rational

from analysis.edge_law import autograd, equation, hovering
from analysis.edge_law.cases import LONG_ENOUGH, Case, cases, quartic_case
from analysis.edge_law.figure import draw
from analysis.study import Claim, Evidence, Pieces, about, agreement, bounded, exceeds, expect, identity, over, same
from eos_sym import STEP_SIZE as ETA
from eos_sym import Undecided, product
from eos_sym.edge import EdgeNormalForm, edge_normal_form, leading_margins

POINTS = {"quick": 7, "full": 25}  # starts per loss
SLOWEST = {"quick": 3e-4, "full": 1e-4}  # ηy₀; a run takes about 25/(ηy₀) iterations
DEPTHS = (2, 4, 8)
ORBITS = (0.5, 2.0, 8.0)  # e y₀
SUBCRITICAL = quartic_case(Rational(15), Rational(1, 10))
INSIDE, OUTSIDE = (0.1, 0.3, 0.5, 0.7, 0.9), (1.1, 1.5, 3.0)  # |e| y₀
FAR, WITHOUT = quartic_case(Rational(-300), Rational(1, 10)), quartic_case(Rational(0), Rational(1, 10))
SMALL = 0.05  # y₀ where κ₄ is 0
ROUNDING = 1e-9
SOFT_LABEL = (float(np.log(3)), 3 / 16, -3 / 32, -3 / 128)  # p, and the derivatives of log(1 + e⁻ᵖ) + p/4 there
SMALL_EXCESS = 0.3  # e y₀ up to which the exponent of the deviation is fitted, with the next order beside it
OFF = 1.1  # times κ₄, that the runs are to tell from κ₄
IN_TORCH = 4.0  # e y₀ of these runs, as far as there is one: smaller ones take longer


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
    """β, κ₄, the end, with the reason if it is beyond the range of the law, and the kind."""
    values = {"beta": form.beta, "quartic": form.quartic}
    reason = {}
    try:
        values["terminal_sharpness"] = form.terminal_sharpness
    except Undecided as beyond:
        reason = {"terminal_sharpness": f"undecided: {beyond}"}
    numbers = {name: float(value) if value.is_number else value for name, value in values.items()}
    return {**numbers, **reason, "kind": form.kind}


@study.experiment
def ends(options: Options) -> xr.Dataset:
    """Every loss from excesses y₀ that span the decades, as far as ηy₀ ≤ 1/10 allows, each run to its end."""
    points, slowest = POINTS[options.preset], SLOWEST[options.preset]
    expect(len(cases()) * points * LONG_ENOUGH)
    runs = [case.ends(case.excesses(points, slowest)) for case in cases()]
    return xr.concat(runs, dim="loss").assign_coords(loss=[case.name for case in cases()])


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
def subcritical() -> xr.Dataset:
    """Starts with |e| y₀ < 1 where κ₄ > 0."""
    expect(len(INSIDE) * LONG_ENOUGH)
    return SUBCRITICAL.ends(np.array(INSIDE) / abs(float(SUBCRITICAL.form.e)))


@study.experiment
def escape() -> xr.Dataset:
    """Starts with |e| y₀ > 1 where κ₄ > 0."""
    expect(len(OUTSIDE) * LONG_ENOUGH)
    return SUBCRITICAL.run(np.array(OUTSIDE) / abs(float(SUBCRITICAL.form.e)))


@study.experiment
def extremes() -> xr.Dataset:
    """One start with e y₀ = 10 where |κ₄| is large, and one where κ₄ is 0; of both β = 1 and σ = ηy₀ ≤ 0.005."""
    expect(2 * LONG_ENOUGH)
    runs = {FAR: 10 / float(FAR.form.e), WITHOUT: SMALL}
    found = [case.run([excess]).final.sel(state="s").item() - case.edge for case, excess in runs.items()]
    return xr.Dataset({"excess": ("case", list(runs.values())), "end": ("case", found)})


study.experiment(hovering.hovering)
study.experiment(hovering.threshold)
study.measurement(hovering.threshold_quartic)


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
    yield from over(cases()[:3], coefficients_by_autograd)


@study.claim(
    "at a minimum xy = p of ℓ(xy), where ℓ has the derivatives 0, a, b, d and s = x² + y² is 2/(aη), "
    "β = 4a²(s² − 4p²)/s and κ₄ = 12ap²/s² + 12bp + ds² − 3(6ap + bs²)²/(as²); "
    "with a fast direction as here β = 1 and κ₄ = 5 − 48/5"
)
def other_coefficients() -> Pieces:
    """The expansion of ℓ(xy) across the curve, by hand, in numbers at two losses; and torch's derivatives of both."""
    log_cosh, soft_label, fast = cases()[3:]
    for case, (p, a, b, d) in {log_cosh: (1, 1, 0, -2), soft_label: SOFT_LABEL}.items():
        s = 2 / (a * float(case.step_size))
        beta = 4 * a**2 * (s**2 - 4 * p**2) / s
        quartic = 12 * a * p**2 / s**2 + 12 * b * p + d * s**2 - 3 * (6 * a * p + b * s**2) ** 2 / (a * s**2)
        error = max(abs(float(case.form.beta) / beta - 1), abs(float(case.form.quartic) / quartic - 1))
        quantity = f"larger relative error of β and κ₄, {case.name}, by the program"
        yield from about("ℓ(xy)", bounded("symbolic", quantity, error, below=ROUNDING), coefficients_by_autograd(case))
    error = max(abs(float(fast.form.beta) - 1), abs(float(fast.form.quartic) / -4.6 - 1))
    quantity = "larger relative error of β and κ₄, fast direction, by the program"
    yield from about(
        "fast direction", bounded("symbolic", quantity, error, below=ROUNDING), coefficients_by_autograd(fast)
    )


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
        blind = "" if last > SMALL_EXCESS else ", which is −y₀ to a twentieth here, whatever κ₄ is,"
        yield Claim(
            f"law_{case.name.replace(' ', '_').replace('-', '_')}",
            f"{case.name}, η = {case.step_size}: from e y₀ = {first:.2g} to {last:.2g} beside minima, where α → 0, "
            "gradient descent ends at "
            f"y∞ = −(1 + W₀)/e{blind} up to a relative deviation of first order in y₀ and smaller than the size "
            f"σ = {case.neglected_rate:.2g} y₀ of the neglected terms",
            study.source,
            partial(law, case, run),
        )


def law(case: Case, run: xr.Dataset) -> Pieces:
    """Deviations of runs from the law and from that with a wrong κ₄, in units of σ; and torch's, from e y₀ near 4."""
    yield within_the_neglected(run)
    if run.scaled_excess.max() > SMALL_EXCESS:
        form = EdgeNormalForm(case.form.beta, OFF * case.form.quartic)
        wrong = [float(form.end(Float(excess))) for excess in run.excess.values]
        quantity = "largest relative deviation from the law with κ₄ a tenth larger, over σ"
        yield exceeds("simulation", quantity, float((abs(run.end / wrong - 1) / run.neglected).max()), above=1)
    yield agreement("simulation", "exponent in y₀ of the relative deviation", 1, order(run), absolute=0.05)
    one = run.isel(start=int(np.abs(run.scaled_excess.values - IN_TORCH).argmin()))
    predicted = float(one.predicted)
    deviation = abs(autograd.end(case, float(one.excess), predicted) / predicted - 1) / float(one.neglected)
    quantity = f"relative deviation, torch's gradients, e y₀ = {float(one.scaled_excess):.2g}, over σ"
    yield bounded("autograd", quantity, deviation, below=1)


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


@study.claim(
    "dq/dy = −4y/β + e q from q(y₀) = 0 is solved by q = 4/(βe²) [1 + e y − (1 + e y₀) exp(e(y − y₀))]; for κ₄ < 0 its "
    "one other zero is y∞ = −(1 + W₀)/e; a run with a fast direction is on q(y) up to σ of its height"
)
def orbit(orbits: xr.Dataset) -> Pieces:
    """The solution and its zero, by formula and by SciPy's integration; and the largest distance of runs from it."""
    yield from about("is solved by", equation.orbit_solves)
    yield from about("one other zero", equation.end_solves, equation.end_by_integration())
    start = orbits.scaled_y.isel(iteration=0)
    predicted = 1 + orbits.scaled_y - (1 + start) * np.exp(orbits.scaled_y - start)
    distance = abs(orbits.scaled_q - predicted).max("iteration") / orbits.scaled_q.max("iteration")
    largest = float((distance / orbits.neglected).max())
    quantity = "largest distance from q(y), relative to its height, over σ"
    yield from about("a run with", bounded("simulation", quantity, largest, below=1))


@study.claim(
    "the orbit is 4(1 + e y₀) exp(e(y − y₀))/(βe²) below the parabola y = |κ₄|q/6 − 1/e, which solves the equation "
    "too; e y∞ → −1 for e y₀ → ∞ and y∞ → −y₀ for κ₄ → 0; so do runs of ½su² + κ₄u⁴/24 end, up to 2ηy₀"
)
def limits(extremes: xr.Dataset) -> Pieces:
    """Of the solution, by formula; and two runs where σ is small."""
    yield from about("parabola", equation.parabola_is_near)
    yield from about("e y∞ → −1", equation.far_end, equation.mirrored_without_quartic)
    far, without = extremes.isel(case=0), extremes.isel(case=1)
    for quantity, case, one, unit in (
        (f"e y∞ from e y₀ = 10, κ₄ = {FAR.form.quartic:.0f}", FAR, far, 1 / float(FAR.form.e)),
        (f"y∞/y₀ from y₀ = {SMALL:g}, κ₄ = 0", WITHOUT, without, SMALL),
    ):
        allowed = 2 * float(case.step_size) * float(one.excess)
        yield from about("so do runs", agreement("simulation", quantity, -1, float(one.end) / unit, absolute=allowed))


@study.claim(
    "where κ₄ is 15, on ½su² + (5/8)u⁴, where α → 0, gradient descent ends at y∞ = −(1 + W₋₁)/e, below −y₀, while "
    "|e| y₀ < 1, up to "
    "what an error 2ηy₀ of log y₀ makes; it escapes beyond",
    id="escape",
)
def escapes(subcritical: xr.Dataset, escape: xr.Dataset) -> Pieces:
    """Ends and outcomes of runs on both sides of |e| y₀ = 1; and what the law says there."""
    inside, outside = (", ".join(f"{side:g}" for side in sides) for sides in (INSIDE, OUTSIDE))
    later = [SUBCRITICAL.predicted(y * (1 + 2 * float(SUBCRITICAL.step_size) * y)) for y in subcritical.excess.values]
    allowed = later / subcritical.predicted - 1
    deviations = [abs(subcritical.end / law - 1) / allowed for law in (subcritical.predicted, -subcritical.excess)]
    least = float((-subcritical.end / subcritical.excess - 1).min())
    quantity = f"relative deviation from {{}} over the allowed, |e| y₀ = {inside}"
    yield from about(
        "ends at",
        bounded("simulation", "largest " + quantity.format("the law"), float(deviations[0].max()), below=1),
        exceeds("simulation", "least " + quantity.format("−y₀"), float(deviations[1].min()), above=1),
        exceeds("simulation", "least of −y∞/y₀ − 1", least, above=0),
        same("symbolic", f"fates by the law, |e| y₀ = {inside}", ", ".join(["ends"] * 5), fates(INSIDE)),
    )
    found, expected = ", ".join(escape.outcome.values.tolist()), ", ".join(["diverged"] * len(OUTSIDE))
    yield from about(
        "escapes",
        same("simulation", f"outcomes from |e| y₀ = {outside}", expected, found),
        same("symbolic", f"fates by the law, |e| y₀ = {outside}", ", ".join(["may escape"] * 3), fates(OUTSIDE)),
    )


def fates(scaled: Sequence[float]) -> str:
    """What the law says of starts with these |e| y₀ where κ₄ > 0."""
    return ", ".join(map(fate, scaled))


def fate(scaled: float) -> str:
    """What the law says of a start with this |e| y₀ where κ₄ > 0."""
    try:
        SUBCRITICAL.predicted(scaled / abs(float(SUBCRITICAL.form.e)))
    except Undecided:
        return "may escape"
    return "ends"


study.claim(
    "GD on ½su² + ½b(s − m)² + ½twu² + (5/2)w² + cu⁴/24 has the two-cycle ±u, u² = 2b(m − s), w = −tu²/10, "
    "s − 2/η = k(m − 2/η)/(1 + k), k = 2b(t²/10 − c/6); its δ = |u| and κ₄ = c − 3t²/5 make s − 2/η = −κ₄δ²/6; "
    "at the midpoint ∂²L/∂u² is 2/η − cδ²/6",
    "derived here",
    id="hovering_cycle",
)(hovering.exact_cycle)
study.claim(
    "GD with c = {valley.c:g}, t = {valley.t:g}, b = {valley.b:g}, m = {valley.m:g} hovers on it: "
    "{valley.exact.floor:.5f} above the edge on the floor; {valley.exact.midpoint:.5f} at the midpoint; "
    "{valley.at_iterate:.4f}, to within δ⁴, at the iterates",
    "derived here",
    id="hovering_{valley.words}",
    valley=hovering.VALLEYS,
)(hovering.hovers)
study.claim(
    "with the drift α − by − βq/2 the cycle is stable iff |κ₄|δ²/3 + b > ηβδ², to leading order: at b = 0.0005, m = 60 "
    "beyond κ₄ = {threshold_quartic:.4f}",
    "derived here",
)(hovering.hovering_stability)

study.figure(draw)

if __name__ == "__main__":
    study.main()
