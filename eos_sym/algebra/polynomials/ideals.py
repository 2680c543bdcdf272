"""Polynomial systems with rational coefficients, through Gröbner bases computed by FLINT.

The common complex zeros V(I) of an ideal I ⊂ Q[x₁, …, x_n] are read off a Gröbner basis for the graded reverse
lexicographic order:

    I = (1)                 iff V(I) is empty (Nullstellensatz);
    dimension               the largest number of variables such that no leading monomial is a monomial in these alone;
    standard monomials      those that no leading monomial divides: a basis of the quotient Q[x]/I. If the dimension is
                            0 they are finite in number, and V(I) has that many points, counted with multiplicity;
    V(⟨I, fg⟩) = V(⟨I, f⟩) ∪ V(⟨I, g⟩)      splits a system along the factors of its basis;
    q ≠ 0                   is the equation 1 − t·q = 0 with one more variable t (Rabinowitsch).

FLINT's Buchberger algorithm stops at bounds on the size of the basis, its polynomials and coefficients. Beyond them,
and beyond a number of branches, the answer is `Undecided`. `Undecided` too: equations that are not polynomials with
rational coefficients.
Source: :cite:t:`cox2015ideals`, chapters 2, 4, 5, 9.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

from flint import fmpz_mpoly, fmpz_mpoly_ctx, fmpz_mpoly_vec
from sympy import Dummy, Expr, Integer, Mul, Poly, PolynomialError, Symbol

from eos_sym.errors import Undecided
from eos_sym.reasons import brief

MOST_POLYNOMIALS, MOST_TERMS, MOST_BITS = 600, 3000, 3000  # of a basis, of a polynomial, of a coefficient
MOST_BRANCHES = 300
Monomial = tuple[int, ...]


@dataclass(frozen=True)
class Ideal:
    """The ideal that some polynomials generate in Q[variables]."""

    variables: tuple[Symbol, ...]
    generators: tuple[fmpz_mpoly, ...]

    @classmethod
    def of(cls, equations: Iterable[Expr], variables: Sequence[Symbol]) -> Ideal:
        """The ideal of equations given as expressions that are to vanish."""
        ring = ring_of(len(variables))
        return cls(tuple(variables), tuple(_integral(equation, variables, ring) for equation in equations))

    def polynomial(self, expression: Expr) -> fmpz_mpoly:
        """A positive rational multiple of the expression, as a polynomial of this ring."""
        return _integral(expression, self.variables, ring_of(len(self.variables)))

    def expression(self, polynomial: fmpz_mpoly) -> Expr:
        """A polynomial of this ring as an expression."""
        terms = (
            Mul(Integer(int(coefficient)), *(v**k for v, k in zip(self.variables, powers, strict=True)))
            for powers, coefficient in polynomial.to_dict().items()
        )
        return sum(terms, Integer(0))

    def adding(self, *polynomials: fmpz_mpoly) -> Ideal:
        """The ideal with more equations."""
        return Ideal(self.variables, (*self.generators, *polynomials))

    def where_nonzero(self, expression: Expr) -> Ideal:
        """The ideal of the zeros with expression ≠ 0, in one more variable, which comes last."""
        inverse = Dummy("t")
        variables = (*self.variables, inverse)
        ring = ring_of(len(variables))
        lifted = (ring.from_dict({(*k, 0): c for k, c in g.to_dict().items()}) for g in self.generators)
        return Ideal(variables, (*lifted, _integral(1 - inverse * expression, variables, ring)))

    @cached_property
    def basis(self) -> tuple[fmpz_mpoly, ...]:
        """A minimal Gröbner basis: no leading monomial divides another."""
        ring = ring_of(len(self.variables))
        generators = [generator for generator in self.generators if not generator.is_zero()]
        if not generators:
            return ()
        minimal: list[fmpz_mpoly] = []
        basis = bounded_basis(fmpz_mpoly_vec(generators, ring), len(self.variables))
        for candidate in sorted(basis, key=lambda element: sum(leading(element))):
            if not any(divides(leading(kept), leading(candidate)) for kept in minimal):
                minimal.append(candidate)
        return tuple(minimal)

    @property
    def is_everything(self) -> bool:
        """Whether the equations have no complex solution."""
        return any(element.is_constant() for element in self.basis)

    def contains(self, polynomial: fmpz_mpoly) -> bool:
        """Whether the polynomial belongs to the ideal, so that it vanishes at all zeros."""
        if not self.basis:
            return bool(polynomial.is_zero())
        divisors = fmpz_mpoly_vec(self.basis, ring_of(len(self.variables)))
        remainder: Any = polynomial.reduction_primitive_part(divisors)  # type: ignore[attr-defined]
        return bool(remainder.is_zero())

    @cached_property
    def dimension(self) -> int:
        """The dimension of the set of complex zeros, −1 if it is empty."""
        if self.is_everything:
            return -1
        supports = [{i for i, power in enumerate(leading(g)) if power} for g in self.basis]
        count = len(self.variables)
        choices = (set(chosen) for size in range(count, -1, -1) for chosen in combinations(range(count), size))
        return len(next(chosen for chosen in choices if not any(support <= chosen for support in supports)))

    @cached_property
    def standard_monomials(self) -> tuple[Monomial, ...]:
        """A basis of the quotient by an ideal of dimension 0, beginning with 1."""
        if self.dimension > 0:
            raise Undecided("a set of positive dimension has infinitely many points")
        leaders = [leading(element) for element in self.basis]
        one = (0,) * len(self.variables)
        found = [] if self.is_everything else [one]
        for monomial in found:  # grows while it is read
            for index in range(len(one)):
                larger = shifted(monomial, index)
                if larger not in found and not any(divides(leader, larger) for leader in leaders):
                    found.append(larger)
        return tuple(found)

    def branches(self) -> list[Ideal]:
        """Ideals whose zeros together are those of this one, and whose bases do not factor; the empty ones left out."""
        pending: list[Ideal] = [self]
        finished: list[Ideal] = []
        while pending:
            ideal = pending.pop()
            if len(pending) + len(finished) > MOST_BRANCHES:
                raise Undecided(f"the system splits into more than {MOST_BRANCHES} branches")
            if ideal.is_everything:
                continue
            parts = next((parts for parts in map(_factors, ideal.basis) if parts is not None), None)
            if parts is None:
                finished.append(ideal)
                continue
            pending += [Ideal(ideal.variables, (part, *ideal.basis)) for part in reversed(parts)]
        return finished


def bounded_basis(generators: fmpz_mpoly_vec, count: int) -> list[fmpz_mpoly]:
    """A Gröbner basis in so many variables for the order of their ring, or `Undecided` beyond the bounds."""
    answer: Any = generators.buchberger_naive((MOST_POLYNOMIALS, MOST_TERMS, MOST_BITS))
    basis, finished = answer
    if not finished:
        raise Undecided(f"a Gröbner basis in {count} variables grew beyond the bounds set for it")
    return list(basis)


def leading(polynomial: fmpz_mpoly) -> Monomial:
    """The exponents of the leading monomial."""
    return tuple(int(power) for power in polynomial.monomial(0)) if not polynomial.is_zero() else ()


def divides(monomial: Monomial, other: Monomial) -> bool:
    """Whether one monomial divides the other."""
    return all(power <= larger for power, larger in zip(monomial, other, strict=True))


def shifted(monomial: Monomial, index: int, by: int = 1) -> Monomial:
    """The monomial times a power of one variable."""
    return (*monomial[:index], monomial[index] + by, *monomial[index + 1 :])


def _factors(polynomial: fmpz_mpoly) -> list[fmpz_mpoly] | None:
    """The different irreducible factors, or None for a polynomial that is irreducible itself."""
    factors = polynomial.factor()[1]
    return None if len(factors) == 1 and factors[0][1] == 1 else [part for part, _ in factors]


def ring_of(count: int, order: str = "degrevlex") -> fmpz_mpoly_ctx:
    """The polynomials in so many variables with integer coefficients."""
    return fmpz_mpoly_ctx.get([f"x{index}" for index in range(count)], order)


def _integral(expression: Expr, variables: Sequence[Symbol], ring: fmpz_mpoly_ctx) -> fmpz_mpoly:
    """The expression with its denominators cleared."""
    try:
        polynomial = Poly(expression, *variables)
    except PolynomialError as error:
        raise Undecided(f"{brief(expression)} is not a polynomial in {brief(variables)}") from error
    if not (polynomial.domain.is_ZZ or polynomial.domain.is_QQ):
        raise Undecided(f"{brief(expression)} has coefficients that are not rational numbers")
    terms = polynomial.clear_denoms(convert=True)[1].terms()
    return ring.from_dict({powers: int(coefficient) for powers, coefficient in terms})
