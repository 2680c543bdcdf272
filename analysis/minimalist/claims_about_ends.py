"""Where gradient descent on the minimalist example ends, and what it does not do there: cycle.

The law S∞ = 2/η − η/2 + (129/32) η³ comes from a formal series, the invariant curve; that orbits follow the curve is
seen in simulation, not proved. Its symbolic evidence therefore counts as support, not as proof.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from sympy import Integer, Rational

from analysis.claim import Claim, Evidence, agreement, bounded, identity, same, supported, theorem
from analysis.minimalist.claims import HERE, PAPER, Context
from analysis.minimalist.cycles import RATIO, SQUARE
from analysis.minimalist.experiments import REFERENCE
from analysis.minimalist.measurements import exponent
from analysis.minimalist.theory import KAPPA
from eos_sym import STEP_SIZE as ETA
from eos_sym.algebra import expand_in
from numeric import compile_function

FITTED = (0.018, 0.06)  # step sizes for exponents: beyond, higher orders matter; below, rounding hides η⁵
CYCLE_STEP_SIZE = Rational(6, 5)


def claims_about_ends(context: Context) -> list[Claim]:
    """The terminal sharpness, the theorem's bound, and the tabulated runs."""
    theory, gap = context.theory, context.data["terminal_gap"]
    law = 2 / gap.eta - gap.eta / 2
    small = (FITTED[0] < gap.eta.values) & (gap.eta.values < FITTED[1])
    cubic = float(theory.terminal_sharpness.coeff(ETA, 3))
    scaled_end = gap.final_a / gap.eta**1.5

    def slope(values: np.ndarray) -> float:
        return exponent(gap.eta.values[small], np.asarray(values)[small])

    return [
        Claim(
            "endpoint",
            "GD from above the edge ends at a = −κ³/8 + O(κ⁷)",
            f"{PAPER}; order {HERE}",
            [
                lambda: supported(-(KAPPA**3) / 8, expand_in(theory.endpoint, KAPPA, 7)),
                lambda: agreement("simulation", 2, slope(scaled_end + 1 / 8), absolute=0.05),
            ],
        ),
        Claim(
            "terminal_sharpness",
            "GD from above the edge ends at the sharpness S∞ = 2/η − η/2 + O(η³)",
            HERE,
            [
                lambda: supported(2 / ETA - ETA / 2, expand_in(theory.terminal_sharpness, ETA, 3)),
                lambda: agreement("simulation", 3, slope(gap.final_sharpness - law), absolute=0.05),
                lambda: network_end(context),
            ],
        ),
        Claim(
            "terminal_sharpness_next_order",
            "the next term of S∞ is (129/32) η³, with the remainder O(η⁵)",
            HERE,
            [
                lambda: supported(Rational(129, 32), theory.terminal_sharpness.coeff(ETA, 3)),
                lambda: agreement("simulation", 5, slope(gap.final_sharpness - law - cubic * gap.eta**3), absolute=0.1),
            ],
        ),
        theorem_bound(context),
        *(_reference(context, eta) for eta in REFERENCE),
    ]


def network_end(context: Context) -> Evidence:
    """The network's terminal sharpness against 2/η − η/2, within the size of the next term."""
    from analysis.minimalist.network import STEP_SIZE

    expected = 2 / STEP_SIZE - STEP_SIZE / 2
    return agreement("network", expected, context.network.terminal_sharpness(), absolute=5 * STEP_SIZE**3)


def theorem_bound(context: Context) -> Claim:
    """The paper's theorem, on every run that started above the edge."""
    runs = [context.data[name] for name in ("reference", "terminal_gap")]
    eta = np.concatenate([run.eta.values for run in runs])
    ends = np.concatenate([run.final_sharpness.values for run in runs])
    inside = int(((2 / eta - 20 * eta / 3 < ends) & (ends < 2 / eta)).sum())
    margin = context.theory.terminal_sharpness - (2 / ETA - 20 * ETA / 3)
    return Claim(
        "theorem_bound",
        "the sharpness converges into (2/η − 20η/3, 2/η)",
        f"{PAPER}, main theorem",
        [
            lambda: same("simulation", f"{len(ends)} runs inside", f"{inside} runs inside"),
            lambda: supported(37 * ETA / 6, expand_in(margin, ETA, 3)),
        ],
    )


def _reference(context: Context, eta: float) -> Claim:
    """One row of the table in THEORY §3."""
    start, (sharpness, endpoint) = REFERENCE[eta]
    run = context.data["reference"].sel(eta=eta)
    x, y = run.final.values
    return Claim(
        f"table_eta_{eta:g}",
        f"GD with η = {eta:g} from (x, y) = {start} ends at sharpness {sharpness} and a/κ³ = {endpoint}",
        "reference runs",
        [
            lambda: agreement("simulation", sharpness, float(run.final_sharpness), absolute=5.1e-8),
            lambda: agreement("simulation", endpoint, float(run.final_a) / eta**1.5, absolute=5.1e-6),
            lambda: agreement("autograd", sharpness, context.network.sharpness_at(x, y), absolute=5.1e-8),
        ],
    )


def claims_about_cycles(context: Context) -> list[Claim]:
    """Two-cycles: where they can be, which there are, and that none is stable while η ≤ ½."""
    cycles, eta = context.theory.two_cycles, float(CYCLE_STEP_SIZE)

    found = cache(lambda: context.measured.two_cycles(eta))

    def symmetric_return() -> float:
        point = float(cycles.symmetric_point(CYCLE_STEP_SIZE))
        run = context.experiments.simulator.run({"x": point, "y": point}, {"eta": eta}, steps=2)
        return float(abs(run.final - point).max())

    def asymmetric_misfit(found: np.ndarray) -> float:
        """How far x⁴ is from its formula on the cycles found that are neither fixed nor symmetric."""
        formula = compile_function([cycles.asymmetric_square], (RATIO,))
        x = found[:, 0]
        images = context.experiments.simulator.step(*found.T, eta)[0]
        asymmetric = np.abs(x + images) > 1e-4
        misfit = np.abs(x**4 - formula(images / x)[0])[asymmetric]
        return float(misfit.max()) if misfit.size else np.inf

    return [
        Claim(
            "two_cycles_are_balanced",
            "every two-cycle in (x, y) has x² = y²",
            HERE,
            [
                lambda: theorem("no other complex cycle: True", f"no other complex cycle: {cycles.balanced}"),
                lambda: bounded("simulation", float(np.abs(np.diff(found() ** 2)).max()), below=1e-6),
            ],
        ),
        Claim(
            "symmetric_two_cycle",
            "for every η > 0 exactly one x > 0 has the cycle x ↦ −x on y = ±x, ηx²(x⁴ − 1) = 2; it is unstable",
            HERE,
            [
                lambda: theorem("one positive root: True", f"one positive root: {cycles.one_symmetric_cycle}"),
                lambda: theorem("same on y = −x: True", f"same on y = −x: {cycles.antidiagonal_is_a_mirror_image}"),
                lambda: identity(Integer(2), cycles.symmetric_step_size * SQUARE * (SQUARE**2 - 1)),
                lambda: theorem("unstable", cycles.symmetric_verdict),
                lambda: bounded("simulation", symmetric_return(), below=1e-12),
            ],
        ),
        Claim(
            "asymmetric_two_cycles",
            "the other two-cycles have x ↦ rx with x⁴ = (r³ + 1)/(r⁷ + 1), and exist only for η > ½",
            HERE,
            [
                lambda: identity((RATIO**3 + 1) / (RATIO**7 + 1), cycles.asymmetric_square),
                lambda: theorem(
                    "born at 1/2, none before: True",
                    f"born at {cycles.asymmetric_birth}, none before: {cycles.asymmetric_only_beyond_birth}",
                ),
                lambda: bounded("simulation", asymmetric_misfit(found()), below=1e-5),
            ],
        ),
    ]
