"""Where the two losses end, and why: the edge law, the overshoot, and what does not depend on the step size.

What is measured on runs of their own does not depend on the options: no choice of a figure refutes a statement.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import xarray as xr
from sympy import Float, Integer, Rational, sqrt

from analysis.minimalist.dynamics import Dynamics
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
from analysis.study import Evidence, Pieces, agreement, bounded, exponent, identity, supported
from eos_sym import STEP_SIZE as ETA
from eos_sym import Map
from eos_sym.algebra import expand_in
from eos_sym.edge import EdgeNormalForm
from numeric import compile_function, compile_map

TABLE_STEP_SIZE = 0.2
GAP_EXCESS = 0.05  # relative to the edge
EDGE_LAW_TOLERANCE = 0.02  # the law is of leading order; its relative error at degree 4 is of order η²
SMALL_EXCESS = 0.05  # relative to the edge
NETWORK_EXCESS = 0.0075  # the law is within its tolerance up to 1.5 %, and the run is short
FITTED = 0.1  # step sizes up to here, for exponents in η
LONG_ENOUGH = 200_000  # iterations; every run below ends by itself before
SMALL_STEP_SIZES = np.array([0.01, 0.02, 0.04])
SMALL_EXCESSES = np.array([0.01, 0.02, 0.04])  # of K over 2
ELLIPSE_STEP_SIZE, ELLIPSE_STEPS = 0.05, 6000
OFFSET = 1e-6  # of P from 1, at starts near the minima: too small for where the run ends

Forms = Mapping[int, EdgeNormalForm]
Runs = Mapping[str, xr.Dataset]


def depths(forms: Forms) -> Pieces:
    """The formulas, and β and κ₄ by automatic differentiation."""
    depth = {degree: edge_law(form)["depth"] for degree, form in forms.items()}
    yield supported("depth at degree 2", (1 - ETA**2) / (2 * ETA**3), depth[2])
    yield supported("depth at degree 4, leading order", ETA / 2, expand_in(depth[4], ETA, 3))
    for degree, ratio in STEP_SIZE_RATIO.items():
        quantity = f"depth of degree {degree} at η = {TABLE_STEP_SIZE}"
        expected = float(depth[degree].subs(ETA, ratio * TABLE_STEP_SIZE))
        yield agreement("autograd", quantity, expected, network.depth(degree, TABLE_STEP_SIZE), relative=1e-9)


def degree_4_forgets(forms: Forms, runs: Runs) -> Pieces:
    """All runs; and a network, which shares with the last of them its start and, halved, its number of steps."""
    found = runs["ends_of_degree_4"]
    miss = float((misses(forms, 4, found) / abs(found.final_excess)).max())
    yield bounded("simulation", "largest relative error of y∞ by the edge law", miss, below=EDGE_LAW_TOLERANCE)
    yield end_of_network(forms, 4, found.isel(excess=-1))


def degree_2_overshoots(forms: Forms, runs: Runs) -> Pieces:
    """Runs with a small excess; and a network, which shares start and number of steps with one of them likewise."""
    small = runs["ends_of_degree_2"].sel(excess=slice(0, SMALL_EXCESS))
    found = exponent(small.excess_at_start, misses(forms, 2, small))
    yield agreement("simulation", "exponent in y₀ of the error of y∞ by the edge law", 2, found, absolute=0.1)
    yield end_of_network(forms, 2, small.sel(excess=NETWORK_EXCESS, method="nearest"))


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
    """The limit, and the ends of both maps from K = 2.1."""
    K, rho = SCALED_IMBALANCE, SCALED_OFFSET
    limit = [K * (1 - rho**2), rho * (1 - sqrt(K**2 + 4 * rho**2) + rho**2)]
    yield identity("K and ρ after one step as η → 0", limit, two.scale_free_map.step)
    found = scale_free_exponent(two, dynamics[2])
    yield agreement("simulation", "exponent in η of the difference of K∞ = ηD∞", 2, found, absolute=0.05)


def overshoot(two: DegreeTwo) -> Pieces:
    """The first integral, the end that it gives, and the ends of the limit map, which both channels share."""
    delta, rho = EXCESS, SCALED_OFFSET
    integral = delta**2 + 2 * rho**2 + Rational(2, 3) * delta**3 + 2 * delta * rho**2
    yield supported("conserved polynomial in δ and ρ", integral, two.first_integral)
    yield supported("δ∞ in δ₀", -delta - Rational(2, 3) * delta**2, two.overshoot)
    yield agreement("simulation", "exponent in δ₀ of the error of δ∞", 3, overshoot_exponent(two), absolute=0.05)


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


def relative_gaps(forms: Forms, runs: Runs) -> Pieces:
    """The order of the depth, and how the ends of runs depend on the step size."""
    terms = expand_in(edge_law(forms[4])["depth"] * ETA / 2, ETA, 5).as_ordered_terms()
    order = min(term.as_coeff_exponent(ETA)[1] for term in terms)
    yield supported("exponent in η of the depth over 2/η, degree 4", Integer(2), order)
    for degree, expected, absolute in ((2, 0, 0.02), (4, 2, 0.05)):
        run = runs[f"gaps_of_degree_{degree}"].sel(eta_of_degree_2=slice(0, FITTED))
        found, quantity = exponent(run.eta, -run.final_excess * run.eta / 2), f"exponent in η of ηy∞/2, degree {degree}"
        yield agreement("simulation", quantity, expected, found, absolute=absolute)


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
