"""What the second moment of SGD on a quadratic says of the sharpness, for batches of any size.

Near a point that fits every example, SGD is θ' = (I − ηH_B)θ, with H_B the mean Hessian of a batch of B out of n
examples, and X = E[θθᵀ] obeys X' = T(X) = E[(I − ηH_B) X (I − ηH_B)]. T is self-adjoint for the inner product tr(XY):
its largest multiplier is no smaller than what it gives at any X of norm 1. At X = uuᵀ that is

    tr(uuᵀ T(uuᵀ)) = E[(1 − ηuᵀH_Bu)²] = (1 − ηS)² + η²(n − B)s²/(B(n − 1)),

S and s the mean and the standard deviation of uᵀHᵢu over the examples. With u the top eigenvector of the mean Hessian,
S is the sharpness: stability in the mean square needs S ≤ 2/(η(1 + ν²(n − B)/(B(n − 1)))), ν = s/S. With one weight
that is also sufficient.
"""

from functools import cache
from itertools import combinations

from sympy import Expr, Integer, symbols

from eos_sym import STEP_SIZE
from eos_sym.stability import mean_square_critical_sharpness, mean_square_multiplier
from eos_sym.stability.stochastic import BATCH_SIZE, CURVATURE, EXAMPLES, RELATIVE_SPREAD, SPREAD

MOST_LISTED = 4  # examples, for which all batches are listed


@cache
def derived_bound() -> Expr:
    """The bound on the sharpness, from the zero of the stability margin."""
    return mean_square_critical_sharpness()


def stated_bound() -> Expr:
    """The bound on the sharpness as it is stated above."""
    left_out = (EXAMPLES - BATCH_SIZE) / (BATCH_SIZE * (EXAMPLES - 1))
    return 2 / (STEP_SIZE * (1 + RELATIVE_SPREAD**2 * left_out))


def bound(eta: float, examples: int, batch_size: int, relative_spread: float) -> float:
    """The derived bound in numbers."""
    values = {STEP_SIZE: eta, EXAMPLES: examples, BATCH_SIZE: batch_size, RELATIVE_SPREAD: relative_spread}
    return float(derived_bound().subs(values))


def along_a_direction() -> tuple[list[Expr], list[Expr]]:
    """E[(1 − ηuᵀH_Bu)²] by the formula, and as the mean over all batches, of every size, of few examples."""
    sizes = [(examples, size) for examples in range(2, MOST_LISTED + 1) for size in range(1, examples + 1)]
    stated, listed = zip(*(of_batches(*one) for one in sizes), strict=True)
    return [*stated], [*listed]


def of_batches(examples: int, batch_size: int) -> tuple[Expr, Expr]:
    """Both for batches of one size out of so many examples."""
    curvatures = symbols(f"a1:{examples + 1}", real=True)
    mean = sum(curvatures) / Integer(examples)
    square = sum(value**2 for value in curvatures) / Integer(examples)
    at = {EXAMPLES: examples, BATCH_SIZE: batch_size, SPREAD**2: square - mean**2, CURVATURE: mean}
    batches = list(combinations(curvatures, batch_size))
    listed = sum((1 - STEP_SIZE * sum(batch) / batch_size) ** 2 for batch in batches) / len(batches)
    return mean_square_multiplier().expand().subs(at), listed
