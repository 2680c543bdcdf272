"""The zeros of an ideal of dimension 0, as algebraic numbers: exactly, and enclosed in balls of any size.

Let A = Q[x]/I, of dimension D, and ℓ an element of it, for example a linear form in the variables. Multiplication by ℓ
is a D × D matrix over Q; μ(T), the minimal polynomial of ℓ, is found from the first linear relation among 1, ℓ, ℓ², ….
If its degree is D, then A = Q[T]/μ, every coordinate is a polynomial in ℓ,

    xᵢ = hᵢ(T),   μ(T) = 0,

and V(I) is {h(T) : μ(T) = 0}. If I is radical, some linear form with small integer coefficients has that property; if I
is not, the squarefree parts of the minimal polynomials of the xᵢ are adjoined first, which makes it radical and changes
no zero (:cite:t:`seidenberg1974constructions`). So all zeros are found, and their number is known beforehand: that is
the count. On an irreducible factor p of μ whether a polynomial vanishes at a zero is decided exactly, modulo p; and the
zero is real iff T is, since ℓ has rational coefficients and tells the zeros apart.

Errors: `Undecided` for a quotient beyond the bound on its dimension, or balls that stay too wide.
Source: :cite:t:`cox2005using`, chapters 2 and 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from flint import acb, acb_poly, ctx, fmpq, fmpq_mat, fmpq_poly, fmpz_mpoly
from sympy import Expr, Integer, Rational, Symbol, expand, sqrt

from eos_sym.algebra.polynomials.ideals import Ideal, Monomial, leading, shifted
from eos_sym.algebra.polynomials.roots import decimal, distance, isolated_roots
from eos_sym.errors import Undecided

LARGEST_QUOTIENT = 150
DIGITS = 30  # of the values that are printed
MATCHED = Rational(1, 10**20)  # conjugate closed forms are told apart by the values that they are near to
SHARPEST = 2000  # digits of T, beyond which balls that are too wide are given up
Vector = list[fmpq]


@dataclass(frozen=True)
class AlgebraicPoint:
    """A zero x = h(T), T a root of an irreducible polynomial; the enclosure is a ball for every coordinate."""

    variables: tuple[Symbol, ...]
    minimal_polynomial: fmpq_poly
    coordinates: tuple[fmpq_poly, ...]
    enclosure: tuple[acb, ...]
    is_real: bool

    def vanishes(self, polynomial: fmpz_mpoly) -> bool:
        """Whether a polynomial in the variables is exactly 0 here."""
        value = fmpq_poly([0])
        for powers, coefficient in polynomial.to_dict().items():
            term = fmpq_poly([fmpq(coefficient)])
            for coordinate, power in zip(self.coordinates, powers, strict=True):
                for _ in range(power):
                    term = (term * coordinate) % self.minimal_polynomial
            value += term
        return bool((value % self.minimal_polynomial).is_zero())

    def values(self, variables: Sequence[Symbol]) -> dict[Symbol, Expr]:
        """{variable: value} for some of the variables of a real zero: exactly if T is rational or quadratic."""
        if self._exact is not None:
            return {variable: self._exact[variable] for variable in variables}
        balls = dict(zip(self.variables, self.enclosure, strict=True))
        constant = {
            variable: _rational(coordinate[0])
            for variable, coordinate in zip(self.variables, self.coordinates, strict=True)
            if coordinate.degree() <= 0
        }
        return {name: constant.get(name, decimal(balls[name].real, DIGITS)) for name in variables}

    def error(self, variables: Sequence[Symbol]) -> Expr:
        """An upper bound for the distance of each of these values from the exact coordinate; 0 if they are exact."""
        if self._exact is not None:
            return Integer(0)
        balls = dict(zip(self.variables, self.enclosure, strict=True))
        return max(distance(balls[name].real, value) for name, value in self.values(variables).items())

    @cached_property
    def _exact(self) -> dict[Symbol, Expr] | None:
        """{variable: value} in square roots, if T has degree 2 at most."""
        degree = self.minimal_polynomial.degree()
        if degree > 2 or not self.is_real:
            return None
        constant, *rest = (_rational(coefficient) for coefficient in self.minimal_polynomial.coeffs())
        if degree == 1:
            candidates = [-constant / rest[0]]
        else:
            linear, square = rest
            center, width = -linear / (2 * square), sqrt(linear**2 - 4 * square * constant) / (2 * abs(square))
            candidates = [center - width, center + width]
        for candidate in candidates:
            point = [_evaluate(coordinate, candidate) for coordinate in self.coordinates]
            numbers = [decimal(ball.real, DIGITS) for ball in self.enclosure]
            if all(abs(value - number) < MATCHED for value, number in zip(point, numbers, strict=True)):
                return dict(zip(self.variables, point, strict=True))
        return None


def minimal_polynomial(ideal: Ideal, variable: Symbol) -> Expr:
    """The polynomial whose roots, all simple, are the values of a variable at the zeros of an ideal of dimension 0."""
    return ideal.expression(_Algebra(ideal).squarefree_equations()[ideal.variables.index(variable)])


def points_of(branches: Sequence[Ideal]) -> list[AlgebraicPoint]:
    """All zeros of several ideals of dimension 0, those that several of them share once."""
    found: list[AlgebraicPoint] = []
    for position, branch in enumerate(branches):
        for zero in points(branch):
            if not any(all(zero.vanishes(element) for element in other.basis) for other in branches[:position]):
                found.append(zero)
    return found


def points(ideal: Ideal) -> list[AlgebraicPoint]:
    """All zeros of an ideal of dimension 0, each once, complex ones included."""
    if not ideal.standard_monomials:
        return []
    algebra = _Algebra(ideal)
    shape = algebra.shape()
    if shape is None:
        algebra = _Algebra(ideal.adding(*algebra.squarefree_equations()))
        shape = algebra.shape()
    if shape is None:
        raise Undecided("no linear form with small coefficients tells the zeros of a system apart")
    minimal_polynomial, coordinates = shape
    found = []
    for factor, _ in minimal_polynomial.factor()[1]:
        reduced = tuple(coordinate % factor for coordinate in coordinates)
        found += _zeros(ideal.variables, factor, reduced)
    return found


def _zeros(
    variables: tuple[Symbol, ...], factor: fmpq_poly, coordinates: tuple[fmpq_poly, ...]
) -> list[AlgebraicPoint]:
    """The zeros that belong to one irreducible factor, their balls sharp enough for the digits that are printed."""
    digits = 2 * DIGITS
    while digits <= SHARPEST:
        with ctx.workdps(2 * digits):
            enclosures = [
                (root.is_real, tuple(acb(acb_poly(coordinate)(root.ball)) for coordinate in coordinates))
                for root in isolated_roots(factor.numer(), 2 * digits)
            ]
            sharp = fmpq(1, 10 ** (DIGITS + 15))
            if all(abs(ball.real.rad()) < sharp and abs(ball.imag.rad()) < sharp for _, e in enclosures for ball in e):
                return [AlgebraicPoint(variables, factor, coordinates, e, is_real) for is_real, e in enclosures]
        digits *= 2
    raise Undecided(f"the zeros of a system need more than {SHARPEST} digits to be told apart")


class _Algebra:
    """The quotient by an ideal of dimension 0: its elements are vectors of coefficients of the standard monomials."""

    def __init__(self, ideal: Ideal) -> None:
        self.ideal = ideal
        self.basis = ideal.standard_monomials
        if len(self.basis) > LARGEST_QUOTIENT:
            raise Undecided(f"a system with {len(self.basis)} complex zeros; up to {LARGEST_QUOTIENT} are solved for")
        self.index = {monomial: position for position, monomial in enumerate(self.basis)}
        self.rules = {leading(element): element for element in ideal.basis}
        self.known: dict[Monomial, Vector] = {}
        self.multiplications = [self._multiplication(i) for i in range(len(ideal.variables))]

    def _multiplication(self, variable: int) -> fmpq_mat:
        """The matrix that multiplies by a variable; its columns are the images of the basis."""
        columns = [self._normal_form(shifted(monomial, variable)) for monomial in self.basis]
        return fmpq_mat([list(row) for row in zip(*columns, strict=True)])

    def _normal_form(self, monomial: Monomial) -> Vector:
        """A monomial in the basis of the quotient, from the normal forms of smaller ones."""
        if monomial in self.known:
            return self.known[monomial]
        vector = [fmpq(0)] * len(self.basis)
        if monomial in self.index:
            vector[self.index[monomial]] = fmpq(1)
        elif monomial in self.rules:
            element = self.rules[monomial]
            terms = element.to_dict()
            lead = terms.pop(monomial)
            for powers, coefficient in terms.items():
                _accumulate(vector, self._normal_form(tuple(powers)), -fmpq(coefficient) / fmpq(lead))
        else:
            for index, power in enumerate(monomial):
                smaller = shifted(monomial, index, -1)
                if power and smaller not in self.index:
                    break
            for position, factor in enumerate(self._normal_form(smaller)):
                if factor != 0:
                    _accumulate(vector, self._normal_form(shifted(self.basis[position], index)), factor)
        self.known[monomial] = vector
        return vector

    def _element(self, form: Sequence[int]) -> fmpq_mat:
        """The matrix that multiplies by a linear form in the variables."""
        total = fmpq_mat(len(self.basis), len(self.basis))
        for coefficient, matrix in zip(form, self.multiplications, strict=True):
            if coefficient:
                total += matrix * fmpq(coefficient)
        return total

    def shape(self) -> tuple[fmpq_poly, list[fmpq_poly]] | None:
        """μ and the hᵢ for the first of some linear forms whose minimal polynomial has degree D."""
        size, count = len(self.basis), len(self.ideal.variables)
        targets = [matrix * self._one for matrix in self.multiplications]
        for form in _forms(count):
            columns = self._powers(self._element(form))
            table = fmpq_mat([[c[row, 0] for c in (*columns, *targets)] for row in range(size)])
            reduced, rank = table.rref()
            if rank == size and all(reduced[i, i] == 1 for i in range(size)):
                relation = fmpq_poly([*(-reduced[row, size] for row in range(size)), fmpq(1)])
                return relation, [
                    fmpq_poly([reduced[row, size + 1 + index] for row in range(size)]) for index in range(count)
                ]
        return None

    def squarefree_equations(self) -> list[fmpz_mpoly]:
        """For every variable the squarefree part of its minimal polynomial, in that variable."""
        equations = []
        for position, matrix in enumerate(self.multiplications):
            columns = self._powers(matrix)
            reduced, rank = fmpq_mat([[column[row, 0] for column in columns] for row in range(len(self.basis))]).rref()
            relation = fmpq_poly([*(-reduced[row, rank] for row in range(rank)), fmpq(1)])
            squarefree = (relation // relation.gcd(relation.derivative())).numer()
            variable = self.ideal.variables[position]
            terms = enumerate(squarefree.coeffs())
            equations.append(self.ideal.polynomial(sum(int(c) * variable**power for power, c in terms)))
        return equations

    @property
    def _one(self) -> fmpq_mat:
        return fmpq_mat(len(self.basis), 1, [1] + [0] * (len(self.basis) - 1))

    def _powers(self, matrix: fmpq_mat) -> list[fmpq_mat]:
        """The element to the powers 0, …, D, as columns."""
        columns = [self._one]
        for _ in self.basis:
            columns.append(matrix * columns[-1])
        return columns


def _forms(count: int) -> list[tuple[int, ...]]:
    """The variables themselves, whose minimal polynomials are simplest, and then some of their combinations."""
    single = [tuple(int(i == j) for j in range(count)) for i in range(count)]
    return single + [tuple(base**i for i in range(count)) for base in (2, -2, 3, -3, 5, -7)]


def _accumulate(vector: Vector, other: Vector, factor: fmpq) -> None:
    for position, coefficient in enumerate(other):
        if coefficient != 0:
            vector[position] += factor * coefficient


def _rational(number: fmpq) -> Rational:
    return Rational(int(number.p), int(number.q))


def _evaluate(polynomial: fmpq_poly, value: Expr) -> Expr:
    total: Expr = Rational(0)
    for coefficient in reversed(polynomial.coeffs()):
        total = expand(total * value + _rational(coefficient))
    return total
