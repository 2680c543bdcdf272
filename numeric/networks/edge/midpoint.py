"""The midpoint identity: what the sharpness at a two-step midpoint of gradient descent is, at the edge or away from it.

With θ̄ = (θ_{t−1} + 2θ_t + θ_{t+1})/4, where an oscillation of period two is averaged out, S_mid = λ₁(∇²L(θ̄)) and its
unit eigenvector u, let x_t = u·(2θ_t − θ_{t−1} − θ_{t+1})/4 be the oscillation, q = x_t², and

    ρ = ¼ ln|x_{t+2} x_{t+1}/(x_t x_{t−1})|

the rate at which it grows. Two steps of gradient descent give, as far as one eigenvalue is at the edge,

    S_mid = (1 + e^ρ)/η − Qq/6,    Q = ∇⁴L(u,u,u,u):

e^ρ is the factor of one step, |1 − η(S_mid + Qq/6)|, and S_mid + Qq/6 the slope of the secant of the gradient across
the valley; ∇³L(u,u,u) cancels over two steps, and what moves slowly is in θ̄. The step from x_t to x_{t+1} has the
factor of time t: ½ ln|x_{t+1}/x_{t−1}|, which averages two factors as well, is the rate half a step earlier, and leaves
½ dS/dt (`early`). The next order is

    −q² [∇⁶L(u⁶)/120 + Σⱼ (∇⁴L(u,u,u,vⱼ))²/(12(2/η − λⱼ))],

the sum over the other eigenpairs: the secant's own next term, and the directions that answer to the oscillation with
its own period. As a second eigenvalue comes to the edge the sum grows beyond bounds, and where q is so large that this
order exceeds the one before it the series says nothing: `reason` says so, and where the sharpness is far below 2/η.
Where q → 0 the identity is x⁺ = (1 − ηS)x, and a run that converges has 2/η − S = (1 − e^ρ)/η.

The estimate of the error is the next order, and what the rate ln|x_{t+1}/x_t| of the one step says otherwise: that is
where the rate does not change linearly, or x has a part that does not alternate, of what moves slowly or of rounding.

The derivatives across the valley are the odd part of the gradient at θ̄ + jhu, j = ±1, ±2, ±3, a fit of fifth degree;
the sum is one linear system, by conjugate gradients. A reading takes some hundred gradients.

Shapes: weights (6, p), t the third of them. Units: sharpness, gap and error in those of 1/η. Errors: `BadInput` as
`descent` says, and for a curvature that is not finite. Source: derived for this project.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from eos_sym import BadInput
from numeric.networks.curvature import HessianAt, TopEigenpairs
from numeric.networks.edge.descent import consecutive, exact_loss
from numeric.networks.loss import FlatLoss
from numeric.networks.tracker.undisturbed import undisturbed

SPAN = 6  # consecutive weights: x at four of them
PRECISION = 1e-5  # of the residual of u, relative; the error of S_mid is of the order of its square over the gap
REACH = 0.1  # h, in root mean squares of the weights
NODES = (1, 2, 3)
BELOW = 0.25  # of 2/η: a sharpness further below has no edge that holds it
SECOND_MODE = 0.985  # of the edge: a second eigenvalue above takes part in the oscillation
ITERATIONS, SOLVED = 200, 1e-6  # of conjugate gradients, and the relative residual that they are to reach


@dataclass(frozen=True)
class MidpointReading:
    """One midpoint: both sides of the identity, what the right side is made of, and the order that follows."""

    eta: float
    sharpness: float
    second: float  # λ₂ at the midpoint
    oscillation: float  # x_t
    rate: float  # ρ, of one step
    two_step_rate: float  # ½ ln|x_{t+1}/x_{t−1}|
    one_step_rate: float  # ln|x_{t+1}/x_t|
    quartic: float  # Q
    next_order: float  # nan where λ₂ ≥ 2/η

    @property
    def edge(self) -> float:
        """2/η."""
        return 2 / self.eta

    @property
    def predicted(self) -> float:
        """(1 + e^ρ)/η − Qq/6."""
        return self.edge + math.expm1(self.rate) / self.eta - self.bend

    @property
    def early(self) -> float:
        """The same with the rate half a step earlier."""
        return self.edge + math.expm1(self.two_step_rate) / self.eta - self.bend

    @property
    def linear(self) -> float:
        """2/η + ρ/η − Qq/6, for slow changes."""
        return self.edge + self.rate / self.eta - self.bend

    @property
    def bend(self) -> float:
        """Qq/6, by which the secant is steeper than the slope at the midpoint."""
        return self.quartic * self.oscillation**2 / 6

    @property
    def residual(self) -> float:
        """S_mid less what the identity says."""
        return self.sharpness - self.predicted

    @property
    def error(self) -> float:
        """The estimate of the residual's size."""
        return abs(self.next_order) + self.unsteadiness

    @property
    def unsteadiness(self) -> float:
        """What the rate of one step says otherwise."""
        return abs(math.expm1(self.rate) - math.expm1(self.one_step_rate)) / self.eta

    @property
    def reason(self) -> str:
        """Why the identity of one mode is not to be relied upon here; nothing if it is."""
        second = self.second / self.edge
        if second > SECOND_MODE:
            return f"a second eigenvalue is at {second:.4f} of the edge, beyond {SECOND_MODE}: two modes oscillate"
        if self.sharpness < (1 - BELOW) * self.edge:
            level = self.sharpness / self.edge
            return f"the sharpness is at {level:.3g} of the edge: so far below, the identity is what dies out, no edge"
        if not math.isfinite(self.rate):
            return "the weights do not oscillate along the top eigenvector"
        if abs(self.next_order) > abs(self.bend):
            return f"an oscillation of {abs(self.oscillation):.3g} is beyond the expansion: its next order exceeds Qq/6"
        return ""


def midpoint_identity(
    module: nn.Module,
    criterion: Callable[[Tensor, Tensor], Tensor],
    inputs: Tensor,
    targets: Tensor,
    *,
    eta: float,
    weights: Tensor | None = None,
) -> MidpointReading:
    """Both sides of the identity at the third of six consecutive weights; the module stays as it is.

    `weights` are three or more consecutive ones of full-batch gradient descent with step size `eta`, rows of
    ``parameters_to_vector``; what is missing of six is stepped on from the last, without any from the module's own.
    """
    loss = exact_loss(module, criterion, inputs, targets)
    with undisturbed(loss.module):
        return read_midpoint(loss, consecutive(loss, eta, SPAN, weights), eta)


def read_midpoint(loss: FlatLoss, weights: Tensor, eta: float) -> MidpointReading:
    """The same for a loss in float64, at the third of six consecutive weights (6, p)."""
    middle = (weights[1] + 2 * weights[2] + weights[3]) / 4
    hessian = HessianAt(loss, middle)
    top = TopEigenpairs(min(2, len(middle)), relative=PRECISION).read(hessian, middle, hessian.gradient)
    values = top.eigenvalues
    if not values.isfinite().all():
        raise BadInput("the curvature at the midpoint is not finite: read where training is")
    u, sharpness, second = top.eigenvectors[:, 0], float(values[0]), float(values[1]) if len(values) > 1 else -math.inf
    x = [float((2 * weights[t] - weights[t - 1] - weights[t + 1]) @ u) / 4 for t in range(1, SPAN - 1)]
    alternates = all(one * other < 0 for one, other in pairwise(x))
    rate, early, single = rates(*x) if alternates else (math.nan,) * 3
    cubic, quintic = odd_derivatives(loss, middle, u)
    quartic, sixth = float(u @ cubic), float(u @ quintic)
    answer = math.nan
    if second < 2 / eta:
        across = cubic - quartic * u
        answer = sixth / 120 + float(across @ solve_below(hessian, across, u, 2 / eta)) / 12
    return MidpointReading(eta, sharpness, second, x[1], rate, early, single, quartic, -(x[1] ** 4) * answer)


def rates(before: float, now: float, after: float, later: float) -> tuple[float, float, float]:
    """ρ, the rate half a step earlier, and that of one step, of an oscillation at four steps."""
    early, late = math.log(after / before) / 2, math.log(later / now) / 2
    return (early + late) / 2, early, math.log(-after / now)


def odd_derivatives(loss: FlatLoss, weights: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    """∇⁴L(u,u,u,·) and ∇⁶L(u,u,u,u,u,·), (p,) each, from the odd part of the gradient along u."""
    h = REACH * float(weights.square().mean().sqrt())
    odd = [
        (loss.value_and_gradient(weights + j * h * u)[1] - loss.value_and_gradient(weights - j * h * u)[1]) / 2
        for j in NODES
    ]
    powers = torch.tensor([[float(j), j**3 / 6, j**5 / 120] for j in NODES], dtype=weights.dtype)
    _, cubic, quintic = torch.linalg.solve(powers, torch.stack(odd))
    return cubic / h**3, quintic / h**5


def solve_below(hessian: HessianAt, right: Tensor, u: Tensor, level: float) -> Tensor:
    """(level − ∇²L)⁻¹ right, (p,), both orthogonal to u, where all other eigenvalues are below the level."""
    solution, residual, direction = torch.zeros_like(right), right, right
    size = start = float(right @ right)
    for _ in range(ITERATIONS):
        if size <= SOLVED**2 * start:
            break
        image = level * direction - hessian.product(direction[:, None])[:, 0]
        image = image - (image @ u) * u
        length = size / float(direction @ image)
        solution, residual = solution + length * direction, residual - length * image
        smaller = float(residual @ residual)
        direction, size = residual + smaller / size * direction, smaller
    return solution
