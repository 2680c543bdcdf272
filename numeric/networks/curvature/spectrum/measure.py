"""The spectral measure of a vector under a symmetric matrix: how much of it lies at which eigenvalues.

    ∫ f dμ = vᵀ f(A) v = Σ_j (v_j·v)² f(λ_j)

Lanczos' method from v gives the Gauss rule of μ, which is exact for polynomials up to degree 2n − 1 after n products:
the nodes are the eigenvalues of T, the weights ‖v‖² times the squares of the first entries of its eigenvectors. With
one row more, chosen so that x is an eigenvalue, it is the rule of Gauss and Radau, with a node at x; with one chosen
for both ends of the spectrum that of Gauss and Lobatto. No product more is taken. From these:

    mass at or below x   the weights of the Gauss–Radau rule of x: those below x add up to no more than
                         μ(−∞, x), and to no less than μ(−∞, x] with that at x (Chebyshev, Markov, Stieltjes)
    k(t) = ∫ (1 − ηλ)ᵗ   exact for t < 2n. Beyond, the derivatives of (1 − ηλ)ᵗ have one sign each, so that for even t
                         the rules of Gauss and Gauss–Lobatto are below and above, and for odd t those of Gauss–Radau
                         at the largest and at the least eigenvalue
    any f                the Gauss rule, and half of its difference from the anti-Gauss rule of Laurie as an estimate

Bounds hold in exact arithmetic; rounding is that of T. k is the kernel with which the sharpness answers an oscillation,
k(t) = T⊥·(I − ηH)ᵗ T⊥, if v is T⊥ and A is H across the edge (`operators.Across`).

Shapes: vectors (p,), nodes and weights (n,) or (n + 1,), float64. Units: a mass has those of v². Errors: `BadInput` for
fewer than one product, for a vector that is not finite or of another length, for ends between which not all nodes are;
`Undecided` where the matrix is not finite. Sources: :cite:t:`golub2010matrices`; :cite:t:`laurie1996anti`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import xarray as xr
from scipy.linalg import eigh_tridiagonal
from torch import Tensor

from eos_sym import BadInput, Undecided
from numeric.compile import Array
from numeric.networks.curvature.eigen import Operator
from numeric.networks.curvature.spectrum.lanczos import Lanczos
from numeric.networks.curvature.spectrum.operators import operator_of
from numeric.values import positive_number, real_number, whole_number

ROUNDING = {torch.float64: 1e-10, torch.float32: 1e-6}  # relative to the largest |θ|; a β_n below ends the space
FAR = 1e8  # of the largest |θ|: a last entry for a node at x that is larger is that of a node there already


@dataclass(frozen=True)
class Rule:
    """Nodes, ascending, and their weights: a measure on few points that agrees with another one on polynomials."""

    nodes: Array
    weights: Array

    def integral(self, function: Callable[[Array], Array]) -> Array:
        """Σ w f(θ), of a function that may have further dimensions before that of the nodes, (…, n)."""
        return np.asarray(function(self.nodes) @ self.weights)


@dataclass(frozen=True)
class SpectralMeasure:
    """T after n steps from v, β_n, or 0 where the Krylov space is all that v ever reaches, and ‖v‖².

    `rounding` is that of the nodes, relative to the largest |θ|.
    """

    diagonal: Array
    beside: Array
    following: float
    mass: float
    rounding: float

    @cached_property
    def rule(self) -> Rule:
        """The Gauss rule."""
        return self._rule(self.diagonal, self.beside)

    @property
    def exact(self) -> bool:
        """Whether the Gauss rule is the measure itself, up to rounding."""
        return self.following == 0

    def with_node(self, x: float) -> Rule:
        """The Gauss–Radau rule, a node more, at x; the Gauss rule where that has one there, or is exact."""
        last = x + self.following**2 * self._resolvent(x)
        if self.exact or not abs(last) <= FAR * max(self._scale, abs(x)):
            return self.rule
        return self._rule(np.append(self.diagonal, last), np.append(self.beside, self.following))

    def with_nodes(self, least: float, largest: float) -> Rule:
        """The Gauss–Lobatto rule, with nodes at both ends; the Gauss rule if that is exact."""
        if self.exact or least == largest:
            return self.rule
        low, high = self._resolvent(least), self._resolvent(largest)
        if not np.isfinite([low, high]).all() or low == high:
            return self.rule  # an end is a node already
        square = (largest - least) / (low - high)
        last = least + square * low
        return self._rule(np.append(self.diagonal, last), np.append(self.beside, np.sqrt(max(square, 0.0))))

    def integral(self, function: Callable[[Array], Array]) -> tuple[Array, Array]:
        """∫ f dμ by the Gauss rule, and an estimate of its error: that of a step before."""
        value = self.rule.integral(function)
        if self.exact or not len(self.beside):
            return value, np.zeros_like(value) if self.exact else np.full_like(value, np.inf)
        before = self._rule(self.diagonal[:-1], self.beside[:-1]).integral(function)
        doubled = np.append(self.beside[:-1], self.beside[-1] * np.sqrt(2))
        return value, np.abs(self._rule(self.diagonal, doubled).integral(function) - before) / 2

    def mass_below(self, x: float) -> tuple[float, float]:
        """Bounds of the mass at or below x; an eigenvalue that is x up to rounding counts for the upper one alone."""
        if not math.isfinite(x := real_number("x", x)):
            raise BadInput(f"x = {x}: must be finite")
        rule, near = self.with_node(x), self.rounding * self._scale
        below, above = rule.nodes < x - near, rule.nodes > x + near
        if not self.exact:
            at = int(np.abs(rule.nodes - x).argmin())
            below[at:], above[: at + 1] = False, False
        return float(rule.weights[below].sum()), float(rule.weights[~above].sum())

    def kernel(self, eta: float, times: Sequence[int], least: float, largest: float) -> xr.Dataset:
        """k(t) and bounds of it along ``time``, for eigenvalues that are all between two ends."""
        inside = self.mass == 0 or (least <= self.rule.nodes[0] and self.rule.nodes[-1] <= largest)
        if not inside and not self.exact:
            raise BadInput(
                f"ends {least:g} and {largest:g}: there are eigenvalues outside, near {self.rule.nodes[0]:g} and "
                f"{self.rule.nodes[-1]:g}; give bounds of all of them"
            )
        eta = positive_number("eta", eta)
        known = np.array([whole_number("time", time, least=0) for time in times])

        def powers(nodes: Array) -> Array:
            return np.asarray((1 - eta * nodes) ** known[:, None])

        gauss = self.rule.integral(powers)
        even, open_ = known % 2 == 0, known >= 2 * len(self.diagonal)
        above = self.with_nodes(least, largest).integral(powers)
        at_largest, at_least = (self.with_node(end).integral(powers) for end in (largest, least))
        lower = np.where(open_ & ~even, at_largest, gauss)
        upper = np.where(open_, np.where(even, above, at_least), gauss)
        values = {"kernel": (lower + upper) / 2, "lower": lower, "upper": upper}
        return xr.Dataset({name: ("time", one) for name, one in values.items()}, {"time": known})

    @cached_property
    def _scale(self) -> float:
        return float(np.abs(self.rule.nodes).max()) or 1.0

    def _rule(self, diagonal: Array, beside: Array) -> Rule:
        nodes, vectors = eigh_tridiagonal(diagonal, beside)
        return Rule(nodes, self.mass * vectors[0] ** 2)

    def _resolvent(self, x: float) -> float:
        """The last diagonal entry of (T − x)⁻¹; infinite at an eigenvalue."""
        nodes, vectors = eigh_tridiagonal(self.diagonal, self.beside)
        with np.errstate(divide="ignore", invalid="ignore"):
            return float((vectors[-1] ** 2 / (nodes - x)).sum())


def spectral_measure(operator: Operator, vector: Tensor, products: int = 40) -> SpectralMeasure:
    """The spectral measure of a vector, from so many products at most."""
    whole_number("products", products, least=1)
    if not isinstance(vector, Tensor) or vector.ndim != 1 or not vector.isfinite().all():
        kind = f"of shape {tuple(vector.shape)}" if isinstance(vector, Tensor) else type(vector).__name__
        raise BadInput(f"vector: {kind}; must be a tensor, finite and of one dimension")
    operator = operator_of(operator, vector)
    size = float(torch.linalg.vector_norm(vector, dtype=torch.float64))
    if size == 0:
        return SpectralMeasure(np.zeros(1), np.zeros(0), 0.0, 0.0, 0.0)
    rounding = ROUNDING.get(vector.dtype, 8 * torch.finfo(vector.dtype).eps)
    space = Lanczos(vector, room=min(products, len(vector)))
    exhausted = False
    while len(space.diagonal) < products and not exhausted:
        direction = space.vector
        space.add(direction, operator.product(direction[:, None])[:, 0])
        if not space.finite:
            raise Undecided("the matrix is not finite at these weights: it has no spectrum")
        scale = max(map(abs, [*space.diagonal, *space.beside]))
        exhausted = space.length <= rounding * scale or len(space.diagonal) == len(vector)
    following = 0.0 if exhausted else space.length
    return SpectralMeasure(np.array(space.diagonal), np.array(space.beside), following, size**2, rounding)
