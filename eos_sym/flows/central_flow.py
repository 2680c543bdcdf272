"""The central flow: the path about which gradient descent oscillates at the edge of stability.

Gradient descent at θ + xu, with u the top eigenvector of the Hessian and x oscillating about 0 with the variance σ²,
has on average the gradient E ∇L(θ + xu), which to second order in x is

    ∇L + ½ σ² ∇S,      ∇S = ∇³L(u, u, ·),

because S = λ₁ is a critical value of uᵀ∇²L u. So the average moves, with the time counted in steps, by

    θ̇ = −η [∇L + ½ σ² ∇S].

Below the edge, S < 2/η, nothing keeps an oscillation going: σ² = 0, which is gradient flow. At the edge σ² is as large
as holds the sharpness there, dS/dt = ∇S·θ̇ = 0, hence σ² = 2⟨−∇L, ∇S⟩/‖∇S‖². A variance is not negative: where σ² comes
to 0, the gradient itself lowers the sharpness, and the flow leaves the edge.

The average is an expansion in x. For an oscillation between ±σ the next term is (σ⁴/24) ∇⁵L(u, u, u, u, ·), and along
∇S, where the average holds the sharpness, its share of the first one is

    ν = σ² ∇⁵L(u, u, u, u, ∇S)/(12 ‖∇S‖²),

so that the flow ends where |ν| = 1: there the oscillation does not hold the sharpness as it says.

The expressions are in θ and u; `numeric.flows.central_flow` finds u, switches between the two regimes, and integrates.
Source: :cite:t:`cohen2024understanding`, with one eigenvalue at the edge. With ∇L·∇S = −α and u orthogonal to the
gradient, σ² = 2α/β is the δ² of :cite:t:`damian2022selfstabilization`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from sympy import Dummy, Expr, Integer, Matrix, Symbol, diff, expand, solve, symbols

from eos_sym.errors import Undecided
from eos_sym.flows.flow import Flow, TopEigenvectorFlow, gradient_flow, sharpness_gradient, top_direction
from eos_sym.losses import Objective
from eos_sym.rules import STEP_SIZE


@dataclass(frozen=True)
class CentralFlow:
    """The two regimes of the central flow of gradient descent on an objective; the time is counted in steps."""

    objective: Objective

    @cached_property
    def parameters(self) -> tuple[Symbol, ...]:
        """The parameters of the objective, and the step size."""
        return (*self.objective.parameters, STEP_SIZE)

    @cached_property
    def direction(self) -> tuple[Symbol, ...]:
        """The names of the components of u."""
        return top_direction(self.objective)

    @cached_property
    def sharpness_gradient(self) -> Matrix:
        """∇S in θ and u."""
        return sharpness_gradient(self.objective, self.direction)

    @cached_property
    def below(self) -> Flow:
        """Gradient flow at the pace of gradient descent, θ̇ = −η∇L."""
        flow = gradient_flow(self.objective)
        return Flow(flow.state, self.parameters, tuple(STEP_SIZE * rate for rate in flow.velocity))

    @cached_property
    def variance(self) -> Expr:
        """σ² in θ and u, from ∇S·θ̇ = 0; `Undecided` where the sharpness is constant, and nothing holds it."""
        if all(expand(rise) == 0 for rise in self.sharpness_gradient):
            raise Undecided(f"the central flow: the sharpness of {self.objective.name} is the same everywhere")
        variance = Dummy("variance")
        slopes, rises = (symbols(f"{kind}0:{len(self.direction)}", cls=Dummy) for kind in ("slope", "rise"))
        pairs = zip(rises, _averaged(slopes, rises, variance), strict=True)
        (solution,) = solve(sum((rise * rate for rise, rate in pairs), Integer(0)), variance)
        return solution.xreplace(
            dict(zip((*slopes, *rises), (*self.objective.gradient, *self.sharpness_gradient), strict=True))
        )

    @cached_property
    def neglected(self) -> Expr:
        """ν in θ and u, the next order of the average over the first; small against 1 where the flow holds."""
        fourth = self.objective.directional_derivative(*[self.direction] * 4)
        pairs = zip(self.objective.weights, self.sharpness_gradient, strict=True)
        fifth = sum((diff(fourth, weight) * rise for weight, rise in pairs), Integer(0))
        return self.variance * fifth / (12 * self.sharpness_gradient.dot(self.sharpness_gradient))

    @cached_property
    def edge(self) -> TopEigenvectorFlow:
        """The flow that stays at S = 2/η."""
        velocity = _averaged(self.objective.gradient, self.sharpness_gradient, self.variance)
        return TopEigenvectorFlow(
            self.objective.weights, self.parameters, self.objective.hessian, self.direction, velocity
        )


def _averaged(gradient: Iterable[Expr], sharpness_gradient: Iterable[Expr], variance: Expr) -> tuple[Expr, ...]:
    """−η E ∇L(θ + xu) with E x = 0 and E x² = variance, to second order in x."""
    pairs = zip(gradient, sharpness_gradient, strict=True)
    return tuple(-STEP_SIZE * (slope + variance * rise / 2) for slope, rise in pairs)
