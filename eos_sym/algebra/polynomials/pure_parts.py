"""The zeros of an ideal divided by dimension, so that each part is of one dimension everywhere.

Let I have dimension d, and let U be d variables that are independent modulo I, X the others. In a lexicographic Gröbner
basis with X before U, let h be the product of the coefficients, polynomials in U, of the leading monomials in X. Then
Q[x]/I is a free module over Q[U] where h ≠ 0, and therefore

    V(I) = V(I : h^∞) ∪ V(⟨I, h⟩),        every component of V(I : h^∞) has dimension d.

So the isolated point of ⟨xy, x² − x⟩, (1, 0), is told from its line x = 0. The second part is divided in the same way.
A zero of a part of dimension d in n variables at which the Jacobian of its equations has the rank n − d is smooth: near
it, the zeros are a manifold of dimension d, and the real ones are one if it is real.

Errors: `Undecided` where a Gröbner basis grows beyond its bounds.
Source: :cite:t:`gianni1988grobner`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from flint import fmpz, fmpz_mpoly, fmpz_mpoly_vec
from sympy import Expr, Integer, Mul, Symbol

from eos_sym.algebra.polynomials.factors import irreducible_factors
from eos_sym.algebra.polynomials.ideals import Ideal, Monomial, bounded_basis, divides, leading, ring_of

Terms = dict[Monomial, fmpz]


def pure_parts(ideal: Ideal) -> Iterator[Ideal]:
    """Ideals whose zeros together are those of this one, each of one dimension; some may lie in others."""
    for branch in ideal.branches():
        if branch.dimension <= 0:
            yield branch
            continue
        divisors = _divisors(branch)
        part = branch
        for divisor in divisors:
            part = _saturated(part, part.polynomial(divisor))
        yield part
        for divisor in divisors:
            rest = branch.adding(branch.polynomial(divisor))
            if not _is_contained(rest, part):
                yield from pure_parts(rest)


def _is_contained(ideal: Ideal, other: Ideal) -> bool:
    """Whether the zeros of an ideal are zeros of the other."""
    return all(ideal.where_nonzero(other.expression(element)).is_everything for element in other.basis)


def _saturated(ideal: Ideal, factor: fmpz_mpoly) -> Ideal:
    """The ideal I : f^∞ of the zeros with f ≠ 0, and of their limits.

    In a graded reverse lexicographic basis of the homogeneous ideal of I and v = f with v last, powers of v are divided
    out (:cite:t:`sturmfels1996groebner`, lemma 12.1).
    """
    size = len(ideal.variables)
    ring = ring_of(size + 2)
    lifted = [{(*powers, 0): c for powers, c in element.to_dict().items()} for element in ideal.basis]
    lifted.append({(*powers, 0): c for powers, c in factor.to_dict().items()} | {(*[0] * size, 1): fmpz(-1)})
    homogeneous = []
    for terms in lifted:
        degree = max(map(sum, terms))
        homogeneous.append(ring.from_dict({(*p[:-1], degree - sum(p), p[-1]): c for p, c in terms.items()}))
    found = []
    for element in bounded_basis(fmpz_mpoly_vec(homogeneous, ring), size + 2):
        terms = element.to_dict()
        least = min(powers[-1] for powers in terms)
        original = ring_of(size)
        parts = (original.from_dict({p[:size]: c}) * factor ** (p[-1] - least) for p, c in terms.items())
        found.append(sum(parts, original.constant(0)))
    return Ideal(ideal.variables, tuple(found))


def without_last(ideal: Ideal) -> Ideal:
    """The elements of an ideal in which the last variable does not occur: its zeros are projected, and closed."""
    *others, last = ideal.variables
    basis = _lexicographic(ideal, [last, *others])
    ring = ring_of(len(others))
    free = [{powers[1:]: c for powers, c in terms.items()} for terms in basis if not any(p[0] for p in terms)]
    return Ideal(tuple(others), tuple(ring.from_dict(terms) for terms in free))


def triangular(ideal: Ideal) -> list[Expr]:
    """The lexicographic basis in which independent variables come last."""
    independent = _independent(ideal)
    order = [*(variable for variable in ideal.variables if variable not in independent), *independent]
    return [_expression(terms, order) for terms in _lexicographic(ideal, order)]


def _divisors(ideal: Ideal) -> list[Expr]:
    """The factors of the polynomial h in independent variables."""
    independent = _independent(ideal)
    others = [variable for variable in ideal.variables if variable not in independent]
    least: dict[Monomial, Terms] = {}
    for terms in _lexicographic(ideal, [*others, *independent]):
        top = max(powers[: len(others)] for powers in terms)
        coefficient = {powers[len(others) :]: c for powers, c in terms.items() if powers[: len(others)] == top}
        if top not in least or len(coefficient) < len(least[top]):
            least[top] = coefficient
    minimal = [top for top in least if not any(other != top and divides(other, top) for other in least)]
    coefficients = (_expression(least[top], independent) for top in minimal)
    found = (factor for coefficient in coefficients for factor, _ in irreducible_factors(coefficient))
    return list(dict.fromkeys(found))


def _independent(ideal: Ideal) -> tuple[Symbol, ...]:
    """As many variables as the dimension, such that no leading monomial is one in these alone."""
    supports = [{v for v, power in zip(ideal.variables, leading(g), strict=True) if power} for g in ideal.basis]
    choices = combinations(ideal.variables, ideal.dimension)
    return next(chosen for chosen in choices if all(support - {*chosen} for support in supports))


def _lexicographic(ideal: Ideal, order: Sequence[Symbol]) -> list[Terms]:
    """A Gröbner basis for the lexicographic order of the variables."""
    places = [ideal.variables.index(variable) for variable in order]
    ring = ring_of(len(order), "lex")
    terms = (element.to_dict() for element in ideal.basis)
    moved = [ring.from_dict({tuple(powers[p] for p in places): c for powers, c in one.items()}) for one in terms]
    return [element.to_dict() for element in bounded_basis(fmpz_mpoly_vec(moved, ring), len(order))]


def _expression(terms: Terms, variables: Sequence[Symbol]) -> Expr:
    monomials = (
        Mul(Integer(int(c)), *(v**k for v, k in zip(variables, powers, strict=True))) for powers, c in terms.items()
    )
    return sum(monomials, Integer(0))
