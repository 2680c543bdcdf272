"""Two points that gradient descent alternates between, at a given amplitude: the edge law without its truncation.

Near the edge gradient descent jumps between θ₊ and θ₋ = θ* + m ∓ d, while x = u·d grows slowly and the slow coordinates
drift slowly. With both frozen, everything else is where it comes back to after two steps:

    V_fast·(∇L(θ₊) + ∇L(θ₋)) = 0,        η(∇L(θ₊) − ∇L(θ₋)) = 4d   across u.

What is left over are the growth of x and the drift of y, to all orders in x,

    g = u·(∇L(θ₊) − ∇L(θ₋))/(2x) − λ₁ = κ₄q/6 + c q² + …,        f = T_slow·(∇L(θ₊) + ∇L(θ₋))/2 = ½βq(1 + b q + …),

q = x², where the edge law keeps the first terms (Δ₂x = 2ηx(y + g), Δ₂y = −2ηf). So how far it is off at an amplitude
can be calculated, from the gradient alone.

Newton's iteration with the slopes at θ*, λⱼ for m and ηλⱼ − 2 for d, in the working precision of mpmath. Errors:
`Undecided` where it does not converge: at that amplitude there is no such pair near θ*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mpmath import mp

from eos_sym.errors import BadInput, Undecided
from eos_sym.losses import Derivatives, LocalExpansion

STEPS = 60  # of the iteration, which converges linearly
CONVERGED = mp.mpf(10) ** -15  # of the last step, relative to q, which is the order of what is sought


@dataclass(frozen=True)
class Alternation:
    """g and f at one amplitude."""

    growth: Any
    drift: Any


def alternation(
    derivatives: Derivatives, here: LocalExpansion, slow: Sequence[int], step_size: Any, square: Any
) -> Alternation:
    """Between the two points about the place of the expansion whose amplitude has the given square q."""
    with mp.workdps(mp.dps + max(0, int(-mp.log10(square)))):  # q is small against the coordinates
        size, amplitude = len(here.point), mp.sqrt(square)
        base, frame = mp.matrix(list(here.point)), here.vectors
        mean, half = mp.matrix(size, 1), mp.matrix(size, 1)
        half[0] = amplitude
        for _ in range(STEPS):
            try:
                ahead, behind = (
                    frame.T * derivatives.gradient(list(base + frame * (mean + s * half))) for s in (1, -1)
                )
            except BadInput:  # out of the domain of the loss
                break
            even, odd = (ahead + behind) / 2, (ahead - behind) / 2
            change = mp.mpf(0)
            for index, value in enumerate(here.eigenvalues):
                if index not in slow:
                    mean[index] -= even[index] / value
                    change += abs(even[index] / value)
                if index:
                    defect = (step_size * odd[index] - 2 * half[index]) / (step_size * value - 2)
                    half[index] -= defect
                    change += abs(defect)
            if change <= CONVERGED * square:
                drift = mp.fsum(here.projections[j] * (even[j] - here.forces[j]) for j in slow)
                return Alternation(odd[0] / amplitude - here.eigenvalues[0], drift)
            if not change < amplitude * 1e6:
                break
    raise Undecided(
        f"no pair of points at the amplitude {mp.nstr(amplitude, 3)} that gradient descent alternates between"
    )
