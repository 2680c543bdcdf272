"""Basins: where each initialization of the minimalist example and of degree 2 ends, and what bounds the basins.

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
xy = 1 a run goes is as uncertain as ε^α with α = 0.69 − O(h²), from the transfer operator of the tripling.

*Degree 4 has a fractal boundary.* No invariant curve closes its basin. Where it crosses the minima, escape and
convergence alternate on every scale that was looked at, with an uncertainty exponent of 0.25; single starts are
decided by proofs in ball arithmetic, since after 40 chaotic steps no floating-point orbit is the exact one. And yet
nearly all that converges from above the edge ends in one narrow interval just below it, while degree 2 scatters its
ends over all that is allowed.

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
from sympy import Expr, Integer, Rational, acosh, limit, log, sqrt

from analysis.basins import ends, uncertainty
from analysis.basins.ends import CODES, MARGIN, Losses, above_the_edge, escape_slope
from analysis.basins.figure import draw
from analysis.basins.proofs import proved_alternations, proved_outside, proved_starts
from analysis.basins.theory import PULL, Basins, nonnegative, x, y
from analysis.basins.uncertainty import BRANCH_DISTANCES, PAIR_DISTANCES, exponent
from analysis.minimalist.theory import P
from analysis.minimalist.two_cycles import SQUARE
from analysis.shallow.network import end_sharpness
from analysis.study import Evidence, Pieces, Status, agreement, bounded, identity, same, supported, theorem
from eos_sym import STEP_SIZE as ETA
from eos_sym.algebra import expand_in

RESOLUTION = {"quick": 400, "full": 2000}
RANDOM_STARTS = {"quick": 40_000, "full": 1_000_000}
LARGE_STEPS = "derived here; Liang, Montúfar 2025 for the critical step size"
ROUNDING = 1e-12
MIXED = 0.01  # of a square's starts: rounding decides so many of them at most
SLOPE_TOLERANCE = 0.04
PROVED = 60  # starts, at random
PRODUCT_ERROR = 1e-9
OVER_THE_EDGE = 1e-6  # relative; single precision
NETWORK_START = (0.25, 0.1)  # a, relative to the reach of the ellipse, and b
NETWORK_STEPS, NETWORK_TOLERANCE = 20_000, 1e-3
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
    "both maps commute with (x, y) → (y, x) and (x, y) → (−x, −y), that of ½(1 − xyzw)² also with (x, −y), "
    "that of ½(1 − xy)² not; so do the pictures"
)
def symmetries(basins: Basins, plane: xr.Dataset) -> Pieces:
    """F∘σ − σ∘F for every reflection σ, and the share of the square's starts that end otherwise than their images."""
    swapped, opposite, reflected = (y, x), (-x, -y), (x, -y)
    for degree, image in ((4, swapped), (4, opposite), (4, reflected), (2, swapped), (2, opposite)):
        quantity = f"F(σ(θ)) − σ(F(θ)) for σ: (x, y) → {image}, degree {degree}"
        yield identity(quantity, [Integer(0)] * 2, basins.commutator(degree, image))
    commutes = f"at degree 2: {not any(basins.commutator(2, reflected))}"
    yield theorem("whether F commutes with (x, y) → (x, -y)", "at degree 2: False", commutes)

    def asymmetry(degree: int, image: tuple[Expr, Expr]) -> float:
        outcome = plane.outcome.sel(degree=degree).values
        images = {swapped: outcome.T, opposite: outcome[::-1, ::-1], reflected: outcome[::-1]}
        return float((outcome != images[image]).mean())

    for degree, image in ((4, swapped), (2, swapped), (4, opposite), (2, opposite), (4, reflected)):
        quantity = f"share of starts that end otherwise than their image {image}, degree {degree}"
        yield bounded("simulation", quantity, asymmetry(degree, image), below=MIXED)
    quantity = "whether more than 1 % of starts end otherwise than their image (x, -y)"
    differs = f"not at degree 2: {asymmetry(2, reflected) > MIXED}"
    yield same("simulation", quantity, "not at degree 2: True", differs)


@study.claim(
    "one step of ½(1 − xy)² multiplies W = h(x² + y²) − h²(xy − 1) − 4 by 1 + hg + g², g = h(xy − 1), which is "
    "positive for h < 2; so runs from inside the ellipse W = 0, and from outside, stay there for ever",
    LARGE_STEPS,
)
def invariant_ellipse(basins: Basins, losses: Losses, plane: xr.Dataset) -> Pieces:
    """The factor by division, completed to a square, and the square of starts."""
    factor = basins.ellipse_factor
    yield identity("what one step multiplies W by", 1 + ETA * PULL + PULL**2, factor)
    yield identity("the factor less (g + h/2)²", 1 - ETA**2 / 4, (factor - (PULL + ETA / 2) ** 2).expand())
    escaped, _ = ends.across_ellipse(losses, plane.sel(degree=2))
    quantity = "starts of the square inside the ellipse"
    yield same("simulation", quantity, "0 diverge from inside", f"{escaped} diverge from inside")


@study.claim("all starts of the square outside the ellipse diverge; it reaches |x| = √(4/h)", LARGE_STEPS)
def outside_the_ellipse(options: Options, losses: Losses, plane: xr.Dataset) -> Pieces:
    """Counts over the square, its farthest column with a bounded run to the width of a cell, and random proofs."""
    runs = plane.sel(degree=2)
    _, stayed = ends.across_ellipse(losses, runs)
    quantity = "starts of the square outside the ellipse"
    yield same("simulation", quantity, "0 stay from outside", f"{stayed} stay from outside")
    farthest = runs.x0.where((runs.outcome != CODES["diverged"]).any("y0")).max()
    reach, cell = float(farthest / losses.reach), 2 * MARGIN / runs.sizes["x0"]
    yield agreement("simulation", "largest |x| of a start that does not diverge, over √(4/h)", 1, reach, absolute=cell)
    proofs = proved_outside(losses, options.seed, runs, PROVED)
    status: Status = "supported" if proofs == PROVED else "undecided"  # of single cases
    yield Evidence(
        "interval",
        "random starts among those simulated to diverge that are proved to escape",
        status,
        str(PROVED),
        str(proofs),
    )


@study.claim(
    "on the ellipse x + y = √(8/h + 4) cos φ, x − y = √(8/h − 4) sin φ one step takes φ to π − 3φ: every orbit "
    "parts from its neighbours by 3 a step"
)
def angle_tripling(options: Options, basins: Basins, losses: Losses) -> Pieces:
    """Identities of trigonometry, and one step of the compiled map."""
    yield identity("one step from φ less the point at π − 3φ", [Integer(0)] * 2, basins.angle_defect())
    error = ends.tripling_error(losses, options.seed)
    quantity = "largest distance in x or y of one step from the point at π − 3φ, 100 random φ"
    yield bounded("simulation", quantity, error, below=ROUNDING * losses.reach)


@study.claim(
    "the mean over the angle of ln(1 + hg + g²), at which runs leave the ellipse, is "
    "λ = arcosh((1 + √(25 − 4h²))/4); it tends to 2 ln((1 + √5)/2) as h → 0"
)
def rate_at_the_ellipse(basins: Basins, losses: Losses) -> Pieces:
    """Jensen's formula, and the trapezoidal rule on the derived factor."""
    yield identity("coefficients of the polynomial less those of its factors", [Integer(0)] * 3, basins.rate_defect)
    yield identity("λ", acosh((1 + sqrt(25 - 4 * ETA**2)) / 4), basins.rate)
    golden = acosh(limit(basins.twice_cosh_of_rate, ETA, 0) / 2).rewrite(log)
    yield identity("limit of λ as h → 0", 2 * log((1 + sqrt(5)) / 2), golden)
    average = float(np.log(uncertainty.ellipse_factor(losses)).mean())
    yield agreement("simulation", "mean of ln(1 + hg + g²) over the angle", losses.ellipse_rate, average, absolute=1e-9)


@study.claim("from the distance ε outside the ellipse runs escape after ln(1/ε)/λ + O(1) steps on average")
def escape_from_the_ellipse(basins: Basins, losses: Losses, ring: xr.Dataset) -> Pieces:
    """The rate, which for escape times is an argument and no proof, and mean escape times."""
    yield supported("coefficients of the polynomial less those of its factors", [Integer(0)] * 3, basins.rate_defect)
    quantity = "slope of the mean escape time in ln(1/ε), in steps"
    yield agreement("simulation", quantity, 1 / losses.ellipse_rate, escape_slope(ring), relative=SLOPE_TOLERANCE)


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
        signs = ", ".join(str(nonnegative(margin)) for margin in basins.margins_of_no_return(degree))
        yield theorem(f"whether the margins of no return are nonnegative, degree {degree}", "True, True", signs)
    for degree in (4, 2):
        starts, kept = ends.beyond_return(losses, degree, plane.sel(degree=degree))
        quantity = f"starts of the square beyond return, degree {degree}"
        yield same("simulation", quantity, f"0 of {starts} starts return", f"{kept} of {starts} starts return")


@study.claim(
    "on y = x the basin ends at the two-cycle x ↦ −x, x² = 1 + 2/h at degree 2 and hx²(x⁴ − 1) = 2 at degree "
    "4; from the distance ε beyond, runs escape after ln(1/ε)/ln μ + O(1) steps, with μ = 5 + 2h and "
    "μ = (13x⁴ − 5)/(x⁴ − 1)"
)
def escape_on_the_diagonal(basins: Basins, losses: Losses, diagonal: xr.Dataset) -> Pieces:
    """The slopes at the cycles, which for escape times are an argument and no proof, and escape times."""
    expected = [-5 - 2 * ETA, -(13 * SQUARE**2 - 5) / (SQUARE**2 - 1)]
    found = [basins.diagonal_multipliers[degree] for degree in (2, 4)]
    yield supported("slopes of the map on y = x at the two-cycle, degrees 2 and 4", expected, found)
    for degree in (2, 4):
        slope = escape_slope(diagonal.sel(degree=degree))
        quantity = f"slope of the escape time in ln(1/ε), in steps, degree {degree}"
        yield agreement("simulation", quantity, 1 / losses.diagonal_rate(degree), slope, relative=SLOPE_TOLERANCE)


@study.claim(
    "every run of the squares that converges ends at |xy| = 1 with a sharpness below 2/h, where the multiplier "
    "1 − hS is above −1, or, from x + y = 0 at degree 2, at the saddle 0",
    id="ends",
)
def where_runs_end(basins: Basins, plane: xr.Dataset) -> Pieces:
    """The multipliers at minima y = 1/x and the line x + y = 0, which prove no global statement; and the squares."""
    for degree, theory in basins.theories.items():
        jacobian = theory.reduced_map.jacobian.subs(y, 1 / x)
        other = 1 - ETA * theory.sharpness_at_minima.subs(y, 1 / x)
        quantity = f"trace and determinant of DF at minima, multipliers 1 and 1 − hS, degree {degree}"
        yield supported(quantity, [1 + other, other], [jacobian.trace(), jacobian.det()])
    yield lambda: supported(
        "what one step multiplies x + y by, degree 2",
        1 - basins.pulls[2],
        basins.map(2).cofactor(x + y).subs(y, P / x).expand(),
    )
    planes = {degree: plane.sel(degree=degree) for degree in (4, 2)}
    for degree, runs in planes.items():
        error = float(runs.product_error)
        yield bounded("simulation", f"largest ||xy| − 1| at ends, degree {degree}", error, below=PRODUCT_ERROR)
    for degree, runs in planes.items():
        elsewhere = (runs.outcome == CODES["converged"]) & runs.relative_sharpness.isnull() & (runs.x0 + runs.y0 != 0)
        quantity = f"starts off x + y = 0 that converge to no minimum, degree {degree}"
        yield same("simulation", quantity, "0 elsewhere", f"{int(elsewhere.sum())} elsewhere")
    for degree, runs in planes.items():
        largest = float(runs.relative_sharpness.max())
        yield bounded("simulation", f"largest hS/2 at ends, degree {degree}", largest, below=1 + OVER_THE_EDGE)


@study.claim(
    "of the starts above the edge in the (a, b) window that converge, at degree 4 more than nine in ten end in "
    "the theorem's interval (2/η − 20η/3, 2/η), whose law is 2/η − η/2; the middle half of their ends spans "
    "less than a tenth of what it spans at degree 2",
    "Zhu et al. 2022, main theorem, beyond the step sizes of its hypothesis",
    open=True,
)
def concentration(basins: Basins, losses: Losses, edge: xr.Dataset) -> Pieces:
    """The law in the interval, the window of starts, and a network of each depth from one of them."""
    margin = "law of the end less the least of the interval, to O(η³)"
    least = 2 / ETA - 20 * ETA / 3
    yield lambda: supported(margin, 37 * ETA / 6, expand_in(basins.theories[4].terminal_sharpness - least, ETA, 3))
    reached = {degree: above_the_edge(edge.sel(degree=degree)) for degree in (4, 2)}
    inside = float((reached[4] > 1 - 10 * float(losses.eta) ** 2 / 3).mean())
    yield agreement("simulation", "share of ends in the interval, degree 4", 1, inside, absolute=0.1)
    spans = {degree: float(np.diff(of.quantile([0.25, 0.75]))[0]) for degree, of in reached.items()}
    yield bounded("simulation", "span of the middle half of hS/2 at ends, degree 4", spans[4], below=spans[2] / 10)
    for degree in (4, 2):
        start = losses.start_at(degree, NETWORK_START[0] * losses.reach_in_a, NETWORK_START[1])
        run = losses.ends(degree, start)
        h, steps = losses.step_size(degree), min(int(run.step), NETWORK_STEPS)
        trained = end_sharpness(degree, [float(start["x"]), float(start["y"])], h, steps) * h / 2
        quantity, expected = f"hS/2 where a network of width 1 ends, depth {degree}", float(run.relative_sharpness)
        yield agreement("network", quantity, expected, trained, relative=NETWORK_TOLERANCE)


@study.claim(
    "at random starts of the enlarged windows ball arithmetic proves the simulated outcome: escape, by no "
    "return, or an orbit that stays for ever in the ellipse (degree 2) or in a box |P| ≤ p, |D| ≤ d (degree 4)"
)
def outcomes_proved(options: Options, losses: Losses, boundary: xr.Dataset, enlarged: xr.Dataset) -> Pieces:
    """The simulation is what is proved; by itself it says that both outcomes are in the windows."""
    windows = by_degree(boundary=boundary, enlarged=enlarged)
    for name, window in windows.items():
        proofs, simulated = proved_starts(losses, options.seed, window, PROVED)
        wrong = sum(a not in ("undecided", b) for a, b in zip(proofs, simulated, strict=True))
        status: Status = "refuted" if wrong else "undecided" if "undecided" in proofs else "proved"
        counts = f"{PROVED - proofs.count('undecided')} proved, {wrong} of them simulated otherwise"
        expected = f"{PROVED} proved, 0 of them simulated otherwise"
        yield Evidence("interval", f"random starts of the window {name}", status, expected, counts)
    for name, window in windows.items():
        both = {CODES["converged"], CODES["diverged"]} <= set(np.unique(window.outcome))
        yield same("simulation", f"outcomes in the window {name}", "both outcomes: True", f"both outcomes: {both}")


@study.claim(
    "the boundary of degree 2 is a conic: the uncertainty exponent is 1, and on a line of constant x² − y² "
    f"bounded and escaping starts alternate {FEW} times at most"
)
def smooth_boundary_of_degree_2(losses: Losses, pairs: xr.Dataset, line: xr.Dataset) -> Pieces:
    """Random pairs, and every start of the line proved."""
    found = exponent(PAIR_DISTANCES, pairs.uncertain.sel(degree=2).values)
    yield agreement("simulation", UNCERTAINTY, 1, found, absolute=0.12)
    count, unproved = proved_alternations(losses, line.sel(degree=2))
    status: Status = "refuted" if count > FEW else "undecided" if unproved else "supported"
    observed = f"{count}, {unproved} starts undecided"
    yield Evidence("interval", ALTERNATIONS, status, f"{FEW} alternations or fewer", observed)


@study.claim(
    "the boundary of degree 4 is a fractal: the uncertainty exponent is below 0.6, and on a line of constant "
    f"x² − y² bounded and escaping starts alternate {MANY} times or more",
    open=True,
)
def fractal_boundary_of_degree_4(losses: Losses, pairs: xr.Dataset, line: xr.Dataset) -> Pieces:
    """Random pairs, and every start of the line proved."""
    found = exponent(PAIR_DISTANCES, pairs.uncertain.sel(degree=4).values)
    yield bounded("simulation", UNCERTAINTY, found, below=0.6)
    count, unproved = proved_alternations(losses, line.sel(degree=4))
    status: Status = "supported" if count >= MANY else "undecided" if unproved else "refuted"
    observed = f"{count}, {unproved} starts undecided"
    yield Evidence("interval", ALTERNATIONS, status, f"{MANY} alternations or more", observed)


@study.claim(
    "to which branch of xy = 1 a run goes is uncertain, at random starts inside the ellipse, as ε^α with "
    "α = −ln ρ/ln 3, ρ the spectral radius of the transfer operator of π − 3φ with the weight 1/(1 + hg + g²)",
    open=True,
)
def branches_of_degree_2(losses: Losses, branches: xr.Dataset) -> Pieces:
    """Both channels are compared with the one operator; autograd runs the first 10,000 of the simulated pairs."""
    derived, quantity = uncertainty.derived_branch_exponent(losses), "exponent in ε of the share on another branch"
    found = exponent(BRANCH_DISTANCES, branches.uncertain.values)
    yield agreement("simulation", quantity, derived, found, absolute=0.1)
    found = uncertainty.autograd_branch_exponent(losses, branches)
    yield agreement("autograd", f"{quantity} after 60 steps", derived, found, absolute=0.1)


study.figure(draw)


if __name__ == "__main__":
    study.main()
