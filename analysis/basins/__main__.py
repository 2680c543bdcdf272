"""Basins: where symmetric starts of the minimalist example and starts of degree 2 end, and what bounds the basins.

Two losses of two weights, ½(1 − xyzw)² on z = x, w = y with the step size η and ½(1 − xy)² with 2η: then both have the
minimum at the edge, x² + y² = 1/η, in common. Every point of a plane of starts is run to its end; its colour is the
sharpness at the end in units of the edge 2/h, h the loss's own step size, or the escape time.

*One form.* Either loss is a function of P = xy, and with the pull g = h ℓ'(P) and s = x² + y² one step is

    x' = x − gy,   y' = y − gx,      P' = P(1 + g²) − gs,   s' = s(1 + g²) − 4gP.

Once gP ≥ (4/3)s the run is lost, for either loss: that condition lasts, and |P| grows faster than geometrically.

*Degree 2 has a smooth boundary, and everything about it is explicit.* The ellipse h(x² + y²) − h²(xy − 1) = 4, which
reaches |x| = √(4/h), is invariant: one step multiplies the polynomial by 1 + hg + g² > 0. Inside runs stay for ever;
outside, on the grid, all diverge. On it the angle is tripled, φ ↦ π − 3φ, which is chaotic; and runs leave it, on
either side, at the mean rate

    λ = ⟨ln(1 + hg + g²)⟩ = arcosh((1 + √(25 − 4h²))/4)   →   2 ln((1 + √5)/2)   as h → 0,

twice the logarithm of the golden ratio: a Mahler measure. Escape times from the distance ε are ln(1/ε)/λ on average.
Inside, the sets of equal ends are pulled back by the tripling, again and again, up to the boundary; to which branch of
xy = 1 a run goes is as uncertain as ε^α with α = 0.69 − O(h²), from the transfer operator of the tripling, to within
what pairs at distances down to 3e-5 show.

*Degree 4 has a boundary that looks fractal.* No invariant curve was found that closes its basin. Where it crosses the
minima, escape and convergence alternate on every scale that was looked at, with an uncertainty exponent of 0.25; single
starts are decided by proofs in ball arithmetic, since after 40 chaotic steps no floating-point orbit is the exact one.
And yet nearly all that converges from above the edge ends in one narrow interval just below it, while degree 2 scatters
its ends over all that is allowed.

Sources: :cite:t:`zhu2022minimalist` for the example and the theorem; :cite:t:`liang2025large` for the exact critical
step size of factorizations, which is the ellipse solved for h, and for the chaos near it; :cite:t:`grebogi1983final`
for the uncertainty exponent. The formulas are derived in `analysis.basins.theory`.
"""

from dataclasses import dataclass
from fractions import Fraction

from analysis.study import CommonOptions, Number, Study, check_step_sizes
from eos_sym.errors import BadInput

study = Study(__name__, source="derived here")
SMALLEST = Fraction(1, 20)


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """Where each initialization of ½(1 − xyzw)² and of ½(1 − xy)² ends."""

    eta: Number = Fraction(1, 5)
    """step size of ½(1 − xyzw)², from 1/20 to below 1/2; ½(1 − xy)² has twice that"""

    def __post_init__(self) -> None:
        check_step_sizes([self.eta])
        if self.eta >= Fraction(1, 2):
            raise BadInput(f"--eta {self.eta}: no minimum has the sharpness 2/η; give a step size below 1/2")
        if self.eta < SMALLEST:
            raise BadInput(
                f"--eta {self.eta}: runs take 1/η² iterations and more; give a step size of {SMALLEST} or more"
            )


from collections.abc import Mapping

import numpy as np
import xarray as xr
from sympy import Expr, Integer, Rational, acosh, discriminant, limit, log, sqrt

from analysis.basins import ends, uncertainty
from analysis.basins.ends import CODES, MARGIN, Losses, above_the_edge, escape_slope
from analysis.basins.figure import draw
from analysis.basins.proofs import proved_alternations, proved_beside_the_cycles, proved_outside, proved_starts
from analysis.basins.theory import PULL, Basins, nonnegative, x, y
from analysis.basins.uncertainty import BRANCH_DISTANCES, PAIR_DISTANCES, exponent
from analysis.minimalist.theory import P
from analysis.minimalist.two_cycles import SQUARE
from analysis.study import (
    Evidence,
    Pieces,
    Status,
    about,
    agreement,
    bounded,
    exceeds,
    identity,
    same,
    theorem,
)
from analysis.study.evidence import Channel
from eos_sym import STEP_SIZE as ETA
from numeric.compile import Array

RESOLUTION = {"quick": 400, "full": 2000}
RANDOM_STARTS = {"quick": 40_000, "full": 1_000_000}
LARGE_STEPS = "derived here; Liang, Montúfar 2025 for the critical step size"
ROUNDING = 1e-12
MIXED = 0.01  # of a square's starts: rounding decides so many of them at most
SLOPE_TOLERANCE = 0.02
PROVED = 60  # starts, at random
PRODUCT_ERROR = 1e-9
OVER_THE_EDGE = 1e-6  # relative; single precision
FEW, MANY = 4, 20  # two conics meet in 4 points at most
UNCERTAINTY = "exponent in ε of the share of starts of which only they, or only a neighbour, diverge"
ALTERNATIONS = "alternations of proved outcomes along the line"


@study.theory
def basins() -> Basins:
    """What is derived of both losses."""
    return Basins()


@study.measurement
def losses(options: Options, basins: Basins) -> Losses:
    """Both losses at the step size."""
    return Losses(basins, Rational(options.eta))


@study.measurement
def resolution(options: Options) -> int:
    """Rows and columns of a picture."""
    return RESOLUTION[options.preset]


@study.measurement
def count(options: Options) -> int:
    """How many random starts."""
    return RANDOM_STARTS[options.preset]


for group in (ends.plane, ends.edge, ends.boundary, ends.enlarged, ends.line, ends.diagonal, ends.ring):
    study.experiment(group)
for group in (uncertainty.pairs, uncertainty.branches):
    study.experiment(group)


@study.summary
def outcomes(
    plane: xr.Dataset, edge: xr.Dataset, boundary: xr.Dataset, enlarged: xr.Dataset
) -> Mapping[str, dict[str, int]]:
    """How many starts of every picture had which outcome."""
    return {
        name: {outcome: int((window.outcome == code).sum()) for outcome, code in CODES.items()}
        for name, window in by_degree(plane=plane, edge=edge, boundary=boundary, enlarged=enlarged).items()
    }


def by_degree(**pictures: xr.Dataset) -> dict[str, xr.Dataset]:
    """The part of each degree, by the name of the picture and the degree."""
    return {f"{name}, degree {degree}": runs.sel(degree=degree) for name, runs in pictures.items() for degree in (4, 2)}


@study.claim(
    "both maps commute with (x, y) → (y, x) and (x, y) → (−x, −y); that of ½(1 − xyzw)² also with (x, −y); that of "
    "½(1 − xy)² not; the pictures have these symmetries but for 1 % of their starts"
)
def symmetries(basins: Basins, plane: xr.Dataset) -> Pieces:
    """F∘σ − σ∘F for every reflection σ, and the share of the square's starts that end otherwise than their images."""
    swapped, opposite, reflected = (y, x), (-x, -y), (x, -y)

    def commutes(degree: int, image: tuple[Expr, Expr]) -> Evidence:
        quantity = f"F(σ(θ)) − σ(F(θ)) for σ: (x, y) → {image}, degree {degree}"
        return identity(quantity, [Integer(0)] * 2, basins.commutator(degree, image))

    yield from about("both maps", *[commutes(degree, image) for degree in (4, 2) for image in (swapped, opposite)])
    yield from about("also with", commutes(4, reflected))
    answer = f"at degree 2: {not any(basins.commutator(2, reflected))}"
    yield from about("not", theorem("whether F commutes with (x, y) → (x, −y)", "at degree 2: False", answer))

    def asymmetry(degree: int, image: tuple[Expr, Expr]) -> float:
        outcome = plane.outcome.sel(degree=degree).values
        images = {swapped: outcome.T, opposite: outcome[::-1, ::-1], reflected: outcome[::-1]}
        return float((outcome != images[image]).mean())

    for degree, image in ((4, swapped), (2, swapped), (4, opposite), (2, opposite), (4, reflected)):
        quantity = f"share of starts that end otherwise than their image {image}, degree {degree}"
        yield from about("pictures", bounded("simulation", quantity, asymmetry(degree, image), below=MIXED))
    quantity = "share of starts that end otherwise than their image (x, −y), degree 2"
    yield from about("pictures", exceeds("simulation", quantity, asymmetry(2, reflected), above=MIXED))


@study.claim(
    "one step of ½(1 − xy)² multiplies W = h(x² + y²) − h²(xy − 1) − 4 by 1 + hg + g², g = h(xy − 1); that is "
    "(g + h/2)² + 1 − h²/4, positive for h < 2, so that no run crosses the ellipse W = 0, from inside or from outside",
    LARGE_STEPS,
)
def invariant_ellipse(options: Options, basins: Basins, losses: Losses, plane: xr.Dataset) -> Pieces:
    """The factor by division, completed to a square; one compiled step at random points; and the square of starts."""
    factor = basins.ellipse_factor
    error, crossings = ends.ellipse_errors(losses, options.seed)
    yield from about(
        "multiplies W",
        identity("what one step multiplies W by", 1 + ETA * PULL + PULL**2, factor),
        bounded("simulation", "largest relative error of W after a step, 10,000 points", error, below=1e-9),
    )
    escaped, _ = ends.across_ellipse(losses, plane.sel(degree=2))
    quantity = "starts of the square inside the ellipse"
    yield from about(
        "no run crosses",
        identity("the factor less (g + h/2)²", 1 - ETA**2 / 4, (factor - (PULL + ETA / 2) ** 2).expand()),
        same("simulation", "steps across the ellipse, 10,000 points", "0 cross", f"{crossings} cross"),
        same("simulation", quantity, "0 diverge from inside", f"{escaped} diverge from inside"),
    )


@study.claim("all starts of the square outside the ellipse diverge; it reaches |x| = √(4/h)", LARGE_STEPS)
def outside_the_ellipse(options: Options, basins: Basins, losses: Losses, plane: xr.Dataset) -> Pieces:
    """Counts over the square, proofs at random starts outside, and where the ellipse has its vertical tangents."""
    runs = plane.sel(degree=2)
    _, stayed = ends.across_ellipse(losses, runs)
    proofs = proved_outside(losses, options.seed, runs, PROVED)
    status: Status = "refuted" if "bounded" in proofs else "undecided" if "undecided" in proofs else "supported"
    quantity, found = "random starts outside the ellipse of which escape is proved", str(proofs.count("diverged"))
    yield from about(
        "diverge",
        same("simulation", "starts of the square outside the ellipse", "0 stay", f"{stayed} stay"),
        Evidence("interval", quantity, status, str(PROVED), found),
    )
    farthest = runs.x0.where((runs.outcome != CODES["diverged"]).any("y0")).max()
    reach, cell = float(farthest / losses.reach), 2 * MARGIN / runs.sizes["x0"]
    tangent = ETA**2 * (ETA**2 - 4) * (x**2 - 4 / ETA)
    yield from about(
        "reaches",
        identity("discriminant of W in y", tangent.expand(), discriminant(basins.ellipse, y).expand()),
        agreement("simulation", "largest |x| of a start that does not diverge, over √(4/h)", 1, reach, absolute=cell),
    )


@study.claim(
    "on the ellipse x + y = √(8/h + 4) cos φ, x − y = √(8/h − 4) sin φ one step takes φ to π − 3φ, so that angles part "
    "by 3 a step"
)
def angle_tripling(options: Options, basins: Basins, losses: Losses) -> Pieces:
    """Identities of trigonometry, and one step of the compiled map."""
    yield identity("one step from φ less the point at π − 3φ", [Integer(0)] * 2, basins.angle_defect())
    error = ends.tripling_error(losses, options.seed)
    quantity = "largest distance in x or y of one step from the point at π − 3φ, 100 random φ"
    yield bounded("simulation", quantity, error, below=ROUNDING * losses.reach)


@study.claim(
    "for h < 2 the mean over the angle of ln(1 + hg + g²) is λ = arcosh((1 + √(25 − 4h²))/4); it tends to "
    "2 ln((1 + √5)/2) as h → 0; from the distance ε outside the ellipse runs escape after ln(1/ε)/λ + O(1) steps on "
    "average"
)
def rate_at_the_ellipse(basins: Basins, losses: Losses, ring: xr.Dataset) -> Pieces:
    """Jensen's formula for zeros from the derived factors, whose signs say where they are; a quadrature; escape times.

    The logarithm of the mean of 1 + hg + g², 3, would give a slope 14 % less at h = 0.4.
    """
    golden = acosh(limit(basins.twice_cosh_of_rate, ETA, 0) / 2).rewrite(log)
    yield from about(
        "is λ",
        identity("coefficients of the polynomial less those of its factors", [Integer(0)] * 3, basins.rate_defect),
        theorem("signs that put the zeros of one factor outside |w| = 1", "positive, positive", basins.zeros_outside),
        bounded("simulation", "largest error of λ, h = 0.1, 0.4, 0.8, 1.5", ends.rate_error(basins), below=1e-9),
    )
    yield from about(
        "tends to",
        identity("limit of λ as h → 0", 2 * log((1 + sqrt(5)) / 2), golden),
        agreement("simulation", "mean of ln(1 + g²)", float(golden), ends.mean_rate(0.0), absolute=1e-9),
    )
    quantity = "slope of the mean escape time in ln(1/ε), in steps"
    slope = agreement("simulation", quantity, 1 / losses.ellipse_rate, escape_slope(ring), relative=SLOPE_TOLERANCE)
    yield from about("escape", slope)


@study.claim(
    "for both losses, at degree 2 with h < 1, a run is lost once Pg ≥ (4/3)(x² + y²), P = xy: this lasts, and "
    "|P| grows by 1 + g²/4 or more in every step, |g| ≥ 8/3"
)
def no_return(basins: Basins, losses: Losses, plane: xr.Dataset) -> Pieces:
    """The common form of the maps, the signs of the margins, and the starts of the square that are lost."""
    for degree in (4, 2):
        quantity = f"P' and s' less their common form, degree {degree}"
        yield identity(quantity, [Integer(0)] * 2, basins.common_form_defect(degree))
    for degree in (4, 2):
        margins = basins.margins_of_no_return(degree)
        signs = ", ".join("nonnegative" if nonnegative(margin) else "undecided" for margin in margins)
        yield theorem(f"signs of the margins of no return, degree {degree}", "nonnegative, nonnegative", signs)
    for degree in (4, 2):
        starts, kept = ends.beyond_return(losses, degree, plane.sel(degree=degree))
        quantity = f"starts of the square beyond return, degree {degree}"
        yield same("simulation", quantity, f"0 of {starts} starts return", f"{kept} of {starts} starts return")


@study.claim(
    "on y = x the basin ends at the two-cycle x ↦ −x, x² = 1 + 2/h at degree 2 and hx²(x⁴ − 1) = 2 at degree 4; the "
    "slope of the map there is −μ, μ = 5 + 2h and μ = (13x⁴ − 5)/(x⁴ − 1); from the distance ε beyond, runs escape "
    "after ln(1/ε)/ln μ + O(1) steps"
)
def escape_on_the_diagonal(basins: Basins, losses: Losses, diagonal: xr.Dataset) -> Pieces:
    """Outcomes on both sides, proved and simulated; the slopes at the cycles; and escape times."""
    proofs, simulated = proved_beside_the_cycles(losses), ends.beside_the_cycles(losses)
    quantity, expected = "outcomes 1e-9 within and beyond, degrees 2 and 4", "bounded, diverged, bounded, diverged"
    status: Status = "undecided" if "undecided" in proofs else "supported" if proofs == expected else "refuted"
    yield from about(
        "the basin ends",
        Evidence("interval", quantity, status, expected, proofs),
        same("simulation", quantity, expected, simulated),
    )
    slopes = [-5 - 2 * ETA, -(13 * SQUARE**2 - 5) / (SQUARE**2 - 1)]
    found = [basins.diagonal_multipliers[degree] for degree in (2, 4)]
    yield from about(
        "the slope", identity("slopes of the map on y = x at the two-cycle, degrees 2 and 4", slopes, found)
    )
    for degree in (2, 4):
        measured = ends.cycle_slope(losses, degree)
        quantity = f"slope of the compiled map there, degree {degree}"
        exact = -float(np.exp(losses.diagonal_rate(degree)))
        yield from about("the slope", agreement("simulation", quantity, exact, measured, relative=1e-6))
        slope, expected_slope = escape_slope(diagonal.sel(degree=degree)), 1 / losses.diagonal_rate(degree)
        quantity = f"slope of the escape time in ln(1/ε), in steps, degree {degree}"
        times = agreement("simulation", quantity, expected_slope, slope, relative=SLOPE_TOLERANCE)
        yield from about("runs escape", times)


@study.claim(
    "every run of the squares that converges ends at |xy| = 1, or, from x + y = 0 at degree 2, at the saddle 0; at a "
    "minimum it ends with a sharpness S below 2/h; the multipliers at minima are 1 and 1 − hS; one step of degree 2 "
    "multiplies x + y by 1 − g, so that x + y = 0 is kept",
    id="ends",
)
def where_runs_end(basins: Basins, plane: xr.Dataset) -> Pieces:
    """The multipliers at minima y = 1/x and the line x + y = 0 by formula; and the squares."""
    for degree, theory in basins.theories.items():
        jacobian = theory.reduced_map.jacobian.subs(y, 1 / x)
        other = 1 - ETA * theory.sharpness_at_minima.subs(y, 1 / x)
        quantity = f"trace and determinant of DF at minima, degree {degree}"
        yield from about("multipliers", identity(quantity, [1 + other, other], [jacobian.trace(), jacobian.det()]))
    moved = basins.map(2).cofactor(x + y).subs(y, P / x).expand()
    yield from about("x + y by 1 − g", identity("what one step multiplies x + y by", 1 - basins.pulls[2], moved))
    for degree in (4, 2):
        runs = plane.sel(degree=degree)
        quantity = f"largest ||xy| − 1| at ends, degree {degree}"
        elsewhere = (runs.outcome == CODES["converged"]) & runs.relative_sharpness.isnull() & (runs.x0 + runs.y0 != 0)
        yield from about(
            "every run",
            bounded("simulation", quantity, float(runs.product_error), below=PRODUCT_ERROR),
            same(
                "simulation",
                f"starts off x + y = 0 that converge to no minimum, degree {degree}",
                "0 elsewhere",
                f"{int(elsewhere.sum())} elsewhere",
            ),
        )
        largest, quantity = float(runs.relative_sharpness.max()), f"largest hS/2 at ends, degree {degree}"
        yield from about("below 2/h", bounded("simulation", quantity, largest, below=1 + OVER_THE_EDGE))


@study.claim(
    "of the starts above the edge in the (a, b) window that converge, at degree 4 more than nine in ten end in "
    "(2/η − 20η/3, 2/η); the middle half of their ends spans less than a tenth of what it spans at degree 2",
    "Zhu et al. 2023, main theorem, beyond the step sizes of its hypothesis",
    open=True,
)
def concentration(options: Options, losses: Losses, edge: xr.Dataset) -> Pieces:
    """The window of starts; and random ones of them with torch's gradients of the losses in two and four weights."""
    simulated = {degree: above_the_edge(edge.sel(degree=degree)).values for degree in (4, 2)}
    trained = {degree: uncertainty.autograd_ends(losses, edge.sel(degree=degree), options.seed) for degree in (4, 2)}
    both: dict[Channel, dict[int, Array]] = {"simulation": simulated, "autograd": trained}
    for channel, reached in both.items():
        inside = float((reached[4] > 1 - 10 * float(losses.eta) ** 2 / 3).mean())
        spans = {degree: float(np.diff(np.quantile(of, [0.25, 0.75]))[0]) for degree, of in reached.items()}
        quantity = "span of the middle half of hS/2 at ends, degree 4"
        yield from about("nine in ten", exceeds(channel, "share of ends in the interval", inside, above=0.9))
        yield from about("middle half", bounded(channel, quantity, spans[4], below=spans[2] / 10))


@study.claim(
    f"at {PROVED} random starts of each of the enlarged windows ball arithmetic proves what becomes of it: escape, "
    "by no return, or an orbit that stays for ever in the ellipse (degree 2) or in a box |P| ≤ p, |D| ≤ d (degree 4); "
    "in floating point more than nineteen in twenty have that outcome; both outcomes are in every window"
)
def outcomes_proved(options: Options, losses: Losses, boundary: xr.Dataset, enlarged: xr.Dataset) -> Pieces:
    """The proofs, which know nothing of the simulation; how often it agrees; and what is in the windows."""
    for name, window in by_degree(boundary=boundary, enlarged=enlarged).items():
        proofs, simulated = proved_starts(losses, options.seed, window, PROVED)
        decided = [pair for pair in zip(proofs, simulated, strict=True) if pair[0] != "undecided"]
        status: Status = "proved" if len(decided) == PROVED else "undecided"
        quantity = f"random starts of the window {name} of which the outcome is proved"
        agreeing = sum(first == second for first, second in decided) / max(len(decided), 1)
        both = {CODES["converged"], CODES["diverged"]} <= set(np.unique(window.outcome))
        share = f"share of them simulated to have it, {name}"
        found = same("simulation", f"outcomes in the window {name}", "both outcomes: True", f"both outcomes: {both}")
        yield from about("random starts", Evidence("interval", quantity, status, str(PROVED), str(len(decided))))
        yield from about("floating point", exceeds("simulation", share, agreeing, above=0.95))
        yield from about("both", found)


@study.claim(
    "at degree 2 the uncertainty exponent is 1 to within 0.12, as of a smooth boundary; on a line of constant x² − y² "
    f"bounded and escaping starts alternate {FEW} times at most"
)
def smooth_boundary_of_degree_2(losses: Losses, pairs: xr.Dataset, line: xr.Dataset) -> Pieces:
    """Random pairs; and the starts of the line, each proved, which are a sample of it: a conic meets it so often."""
    found = exponent(PAIR_DISTANCES, pairs.uncertain.sel(degree=2).values)
    yield from about("exponent", agreement("simulation", UNCERTAINTY, 1, found, absolute=0.12))
    count, unproved = proved_alternations(losses, line.sel(degree=2))
    status: Status = "refuted" if count > FEW else "undecided" if unproved else "supported"
    observed = f"{count}, {unproved} starts undecided"
    yield from about("alternate", Evidence("interval", ALTERNATIONS, status, f"{FEW} alternations or fewer", observed))


@study.claim(
    "at degree 4 the uncertainty exponent is below 0.6, as of a fractal boundary; on a line of constant x² − y² "
    f"bounded and escaping starts alternate {MANY} times or more",
    open=True,
)
def fractal_boundary_of_degree_4(losses: Losses, pairs: xr.Dataset, line: xr.Dataset) -> Pieces:
    """Random pairs over two decades of distances; and starts of the line, of which every outcome counted is proved."""
    found = exponent(PAIR_DISTANCES, pairs.uncertain.sel(degree=4).values)
    yield from about("exponent", bounded("simulation", UNCERTAINTY, found, below=0.6))
    count, unproved = proved_alternations(losses, line.sel(degree=4))
    status: Status = "proved" if count >= MANY else "undecided" if unproved else "refuted"
    observed = f"{count}, {unproved} starts undecided"
    yield from about("alternate", Evidence("interval", ALTERNATIONS, status, f"{MANY} alternations or more", observed))


@study.claim(
    "to which branch of xy = 1 a run goes is uncertain, at random starts inside the ellipse, as ε^α with "
    "α = −ln ρ/ln 3 to within 0.08, ρ the spectral radius of the transfer operator of π − 3φ with the weight "
    "1/(1 + hg + g²)",
    open=True,
)
def branches_of_degree_2(losses: Losses, branches: xr.Dataset) -> Pieces:
    """Both channels are compared with the one operator; autograd runs the first 10,000 of the simulated pairs.

    The typical product in the place of the mean one would give λ/ln 3, at h = 0.4 larger by 0.18.
    """
    derived, quantity = uncertainty.derived_branch_exponent(losses), "exponent in ε of the share on another branch"
    found = exponent(BRANCH_DISTANCES, branches.uncertain.values)
    yield agreement("simulation", quantity, derived, found, absolute=0.08)
    found = uncertainty.autograd_branch_exponent(losses, branches)
    yield agreement("autograd", f"{quantity} after 60 steps", derived, found, absolute=0.08)


study.figure(draw)


if __name__ == "__main__":
    study.main()
