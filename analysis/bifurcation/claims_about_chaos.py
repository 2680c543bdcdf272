"""The cascades of doublings, the onset of chaos, period three, and gradient descent that runs through all of it."""

from __future__ import annotations

from sympy import log

from analysis.bifurcation.cascade import FEIGENBAUM, Cascade
from analysis.bifurcation.claims import HERE, Context
from analysis.bifurcation.theory import K
from analysis.study.claim import Claim, Evidence, Status, agreement, bounded, identity, same, theorem

POSITIVE_EXPONENT = 0.01  # a Lyapunov exponent that is positive beyond doubt after the steps of the quick preset
ONSET_TOLERANCE = 5e-4  # of the onset as the least K with such an exponent
SCALING = float(log(2)) / float(log(FEIGENBAUM))
PERIODIC_VALUES = [1.1, 1.26, 1.5]


def claims_about_chaos(context: Context) -> list[Claim]:
    """What the essay says beyond the second doubling, in its order."""
    return [*claims_about_onset(context), *claims_about_period_three(context), *claims_about_descent(context)]


def proved(cascade: Cascade) -> Evidence:
    """Whether interval arithmetic proves every superstable parameter of a cascade."""
    proofs = cascade.proofs
    status: Status = "proved" if all(proofs) else "undecided"
    return Evidence("interval", status, f"{len(proofs)} of {len(proofs)}", f"{sum(proofs)} of {len(proofs)}")


def claims_about_onset(context: Context) -> list[Claim]:
    """The cascade, where it ends, and how chaos grows beyond."""
    cascade, measured, about = context.cascade, context.measured, context.data["onset"]
    exponents = about.exponent

    def before_onset() -> float:
        whole = context.data["diagram"].exponent.sel(K=slice(1, cascade.onset))
        return float(max(whole.max(), exponents.sel(K=slice(1, cascade.onset)).max()))

    def measured_onset() -> float:
        return float(exponents.K[int((exponents > POSITIVE_EXPONENT).values.argmax())])

    return [
        Claim(
            "cascade",
            f"there are superstable parameters of period 1, 2, 4, …, {cascade.periods[-1]}, whose distances "
            "shrink by ratios that tend to Feigenbaum's 4.6692016",
            "Feigenbaum 1978",
            [
                lambda: proved(cascade),
                lambda: same("simulation", "1, 2, 4, 8", measured.superstable_periods(cascade, 4)),
                lambda: agreement("simulation", FEIGENBAUM, cascade.ratios[-1], relative=1e-4),
            ],
        ),
        Claim(
            "onset",
            f"chaos begins where the cascade ends, K∞ = {cascade.onset:.6f}: below, no Lyapunov exponent is positive; "
            "beyond, its mean over a factor δ of the distance grows as (K − K∞)^(ln 2/ln δ)",
            f"{HERE}; growth Huberman, Rudnick 1980",
            [
                lambda: bounded("simulation", before_onset(), below=POSITIVE_EXPONENT),
                lambda: agreement("simulation", cascade.onset, measured_onset(), absolute=ONSET_TOLERANCE),
                lambda: agreement("simulation", SCALING, measured.growth_beyond(about, cascade.onset), absolute=0.01),
                lambda: proved(cascade),
            ],
        ),
    ]


def claims_about_period_three(context: Context) -> list[Claim]:
    """Where three-cycles are born, and their own cascade."""
    three, window, measured = context.measured.simulations.period_three, context.window, context.measured
    born = 4 * K**8 + 48 * K**7 + 189 * K**6 + 144 * K**5 - 828 * K**4 - 2052 * K**3 - 972 * K**2 + 2700 * K + 4644
    births = [float(birth) for birth in three.births]
    return [
        Claim(
            "period_three",
            f"there are three-cycles exactly from K = {births[0]:.9f} on, the lesser positive zero of {born}, and with "
            f"them cycles of every period (Li, Yorke 1975): two, and four beyond the greater zero {births[1]:.6f}, "
            "mirror images not counted",
            HERE,
            [
                lambda: identity(born, three.birth_polynomial),
                lambda: theorem("0, 2, 4", ", ".join(map(str, three.counts))),
                lambda: same("simulation", "undecided, periodic 3", context.sides("period_three")),
            ],
        ),
        Claim(
            "window_of_period_three",
            f"the three-cycle has its own cascade, superstable with periods 3, 6, 12, …, {window.periods[-1]}, with "
            f"the same Feigenbaum ratio; it ends at K = {window.onset:.6f}",
            "Feigenbaum 1978",
            [
                lambda: proved(window),
                lambda: same("simulation", "3, 6", measured.superstable_periods(window, 2)),
                lambda: agreement("simulation", FEIGENBAUM, window.ratios[-1], relative=1e-3),
            ],
        ),
    ]


def claims_about_descent(context: Context) -> list[Claim]:
    """Gradient descent, for which K falls slowly."""
    measured = context.measured
    return [
        Claim(
            "chaotic_descent",
            "where the frozen map is chaotic, so is GD on ½(1 − xyzw)² while its K = ηD falls: at K = 1.9 its "
            "neighbours part at the rate of the frozen map's Lyapunov exponent",
            HERE,
            [
                lambda: agreement("simulation", measured.frozen_exponent(), measured.descent_exponent(), relative=0.03),
                lambda: agreement("autograd", measured.frozen_exponent(), measured.autograd_exponent(), relative=0.03),
            ],
        ),
        Claim(
            "backwards",
            "GD on ½(1 − xyzw)² has the periods of the frozen map while its K = ηD falls: at K = 1.1, 1.26, 1.5 they "
            "are 2, 4, none; it keeps to within O(η²) of the frozen two-cycle",
            HERE,
            [
                lambda: same("simulation", "2, 4, none", measured.periods(PERIODIC_VALUES)),
                lambda: same("network", "2, 4, none", measured.network_periods(PERIODIC_VALUES)),
                lambda: agreement("simulation", 2, measured.lag_exponent(context.data["lag"]), absolute=0.1),
            ],
        ),
    ]
