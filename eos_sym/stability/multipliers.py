"""The multipliers of a fixed point or cycle, and across a manifold of fixed points.

With A = J − 1 the multipliers are 1 + μ, for the roots μ of the characteristic polynomial of A,

    μⁿ + c₁μⁿ⁻¹ + … + c_n,     c₁ = −tr A;     as many multipliers are 1 as coefficients vanish from the last one on.

Whether a coefficient vanishes is decided with proof (`eos_sym.algebra.functions.identities`), never by what
simplification leaves standing. If A has rank one, all but c₁ do.

On a manifold of fixed points θ_b = χ(θ_f), with d free coordinates θ_f, tangent vectors are kept: d multipliers are 1
with nothing to compute. In the coordinates θ_b − χ(θ_f) and θ_f the Jacobian is (C, 0; J_fb, 1), and the other ones are
the eigenvalues of

    C = J_bb − χ' J_fb,

for gradient descent and a single bound coordinate 1 − η tr ∇²L. Multipliers 1 are defective, so that perturbations grow
linearly whatever the others do, if A q(A) ≠ 0, q the polynomial of the others. No multiplier 1 of a symmetric Jacobian
is, nor the d of a manifold across which no multiplier is 1.

A manifold that is not solved for a chart has equations instead. Where these hold, c_k = 0 for all k beyond its
codimension r, and the others are the zeros of μʳ + c₁μʳ⁻¹ + … + c_r, the coefficients reduced modulo the equations.

Errors: `BadInput` for a matrix that is not square, and for a chart that does not consist of fixed points; `Undecided`
where a map is not differentiable, multipliers 1 are defective, or a zero is not recognized.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sympy import (
    Dummy,
    Expr,
    Integer,
    Matrix,
    Poly,
    Symbol,
    cancel,
    diff,
    eye,
    factor,
    fraction,
    groebner,
    nan,
    prod,
    reduced,
    roots,
    together,
    zeros,
    zoo,
)
from sympy.polys.matrices import DomainMatrix

from eos_sym.algebra import Elementary, as_decimals, irreducible_factors, rank_one_pivot, vanishes
from eos_sym.errors import BadInput, Undecided
from eos_sym.rules.map import Map
from eos_sym.stability.condition import StabilityCondition
from eos_sym.stability.jury import jury_margins
from eos_sym.values import Values, named


def stability(jacobian: Matrix) -> StabilityCondition:
    """The condition for the fixed point or cycle with this Jacobian (of a cycle: the product along it)."""
    if jacobian.rows != jacobian.cols:
        raise BadInput(f"a Jacobian of shape {jacobian.shape} is not square")
    return _Spectrum(jacobian.applyfunc(as_decimals)).condition()


def stability_on(
    jacobian: Matrix, equations: Sequence[Expr], variables: Sequence[Symbol], dimension: int
) -> StabilityCondition:
    """The condition across the manifold with these equations, of fixed points or cycles that have this Jacobian."""
    return _Spectrum(jacobian.applyfunc(as_decimals), equations, variables, dimension).condition()


def stability_across(dynamics: Map, chart: Values) -> StabilityCondition:
    """The condition across the manifold of fixed points that a chart gives: state variables in terms of the others."""
    chart = named("the chart", dynamics.state, chart)
    if any(value.free_symbols & {*chart} for value in chart.values()):
        raise BadInput("the chart gives a coordinate in terms of another that it gives; solve it for the free ones")
    bound = [index for index, name in enumerate(dynamics.state) if name in chart]
    free = [index for index, name in enumerate(dynamics.state) if name not in chart]
    jacobian = dynamics.jacobian.subs(chart)
    if jacobian.has(nan, zoo):
        raise Undecided("the multipliers: the map is not differentiable there")
    slopes = Matrix(len(bound), len(free), lambda i, j: diff(chart[dynamics.state[bound[i]]], dynamics.state[free[j]]))
    across = jacobian.extract(bound, bound) - slopes * jacobian.extract(free, bound)
    condition = stability(across)
    for name, step in dynamics.substitution.items():
        if not vanishes((step - name).subs(chart)):
            raise BadInput(f"the chart does not consist of fixed points of the map, which moves {name} there")
    if condition.neutral:
        return stability(jacobian)  # which of them are defective, the manifold does not tell
    return replace(condition, neutral=len(free))


class _Spectrum:
    """The multipliers of a Jacobian, its entries written in their generators; if there are equations, where these hold.

    Then `dimension` of the multipliers are known to be 1, and what is reduced is reduced modulo the equations.
    """

    def __init__(
        self, jacobian: Matrix, equations: Sequence[Expr] = (), variables: Sequence[Symbol] = (), dimension: int = 0
    ) -> None:
        self._original, self._dimension = jacobian, dimension
        self._field = Elementary([*jacobian, *equations])
        self._mu, self._z = Dummy("mu"), Dummy("z")
        self._basis: list[Expr] = []
        written = [self._field.reduced(self._field.written(part)) for part in (*jacobian, *equations)]
        if equations:
            ideal = [fraction(together(part))[0] for part in written[len(jacobian) :]]
            ideal += [fraction(together(root**order - power))[0] for root, order, power in self._field.relations]
            symbols = set().union(*(part.free_symbols for part in ideal))
            self._variables = sorted(symbols & {*variables, *self._field.generators}, key=str)
            self._basis = list(groebner(ideal, *self._variables, order="grevlex").exprs)
        self._jacobian = Matrix(jacobian.rows, jacobian.cols, list(map(self._reduced, written[: len(jacobian)])))
        if jacobian.has(nan, zoo) or self._jacobian.has(nan):
            raise Undecided("the multipliers: the map is not differentiable there")

    def condition(self) -> StabilityCondition:
        """The margins of the multipliers other than 1, these, and how many are 1."""
        blocks = [range(self._jacobian.rows)] if self._basis else self._jacobian.strongly_connected_components()
        polynomials = [self._deflated(block) for block in blocks]
        neutral = sum(map(len, blocks)) - sum(polynomial.degree() for polynomial in polynomials)
        if neutral and not self._is_semisimple(neutral, prod(polynomials)):
            raise Undecided(
                "the multipliers equal to 1 are defective: perturbations grow linearly, whatever the others do"
            )
        degree, margins = 0, []
        multipliers: dict[Expr, int] = {}
        for polynomial in polynomials:
            for factor_, multiplicity in self._factors(polynomial):
                degree = max(degree, factor_.degree())
                margins += [self._tidied(margin) for margin in jury_margins(factor_.all_coeffs())]
                for multiplier, count in self._roots(factor_).items():
                    multipliers[multiplier] = multipliers.get(multiplier, 0) + count * multiplicity
        closed_form = sum(multipliers.values()) + neutral == self._jacobian.rows
        return StabilityCondition(tuple(dict.fromkeys(margins)), neutral, multipliers if closed_form else None, degree)

    def _deflated(self, block: Sequence[int]) -> Poly:
        """The characteristic polynomial of a block of A without its powers of μ."""
        size = len(block)
        excess = self._jacobian.extract([*block], [*block]) - eye(size)
        if self._has_rank_one(block):
            coefficients = [Integer(1), self._reduced(-excess.trace())]
        else:
            matrix = DomainMatrix.from_Matrix(excess, field=True)
            known = matrix.charpoly()[: size - self._dimension + 1]
            coefficients = [self._reduced(matrix.domain.to_sympy(c)) for c in known]
        while self._vanishes(coefficients[-1]):
            coefficients.pop()
        return Poly(coefficients, self._mu)

    def _has_rank_one(self, block: Sequence[int]) -> bool:
        return rank_one_pivot(self._original.extract([*block], [*block]) - eye(len(block))) is not None

    def _factors(self, polynomial: Poly) -> list[tuple[Poly, int]]:
        """The monic irreducible factors in z = 1 + μ."""
        numerator = fraction(together(polynomial.as_expr().subs(self._mu, self._z - 1)))[0]
        parts = ((Poly(part, self._z), multiplicity) for part, multiplicity in irreducible_factors(numerator))
        return [
            (Poly([self._reduced(c / part.LC()) for c in part.all_coeffs()], self._z), multiplicity)
            for part, multiplicity in parts
            if part.degree() > 0
        ]

    def _roots(self, polynomial: Poly) -> dict[Expr, int]:
        """The zeros in closed form, as far as there are such."""
        return {self._field.restored(factor(root)): count for root, count in roots(polynomial).items()}

    def _is_semisimple(self, neutral: int, others: Poly) -> bool:
        """Whether there are as many eigenvectors as multipliers 1."""
        size = self._jacobian.rows
        if neutral == self._dimension or self._jacobian.is_symmetric(simplify=False):
            return True
        excess = self._jacobian - eye(size)
        if DomainMatrix.from_Matrix(excess, field=True).rank() == size - neutral:
            return True
        value = zeros(size)  # q(A), by Horner's rule
        for coefficient in others.all_coeffs():
            value = (value * excess + coefficient * eye(size)).applyfunc(self._reduced)
        return all(map(self._vanishes, (excess * value).applyfunc(self._reduced)))

    def _reduced(self, expression: Expr) -> Expr:
        expression = self._field.reduced(expression)
        if not self._basis:
            return expression
        parts = fraction(expression)
        numerator, denominator = (
            reduced(part, self._basis, *self._variables, order="grevlex", field=True)[1] for part in parts
        )
        return cancel(numerator / denominator)

    def _vanishes(self, expression: Expr) -> bool:
        """Of an expression that is reduced; modulo equations what is not 0 then does not vanish on all of them."""
        return bool(expression == 0) if self._basis else vanishes(self._field.restored(expression))

    def _tidied(self, expression: Expr) -> Expr:
        """With the functions restored; 0 if it vanishes."""
        lowest = self._reduced(expression)
        return Integer(0) if self._vanishes(lowest) else self._field.restored(factor(lowest))
