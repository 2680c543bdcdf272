"""Where the runs that stay end, how finely the ends are mixed, and what of it is proved start by start."""

from __future__ import annotations

from functools import cache

import numpy as np
import xarray as xr
from sympy import Expr

from analysis.basins.claims import HERE, PROVED, Context, formal
from analysis.basins.experiments import BRANCH_DISTANCES, CODES, PAIR_DISTANCES
from analysis.basins.measurements import above_the_edge, exponent
from analysis.claim import Claim, Evidence, Status, agreement, bounded, identity, same, supported
from analysis.minimalist.theory import P
from eos_sym import STEP_SIZE as ETA
from eos_sym.algebra import expand_in

THEOREM = "Zhu et al. 2022, main theorem, beyond the step sizes of its hypothesis"
PRODUCT_ERROR = 1e-9
OVER_THE_EDGE = 1e-6  # relative; single precision
AUTOGRAD_STARTS, AUTOGRAD_STEPS = 10_000, 60
NETWORK_START = (0.25, 0.1)  # a, relative to the reach of the ellipse, and b
NETWORK_STEPS = 20_000
NETWORK_TOLERANCE = 1e-3
FEW, MANY = 4, 20  # two conics meet in 4 points at most


def claims_about_ends(context: Context) -> list[Claim]:
    """Minima below the edge; at degree 4 just below it."""
    planes = {degree: context.of("plane", degree) for degree in (4, 2)}
    theories = context.basins.theories
    margin = theories[4].terminal_sharpness - (2 / ETA - 20 * ETA / 3)

    def multipliers(degree: int) -> Evidence:
        """Trace and determinant of DF at a minimum y = 1/x: the multipliers are 1 and 1 − hS."""
        x, y = theories[degree].reduced_map.state
        jacobian = theories[degree].reduced_map.jacobian.subs(y, 1 / x)
        other = 1 - ETA * theories[degree].sharpness_at_minima.subs(y, 1 / x)
        return identity([1 + other, other], [jacobian.trace(), jacobian.det()])

    def at_minima(degree: int) -> Evidence:
        return bounded("simulation", float(planes[degree].product_error), below=PRODUCT_ERROR)

    def saddles(degree: int) -> Evidence:
        """Converged runs that did not end at a minimum: starts off x + y = 0, which degree 2 maps to itself."""
        ends = planes[degree]
        x, y = np.meshgrid(ends.x0, ends.y0)
        elsewhere = (ends.outcome == CODES["converged"]).values & ends.relative_sharpness.isnull().values
        return same("simulation", "0 elsewhere", f"{int((elsewhere & (x + y != 0)).sum())} elsewhere")

    def inside(degree: int) -> float:
        ends = above_the_edge(context.of("edge", degree))
        return float((ends > 1 - 10 * float(context.simulations.eta) ** 2 / 3).mean())

    def middle_half(degree: int) -> float:
        return float(np.diff(above_the_edge(context.of("edge", degree)).quantile([0.25, 0.75]))[0])

    def network(degree: int) -> Evidence:
        return network_end(context, degree)

    return [
        Claim(
            "ends",
            "every run of the squares that converges ends at |xy| = 1 with a sharpness below 2/h, where the multiplier "
            "1 − hS is above −1, or, from x + y = 0 at degree 2, at the saddle 0",
            HERE,
            [
                *(lambda degree=degree: formal(multipliers(degree)) for degree in (4, 2)),
                lambda: formal(identity(1 - context.basins.pulls[2], antidiagonal_factor(context))),
                *(lambda degree=degree: at_minima(degree) for degree in (4, 2)),
                *(lambda degree=degree: saddles(degree) for degree in (4, 2)),
                *(
                    lambda plane=plane: bounded(
                        "simulation", float(plane.relative_sharpness.max()), below=1 + OVER_THE_EDGE
                    )
                    for plane in planes.values()
                ),
            ],
        ),
        Claim(
            "concentration",
            "of the starts above the edge in the (a, b) window that converge, at degree 4 more than nine in ten end in "
            "the theorem's interval (2/η − 20η/3, 2/η), whose law is 2/η − η/2; the middle half of their ends spans "
            "less than a tenth of what it spans at degree 2",
            THEOREM,
            [
                lambda: supported(37 * ETA / 6, expand_in(margin, ETA, 3)),
                lambda: agreement("simulation", 1, inside(4), absolute=0.1),
                lambda: bounded("simulation", middle_half(4), below=middle_half(2) / 10),
                *(lambda degree=degree: network(degree) for degree in (4, 2)),
            ],
            open=True,
        ),
    ]


def antidiagonal_factor(context: Context) -> Expr:
    """What one step at degree 2 multiplies x + y by, in P."""
    x, y = context.basins.map(2).state
    return context.basins.map(2).cofactor(x + y).subs(y, P / x).expand()


def network_end(context: Context, degree: int) -> Evidence:
    """Where the network of this depth ends from a start above the edge, against the simulation."""
    from analysis.shallow.measurements import Networks  # its torch is slow to load

    simulations = context.simulations
    a, b = NETWORK_START[0] * simulations.reach_in_a, NETWORK_START[1]
    run = simulations.single(degree, a, b)
    start = simulations.start_at(degree, xr.DataArray(a), xr.DataArray(b))
    point = (float(start["x"]), float(start["y"]))
    h = simulations.step_size(degree)
    steps = min(int(run.step), NETWORK_STEPS)
    observed = Networks().run(degree, point, 2 * float(simulations.eta), steps) * h / 2
    return agreement("network", float(run.relative_sharpness), observed, relative=NETWORK_TOLERANCE)


def claims_about_mixing(context: Context) -> list[Claim]:
    """The boundary of degree 4 is a fractal, that of degree 2 a curve, and its branches a fractal again."""
    measured, data = context.measured, context.data

    def boundary_exponent(degree: int) -> float:
        return exponent(PAIR_DISTANCES, context.of("pairs", degree).uncertain.values)

    @cache
    def alternations(degree: int) -> tuple[int, int]:
        return measured.proved_alternations(degree, context.of("line", degree))

    def few() -> Evidence:
        count, unproved = alternations(2)
        status: Status = "refuted" if count > FEW else "undecided" if unproved else "supported"
        return Evidence("interval", status, f"{FEW} alternations or fewer", f"{count}, {unproved} starts undecided")

    def many() -> Evidence:
        count, unproved = alternations(4)
        status: Status = "supported" if count >= MANY else "undecided" if unproved else "refuted"
        return Evidence("interval", status, f"{MANY} alternations or more", f"{count}, {unproved} starts undecided")

    def proved(name: str, degree: int) -> Evidence:
        proofs, simulated = measured.proved_starts(degree, context.of(name, degree), PROVED)
        wrong = sum(a not in ("undecided", b) for a, b in zip(proofs, simulated, strict=True))
        status: Status = "refuted" if wrong else "undecided" if "undecided" in proofs else "proved"
        counted = f"{PROVED - proofs.count('undecided')} proved, {wrong} of them simulated otherwise"
        return Evidence("interval", status, f"{PROVED} proved, 0 of them simulated otherwise", counted)

    def seen_both(name: str, degree: int) -> Evidence:
        codes = np.unique(context.of(name, degree).outcome.values)
        both = CODES["converged"] in codes and CODES["diverged"] in codes
        return same("simulation", "both outcomes: True", f"both outcomes: {both}")

    windows = [(name, degree) for name in ("boundary", "enlarged") for degree in (4, 2)]
    return [
        Claim(
            "outcomes_proved",
            "at random starts of the enlarged windows ball arithmetic proves the simulated outcome: escape, by no "
            "return, or an orbit that stays for ever in the ellipse (degree 2) or in a box |P| ≤ p, |D| ≤ d (degree 4)",
            HERE,
            [
                *(lambda window=window: proved(*window) for window in windows),
                *(lambda window=window: seen_both(*window) for window in windows),
            ],
        ),
        Claim(
            "smooth_boundary_of_degree_2",
            "the boundary of degree 2 is a conic: the uncertainty exponent is 1, and on a line of constant x² − y² "
            f"bounded and escaping starts alternate {FEW} times at most",
            HERE,
            [
                lambda: agreement("simulation", 1, boundary_exponent(2), absolute=0.12),
                few,
            ],
        ),
        Claim(
            "fractal_boundary_of_degree_4",
            "the boundary of degree 4 is a fractal: the uncertainty exponent is below 0.6, and on a line of constant "
            f"x² − y² bounded and escaping starts alternate {MANY} times or more",
            HERE,
            [
                lambda: bounded("simulation", boundary_exponent(4), below=0.6),
                many,
            ],
            open=True,
        ),
        Claim(
            "branches_of_degree_2",
            "to which branch of xy = 1 a run goes is uncertain, at random starts inside the ellipse, as ε^α with "
            "α = −ln ρ/ln 3, ρ the spectral radius of the transfer operator of π − 3φ with the weight 1/(1 + hg + g²)",
            HERE,
            [
                lambda: agreement(
                    "simulation",
                    measured.branch_exponent(),
                    exponent(BRANCH_DISTANCES, data["branches"].uncertain.values),
                    absolute=0.1,
                ),
                lambda: agreement(
                    "autograd",
                    measured.branch_exponent(),
                    measured.autograd_branch_exponent(data["branches"], AUTOGRAD_STARTS, AUTOGRAD_STEPS),
                    absolute=0.1,
                ),
            ],
            open=True,
        ),
    ]
