"""The stability of stochastic gradient descent at a minimum that all the losses of a family share, in two notions.

At such a minimum (interpolation) of the losses Lᵢ, a batch b multiplies a perturbation by J_b = I − ηH_b with
H_b = (1/B) Σ_{i ∈ b} ∇²Lᵢ, and stability means one of two things.

*Mean square*: the second moment X = E[δδᵀ] obeys X' = E[J X J], a linear map of symmetric matrices, and is stable iff
all of its multipliers are inside the unit disc. An example is in the batch with probability B/n, a pair of examples
with probability B(B−1)/(n(n−1)); so, without listing the batches, and with H the mean of the n Hessians,

    E[H_b X H_b] = (1/B²) [ (B/n) Σ HᵢXHᵢ + (B(B−1)/(n(n−1))) (n² HXH − Σ HᵢXHᵢ) ].

With one weight this is the multiplier (1 − ηa)² + η²(n−B)s²/(B(n−1)), where a is the mean of the second derivatives aᵢ
and s² = mean(aᵢ²) − a². The map takes nonnegative matrices to such, so its spectral radius is one of its multipliers
(:cite:t:`krein1948linear`), and the critical step size is the least at which a multiplier is 1.

*Almost sure*: |δ| grows or shrinks along almost every run by the Lyapunov exponent per step. With one weight that is E
log|1 − ηa_b|, the logarithm of the almost-sure multiplier Π|1 − ηa_b|^{1/N} over the N batches, at most half the
logarithm of the mean-square one: in between, almost every run converges and the second moment diverges. With more
weights the exponent is that of a product of random matrices and has no closed form; `numeric.maps.stochastic` measures
it.

Errors: `BadInput` for an empty or mismatched family, a batch size not between 1 and n, and a point that is not a
minimum of all the losses; `Undecided` for a point where a loss has a kink, and for the almost-sure multiplier of
several weights. Sources: :cite:t:`wu2018sgd`, :cite:t:`ma2021linear` (mean square); :cite:t:`ziyin2022sgd` (almost
sure).
"""

from __future__ import annotations

from sympy import (
    Abs,
    Expr,
    ImmutableMatrix,
    Integer,
    Matrix,
    Mul,
    Poly,
    Rational,
    Symbol,
    factor,
    factor_list,
    log,
    simplify,
    zeros,
)

from eos_sym.errors import Undecided
from eos_sym.losses import LossFamily
from eos_sym.losses.family import Point
from eos_sym.rules import STEP_SIZE, StochasticGradientDescent
from eos_sym.stability.condition import StabilityCondition
from eos_sym.stability.multipliers import stability

EXAMPLES = Symbol("examples", positive=True, integer=True)
BATCH_SIZE = Symbol("batch_size", positive=True, integer=True)
CURVATURE = Symbol("curvature", positive=True)
SPREAD = Symbol("spread", positive=True)
RELATIVE_SPREAD = Symbol("relative_spread", positive=True)


def mean_square(rule: StochasticGradientDescent, family: LossFamily, minimum: Point) -> StabilityCondition:
    """The condition for the second moment to shrink."""
    return stability(mean_square_operator(rule, family, minimum))


def mean_square_critical_step_size(rule: StochasticGradientDescent, family: LossFamily, minimum: Point) -> Expr:
    """The step size up to which the second moment shrinks."""
    characteristic = mean_square_operator(rule, family, minimum).charpoly()
    factors = [
        Poly(part, characteristic.gen) for part, _ in factor_list(characteristic.as_expr(), characteristic.gen)[1]
    ]
    at_one = tuple(factor(part.eval(1) / part.LC()) for part in factors)
    margins = tuple(margin for margin in at_one if margin != 0)  # the others belong to neutral multipliers
    return StabilityCondition(margins, len(at_one) - len(margins), None, 1).critical_value(STEP_SIZE)


def mean_square_operator(rule: StochasticGradientDescent, family: LossFamily, minimum: Point) -> ImmutableMatrix:
    """X ↦ E[J X J] on symmetric matrices, in the coordinates Xᵢⱼ with i ≤ j."""
    hessians = _curvatures(rule, family, minimum)
    dimension, examples = len(family.weights), Integer(len(hessians))
    mean = sum(hessians, zeros(dimension)) / examples
    entries = [(i, j) for i in range(dimension) for j in range(i, dimension)]
    columns = []
    for i, j in entries:
        moment = zeros(dimension)
        moment[i, j] = moment[j, i] = 1
        each = sum((curvature * moment * curvature for curvature in hessians), zeros(dimension)) / examples
        both = _mean_over_batches(each, mean * moment * mean, examples, Integer(rule.batch_size))
        image = moment - STEP_SIZE * (mean * moment + moment * mean) + STEP_SIZE**2 * both
        columns.append([image[entry] for entry in entries])
    return ImmutableMatrix(columns).T


def almost_sure(rule: StochasticGradientDescent, family: LossFamily, minimum: Point) -> StabilityCondition:
    """The condition for almost every run to approach the minimum from nearby, for one weight."""
    multipliers = _multipliers(rule, family, minimum)
    product = Mul(*multipliers)
    typical = Mul(*(Abs(multiplier) ** Rational(1, len(multipliers)) for multiplier in multipliers))
    return StabilityCondition((factor(1 - product), factor(1 + product)), 0, {typical: 1}, 1)


def lyapunov_exponent(rule: StochasticGradientDescent, family: LossFamily, minimum: Point) -> Expr:
    """E log|1 − ηa_b|, for one weight, written as the mean of ½ log(1 − ηa_b)²."""
    multipliers = _multipliers(rule, family, minimum)
    return sum((log(multiplier**2) for multiplier in multipliers), Integer(0)) / (2 * len(multipliers))


def _multipliers(rule: StochasticGradientDescent, family: LossFamily, minimum: Point) -> list[Expr]:
    """1 − ηa_b for every batch."""
    if len(family.weights) > 1:
        raise Undecided(f"the almost-sure multiplier of {family.name}: known in closed form for one weight only")
    curvatures = [curvature[0] for curvature in _curvatures(rule, family, minimum)]
    batches = (sum(curvatures[index] for index in batch) for batch in rule.batches(family))
    return [1 - STEP_SIZE * total / rule.batch_size for total in batches]


def _curvatures(rule: StochasticGradientDescent, family: LossFamily, minimum: Point) -> tuple[ImmutableMatrix, ...]:
    rule.batches(family)
    return family.hessians(minimum)


def mean_square_multiplier() -> Expr:
    """The factor of E[δ²] in a step, for one weight, n examples of mean curvature a and standard deviation s."""
    both = _mean_over_batches(CURVATURE**2 + SPREAD**2, CURVATURE**2, EXAMPLES, BATCH_SIZE)
    return 1 - 2 * STEP_SIZE * CURVATURE + STEP_SIZE**2 * both


def mean_square_critical_sharpness() -> Expr:
    """The mean curvature up to which E[δ²] shrinks, for one weight, B < n and relative spread ν = s/a."""
    others, left_out = Symbol("others", nonnegative=True), Symbol("left_out", positive=True)
    sizes = {BATCH_SIZE: 1 + others, EXAMPLES: 1 + others + left_out}  # tell SymPy that 1 ≤ B < n
    multiplier = mean_square_multiplier().subs(SPREAD, RELATIVE_SPREAD * CURVATURE).subs(sizes)
    critical = StabilityCondition((factor(1 - multiplier),), 0, None, 1).critical_value(CURVATURE)
    return simplify(critical.subs({others: BATCH_SIZE - 1, left_out: EXAMPLES - BATCH_SIZE}, simultaneous=True))


def _mean_over_batches(each: Matrix | Expr, mean: Matrix | Expr, examples: Expr, batch_size: Expr) -> Matrix | Expr:
    """The mean over batches of a product of two batch means, q(H_b, H_b).

    `each` is the mean over examples of q(Hᵢ, Hᵢ), and `mean` is q(H, H).
    """
    if examples == 1:
        return mean
    one, two = batch_size / examples, batch_size * (batch_size - 1) / (examples * (examples - 1))
    return (one * examples * each + two * (examples**2 * mean - examples * each)) / batch_size**2
