"""Where the two losses end, and why: the edge law, the overshoot, and what does not depend on the step size.

What is measured on runs of their own does not depend on the options: no choice of a figure refutes a statement.
"""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import xarray as xr
from mpmath import mp
from sympy import Float, Integer, Rational, sqrt

from analysis.minimalist.dynamics import DIGITS, Dynamics, order_in_kappa
from analysis.minimalist.theory import KAPPA, D, P, Theory, a, b
from analysis.shallow import network
from analysis.shallow.theory import (
    EXCESS,
    SCALED_IMBALANCE,
    SCALED_OFFSET,
    STEP_SIZE_RATIO,
    DegreeTwo,
    edge_law,
    frozen_product_map,
    square_of_squares,
    with_step_size,
)
from analysis.study import Evidence, Pieces, about, agreement, bounded, exponent, identity, supported
from eos_sym import STEP_SIZE as ETA
from eos_sym import Map
from eos_sym.algebra import evaluator, expand_in
from eos_sym.edge import EdgeNormalForm
from numeric import compile_function, compile_map

TABLE_STEP_SIZE = 0.2
GAP_EXCESS = 0.05  # relative to the edge
EDGE_LAW_TOLERANCE = 0.02  # the law is of leading order; its relative error at degree 4 is of order η²
SMALL_EXCESS = 0.05  # relative to the edge
NETWORK_EXCESS = 0.0075  # the law is within its tolerance up to 1.5 %, and the run is short
FORGOTTEN = 5  # times the depth: beyond, the law is within 2 % of it
DEPTH_STEP_SIZES = (0.1, 0.2, 0.4)
SMALL_KAPPA = 0.01
FITTED = 0.1  # step sizes up to here, for exponents in η
LONG_ENOUGH = 200_000  # iterations; every run below ends by itself before
SMALL_STEP_SIZES = np.array([0.01, 0.02, 0.04])
SMALL_EXCESSES = np.array([0.01, 0.02, 0.04])  # of K over 2
ELLIPSE_STEP_SIZE, ELLIPSE_STEPS = 0.05, 6000
OFFSET = 1e-6  # of P from 1, at starts near the minima: too small for where the run ends

Forms = Mapping[int, EdgeNormalForm]
Runs = Mapping[str, xr.Dataset]


def depths(forms: Forms) -> Pieces:
    """The formulas, in units of each one's edge, and β and κ₄ by automatic differentiation."""
    relative = {
        degree: (edge_law(form)["depth"] * ETA / 2).subs(ETA, Rational(str(STEP_SIZE_RATIO[degree])) * ETA)
        for degree, form in forms.items()
    }

    def by_autograd(degree: int) -> Iterator[Evidence]:
        for eta in DEPTH_STEP_SIZES:
            quantity = f"depth over the edge, degree {degree}, η = {eta}"
            found = network.depth(degree, eta) * STEP_SIZE_RATIO[degree] * eta / 2
            yield agreement("autograd", quantity, float(relative[degree].subs(ETA, eta)), found, relative=1e-9)

    shallow = (1 - ETA**2) / (4 * ETA**2)
    yield from about(
        "(1 − η²)/(4η²)",
        identity("depth over the edge at degree 2", shallow, relative[2]),
        identity("the same less 1, which changes its sign at 1/√5", (1 - 5 * ETA**2) / (4 * ETA**2), relative[2] - 1),
        by_autograd(2),
    )
    leading = expand_in(relative[4], ETA, 4)
    yield from about(
        "η²/16", identity("depth over the edge at degree 4, to O(η⁴)", ETA**2 / 16, leading), by_autograd(4)
    )


def degree_4_forgets(forms: Forms, runs: Runs) -> Pieces:
    """All runs; and a network, which shares with the last of them its start and, halved, its number of steps."""
    found = runs["ends_of_degree_4"]
    depth = float(1 / at_table_step_size(forms[4], 4).e)
    miss = float((misses(forms, 4, found) / abs(found.final_excess)).max())
    yield from about(
        "where the edge law says",
        bounded("simulation", "largest relative error of y∞ by the edge law", miss, below=EDGE_LAW_TOLERANCE),
        end_of_network(forms, 4, found.isel(excess=-1)),
    )
    far = found.final_excess.where(found.excess_at_start > FORGOTTEN * depth, drop=True)
    quantity = f"largest relative distance of y∞ from the depth, {far.size} runs"
    miss = float(abs(-far / depth - 1).max())
    yield from about("at the depth", bounded("simulation", quantity, miss, below=EDGE_LAW_TOLERANCE))


def degree_2_overshoots(forms: Forms, runs: Runs) -> Pieces:
    """Runs with a small excess; and a network, which shares start and number of steps with one of them likewise."""
    small = runs["ends_of_degree_2"].sel(excess=slice(0, SMALL_EXCESS))
    found = exponent(small.excess_at_start, small.final_excess + small.excess_at_start)
    yield from about(
        "ends at −y₀",
        agreement("simulation", "exponent in y₀ of y∞ + y₀", 2, found, absolute=0.1),
        end_of_network(forms, 2, small.sel(excess=NETWORK_EXCESS, method="nearest")),
    )
    scaled = small.excess_at_start * float(at_table_step_size(forms[2], 2).e)
    law = np.array(predicted_ends(forms, 2, small.excess_at_start.values))
    miss = float(abs(law / small.excess_at_start + 1).max())
    yield from about(
        "edge law",
        bounded("symbolic", "largest e y₀", float(scaled.max()), below=0.01),
        bounded("symbolic", "largest relative distance of the law's end from −y₀", miss, below=0.01),
    )


def at_table_step_size(form: EdgeNormalForm, degree: int) -> EdgeNormalForm:
    """The edge law in numbers."""
    at = {ETA: Float(STEP_SIZE_RATIO[degree] * TABLE_STEP_SIZE, 30)}
    return EdgeNormalForm(form.beta.subs(at), form.quartic.subs(at))


def predicted_ends(forms: Forms, degree: int, excesses: Iterable[float]) -> list[float]:
    """y∞ by the edge law at the step size of the table."""
    law = at_table_step_size(forms[degree], degree)
    return [float(law.end(Float(excess))) for excess in excesses]


def misses(forms: Forms, degree: int, runs: xr.Dataset) -> xr.DataArray:
    """How far y∞ is from what the edge law says."""
    missed: xr.DataArray = abs(runs.final_excess - predicted_ends(forms, degree, runs.excess_at_start.values))
    return missed


def end_of_network(forms: Forms, degree: int, run: xr.Dataset) -> Evidence:
    """y∞ of the network that starts where the simulated run did, and makes half as many steps, to half the digits."""
    (expected,) = predicted_ends(forms, degree, [float(run.excess_at_start)])
    x, y = run.initial.values.tolist()
    step_size = STEP_SIZE_RATIO[degree] * TABLE_STEP_SIZE
    observed = network.end_sharpness(degree, (x, y), step_size, int(run.step) // 2) - 2 / step_size
    quantity = f"y∞ from {float(run.excess):.2%} above the edge"
    return agreement("network", quantity, expected, observed, relative=EDGE_LAW_TOLERANCE)


def scale_free_limit(two: DegreeTwo, dynamics: Mapping[int, Dynamics]) -> Pieces:
    """The limit, one step of both maps, and the ends of both from K = 2.1."""
    K, rho = SCALED_IMBALANCE, SCALED_OFFSET
    limit = [K * (1 - rho**2), rho * (1 - sqrt(K**2 + 4 * rho**2) + rho**2)]
    order = one_step_exponent(two)
    yield from about(
        "becomes",
        identity("K and ρ after one step as η → 0", limit, two.scale_free_map.step),
        agreement(
            "simulation", "exponent in η of the error of one step from K = 2.1, ρ = 0.3", 1, order, absolute=0.05
        ),
    )
    found = scale_free_exponent(two, dynamics[2])
    quantity = "exponent in η of the difference of K∞ = ηD∞"
    yield from about("from K = 2.1", agreement("simulation", quantity, 2, found, absolute=0.05))


def one_step_exponent(theory: DegreeTwo) -> float:
    """How fast one step of ηD and η(P − 1) approaches that of the limit map as η falls."""
    (K, rho), eta = (2.1, 0.3), SMALL_STEP_SIZES / 100
    exact = compile_function(theory.product_map.step, (D, P, ETA))(K / eta, 1 + rho / eta, eta)
    limit = compile_function(theory.scale_free_map.step, (SCALED_IMBALANCE, SCALED_OFFSET))(K, rho)
    return exponent(eta, np.hypot(eta * exact[0] - limit[0], eta * (exact[1] - 1) - limit[1]))


def overshoot(two: DegreeTwo) -> Pieces:
    """The change of the integral in a series and in many digits; the end that it gives, and ends of the limit map."""
    delta, rho = EXCESS, SCALED_OFFSET
    integral = delta**2 + 2 * rho**2 + Rational(2, 3) * delta**3 + 2 * delta * rho**2
    moved = two.scale_free_map.iterate(2).substitution
    after = {delta: moved[SCALED_IMBALANCE] - 2, rho: moved[rho]}
    size = {SCALED_IMBALANCE: 2 + KAPPA * delta, rho: KAPPA * rho}
    change = integral.subs({one: step.subs(size, simultaneous=True) for one, step in after.items()}, simultaneous=True)
    change -= integral.subs({delta: KAPPA * delta, rho: KAPPA * rho}, simultaneous=True)
    order = order_in_kappa(change, {delta: Rational(1, 2), rho: Integer(1)})
    yield from about(
        "sixth order",
        identity("change in two steps at (κδ, κρ) up to O(κ⁶)", Integer(0), expand_in(change, KAPPA, 6)),
        agreement("simulation", "exponent in κ of the change at (κ/2, κ)", 6, order, absolute=0.05),
    )
    yield from about(
        "it ends",
        supported("δ∞ in δ₀", -delta - Rational(2, 3) * delta**2, two.overshoot),
        agreement("simulation", "exponent in δ₀ of the error of δ∞", 3, overshoot_exponent(two), absolute=0.05),
    )


def scale_free_end(theory: DegreeTwo, excess: xr.DataArray) -> xr.DataArray:
    """K∞ − 2 of the limit map from K = 2 + δ₀ and small ρ."""
    start = {SCALED_IMBALANCE.name: 2 + excess, SCALED_OFFSET.name: xr.zeros_like(excess) + OFFSET}
    run = compile_map(theory.scale_free_map).run(start, {}, steps=LONG_ENOUGH)
    end: xr.DataArray = run.final.sel(state=SCALED_IMBALANCE.name)
    return end - 2


def overshoot_exponent(theory: DegreeTwo) -> float:
    """How fast the error of the series for the end of the limit map falls with the excess it starts with."""
    series = compile_function([theory.overshoot], (EXCESS,))(SMALL_EXCESSES)[0]
    return exponent(SMALL_EXCESSES, scale_free_end(theory, xr.DataArray(SMALL_EXCESSES, dims="excess")) - series)


def scale_free_exponent(theory: DegreeTwo, dynamics: Dynamics) -> float:
    """How fast the end of degree 2 from K = 2.1 approaches that of the limit map as η falls."""
    excess, eta = 0.1, xr.DataArray(SMALL_STEP_SIZES, dims="eta")
    at_edge = (4 / eta**2 - 4) ** 0.25
    start = dynamics.start_at(((2 + excess) / eta) ** 0.5 - at_edge, OFFSET / eta, eta)
    run = dynamics.simulator.run(start, {"eta": eta}, steps=LONG_ENOUGH)
    x, y = (run.final.sel(state=name) for name in ("x", "y"))
    limit = float(scale_free_end(theory, xr.DataArray(excess)))
    return exponent(SMALL_STEP_SIZES, eta * (x**2 - y**2) - 2 - limit)


def relative_gaps(two: DegreeTwo, forms: Forms, runs: Runs) -> Pieces:
    """What the formulas say, and how the ends of runs depend on the step size."""
    derived = float(-two.overshoot.subs(EXCESS, 2 * GAP_EXCESS) / 2)
    terms = expand_in(edge_law(forms[4])["depth"] * ETA / 2, ETA, 5).as_ordered_terms()
    order = min(term.as_coeff_exponent(ETA)[1] for term in terms)
    fractions = {}
    for degree in (2, 4):
        run = runs[f"gaps_of_degree_{degree}"].sel(eta_of_degree_2=slice(0, FITTED))
        fractions[degree] = -run.final_excess * run.eta / 2
    slopes = {degree: exponent(found.eta_of_degree_2, found) for degree, found in fractions.items()}
    quantity = "ηy∞/2, degree 2"
    yield from about(
        "degree 2",
        agreement("symbolic", f"−{quantity}, by δ∞", 0.0533, derived, absolute=1e-4),
        agreement("simulation", f"−{quantity}, mean", 0.0533, float(fractions[2].mean()), absolute=4e-4),
        agreement("simulation", f"exponent in η of {quantity}", 0, slopes[2], absolute=0.005),
    )
    yield from about(
        "degree 4",
        supported("exponent in η of the depth over 2/η", Integer(2), order),
        agreement("simulation", "exponent in η of ηy∞/2, degree 4", 2, slopes[4], absolute=0.05),
    )


def third_difference(theory: Theory) -> float:
    """A sixth of the third derivative in b of two steps of b at a = b = 0 and κ = SMALL_KAPPA, in many digits."""
    value = evaluator([theory.moved[2][b].subs(a, 0)], [b, KAPPA])
    with mp.workdps(DIGITS):
        step, kappa = mp.mpf(10) ** -15, mp.mpf(str(SMALL_KAPPA))
        at = [value([factor * step, kappa])[0] for factor in (2, 1, -1, -2)]
        return float((at[0] - 2 * at[1] + 2 * at[2] - at[3]) / (12 * step**3))


def difference_of_squares(full_map: Map) -> float:
    """The largest difference along 300 steps between ½(1 − x²y²)² with η/4 and ½(1 − xyzw)² with η/2."""
    start, eta = {"x": 3.4, "y": 0.25}, 0.2
    x, y = square_of_squares().weights
    squares = compile_map(Map((x, y), (ETA,), with_step_size(square_of_squares(), ETA / 4)))
    run = squares.run(start, {"eta": eta}, steps=300, record_every=1)
    pairs = {**start, "z": start["x"], "w": start["y"]}
    reference = compile_map(full_map).run(pairs, {"eta": eta / 2}, steps=300, record_every=1)
    return float(np.abs(run.trajectory.values - reference.trajectory.sel(state=["x", "y"]).values).max())


def frozen_exponent(theory: Theory, seed: int) -> float:
    """How fast one step of P approaches its limit at fixed K = ηD, over random P and K, as η falls."""
    products, scaled = np.random.default_rng(seed).uniform(0.2, 1.8, (2, 50, 1))
    exact = compile_function([theory.product_map.substitution[P]], (D, P, ETA))
    limit = compile_function([frozen_product_map(theory)], (SCALED_IMBALANCE, P))
    errors = exact(scaled / SMALL_STEP_SIZES, products, SMALL_STEP_SIZES)[0] - limit(scaled, products)[0]
    return exponent(SMALL_STEP_SIZES, np.abs(errors).max(axis=0))


def ellipse_exponent(theory: DegreeTwo, dynamics: Dynamics) -> float:
    """How fast the relative change of C along runs at degree 2 falls with the size of the ellipse."""
    size = xr.DataArray(SMALL_EXCESSES, dims="size") / ELLIPSE_STEP_SIZE**0.5
    start = dynamics.start_at(size / 4, xr.zeros_like(size) + OFFSET, xr.DataArray(ELLIPSE_STEP_SIZE))
    run = dynamics.simulator.run(start, {"eta": ELLIPSE_STEP_SIZE}, steps=ELLIPSE_STEPS, record_every=1)
    level = compile_function([theory.ellipse], (a, b, KAPPA))
    along = level(*(dynamics.observables[name].along(run) for name in "ab"), ELLIPSE_STEP_SIZE**0.5)[0]
    return exponent(SMALL_EXCESSES, np.abs(along / along[:, :1] - 1).max(axis=1))
