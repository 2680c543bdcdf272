"""Period doubling at the edge of stability: one cubic map, three ways to meet it, and its thresholds.

Freeze the imbalance D = x² − y² of the minimalist example ½(1 − xyzw)² and let η → 0 at fixed K = ηD, which is the
sharpness of the minimum ahead in units of 2/η. One step of gradient descent then takes the product P = xy to

    P ↦ P(1 + K − KP²).

The same map is gradient descent on ¼(x² − μ)², with z = x/√μ and K = ημ. And it is, once more, the reduced map of
*two* steps near the edge, b'' = b(1 + 8A − 16b²) with A = aκ, in z = b/√(A/2) and K = 8A. So one list of thresholds
serves all three:

    K           A           what happens there
    1           1/8         the minimum z = 1 loses its stability (S = 2/η) and a two-cycle is born
    3/√2 − 1                the two-cycle, with the multiplier 9 − 2(1 + K)², is superstable
    √5 − 1      (√5−1)/8    it loses its stability, and a four-cycle is born
    1.3022…                 the doublings accumulate, geometrically with Feigenbaum's ratio 4.669…: the onset of chaos
    1.4504…                 three-cycles are born, at a zero of a polynomial of degree 8, and double in their turn
    3√3/2 − 1               the orbits about z = 1 and z = −1 merge
    2           1/4         the orbit escapes (S = 4/η); there the map is Chebyshev's −T₃, its Lyapunov exponent ln 3

The second column is the reduced map's second level, not another scale for the first: there A = √K − 1 to leading order,
and the reduced map's first doubling at A = 1/8 is the first level's *second*, at √(√5 − 1) − 1 = 0.112, as a series in
small A has it.

Gradient descent itself does not stand still. D falls slowly, by a part of order η² a step, so an orbit that starts far
above the edge runs through the diagram backwards: chaos, eight, four, two, and then the minimum just below K = 1. At
K = 1.9 its neighbours part at the rate of the frozen map: there gradient descent on this loss of four weights is as
chaotic. All along the way the mean of log|F'| over its states, in the figure, is near the frozen map's exponent.

Sources: :cite:t:`chen2022edge` for ¼(x² − μ)²; :cite:t:`zhu2022minimalist` for the minimalist example and its
bifurcating trajectories; :cite:t:`feigenbaum1978quantitative` for the cascade, :cite:t:`huberman1980scaling` for the
exponent beyond it, :cite:t:`li1975period` for what period three implies. The thresholds are derived in
`analysis.bifurcation.theory`, the birth of period three in `analysis.bifurcation.period_three`.
"""

from dataclasses import dataclass
from fractions import Fraction

from analysis.study import CommonOptions, Number, Study
from eos_sym.errors import BadInput

HERE, CHEN_BRUNA = "derived here", "Chen, Bruna 2022"
SMALLEST, LARGEST = Fraction(1, 300), Fraction(1, 10)

study = Study(__name__, source=HERE)


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """Period doubling of z ↦ z(1 + K − Kz²), and gradient descent on ½(1 − xyzw)² that runs through it."""

    eta: Number = Fraction(1, 64)
    """step size of gradient descent in the figure, between 1/300 and 1/10"""

    def __post_init__(self) -> None:
        if not SMALLEST <= self.eta <= LARGEST:
            raise BadInput(f"--eta {self.eta}: give a step size between {SMALLEST}, for the run to end, and {LARGEST}")


from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from sympy import Integer, Rational, log, sqrt

from analysis.bifurcation import descent, frozen
from analysis.bifurcation.cascade import FEIGENBAUM, Cascade
from analysis.bifurcation.figure import draw
from analysis.bifurcation.frozen import FARTHEST, Size, ends_about
from analysis.bifurcation.period_three import PeriodThree
from analysis.bifurcation.theory import Family, K, verdicts_between, z
from analysis.minimalist.theory import P, derive
from analysis.shallow.ends import frozen_exponent
from analysis.study import (
    Evidence,
    Pieces,
    Status,
    about,
    agreement,
    bounded,
    identity,
    same,
    supported,
    theorem,
)

SIZES = {
    "quick": Size(columns=1200, rows=1000, steps=8000, kept=2000, passing=2_000_000, doublings=5),
    "full": Size(columns=8000, rows=2400, steps=40_000, kept=20_000, passing=60_000_000, doublings=6),
}
LEVELS, LEVELS_OF_THREE = {"quick": 9, "full": 11}, {"quick": 7, "full": 9}
PASSAGES = 8  # in units of 1/η²: the iterations that gradient descent takes through the diagram
ROUNDING = 1e-12
EXAMPLE, EXAMPLE_POINTS = Rational(11, 10), (0.8145516, 1.1160630)
POSITIVE_EXPONENT = 0.01  # a Lyapunov exponent that is positive beyond doubt after the steps of the quick preset
ONSET_TOLERANCE = 5e-4  # of the onset as the least K with such an exponent
SCALING = float(log(2)) / float(log(FEIGENBAUM))
FITTED_DOUBLINGS = (1, 4)  # distances from the onset, in powers of 1/δ; farther away the scaling is not reached yet
BORN = 4 * K**8 + 48 * K**7 + 189 * K**6 + 144 * K**5 - 828 * K**4 - 2052 * K**3 - 972 * K**2 + 2700 * K + 4644
PERIODS = {1.1: "2", 1.26: "4", 1.5: "none"}  # of the frozen map, by K


@study.measurement
def family() -> Family:
    """The cubic family."""
    return Family()


@study.measurement
def three(family: Family) -> PeriodThree:
    """Its three-cycles."""
    return PeriodThree(family)


@study.measurement
def cascade(options: Options, family: Family) -> Cascade:
    """The doublings of the minimum."""
    return Cascade(family, LEVELS[options.preset])


@study.measurement
def cascade_of_three(options: Options, three: PeriodThree) -> Cascade:
    """The doublings of the three-cycle."""
    return three.cascade(LEVELS_OF_THREE[options.preset])


@study.measurement
def size(options: Options) -> Size:
    """The size of the pictures."""
    return SIZES[options.preset]


@study.theory
def derived(family: Family, cascade: Cascade, three: PeriodThree, cascade_of_three: Cascade) -> Mapping[str, Any]:
    """The thresholds, and where the cascades go."""
    return {
        **family.as_report(),
        **cascade.as_report(),
        "onset_of_chaos": cascade.onset,
        "period_three": {**three.as_report(), **cascade_of_three.as_report()},
    }


for group in (frozen.thresholds, frozen.reduced_thresholds, frozen.escape, frozen.window, frozen.onset, frozen.diagram):
    study.experiment(group)
study.experiment(descent.lag)


@study.experiment
def passage(options: Options, family: Family, size: Size) -> xr.Dataset:
    """Gradient descent from far above the edge to the minimum."""
    eta = float(options.eta)
    return descent.passage(family, eta, round(PASSAGES / eta**2), size)


@study.claim(
    "z ↦ z(1 + K − Kz²) is GD on ¼(x² − μ)² with z = x/√μ, K = ημ; it is the limit for η → 0, K = ηD, of the step of "
    "the minimalist example's product xy at frozen imbalance, with an error O(η²); it is the minimalist example's "
    "reduced map b(1 + 8A − 16b²) with z = b/√(A/2), K = 8A"
)
def one_family(options: Options, family: Family) -> Pieces:
    """The double well and both limits of the minimalist example, against the cubic; the first limit in numbers."""
    cubic = {name: name * (1 + K - K * name**2) for name in (P, z)}
    yield from about("¼(x² − μ)²", identity("one step on the double well", cubic[z], family.map.step[0]))
    order = frozen_exponent(derive(), options.seed)
    quantity = "exponent in η of the largest error of the limit in one step of P, at 50 random P and K"
    yield from about("limit", agreement("simulation", quantity, 2, order, absolute=0.1))
    yield from about("limit", supported("one step of P in the limit", cubic[P], family.frozen_map))
    yield from about("reduced map", identity("one step of the reduced map", cubic[z], family.reduced_in_z))


@study.claim(
    "the minimum is stable for K < 1 (sharpness below 2/η) and unstable beyond; a two-cycle takes over there; "
    "in the reduced map the same happens at A = 1/8",
    f"{CHEN_BRUNA}; reduced map {HERE}",
)
def first_doubling(family: Family, thresholds: xr.Dataset, reduced_thresholds: xr.Dataset) -> Pieces:
    """The zero of the margin, the verdicts, and runs."""
    doubling = family.thresholds["first_doubling"]
    quantity, ends = "verdicts on z = 1 below and above the threshold", ("first_doubling", "converged, periodic 2")
    yield from about(
        "the minimum is stable",
        identity("K at which the minimum's multiplier is −1", Integer(1), doubling),
        lambda: theorem(quantity, "stable, unstable", verdicts_between(family.stability["minimum"], [doubling])),
    )
    yield from about("takes over", ends_about(*ends, K=thresholds))
    yield from about("reduced map", ends_about(*ends, A=reduced_thresholds))


@study.claim(
    "F(F(z)) = z has 9 solutions: the 3 fixed points, 2 points of the symmetric cycle z² = 1 + 2/K, and 4 of two "
    "mirrored two-cycles, real for K > 1; the symmetric cycle is unstable at all K"
)
def all_two_cycles(family: Family) -> Pieces:
    """The degrees of the factors, counted; signs that make the quartic's z² real; one step from the symmetric cycle."""
    expected = [Integer(9), (K + 2) / K, Integer(1)]
    quantity = "number of solutions; z² on the symmetric cycle; K where the two-cycles become real"
    signs = "signs of the discriminant, sum and product of z² on the two-cycles"
    miss = frozen.symmetric_miss(family, EXAMPLE)
    yield from about(
        "9 solutions",
        lambda: identity(quantity, expected, [Integer(family.count), family.symmetric_square, family.birth]),
        theorem(f"{signs}, K > 1", ", ".join(["positive"] * 3), family.signs_beyond_the_birth),
        bounded("simulation", "|F(z) + z| on the symmetric cycle, K = 1.1", miss, below=ROUNDING),
    )
    quantity, condition = "verdict on the symmetric cycle at all K", family.stability["symmetric_cycle"]
    yield from about("unstable", lambda: theorem(quantity, "unstable", verdicts_between(condition, [])))


@study.claim(
    "at K = 1.1 the two-cycle is {{0.8145516, 1.1160630}}; its multiplier is 9 − 2(1 + K)² at every K", CHEN_BRUNA
)
def two_cycle(family: Family) -> Pieces:
    """The multiplier modulo the quartic, along the exact orbit, by a difference quotient, and by autograd."""
    multiplier, orbit = family.two_cycle_multiplier, family.two_cycle_at(EXAMPLE)
    exact, points = multiplier.subs(K, EXAMPLE), [float(point[z]) for point in orbit.points]
    misses = np.abs(
        [np.sort(found) - EXAMPLE_POINTS for found in (frozen.orbit(family, 0.9, EXAMPLE, 500)[-2:], points)]
    )
    yield from about(
        "0.8145516",
        bounded("simulation", "largest distance of a run's end from the points, K = 1.1", misses[0].max(), below=6e-8),
        bounded(
            "symbolic", "largest distance of the exact points from them, in their digits", misses[1].max(), below=6e-8
        ),
    )
    growth, quantity = frozen.two_step_growth(family, EXAMPLE, points[0]), "growth of a distance of 2e-7 in two steps"
    slopes = frozen.product_of_slopes(EXAMPLE, points)
    yield from about(
        "multiplier",
        identity("multiplier of the two-cycle", 9 - 2 * (1 + K) ** 2, multiplier),
        identity("product of the slopes along the exact orbit, K = 1.1", exact, orbit.jacobian[0]),
        agreement("simulation", f"{quantity}, K = 1.1", float(exact), growth, absolute=1e-6),
        agreement("autograd", "product of 1 − K L'' at the points, K = 1.1", float(exact), slopes, absolute=ROUNDING),
    )


@study.claim("the two-cycle is superstable at K = 3/√2 − 1: it holds the critical point", CHEN_BRUNA)
def superstable(family: Family) -> Pieces:
    """The zero of the multiplier, and two steps from the critical point."""
    yield identity("K at which the multiplier is 0", 3 / sqrt(2) - 1, family.thresholds["superstable"])
    miss = frozen.superstable_miss(family)
    yield bounded("simulation", "|F(F(z)) − z| at the critical point", miss, below=ROUNDING)


@study.claim(
    "the two-cycle is stable exactly for 1 < K < √5 − 1; it gives way to a four-cycle; in the reduced map the same "
    "happens at A = (√5 − 1)/8",
    f"{CHEN_BRUNA}; reduced map {HERE}",
)
def second_doubling(family: Family, thresholds: xr.Dataset, reduced_thresholds: xr.Dataset) -> Pieces:
    """The zero of the multiplier plus 1, the verdicts, and runs."""
    doublings = [family.thresholds[name] for name in ("first_doubling", "second_doubling")]
    quantity, expected = "verdicts below, between and above the two doublings", "unstable, stable, unstable"
    yield from about(
        "stable exactly",
        identity("K at which the multiplier is −1", sqrt(5) - 1, doublings[1]),
        lambda: theorem(quantity, expected, verdicts_between(family.stability["two_cycle"], doublings)),
    )
    ends = "second_doubling", "periodic 2, periodic 4"
    yield from about("four-cycle", ends_about(*ends, K=thresholds))
    yield from about("reduced map", ends_about(*ends, A=reduced_thresholds))


@study.claim(
    "at K = 3√3/2 − 1 the critical orbit reaches 0; orbits about z = 1 stay positive up to there, and cross 0 beyond"
)
def merging(family: Family, thresholds: xr.Dataset) -> Pieces:
    """Where the critical value meets the zero of F, and the least state of runs."""
    merging = family.thresholds["merging"]
    yield from about("critical orbit", identity("K at which F(F(z_c)) = 0", 3 * sqrt(3) / 2 - 1, merging))
    signs = np.where(thresholds.lowest.sel(threshold="merging") < 0, "z < 0", "z > 0")
    quantity = "sign of the least of 5000 states, 0.2% below and above the threshold in K"
    yield from about("stay positive", same("simulation", quantity, "z > 0, z < 0", ", ".join(signs)))


@study.claim(
    "at K = 2 (sharpness 4/η) the critical orbit reaches the symmetric cycle, outside of which |z| grows; below, "
    "runs from the critical point stay bounded, and diverge beyond; in the reduced map the same happens at A = 1/4",
    id="escape",
)
def escapes(family: Family, thresholds: xr.Dataset, reduced_thresholds: xr.Dataset) -> Pieces:
    """Where the critical value meets the symmetric cycle, the growth beyond it, and runs."""
    sign = "positive" if family.escape_margin.is_positive else "undecided"
    reached, quantity = family.thresholds["escape"], "K at which the critical value is on the symmetric cycle"
    yield from about(
        "critical orbit",
        identity(quantity, Integer(2), reached),
        theorem("sign of |F(z)|/|z| − 1 beyond the symmetric cycle", "positive", sign),
    )
    yield from about("stay bounded", ends_about("escape", "undecided, diverged", K=thresholds))
    yield from about("reduced map", ends_about("escape", "undecided, diverged", A=reduced_thresholds))


@study.claim("at K = 2 the map takes √2 cos φ to −√2 cos 3φ, Chebyshev's −T₃; its Lyapunov exponent there is ln 3")
def chebyshev(family: Family, escape: xr.Dataset) -> Pieces:
    """The identity of trigonometry, and the exponent of a run."""
    yield from about("Chebyshev", identity("F(√2 cos φ) + √2 cos 3φ at K = 2", Integer(0), family.at_escape))
    quantity = "Lyapunov exponent at K = 2, in 1/steps"
    found = agreement("simulation", quantity, float(log(3)), float(escape.exponent), absolute=1e-3)
    yield from about("Lyapunov", found)


def proved(cascade: Cascade) -> Evidence:
    """Whether interval arithmetic proves every superstable parameter of a cascade."""
    proofs = cascade.proofs
    status: Status = "proved" if all(proofs) else "undecided"
    quantity = "boxes about superstable K with exactly one zero, and no earlier return, by the interval Newton step"
    return Evidence("interval", quantity, status, f"{len(proofs)} of {len(proofs)}", f"{sum(proofs)} of {len(proofs)}")


@study.claim(
    "there are superstable parameters of period 1, 2, 4, …, {cascade.longest}; their distances "
    "shrink by ratios that approach Feigenbaum's 4.6692016",
    "Feigenbaum 1978",
    id="cascade",
)
def doublings(cascade: Cascade) -> Pieces:
    """The ratio is that of the parameters which the intervals enclose: it shares Newton's method with the proof."""
    found = frozen.superstable_periods(cascade, 4)
    periods = same("simulation", "periods of runs at the first four superstable K", "1, 2, 4, 8", found)
    yield from about("superstable", proved(cascade), periods)
    ratio = agreement("simulation", "last ratio of distances", FEIGENBAUM, cascade.ratios[-1], relative=1e-4)
    yield from about("Feigenbaum", ratio)


@study.claim(
    "chaos begins where the cascade ends, K∞ = {cascade.onset:.6f}: no Lyapunov exponent below is positive, and "
    "some just beyond are; their mean over a factor δ of the distance grows as (K − K∞)^(ln 2/ln δ)",
    f"{HERE}; growth Huberman, Rudnick 1980",
    id="onset",
)
def onset_of_chaos(cascade: Cascade, diagram: xr.Dataset, onset: xr.Dataset) -> Pieces:
    """Exponents of two pictures; K∞ is extrapolated from the parameters of `cascade`."""
    before = slice(1, cascade.onset)
    largest = float(max(picture.exponent.sel(K=before).max() for picture in (diagram, onset)))
    quantity = "largest Lyapunov exponent for 1 ≤ K ≤ K∞, in 1/steps"
    least = float(onset.K[int((onset.exponent > POSITIVE_EXPONENT).values.argmax())])
    yield from about(
        "chaos begins",
        bounded("simulation", quantity, largest, below=POSITIVE_EXPONENT),
        agreement("simulation", "least K with an exponent above 0.01", cascade.onset, least, absolute=ONSET_TOLERANCE),
    )
    quantity = "exponent in K − K∞ of the mean Lyapunov exponent per factor δ of the distance"
    scaling = agreement("simulation", quantity, SCALING, growth_beyond(onset, cascade.onset), absolute=0.01)
    yield from about("grows", scaling)


def growth_beyond(onset: xr.Dataset, center: float) -> float:
    """The power of K − K∞ with which the Lyapunov exponent grows, by least squares over `FITTED_DOUBLINGS`."""
    beyond = onset.exponent[(center < onset.K).values]
    doublings = np.log(FARTHEST / (beyond.K - center)) / np.log(FEIGENBAUM)
    means = beyond.groupby(np.floor(doublings).rename("doubling")).mean()
    first, last = FITTED_DOUBLINGS
    return -float(np.polyfit(np.arange(first, last), np.log(means.values[first:last]), 1)[0] / np.log(FEIGENBAUM))


@study.claim(
    "there are three-cycles exactly from K = {three.births[0]:.9f} on, the lesser positive zero of "
    f"{BORN}, and with them "
    "cycles of every period (Li, Yorke 1975): two, and four beyond the greater zero {three.births[1]:.6f}, "
    "mirror images not counted; a three-cycle attracts runs just beyond"
)
def period_three(three: PeriodThree, thresholds: xr.Dataset) -> Pieces:
    """The factor of the discriminant, signs, Sturm's counts, and runs."""
    counts = ", ".join(map(str, three.counts))
    yield from about(
        "exactly from",
        identity("factor of the discriminant with positive zeros", BORN, three.birth_polynomial),
        theorem("signs of Φ(z²) at z² = ∞ and z² = 0, K > 0", "positive, positive", three.signs_at_the_ends),
        theorem("numbers of three-cycles before, between and after the zeros", "0, 2, 4", counts),
    )
    yield from about("attracts", ends_about("period_three", "undecided, periodic 3", K=thresholds))


@study.claim(
    "the three-cycle has its own cascade, superstable with periods 3, 6, 12, …, {cascade_of_three.longest}; its ratios "
    "approach Feigenbaum's, which takes it to an end at K = {cascade_of_three.onset:.6f}",
    "Feigenbaum 1978",
)
def window_of_period_three(cascade_of_three: Cascade) -> Pieces:
    """As for the cascade of the minimum: the ratio shares Newton's method with the proof."""
    found = frozen.superstable_periods(cascade_of_three, 2)
    periods = same("simulation", "periods of runs at the first two superstable K", "3, 6", found)
    yield from about("superstable", proved(cascade_of_three), periods)
    ratio = agreement("simulation", "last ratio of distances", FEIGENBAUM, cascade_of_three.ratios[-1], relative=1e-3)
    yield from about("Feigenbaum", ratio)


@study.claim(
    "GD on ½(1 − xyzw)² is chaotic at K = ηD = 1.9, as the frozen map is: at η = 0.005 its neighbours part, over 200 "
    "steps, at the rate of that map's Lyapunov exponent, within 3 %"
)
def chaotic_descent(family: Family) -> Pieces:
    """Both channels are compared with the mean of 64 runs of the frozen map, and start at the same points."""
    expected = descent.frozen_rate(family)
    quantity = "largest Lyapunov exponent over 200 steps from K = 1.9, mean of 64 runs, in 1/steps"
    yield agreement("simulation", f"{quantity}, 2 weights", expected, descent.simulated_rate(), relative=0.03)
    yield agreement("autograd", f"{quantity}, 4 weights", expected, descent.autograd_rate(), relative=0.03)


@study.claim(
    "GD on ½(1 − xyzw)² has the periods of the frozen map while its K = ηD falls: at K = 1.1, 1.26, 1.5 they "
    "are 2, 4, none; it keeps to within O(η²) of the frozen two-cycle"
)
def backwards(family: Family, lag: xr.Dataset) -> Pieces:
    """A simulation and a network of depth 4 from the same starts; the distance in simulations at three step sizes."""
    starts, expected = ", ".join(map(str, PERIODS)), ", ".join(PERIODS.values())
    simulated, trained = (", ".join(map(of, PERIODS)) for of in (descent.simulated_period, descent.network_period))
    yield from about(
        "periods",
        same("simulation", f"periods after 600 steps at η = 0.01 from K = {starts}", expected, simulated),
        same("network", f"periods of a network of depth 4 from K = {starts}", expected, trained),
    )
    quantity = "exponent in η of the largest distance of P from the frozen two-cycle, 1.05 < K < 1.15"
    order = agreement("simulation", quantity, 2, descent.lag_exponent(family, lag), absolute=0.1)
    yield from about("O(η²)", order)


study.figure(draw)


if __name__ == "__main__":
    study.main()
