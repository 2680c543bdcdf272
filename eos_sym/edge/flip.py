"""The flip (period doubling) at a fixed point with a multiplier −1, in any dimension.

Around the fixed point F(x) = Ax + ½B(x, x) + ⅙C(x, x, x) + …, with Aq = −q, Aᵀp = −p, ⟨p, q⟩ = 1. The other directions
follow w = ⟨p, x⟩ on the centre manifold x = wq + ½w²h + …, (I − A)h = B(q, q), and there

    w ↦ −w + c w³ + …,    c = ⅙ ⟨p, C(q, q, q) + 3B(q, h)⟩,    two steps: w ↦ w − 2c w³ + …

For the multiplier −(1 + δ) two steps have the cycle w² = δ/c, to leading order; ‖q‖ = 1 makes w a distance. If c > 0
the flip is *supercritical*: the cycle is there for δ > 0, just beyond the edge, and attracts along the centre manifold;
it is stable if all other multipliers lie inside the unit circle; none may lie on it. If c < 0 it is *subcritical*: the
cycle is there before the edge, and repels. In one dimension gradient descent has −2c = η(f''''/3 − f'''²/λ) at
η = 2/λ, so that the flip is supercritical iff 3f'''² > f''f''''.

The amplitude is the first term of an expansion in w². The next one is d w⁵; to the fifth order the same equations are,
with D and E for the next derivatives of F, h₂ = h, and ⟨p, h₃⟩ = 0,

    (I + A)h₃ = 6cq − C(q, q, q) − 3B(q, h₂),
    (I − A)h₄ = D(q, q, q, q) + 6C(q, q, h₂) + 3B(h₂, h₂) + 4B(q, h₃) + 24c h₂,
    120 d = ⟨p, E(q, …, q) + 10D(q, q, q, h₂) + 15C(q, h₂, h₂) + 10C(q, q, h₃) + 10B(h₂, h₃) + 5B(q, h₄)⟩,

so that δ = c w² + d w⁴, and the amplitude has ended where the two terms are as large.

Where −1 is a multiple multiplier of a gradient map, DF = DFᵀ, as at the minimum of a loss that is symmetric, w is a
vector in its eigenspace, and w ↦ −w + C(w, w, w) with C the gradient of a form of the fourth degree, since the
derivatives of L are symmetric. Along q = Σ sᵢqᵢ the formula gives c(s) = ⟨w, C(w, w, w)⟩/|w|⁴. If c > 0 for all s, two
steps w ↦ w + 2δw − 2C descend on ½⟨w, C⟩ − δ|w|², which grows: all cycles, of squares δ/c, are there for δ > 0, and the
least ones attract; the flip is supercritical. If c < 0 for all s, all are there for δ < 0, and it is subcritical.

On a manifold of fixed points I − A is singular. The same formula holds if B(q, q) has no component along the manifold,
and the multiplier −1 does not change along it; else the slow motion decides, which is the edge law of
`eos_sym.edge.normal_forms.normal_form`. Source: :cite:t:`kuznetsov2004elements`, §5.4.

Expressions are exact. Floats are calculated with: what is less than the root of their precision counts as 0.
Errors: `BadInput` for a point that is not fixed or has no multiplier −1; `Undecided` for a multiple multiplier −1 of
other maps or on a manifold, for motion along a manifold, and for amplitudes in several directions at once or beyond the
range of the expansion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from mpmath import mp, workprec
from mpmath.libmp import prec_to_dps
from sympy import Dummy, Expr, Float, Matrix, Mul, Poly, Pow, Rational, S, Symbol, diff, eye, simplify, sqrt, zeros

from eos_sym.algebra import is_positive_everywhere, positive_where_defined, vanishes, without_floats
from eos_sym.errors import BadInput, Undecided
from eos_sym.notebook import aligned
from eos_sym.reasons import brief
from eos_sym.rules import Map
from eos_sym.values import Value, Values, exact, known_among, named


@dataclass(frozen=True)
class FlipNormalForm:
    """w ↦ −w + c w³ along the unit eigenvector of the multiplier −1; `coefficient` is c, and `fifth` calculates d.

    In several directions at once c depends on the coordinates `along` them, not on their size.
    """

    coefficient: Expr
    fifth: Callable[[], Expr] = lambda: S.Zero
    along: tuple[Symbol, ...] = ()

    def _repr_latex_(self) -> str:
        return aligned([("w", r"\mapsto", "-w + c w^3"), ("c", "=", self.coefficient)])

    @cached_property
    def kind(self) -> str:
        """``supercritical``, ``subcritical``, ``degenerate`` where c = 0, or ``undecided`` for an unknown sign."""
        if self.coefficient.is_zero:
            return "degenerate"
        charts = [self.coefficient.subs(place, 1) for place in self.along] or [self.coefficient]
        if all(_is_positive(chart, self.along) for chart in charts):
            return "supercritical"
        return "subcritical" if all(_is_positive(-chart, self.along) for chart in charts) else "undecided"

    def amplitude(self, excess: Value) -> Expr:
        """w = √(δ/c) of the two-cycle for the multiplier −(1 + δ), within the range of the expansion in numbers."""
        if self.along:
            raise Undecided("the flip: in several directions at once the size of a two-cycle depends on its direction")
        beyond = exact("the excess", excess)
        square = beyond / self.coefficient
        if self.kind == "degenerate" or square.is_nonpositive:
            raise Undecided(
                f"the flip: there is no two-cycle for δ = {brief(beyond)} with c = {brief(self.coefficient)}"
            )
        share = abs(self.fifth() * square / self.coefficient)
        if share.is_number and share >= 1:
            raise Undecided(f"the flip: at the amplitude {sqrt(square).n(4)} d w⁵ is {share.n(3)} times c w³")
        return sqrt(square)


def flip_normal_form(dynamics: Map, point: Values, at: Values | None = None) -> FlipNormalForm:
    """The normal form at a fixed point; `at` gives parameters their values, such as the step size at the edge."""
    place, given = named("the fixed point", dynamics.state, point), known_among(dynamics.parameters, at)
    missing = [str(variable) for variable in dynamics.state if variable not in place]
    if missing:
        raise BadInput(f"{', '.join(missing)}: missing in the fixed point")
    values = {**given, **{variable: place[variable].subs(given) for variable in dynamics.state}}
    fixed = Matrix([values[variable] for variable in dynamics.state])
    misses = Matrix(dynamics.step).subs(values, simultaneous=True) - fixed
    if not _vanishes(misses):
        raise BadInput(f"not a fixed point: one step moves it by {', '.join(map(str, misses))}")
    derivative = dynamics.jacobian.subs(values, simultaneous=True).applyfunc(simplify)
    identity = eye(len(dynamics.state))
    flipping, dual = _kernel(derivative + identity), _kernel((derivative + identity).T)
    if flipping.cols == 0:
        raise BadInput("the fixed point is not known to have a multiplier −1; give a parameter its critical value")
    neutral, conormal = _kernel(identity - derivative), _kernel((identity - derivative).T)
    along: tuple[Symbol, ...] = ()
    if flipping.cols > 1 and neutral.cols == 0 and _vanishes(dynamics.jacobian - dynamics.jacobian.T):
        along = tuple(Dummy(f"s{number}", real=True) for number in range(1, flipping.cols + 1))
        flipping = dual = flipping * Matrix(along)
    if not along and (flipping.cols > 1 or _vanishes(dual.T * flipping)):
        raise Undecided("the flip: the multiplier −1 is not simple")
    q, p = flipping, dual / (dual.T * flipping)[0]

    def form(*directions: Matrix) -> Matrix:
        """The k-th derivative of the step along k constant directions."""
        distances = [Dummy() for _ in directions]
        moved = fixed + sum((t * direction for t, direction in zip(distances, directions, strict=True)), 0 * fixed)
        ahead = Matrix(dynamics.step).subs(
            {**values, **dict(zip(dynamics.state, moved, strict=True))}, simultaneous=True
        )
        for distance in distances:
            ahead = ahead.applyfunc(lambda entry, t=distance: diff(entry, t).subs(t, 0))
        return ahead.applyfunc(simplify)

    if any(not _vanishes(p.T * form(q, neutral.col(index))) for index in range(neutral.cols)):
        raise Undecided("the flip: the multiplier −1 changes along the manifold of fixed points; see the edge law")
    bend = form(q, q)
    if not _vanishes(conormal.T * bend):
        raise Undecided("the flip: it moves the point along the manifold of fixed points; see the edge law")
    across = identity - derivative + neutral * conormal.T
    second = across.LUsolve(bend)
    cubic, bent = form(q, q, q), 3 * form(q, second)
    length = (q.T * q)[0]
    weight = _without_rounding(length, [length], along) if along else S.One  # of dual and q, which are the same
    terms = [simplify(weight * (p.T * part)[0] / 6) for part in (cubic, bent)]
    coefficient = _without_rounding(simplify(sum(terms, S.Zero)), terms, along) / weight

    @cache
    def fifth() -> Expr:
        third = (identity + derivative + q * p.T).LUsolve(6 * coefficient * q - cubic - bent)
        fourth = form(q, q, q, q) + 6 * form(q, q, second) + 3 * form(second, second) + 4 * form(q, third)
        fourth = across.LUsolve(fourth + 24 * coefficient * second)
        five = form(q, q, q, q, q) + 10 * form(q, q, q, second) + 15 * form(q, second, second)
        five += 10 * form(q, q, third) + 10 * form(second, third) + 5 * form(q, fourth)
        return simplify((p.T * five)[0] / 120 / length**2)

    return FlipNormalForm(simplify(coefficient / (weight if along else length)), fifth, along)


def _without_rounding(total: Expr, terms: Sequence[Expr], along: Sequence[Symbol]) -> Expr:
    """A sum of terms, forms in the directions, without the coefficients that are rounding errors."""
    if not total.has(Float):
        return total
    digits = prec_to_dps(_precision(Matrix([total])))
    sizes = [abs(part.evalf(digits)) for term in terms for part in Poly(term, *along, Dummy()).coeffs()]
    parts = ((powers, part.evalf(digits) / max(1, *sizes)) for powers, part in Poly(total, *along, Dummy()).terms())
    kept = [(powers, part * max(1, *sizes)) for powers, part in parts if not _vanishes(Matrix([part]))]
    return sum((part * Mul(*map(Pow, along, powers)) for powers, part in kept), S.Zero)


def _is_positive(coefficient: Expr, along: Sequence[Symbol]) -> bool:
    """Whether a coefficient is positive, in several directions all over a chart of them."""
    return is_positive_everywhere(without_floats(coefficient)) if along else positive_where_defined(coefficient)


def _kernel(matrix: Matrix) -> Matrix:
    """A basis of the kernel, as columns."""
    size = matrix.cols
    if not matrix.has(Float):
        return Matrix.hstack(zeros(size, 0), *matrix.nullspace(simplify=True, iszerofunc=vanishes))
    precision = _precision(matrix)
    with workprec(precision):
        _, values, rows = mp.svd_r(mp.matrix(matrix.evalf(mp.dps).tolist()))
        small = [index for index in range(size) if abs(values[index]) < mp.mpf(2) ** (-precision // 2)]
        columns = [[Float._new(rows[index, place]._mpf_, precision) for place in range(size)] for index in small]
    return Matrix(size, len(small), lambda place, index: columns[index][place])


def _vanishes(matrix: Matrix) -> bool:
    if not matrix.has(Float):
        return all(map(vanishes, matrix))
    return all(abs(entry) < Rational(1, 2) ** (_precision(matrix) // 2) for entry in matrix)


def _precision(matrix: Matrix) -> int:
    """The least number of bits among the floats."""
    return min(int(number._prec) for number in matrix.atoms(Float))
