"""The theory of an oscillation that hovers at the edge: its balance with the drift, and what becomes of perturbations.

With k directions at the edge, training oscillating along the first of them, u, with T_ab = ∇³L(u_a, u_b, ·), F = ∇L,
T = T_11, and ⊥ what is orthogonal to the edge,

    α = −F⊥·T⊥,    β = ‖T⊥‖²,    q = 2α/β,

α and β in one and the same projection. The rates s of a perturbation, with the multipliers μ = 1 + ηs a step, are
those of `eos_sym.self_stabilization.hovering_rates`, the roots of det[sI − D + qG(s)] = 0, and the sums of G over the
spectrum of H⊥ are those of its spectral measure at the T_1a. So T_1a⊥ and H⊥ are all that is needed, and H⊥ on their
Krylov space, of m directions, where the roots are the k + m eigenvalues of the matrix

    [  D        √q t ]      t_aj = T_1a⊥·κ_j,    M = κᵀHκ,    κ an orthonormal basis of the space:
    [ −√q tᵀ     −M  ]

no eigenvalue of H is needed but those at the edge, and no root can be missed.

Shapes: (k,) along the edge, (m,) across it, rates (k + m, k + m). Units: x and √q are lengths of weights, α is a change
of the sharpness in time ηt, damping is ln|μ| a step, a period is in steps. Neglected are the next order in q, which for
flat directions is that of the damping, and that T, H and F change while the kick is answered. Errors: `BadInput` for
numbers out of range; `Undecided` where α ≤ 0, which no oscillation balances. Source: derived for this project;
:cite:t:`damian2022selfstabilization` for α and β.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eos_sym import STEP_SIZE, BadInput, Undecided
from eos_sym.self_stabilization.hovering_rates import AMPLITUDE, hovering_rates
from numeric.compile import Array, CompiledFunction, compile_function
from numeric.networks.edge.covariance import EdgeCovariance, edge_covariance
from numeric.networks.edge.hovering.threshold import Threshold, hovering_threshold
from numeric.values import positive_number, whole_number

OSCILLATES = 0.1  # of a perturbation's square that is along the edge: less, and it is a drift across it


class Split(NamedTuple):
    """α and β over the slow directions, and κ₄ with the others fast."""

    alpha: float
    beta: float
    quartic: float

    @property
    def balanced(self) -> float:
        """q = 2α/β."""
        if not self.alpha > 0:
            raise Undecided(f"α = {self.alpha:.3g}: no oscillation balances a sharpness that falls by itself")
        return 2 * self.alpha / self.beta


@dataclass(frozen=True)
class Hovering:
    """The theory of hovering at a point: of the oscillation that it has, or of another by `at`.

    `slopes` (k, m) are the T_1a, `curvature` (m, m) is H and `force` (m,) is F on the Krylov space; `drives` (k, k) and
    `couplings` (k, k, k, k) are the T_ab·F and T_ab·T_cd, `eigenvalues` (k + 1,) those of H at the edge and the next.
    """

    eta: float
    eigenvalues: Array
    derivatives: tuple[float, ...]
    slopes: Array
    curvature: Array
    force: Array
    drives: Array
    couplings: Array
    square: float

    @property
    def modes(self) -> int:
        """k, the number of directions at the edge."""
        return len(self.slopes)

    @property
    def alpha(self) -> float:
        """α, the rate at which the sharpness rises by itself."""
        return -float(self.force @ self.slopes[0])

    @property
    def beta(self) -> float:
        """β, how much the oscillation lowers it."""
        return float(self.slopes[0] @ self.slopes[0])

    @property
    def balanced(self) -> float:
        """q = 2α/β, over all directions across the edge."""
        return self.split(np.inf).balanced

    def split(self, limit: float) -> Split:
        """The coefficients of the edge law: the directions with ηλ ≤ limit slow, the others fast."""
        values, vectors = np.linalg.eigh(self.curvature)
        across, force = self.slopes[0] @ vectors, self.force @ vectors
        slow = self.eta * values <= limit
        quartic = self.quartic - 3 * float((across[~slow] ** 2 / values[~slow]).sum())
        return Split(-float(across[slow] @ force[slow]), float(across[slow] @ across[slow]), quartic)

    def at(self, square: float) -> Hovering:
        """The same point with an oscillation of this q = x²."""
        positive_number("square", square)
        return replace(self, square=square)

    @cached_property
    def rates(self) -> Array:
        """The matrix whose eigenvalues are s, (k + m, k + m)."""
        k = self.modes
        pulled = np.sqrt(self.square) * self.slopes
        edge = np.array(_edge(k)(*self.derivatives, self.eta, np.sqrt(self.square))).reshape(k, k)
        return np.block([[edge, pulled], [-pulled.T, -self.curvature]])

    @cached_property
    def _answers(self) -> tuple[NDArray[np.complex128], Array]:
        """The multipliers μ of perturbations along the edge, and how much a kick along the oscillation excites each.

        A perturbation across the edge that the oscillation hardly notices is left out: flat directions have μ ≈ 1.
        """
        values, vectors = np.linalg.eig(self.rates)
        share = (np.abs(vectors[: self.modes]) ** 2).sum(0)  # of vectors of length 1
        excited = np.abs(vectors[0] * np.linalg.inv(vectors)[:, 0])
        kept = share > OSCILLATES
        return 1 + self.eta * values[kept].astype(complex), excited[kept]

    @property
    def multipliers(self) -> NDArray[np.complex128]:
        """μ = 1 + ηs of the perturbations along the edge, the largest modulus first."""
        found = self._answers[0]
        return found[np.argsort(-np.abs(found), kind="stable")]

    @property
    def growth(self) -> float:
        """ln|μ| of the first of them, per step: what grows fastest, or falls most slowly."""
        return float(np.log(np.abs(self.multipliers[0])))

    @property
    def stable(self) -> bool:
        """Whether the oscillation comes back to where it was from every perturbation along the edge."""
        return self.growth < 0

    @property
    def answer(self) -> complex:
        """μ of what a kick along the oscillation excites most."""
        found, excited = self._answers
        return complex(found[excited.argmax()])

    @property
    def purity(self) -> float:
        """How much of the kick that is, 1 where nothing else is excited; a pair of complex μ counts as one."""
        found, excited = self._answers
        own = np.isclose(found, self.answer) | np.isclose(found, np.conj(self.answer))
        return float(excited[own].sum() / excited.sum())

    @property
    def damping(self) -> float:
        """ln|μ| of the answer, per step: negative where the kick dies out."""
        return float(np.log(np.abs(self.answer)))

    @property
    def period(self) -> float:
        """2π/arg μ of the answer, in steps; infinite without a turn."""
        turn = abs(float(np.angle(self.answer)))
        return 2 * np.pi / turn if turn else np.inf

    @property
    def covariance(self) -> EdgeCovariance:
        """The oscillation of the central flow with all k eigenvalues at the edge; where its rank is 2, none hovers."""
        return edge_covariance(self.drives, self.couplings)

    @property
    def threshold(self) -> Threshold:
        """With one direction at the edge, the Q_e below which the oscillation is stable, and Ω there."""
        if self.modes > 1:
            raise BadInput(f"{self.modes} directions at the edge: the threshold is that of one; give modes=1")
        values, vectors = np.linalg.eigh(self.curvature)
        return hovering_threshold(self.eta, self.square, (self.slopes[0] @ vectors) ** 2, values)

    @property
    def quartic(self) -> float:
        """Q_e, ∇⁴L(u, u, u, u) less what the edge itself takes away."""
        return float(3 * self.rates[0, 0] / self.square)

    def response(self, steps: int) -> Array:
        """ε₁ after 0, 1 … steps, of a kick that is 1 along the oscillation, (steps + 1,)."""
        whole_number("steps", steps, least=1)
        step = np.eye(len(self.rates)) + self.eta * self.rates
        states = [np.eye(len(step))[0]]
        for _ in range(steps):
            states.append(step @ states[-1])
        return np.array(states)[:, 0]

    def characteristic(self, rate: complex) -> complex:
        """det[sI − D + qG(s)] at a rate s: zero at an eigenvalue of `rates`."""
        k, m = self.modes, len(self.curvature)
        edge = self.rates[:k, :k]
        answer = np.linalg.solve(rate * np.eye(m) + self.curvature, self.slopes.T.astype(complex))
        return complex(np.linalg.det(rate * np.eye(k) - edge + self.square * self.slopes @ answer))


@cache
def _edge(modes: int) -> CompiledFunction:
    """D in the derivatives along the edge, η and √q."""
    formula = hovering_rates(modes)
    return compile_function(list(formula.edge), (*formula.symbols, STEP_SIZE, AMPLITUDE))
