"""What is claimed of the edge law, and the evidence.

The symbolic channel compares derived formulas with those written down here, and checks what solves the equation of the
orbits; it supports the law and does not prove it, since the map of two steps is formal. The simulation channel runs
the compiled maps, and autograd is torch's. The claims about hovering are in `analysis.edge_law.claims_about_hovering`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import xarray as xr
from sympy import Dummy, Expr, Integer, LambertW, Symbol, diff, exp, simplify, solve

from analysis.study.claim import Claim, Evidence, agreement, bounded, identity, same, supported
from analysis.edge_law.cases import Case
from analysis.edge_law.experiments import ESCAPE_SIDES, TABLE, start, table_case
from eos_sym import STEP_SIZE, Undecided
from eos_sym.edge import EdgeNormalForm

HERE = "derived here; cf. Gan 2026a, 2026b"
ROUNDING = 1e-9
PRINTED = 1e-4  # the simulated column of the table depends on how small its q₀ was taken
SMALL_EXCESS = 0.3  # e y₀ up to which the exponent of the deviation is fitted, with the next order beside it
LARGE = 5.0  # of e y₀
RUN_IN_TORCH = ("log-cosh", "soft label")  # the others would only take longer

Data = Mapping[str, xr.Dataset]


def claims_about_coefficients(forms: Mapping[int, EdgeNormalForm], cases: Sequence[Case]) -> list[Claim]:
    """The closed forms of the products, and β and κ₄ of all losses."""
    derived = [coefficient for form in forms.values() for coefficient in (form.beta, form.quartic)]
    return [
        Claim(
            "coefficients",
            "at its minima x, 1/x, x, … at the edge, ½(1 − x₁…x_d)² has β = 8(1 − d²η²/4)/η, and κ₄ = −24η² for d = 2, "
            "−24(4η⁴ + 3η² + 1)/η² for d = 4, −24(16η⁴ + 9η² + 2)/η² for d = 8",
            HERE,
            [
                lambda: identity(_coefficients_of_products(), derived),
                *(lambda case=case: _coefficients_by_autograd(case) for case in cases),
            ],
        ),
    ]


def _coefficients_of_products() -> list[Expr]:
    eta = STEP_SIZE
    quartics = {
        2: -24 * eta**2,
        4: -24 * (4 * eta**4 + 3 * eta**2 + 1) / eta**2,
        8: -24 * (16 * eta**4 + 9 * eta**2 + 2) / eta**2,
    }
    return [part for d, quartic in quartics.items() for part in (8 * (1 - d**2 * eta**2 / 4) / eta, quartic)]


def _coefficients_by_autograd(case: Case) -> Evidence:
    """The larger of the relative errors of β and κ₄."""
    from analysis.edge_law.autograd import coefficients

    expected = (float(case.form.beta), float(case.form.quartic))
    errors = [abs(found / value - 1) for found, value in zip(coefficients(case), expected, strict=True)]
    return bounded("autograd", max(errors), below=ROUNDING)


def claims_about_ends(cases: Sequence[Case], data: Data) -> list[Claim]:
    """The law for every loss, its limits, the tabulated rows, and the escape beyond it."""
    runs = {case.name: data["ends"].sel(loss=case.name) for case in cases}
    return [
        *(_law(case, runs[case.name]) for case in cases),
        Claim(
            "limits",
            "e y₀ ≫ 1 ends at −1/e, where the parabola y = |κ₄|q/6 − 1/e meets q = 0; κ₄ → 0 ends at −y₀",
            HERE,
            [
                _parabola_solves,
                _mirrored_without_quartic,
                *(lambda run=run: _at_the_limit(run) for run in runs.values() if run.scaled_excess[-1] > LARGE),
                lambda: _mirrored(runs["depth 2"].isel(start=0)),
            ],
        ),
        Claim(
            "parabola",
            "orbits are q = 4/(βe²) [1 + e y − (1 + e y₀) exp(e(y − y₀))], which is the parabola once e(y₀ − y) ≫ 1",
            HERE,
            [_orbit_solves, lambda: _along_the_orbits(data["orbits"])],
        ),
        *(_row(*key, *values, data["table"].isel(start=i)) for i, (key, values) in enumerate(TABLE.items())),
        Claim(
            "escape",
            "for κ₄ > 0 gradient descent ends below −y₀ while |e| y₀ < 1, and escapes beyond",
            HERE,
            [
                lambda: same("symbolic", "ends, may escape", ", ".join(map(_fate, ESCAPE_SIDES))),
                lambda: same("simulation", "converged, diverged", ", ".join(data["escape"].outcome.values.tolist())),
            ],
        ),
    ]


def _law(case: Case, run: xr.Dataset) -> Claim:
    first, last = (float(run.scaled_excess[index]) for index in (0, -1))
    return Claim(
        f"law_{case.name.replace(' ', '_').replace('-', '_')}",
        f"{case.name}, η = {case.step_size}: from e y₀ = {first:.2g} to {last:.2g} gradient descent ends at "
        f"y∞ = −(1 + W₀)/e, up to a relative deviation of first order in y₀ and smaller than the size "
        f"{case.neglected_rate:.2g} y₀ of the neglected terms",
        HERE,
        [
            _end_solves,
            lambda: _within_the_neglected(run),
            lambda: agreement("simulation", 1, _order(run), absolute=0.05),
            *([lambda: _end_by_autograd(case, run.isel(start=-1))] if case.name in RUN_IN_TORCH else []),
        ],
    )


def _within_the_neglected(run: xr.Dataset) -> Evidence:
    """The largest deviation in units of σ."""
    if not (run.outcome == "converged").all():
        return Evidence("simulation", "undecided", "all runs converge", ", ".join(run.outcome.values.tolist()))
    return bounded("simulation", float((abs(run.end / run.predicted - 1) / run.neglected).max()), below=1)


def _order(run: xr.Dataset) -> float:
    """The exponent p of y₀ in the relative deviation, fitted as c y₀ᵖ exp(d e y₀) at small e y₀, at three or more."""
    small = run.sortby("scaled_excess").isel(start=slice(max(3, int((run.scaled_excess < SMALL_EXCESS).sum()))))
    columns = [np.log(small.excess), small.scaled_excess, np.ones(small.sizes["start"])]
    deviation = abs(small.end / small.predicted - 1)
    return float(np.linalg.lstsq(np.column_stack(columns), np.log(deviation))[0][0])


def _end_by_autograd(case: Case, run: xr.Dataset) -> Evidence:
    """The deviation for the largest y₀ in units of σ, with torch's gradients."""
    from analysis.edge_law.autograd import end

    found = end(case, start(case, float(run.excess)), int(run.step))
    return bounded("autograd", abs(found / float(run.predicted) - 1) / float(run.neglected), below=1)


def _general() -> tuple[EdgeNormalForm, Symbol, Symbol, Expr]:
    """A self-stabilizing form in symbols, y, y₀, and the orbit q(y)."""
    y, excess = Symbol("y", real=True), Symbol("y0", positive=True)
    form = EdgeNormalForm(Symbol("beta", positive=True), Symbol("kappa4", negative=True))
    e = form.e
    return form, y, excess, 4 / (form.beta * e**2) * (1 + e * y - (1 + e * excess) * exp(e * (y - excess)))


@cache
def _orbit_solves() -> Evidence:
    """The orbit against dq/dy = Δ₂q/Δ₂y = −4y/β + e q, and q(y₀) = 0."""
    form, y, excess, orbit = _general()
    return supported([-4 * y / form.beta + form.e * orbit, Integer(0)], [diff(orbit, y), orbit.subs(y, excess)])


@cache
def _end_solves() -> Evidence:
    """q(y∞) = 0: with w = W₀(z) it is a multiple of z e^{−w} − w, and z = w e^w."""
    form, y, excess, orbit = _general()
    end = form.end(excess)
    (lambert,) = end.atoms(LambertW)
    root = Dummy("w")
    at_end = orbit.subs(y, end.subs(lambert, root))
    return supported(4 / (form.beta * form.e**2) * (lambert.args[0] * exp(-root) - root), at_end)


@cache
def _parabola_solves() -> Evidence:
    """The parabola, solved for q, against the equation of the orbits."""
    form, y, _, _ = _general()
    amplitude = Symbol("q", real=True)
    (parabola,) = solve(form.parabola(amplitude) - y, amplitude)
    return supported([-4 * y / form.beta + form.e * parabola, -1 / form.e], [diff(parabola, y), form.parabola(0)])


@cache
def _mirrored_without_quartic() -> Evidence:
    """The orbit as κ₄ → 0: 2(y₀² − y²)/β, which vanishes at −y₀."""
    form, y, excess, orbit = _general()
    leading = simplify(orbit.series(form.quartic, 0, 1).removeO())
    return supported(2 * (excess**2 - y**2) / form.beta, leading)


def _at_the_limit(run: xr.Dataset) -> Evidence:
    last = run.isel(start=-1)
    scaled_end = float(last.end * last.scaled_excess / last.excess)
    return agreement("simulation", -1, scaled_end, absolute=float(last.neglected))


def _mirrored(first: xr.Dataset) -> Evidence:
    allowed = float(first.neglected + first.scaled_excess)
    return agreement("simulation", -float(first.excess), float(first.end), relative=allowed)


def _along_the_orbits(run: xr.Dataset) -> Evidence:
    """The largest distance from q(y), relative to its height and in units of σ."""
    start = run.scaled_y.isel(iteration=0)
    predicted = 1 + run.scaled_y - (1 + start) * np.exp(run.scaled_y - start)
    distance = abs(run.scaled_q - predicted).max("iteration") / run.scaled_q.max("iteration")
    return bounded("simulation", float((distance / run.neglected).max()), below=1)


def _row(name: str, step_size: str, excess: float, predicted: str, simulated: str, row: xr.Dataset) -> Claim:
    case = table_case(name, step_size)
    unit = 10.0 ** -len(predicted.partition(".")[2])
    words = f"{name} {step_size} {excess:g}".replace(".", "_").replace("/", "_").replace(" ", "_")
    return Claim(
        f"table_{words}",
        f"{row.start.item()}: predicted y∞ = {predicted}, simulated {simulated}",
        HERE,
        [
            lambda: agreement("symbolic", float(predicted), case.predicted(excess), absolute=0.51 * unit),
            lambda: agreement("simulation", float(simulated), float(row.end), absolute=max(PRINTED, 0.51 * unit)),
        ],
    )


def _fate(scaled: float) -> str:
    """What the law says of a start with this |e| y₀ where κ₄ > 0."""
    case = table_case("quartic 15", "1/10")
    try:
        case.predicted(scaled / abs(float(case.form.e)))
    except Undecided:
        return "may escape"
    return "ends"
