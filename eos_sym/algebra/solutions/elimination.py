"""Linear elimination: combinations of equations that are simpler than these, and linear conditions on integers.

Σ aᵢkᵢ + b = 0 with integers aᵢ, b has solutions in integers iff the greatest common divisor of the aᵢ divides b, and is
solved for a kᵢ with aᵢ = ±1.

Errors: `Undecided` for conditions on integers that are of another form.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from sympy import (
    Add,
    BasePolynomialError,
    Expr,
    Integer,
    Matrix,
    Mul,
    Poly,
    Symbol,
    default_sort_key,
    fraction,
    igcd,
    together,
)
from sympy.polys.matrices import DomainMatrix
from sympy.polys.orderings import grevlex

from eos_sym.algebra.functions.identities import vanishes
from eos_sym.algebra.functions.kernels import Kernels
from eos_sym.algebra.polynomials.factors import irreducible_factors
from eos_sym.errors import Undecided
from eos_sym.reasons import brief


def combined(equations: Sequence[Expr], unknowns: Sequence[Symbol]) -> tuple[list[Expr], list[Expr]]:
    """Linear combinations of polynomial equations that have as few high monomials as possible, to the same effect.

    Gaussian elimination of the monomials, highest first: for heavy ball it leaves v = 0 and ∇L = 0. Equations that are
    not polynomials stay as they are, preceded by those of their combinations that are linear, such as v = 0. Beside
    them the exceptions, by which it divided: where they do not vanish, the combinations say what the equations do.
    """
    try:
        polynomials = [Poly(equation, *unknowns, field=True) for equation in equations]
    except BasePolynomialError:
        linear, exceptions = _linear_combinations(equations, unknowns)
        return [*linear, *equations], exceptions
    monomials = sorted({m for polynomial in polynomials for m in polynomial.monoms()}, key=grevlex, reverse=True)
    domain = reduce(lambda first, second: first.unify(second), (polynomial.domain for polynomial in polynomials))
    if domain.is_EX or not domain.is_Exact:
        return list(equations), []
    table = Matrix([[polynomial.coeff_monomial(m) for m in monomials] for polynomial in polynomials])
    rows, pivots, exceptions = _reduced(DomainMatrix.from_Matrix(table).convert_to(domain))
    products = [Mul(*(unknown**power for unknown, power in zip(unknowns, m, strict=True))) for m in monomials]
    reduced = rows[: len(pivots), :] * Matrix(products)
    return list(reduced), exceptions


def _reduced(table: DomainMatrix) -> tuple[Matrix, list[int], list[Expr]]:
    """The reduced row echelon form, its pivots, and the divisors in the combinations that its rows are.

    Where these are defined, their rows span what the table's do: as many are independent as in general, and no more.
    """
    height, width = table.shape
    beside, pivots = table.hstack(DomainMatrix.eye(height, table.domain)).rref()
    whole, found = beside.to_Matrix(), [pivot for pivot in pivots if pivot < width]
    divisors = {
        part
        for entry in whole[: len(found), width:]
        for part, _ in irreducible_factors(fraction(together(entry))[1])
        if not part.is_nonzero
    }
    return whole[:, :width], found, sorted(divisors, key=default_sort_key)


def _linear_combinations(equations: Sequence[Expr], unknowns: Sequence[Symbol]) -> tuple[list[Expr], list[Expr]]:
    """The combinations of the equations in which nothing but the unknowns themselves is left of what varies."""
    kernels = Kernels(equations)
    forms = [kernels.algebraic(equation).expand() for equation in equations]
    varying = [*unknowns, *(symbol for symbol, kernel in kernels.meaning.items() if kernel.free_symbols & {*unknowns})]
    rows: list[dict[Expr, Expr]] = []
    for form in forms:
        row: dict[Expr, Expr] = {}
        for term in Add.make_args(form):
            coefficient, monomial = term.as_independent(*varying, as_Add=False)
            row[monomial] = row.get(monomial, Integer(0)) + coefficient
        rows.append(row)
    linear: list[Expr] = [*unknowns, Integer(1)]
    others = list(dict.fromkeys(monomial for row in rows for monomial in row if monomial not in linear))
    table = Matrix([[row.get(monomial, Integer(0)) for monomial in (*others, *linear)] for row in rows])
    rows_reduced, pivots, exceptions = _reduced(DomainMatrix.from_Matrix(table).to_field())
    simple = [index for index, pivot in enumerate(pivots) if pivot >= len(others)]
    tails = rows_reduced[:, len(others) :] * Matrix(linear)
    return [kernels.restored(tails[index]) for index in simple], exceptions if simple else []


def integer_solutions(condition: Expr) -> list[tuple[Symbol, Expr]]:
    """The solution {k: value} of a linear condition on integers, none if it has none."""
    names = sorted(condition.free_symbols, key=str)
    if not all(condition.is_polynomial(name) and condition.diff(name).is_number for name in names):
        raise Undecided(f"{brief(condition)} = 0, which is not solved in integers")
    slopes = [condition.diff(name) for name in names]
    constant = condition.subs(dict.fromkeys(names, 0))
    if len(names) == 1:
        value = -constant / slopes[0]
        nearest = Integer(round(value))
        return [(names[0], nearest)] if vanishes(value - nearest) else []
    if not all(number.is_rational for number in (constant, *slopes)):
        raise Undecided(f"{brief(condition)} = 0, which is not solved in integers")
    primitive = Poly(condition, *names).clear_denoms(convert=True)[1].primitive()[1]
    slopes = [primitive.coeff_monomial(name) for name in names]
    if primitive.coeff_monomial(1) % igcd(*slopes):
        return []
    for name, slope in zip(names, slopes, strict=True):
        if slope in (1, -1):
            return [(name, (name - slope * primitive.as_expr()).expand())]
    raise Undecided(f"{brief(condition)} = 0, which is not solved in integers")
