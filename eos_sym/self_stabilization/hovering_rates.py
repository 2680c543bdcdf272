"""Hovering, perturbed: the rates at which k directions at the edge and any number across them return to the two-cycle.

Gradient descent that hovers alternates, θ_t = m + (−1)ᵗd. Split into the part of the gradient that changes its sign
with d and the part that does not, one step is exactly

    m⁺ = m − ½η[∇L(m + d) + ∇L(m − d)],      d⁺ = −d + ½η[∇L(m + d) − ∇L(m − d)],

a map of twice as many coordinates, of which a two-cycle is a fixed point. Here L has the terms up to fourth order in
the k coordinates x_a at the edge, and z(F + ½ Σ t_ab x_a x_b) + ½λz² for each direction across them (`BASE`, the model
of lowest order); the frame is at the midpoint of the cycle, which oscillates along x₁, d = (√q, 0 …) and m = 0. That
this is a fixed point determines ∇L at the midpoint, λ₁ = 2/η − Q₁₁₁₁q/6 and, of the Hessian, H₁ₐ = −Q₁₁₁ₐq/6.

Its linearization, to leading order in q, with d_a = √q(δ_1a + ε_a), the midpoints of x and the alternation of z
eliminated (they follow at once), and the multipliers written as μ = 1 + ηs, has the rates s:

    ε̇_a = Σ_b D_ab ε_b + Σ_j t_1a,j z_j,      ż_j = −λ_j z_j − q Σ_b t_1b,j ε_b,

    D_ab = H_ab − (2/η)δ_ab + ½q(Q₁₁ₐᵦ − η Σ_e T₁ₐₑT₁ᵦₑ),      e through the edge,

hence with a = 1 inserted D₁₁ = (q/3)(Q₁₁₁₁ − (3η/2) Σ T₁₁ₑ²). Eliminating the z leaves

    det[sI − D + qG(s)] = 0,      G_ab(s) = Σ_j t_1a,j t_1b,j/(s + λ_j),

for k = 1 the characteristic equation s − qQ_e/3 + q Σ t_j²/(s + λ_j) = 0, Q_e = Q − 3T_u²/λ₁. The λ_j need not be
sorted into slow and fast. Where all are 0, s² − sqκ₄/3 + qβ = 0, and the cycle is stable iff 3ηβ < |κ₄|.

*Threshold*, k = 1. On |μ| = 1, with Ω = |s|, |s + λ|² = λ² + (1 − ηλ)Ω². The imaginary part of the equation gives Ω,
its real part the fourth derivative up to which the cycle is stable:

    q Σ t_j²/(λ_j² + (1 − ηλ_j)Ω²) = 1,      qQ_e/3 + ηΩ² < q Σ t_j²λ_j/(λ_j² + (1 − ηλ_j)Ω²).

Everything here is derived from the model's loss, for k and one direction across, and the sums over j follow since the
loss is a sum over these directions. What is neglected is of the order q relative to what is kept, and grows where
another direction comes to the edge that is not among the k. Errors: `BadInput` for less than one direction.
Source: derived for this project; for one direction of λ = 0, :cite:t:`damian2022selfstabilization`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from math import factorial, prod

from sympy import (
    Expr,
    I,
    ImmutableMatrix,
    Integer,
    Matrix,
    Poly,
    Symbol,
    cancel,
    eye,
    im,
    linsolve,
    re,
    sqrt,
    symbols,
    zeros,
)

from eos_sym.rules import STEP_SIZE, Map
from eos_sym.self_stabilization.reduced_order import BASE, ReducedOrderModel, coefficient

AMPLITUDE = Symbol("delta", positive=True)  # √q
RATE = Symbol("s")
EIGENVALUE = Symbol("lambda", real=True)
FREQUENCY = Symbol("Omega", positive=True)


def derivative(*edge: int) -> Symbol:
    """The symbol of a derivative of the loss along directions at the edge, in any order: T of three of them, Q of four.

    Of two it is the excess y of the Hessian over 2/η on its diagonal.
    """
    return Symbol("_gyTQ"[len(edge)] + "".join(map(str, sorted(edge))), real=True)


def slope(a: int, b: int) -> Symbol:
    """t_ab, the derivative ∇³L(u_a, u_b, ·) along a direction across the edge."""
    return Symbol("t" + "".join(map(str, sorted((a, b)))), real=True)


@dataclass(frozen=True)
class HoveringRates:
    """The linearization with k = `modes` directions at the edge, of which the first oscillates."""

    modes: int

    @cached_property
    def model(self) -> Map:
        """One step of gradient descent on the model as a map of (m, d), in the frame of the cycle."""
        reduced = ReducedOrderModel(self.modes, 1, BASE)
        objective = reduced.objective
        named = _derivatives(reduced)
        mean = {w: Symbol(f"m_{w.name}", real=True) for w in objective.weights}
        half = {w: Symbol(f"d_{w.name}", real=True) for w in objective.weights}
        gradient = [one.subs(named) for one in objective.gradient]
        ahead, behind = (
            [one.subs({w: mean[w] + side * half[w] for w in mean}, simultaneous=True) for one in gradient]
            for side in (1, -1)
        )
        pairs = list(zip(objective.weights, ahead, behind, strict=True))
        step = [mean[w] - STEP_SIZE * (a + b) / 2 for w, a, b in pairs]
        step += [STEP_SIZE * (a - b) / 2 - half[w] for w, a, b in pairs]
        parameters = tuple(sorted({s for one in named.values() for s in one.free_symbols}, key=str))
        return Map((*mean.values(), *half.values()), parameters, tuple(one.expand() for one in step))

    @cached_property
    def balance(self) -> Mapping[Symbol, Expr]:
        """What the derivatives at the midpoint are, so that the cycle of amplitude √q is one."""
        at_cycle, _ = self._linearized
        old = [self._cycle.get(name, Integer(0)) for name in self.model.state]
        defects = [(new - before).expand() for new, before in zip(at_cycle, old, strict=True)]
        edge = range(1, self.modes + 1)
        unknown = [*(derivative(a) for a in edge), Symbol("F", real=True), *(derivative(1, a) for a in edge)]
        (solution,) = linsolve([one for one in defects if one != 0], unknown)
        return dict(zip(unknown, solution, strict=True))

    @cached_property
    def matrix(self) -> ImmutableMatrix:
        """The rates of (√q ε₁, …, √q ε_k, z) to leading order, (k + 1, k + 1): symmetric but for signs."""
        size, k = self.modes + 1, self.modes
        rates = ((self._linearized[1] - eye(2 * size)) / STEP_SIZE).xreplace(self.balance).expand()
        kept, followers = [*range(size, size + k), k], [*range(k), size + k]
        leading = rates.extract(followers, followers).xreplace(dict.fromkeys([AMPLITUDE, *self._excesses], Integer(0)))
        following = leading.inv() * rates.extract(followers, kept)
        effective = (rates.extract(kept, kept) - rates.extract(kept, followers) * following).expand()
        order = [1] * k + [0]
        return ImmutableMatrix(
            [[self._up_to(effective[a, b], order[a] + order[b]) for b in range(size)] for a in range(size)]
        )

    @property
    def edge(self) -> ImmutableMatrix:
        """D, (k, k)."""
        return self.matrix[: self.modes, : self.modes]

    @property
    def pull(self) -> ImmutableMatrix:
        """What z does to √q ε, (k, 1); the opposite of what √q ε does to z."""
        return self.matrix[: self.modes, self.modes :]

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """What D depends on, beside η and √q: derivatives along the edge."""
        return tuple(sorted(self.edge.free_symbols - {STEP_SIZE, AMPLITUDE}, key=str))

    def characteristic(self, across: int = 1) -> Expr:
        """det(s − rates)/Π(s + λ_j) with so many directions across the edge; their symbols end in _1, _2 and so on."""
        k = self.modes
        whole = zeros(k + across, k + across)
        whole[:k, :k] = self.edge
        for j in range(across):
            own = {s: Symbol(f"{s.name}_{j + 1}", real=True) for s in (*self.pull.free_symbols, EIGENVALUE)}
            own.pop(AMPLITUDE)
            one = self.matrix.xreplace(own)
            whole[:k, k + j], whole[k + j, :k], whole[k + j, k + j] = one[:k, k], one[k, :k], one[k, k]
        eigenvalues = symbols(f"lambda_1:{across + 1}", real=True)
        determinant = (RATE * eye(k + across) - whole).det(method="berkowitz")
        return cancel(determinant / prod(RATE + one for one in eigenvalues))

    @property
    def _cycle(self) -> Mapping[Symbol, Expr]:
        return {self.model.state[self.modes + 1]: AMPLITUDE}

    @cached_property
    def _linearized(self) -> tuple[list[Expr], Matrix]:
        """The step from the cycle, and its Jacobian there."""
        state = self.model.state
        moved = {name: name + place for name, place in self._cycle.items()}
        polynomials = [Poly(one.xreplace(moved), *state) for one in self.model.step]
        jacobian = [[one.coeff_monomial(name) for name in state] for one in polynomials]
        return [one.coeff_monomial(1) for one in polynomials], Matrix(jacobian)

    @property
    def _excesses(self) -> list[Symbol]:
        """The excesses of the Hessian over the edge that the cycle does not determine, of the order of q."""
        return [derivative(a, b) for a in range(2, self.modes + 1) for b in range(a, self.modes + 1)]

    def _up_to(self, entry: Expr, order: int) -> Expr:
        """The terms up to this order in √q."""
        scaled = Poly(entry.xreplace({y: y * AMPLITUDE**2 for y in self._excesses}), AMPLITUDE)
        kept = sum((value * AMPLITUDE**power for (power,), value in scaled.terms() if power <= order), Integer(0))
        return kept.xreplace({y: y / AMPLITUDE**2 for y in self._excesses}).expand()


@cache
def hovering_rates(modes: int = 1) -> HoveringRates:
    """The linearization with so many directions at the edge."""
    return HoveringRates(modes)


@cache
def threshold_terms() -> tuple[Expr, Expr]:
    """What one direction across the edge adds to 1/q and, over q, to what Q_e is held against, at |μ| = 1, in Ω."""
    t = slope(1, 1)
    growth = -STEP_SIZE * FREQUENCY**2 / 2  # |1 + ηs| = 1
    turning = Symbol("omega", positive=True)
    term = t**2 / (growth + I * turning + EIGENVALUE)
    parts = [cancel(part.subs(turning, sqrt(FREQUENCY**2 - growth**2))) for part in (-im(term) / turning, re(term))]
    share = cancel(parts[0])
    return share, cancel(parts[1] - growth * share)


def _derivatives(model: ReducedOrderModel) -> dict[Symbol, Expr]:
    """The coefficients of the model as derivatives."""
    found: dict[Symbol, Expr] = {}
    for e in model.along:
        places = [a + 1 for a, power in enumerate(e) for _ in range(power)]
        over = 2 / STEP_SIZE if len(places) == 2 and places[0] == places[1] else Integer(0)
        found[coefficient("a", e)] = (derivative(*places) + over) / prod(map(factorial, e))
    for e in model.linear:
        places = [a + 1 for a, power in enumerate(e) for _ in range(power)]
        named = {0: Symbol("F", real=True), 1: Integer(0)}.get(len(places))
        found[coefficient("b", e, 0)] = slope(*places) / prod(map(factorial, e)) if named is None else named
    found[coefficient("C", (0,) * model.edge, 0, 0)] = EIGENVALUE
    return found
