"""Where the two losses end, and why: the edge law, the overshoot, and what does not depend on the step size.

The edge law and the expansion of the overshoot are formal arguments to leading orders; that runs follow them is seen in
simulation, not proved. Their symbolic evidence therefore counts as support, not as proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import xarray as xr
from sympy import Expr, Integer, Rational, sqrt

from analysis.claim import Claim, Evidence, agreement, bounded, identity, supported
from analysis.minimalist.measurements import exponent
from analysis.shallow.claims import HERE
from analysis.shallow.experiments import STEP_SIZE_RATIO, TABLE, TABLE_STEP_SIZE
from analysis.shallow.measurements import Comparison, Networks
from analysis.shallow.theory import EXCESS, SCALED_IMBALANCE, SCALED_OFFSET, edge_law
from eos_sym import STEP_SIZE as ETA
from eos_sym.algebra import expand_in

EDGE_LAW_TOLERANCE = 0.02  # the law is of leading order; its relative error at degree 4 is of order η²
SMALL_EXCESS = 0.05  # relative to the edge
NETWORK_EXCESS = 0.0075  # the law is within its tolerance up to 1.5 %, and the run is short
FITTED = 0.1  # step sizes up to here, for exponents in η
ALLOWED_MISS = 5.1e-4  # half a unit of the third digit that is tabulated


def claims_about_the_edge_law(compared: Comparison, data: Mapping[str, xr.Dataset]) -> list[Claim]:
    """Where each ends and why: depth, overshooting at degree 2, the depth itself at degree 4."""
    depths = {degree: edge_law(form)["depth"] for degree, form in compared.pair.forms.items()}
    ends = {degree: data[f"ends_of_degree_{degree}"] for degree in STEP_SIZE_RATIO}
    small = {degree: run.sel(excess=slice(0, SMALL_EXCESS)) for degree, run in ends.items()}

    def misses(degree: int, runs: xr.Dataset) -> xr.DataArray:
        missed: xr.DataArray = abs(runs.final_excess - compared.predicted_ends(degree, runs.excess_at_start.values))
        return missed

    def relative_miss(degree: int, runs: xr.Dataset) -> float:
        return float((misses(degree, runs) / abs(runs.final_excess)).max())

    def on_a_network(degree: int, relative: float) -> Evidence:
        """The end of the network that starts where the simulated run with this excess did."""
        run = ends[degree].sel(excess=relative, method="nearest")
        start = (float(run.initial.sel(state="x")), float(run.initial.sel(state="y")))
        steps = int(run.step) // 2  # to half the digits that the simulation converged to
        edge = 2 / (STEP_SIZE_RATIO[degree] * TABLE_STEP_SIZE)
        (expected,) = compared.predicted_ends(degree, [float(run.excess_at_start)])
        observed = Networks().run(degree, start, TABLE_STEP_SIZE, steps) - edge
        return agreement("network", expected, observed, relative=EDGE_LAW_TOLERANCE)

    return [
        Claim(
            "depths",
            "from a large excess the edge law puts the end (1 − η²)/(2η³) below the edge at degree 2, more than "
            "2/η for η < ½, and η/2 + O(η³) at degree 4",
            HERE,
            [
                lambda: supported((1 - ETA**2) / (2 * ETA**3), depths[2]),
                lambda: supported(ETA / 2, expand_in(depths[4], ETA, 3)),
                *(
                    lambda degree=degree: agreement(
                        "autograd",
                        float(depths[degree].subs(ETA, STEP_SIZE_RATIO[degree] * TABLE_STEP_SIZE)),
                        Networks().depth(degree, TABLE_STEP_SIZE),
                        relative=1e-9,
                    )
                    for degree in STEP_SIZE_RATIO
                ),
            ],
        ),
        Claim(
            "degree_4_forgets",
            f"degree 4 ends where the edge law says, within {EDGE_LAW_TOLERANCE:.0%}: at the depth, from any "
            "larger excess",
            HERE,
            [
                lambda: bounded("simulation", relative_miss(4, ends[4]), below=EDGE_LAW_TOLERANCE),
                lambda: on_a_network(4, float(ends[4].excess[-1])),
            ],
        ),
        Claim(
            "degree_2_overshoots",
            "degree 2 ends where the edge law says, at −y₀ to leading order, with an error O(y₀²)",
            HERE,
            [
                lambda: agreement(
                    "simulation", 2, exponent(small[2].excess_at_start, misses(2, small[2])), absolute=0.1
                ),
                lambda: on_a_network(2, NETWORK_EXCESS),
            ],
        ),
    ]


def claims_about_scale(compared: Comparison, data: Mapping[str, xr.Dataset]) -> list[Claim]:
    """How the ends depend on the step size."""
    theory, gaps = compared.theory, {degree: data[f"gaps_of_degree_{degree}"] for degree in STEP_SIZE_RATIO}
    limit_map = [
        SCALED_IMBALANCE * (1 - SCALED_OFFSET**2),
        SCALED_OFFSET * (1 - sqrt(SCALED_IMBALANCE**2 + 4 * SCALED_OFFSET**2) + SCALED_OFFSET**2),
    ]
    integral = EXCESS**2 + 2 * SCALED_OFFSET**2 + Rational(2, 3) * EXCESS**3 + 2 * EXCESS * SCALED_OFFSET**2

    def gap_exponent(degree: int) -> float:
        run = gaps[degree].sel(eta_of_degree_2=slice(0, FITTED))
        return exponent(run.eta, -run.final_excess * run.eta / 2)

    return [
        Claim(
            "scale_free_limit",
            "as η → 0 degree 2 becomes (K, ρ) ↦ (K(1 − ρ²), ρ(1 − √(K² + 4ρ²) + ρ²)) with K = ηD, ρ = η(P − 1), and "
            "its ends approach those of this map as η²",
            HERE,
            [
                lambda: identity(limit_map, theory.scale_free_map.step),
                lambda: agreement("simulation", 2, compared.scale_free_exponent(), absolute=0.05),
            ],
        ),
        Claim(
            "overshoot",
            "near the edge two steps conserve δ² + 2ρ² + (2/3)δ³ + 2δρ² up to the fifth order, δ = K − 2, so that "
            "δ∞ = −δ₀ − (2/3)δ₀² + O(δ₀³)",
            HERE,
            [
                lambda: supported(integral, theory.first_integral),
                lambda: supported(-EXCESS - Rational(2, 3) * EXCESS**2, theory.overshoot),
                lambda: agreement("simulation", 3, compared.overshoot_exponent(), absolute=0.05),
            ],
        ),
        Claim(
            "relative_gaps",
            "from 5 % above the edge degree 2 ends a fixed fraction of 2/η below it, degree 4 a fraction proportional "
            "to η²",
            HERE,
            [
                lambda: supported(Integer(2), depth_order(edge_law(compared.pair.forms[4])["depth"] * ETA / 2)),
                lambda: agreement("simulation", 0, gap_exponent(2), absolute=0.02),
                lambda: agreement("simulation", 2, gap_exponent(4), absolute=0.05),
            ],
        ),
    ]


def depth_order(depth: Expr) -> Integer:
    """The leading power of η in the depth."""
    series = expand_in(depth, ETA, 5)
    return min(term.as_coeff_exponent(ETA)[1] for term in series.as_ordered_terms())


def _tabulated(table: xr.Dataset, index: int) -> Claim:
    start = list(TABLE)[index]
    run = table.isel(start=index)
    check = partial(agreement, expected=TABLE[start], absolute=ALLOWED_MISS)
    return Claim(
        f"table_{index + 1}",
        f"degree 2 with η = {TABLE_STEP_SIZE} from (x, y) = {start} ends at sharpness {TABLE[start]}, the edge being "
        f"{2 / TABLE_STEP_SIZE:g}",
        "reference runs",
        [
            lambda: check("simulation", observed=float(run.final_sharpness)),
            lambda: check("network", observed=Networks().run(2, start, TABLE_STEP_SIZE, int(run.step))),
        ],
    )


def claims_about_the_table(data: Mapping[str, xr.Dataset]) -> list[Claim]:
    """The three runs of THEORY §3."""
    return [_tabulated(data["table"], index) for index in range(len(TABLE))]
