"""The expansion of a network's loss at the edge: the coefficients of `ReducedOrderModel`, from gradients alone.

    V(x, z) = a(x) + z·b(x) + ½ z·C(x) z    stands for    L(θ* + U x + K z) − L(θ*)

∇L is taken at nodes U x, on lines through θ* in the space of the edge, at 1/3, 2/3 and 3/3 of a `reach` on both sides.
Uᵀ∇L there is ∇a, and the rest of ∇L is b: of a all coefficients of degree 3 to 6 and of b those of degree 2 to 5 are
fitted to it by least squares. Lower ones are known: ∇L and ∇²L U at θ*. C₀ is ∇²L on K, and the coefficients
of degree 2 of C second differences of Hessian products at a third of the reach, on the first `QUADRATIC` directions.

The third derivatives that drive what is across the edge, ∇³L(u_a, u_b, ·) = (1 + δ_ab) b_e with e = 1_a + 1_b, come
from the same fit, before there is a K. No derivative above the second is taken by torch.

Shapes: x (…, k), z (…, m). Errors: `BadInput` for a reach that is not positive.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from eos_sym.self_stabilization import EXPANDED, ReducedOrderModel, coefficient
from numeric.compile import Array
from numeric.networks.forecast.anchor import Anchor
from numeric.networks.forecast.directions import Basis
from numeric.networks.forecast.polynomials import Monomials, lines
from numeric.values import positive_number

QUADRATIC = 6  # directions across the edge on which C depends on x
NODES = (1 / 3, 2 / 3, 1.0)
DRIVING = (4, 3, 0)
ROUNDING = 32.0  # times the precision: what a gradient is off by at most, relative


@lru_cache(maxsize=32)
def monomials(form: ReducedOrderModel) -> tuple[Monomials, Monomials, Monomials]:
    """Those of a, b and C."""
    return Monomials(form.along), Monomials(form.linear), Monomials(form.curved)


@dataclass(frozen=True)
class LossModel:
    """V with numbers for coefficients, in the order of the form's exponents: a (n_a,), b (n_b, m), C (n_C, m, m)."""

    form: ReducedOrderModel
    a: Array
    b: Array
    C: Array

    @property
    def _monomials(self) -> tuple[Monomials, Monomials, Monomials]:
        return monomials(self.form)

    def potential(self, x: Array, z: Array) -> Array:
        """V, (…)."""
        along, linear, curved = (one.values(x) for one in self._monomials)
        quadratic = np.einsum("...i,...ij,...j->...", z, np.tensordot(curved, self.C, 1), z)
        return np.asarray(along @ self.a + ((linear @ self.b) * z).sum(-1) + quadratic / 2)

    def gradient(self, x: Array, z: Array) -> tuple[Array, Array]:
        """∂V/∂x (…, k) and ∂V/∂z (…, m)."""
        along, linear, curved = self._monomials
        pulled = np.einsum("...i,eij,...j->...e", z, self.C, z) / 2
        slope = along.slopes(x) @ self.a + np.einsum("...ae,...e->...a", linear.slopes(x), z @ self.b.T)
        slope += np.einsum("...ae,...e->...a", curved.slopes(x), pulled)
        across = linear.values(x) @ self.b + np.einsum("...e,eij,...j->...i", curved.values(x), self.C, z)
        return slope, across

    def hessian(self, x: Array, z: Array) -> Array:
        """∇²V, (…, k + m, k + m), the edge coordinates first."""
        along, linear, curved = self._monomials
        pulled = np.einsum("...i,eij,...j->...e", z, self.C, z) / 2
        edge = along.curvatures(x) @ self.a
        edge = edge + np.einsum("...abe,...e->...ab", linear.curvatures(x), z @ self.b.T)
        edge = edge + np.einsum("...abe,...e->...ab", curved.curvatures(x), pulled)
        mixed = linear.slopes(x) @ self.b + np.einsum("...ae,eij,...j->...ai", curved.slopes(x), self.C, z)
        across = np.tensordot(curved.values(x), self.C, 1)
        return np.concatenate(
            [np.concatenate([edge, mixed], -1), np.concatenate([mixed.swapaxes(-1, -2), across], -1)], -2
        )

    def of_order(self, order: tuple[int, int, int]) -> LossModel:
        """The same coefficients as far as a lower order has them."""
        form = replace(self.form, order=order)
        a, b, c = (
            values[[known.index(e) for e in wanted]]
            for values, known, wanted in (
                (self.a, self.form.along, form.along),
                (self.b, self.form.linear, form.linear),
                (self.C, self.form.curved, form.curved),
            )
        )
        return LossModel(form, a, b, c)

    @property
    def values(self) -> dict[str, float]:
        """The coefficients by the names that they have in ``form.objective``, as its compiled map takes them."""
        found = {coefficient("a", e).name: float(value) for e, value in zip(self.form.along, self.a, strict=True)}
        for e, row in zip(self.form.linear, self.b, strict=True):
            found |= {coefficient("b", e, i).name: float(value) for i, value in enumerate(row)}
        for e, matrix in zip(self.form.curved, self.C, strict=True):
            found |= {coefficient("C", e, i, j).name: float(matrix[i, j]) for i, j in self.form.pairs(e)}
        return found


@dataclass(frozen=True)
class EdgeFit:
    """The loss on lines in the space of the edge: a (n_a,), and b in all weights, (n_b, p), of the full order.

    `misfit` is the part of the fitted gradients, relative to what is beyond second order in them, that no polynomial
    of this order has: kinks, or a reach beyond the radius of the expansion. What rounding may add is not of it.
    """

    form: ReducedOrderModel
    a: Array
    b: Tensor
    misfit: float
    reach: float

    def across(self, degree: int) -> Tensor:
        """The coefficients of b of this degree, (p, number)."""
        return self.b[[sum(e) == degree for e in self.form.linear]].T


def fit_edge(anchor: Anchor, reach: float) -> EdgeFit:
    """Fit a and b to the gradients at the nodes."""
    positive_number("reach", reach)
    form = ReducedOrderModel(anchor.modes, 0)
    unit = lines(anchor.modes, EXPANDED[1])
    x = np.concatenate([side * node * unit for node in NODES for side in (-1, 1)])  # over the reach
    moved = torch.from_numpy(reach * x).to(anchor.edge)
    gradients = torch.stack([anchor.gradient_at(anchor.weights + anchor.edge @ one) for one in moved])
    beyond = gradients - anchor.gradient - moved @ anchor.image.T  # above second order of the loss

    curvature = (anchor.edge.T @ anchor.image).numpy()
    slope, rest = (beyond @ anchor.edge).numpy(), anchor.across(beyond.T).T
    high = [e for e in form.along if sum(e) > 2]
    rows = Monomials(high).slopes(x).reshape(-1, len(high))
    fitted, *_ = np.linalg.lstsq(rows, reach * slope.ravel(), rcond=None)
    a = np.concatenate([_first_and_second(form, (anchor.edge.T @ anchor.gradient).numpy(), curvature), fitted])
    a[-len(high) :] /= reach ** np.array([sum(e) for e in high], float)

    driven = Monomials([e for e in form.linear if sum(e) > 1])
    solution = driven.fitted(x, rest, reach)
    b = torch.cat([anchor.across(anchor.gradient)[None], anchor.across(anchor.image).T, solution])

    left = np.linalg.norm(rows @ fitted / reach - slope.ravel())
    left = np.hypot(left, float((torch.from_numpy(driven.values(reach * x)).to(rest) @ solution - rest).norm()))
    whole = float(beyond.norm())
    rounding = ROUNDING * torch.finfo(beyond.dtype).eps * float(gradients.norm() + (moved @ anchor.image.T).norm())
    return EdgeFit(form, a, b, max(float(left) - rounding, 0.0) / whole if whole else 0.0, reach)


def _first_and_second(form: ReducedOrderModel, slope: Array, curvature: Array) -> Array:
    """The coefficients of a of degree 1 and 2, from its gradient and Hessian at 0."""
    found = []
    for e in form.along:
        places = [place for place, power in enumerate(e) for _ in range(power)]
        if len(places) == 1:
            found.append(slope[places[0]])
        elif len(places) == 2:
            found.append(curvature[places[0], places[1]] / (1 + (places[0] == places[1])))
    return np.array(found)


def driving_model(anchor: Anchor, fit: EdgeFit, basis: Basis, quadratic: Array) -> LossModel:
    """The model of the terms that drive z, on a basis (p, n), with ∇²L on it (n, n); no gradient more."""
    full = ReducedOrderModel(anchor.modes, len(quadratic), (EXPANDED[0], EXPANDED[1], 0))
    driven = np.concatenate([(fit.b @ part).numpy() for part in basis], 1)
    return LossModel(full, fit.a, driven, quadratic[None]).of_order(DRIVING)


def loss_model(anchor: Anchor, fit: EdgeFit, directions: Tensor, quadratic: Array) -> LossModel:
    """The model of full order on the same."""
    across = directions.shape[1]
    form = ReducedOrderModel(anchor.modes, across, EXPANDED, QUADRATIC)
    curved = np.zeros((len(form.curved), across, across))
    curved[0] = quadratic
    few = directions[:, : min(QUADRATIC, across)]
    step = fit.reach / 3
    size = few.shape[1]

    def second_difference(x: Array) -> Array:
        """The second derivative of ∇²L on the first directions along U x, x of length 1."""
        moved = step * (anchor.edge @ torch.from_numpy(x).to(anchor.edge))
        images = anchor.hessian_at(anchor.weights + moved, few) + anchor.hessian_at(anchor.weights - moved, few)
        return ((few.T @ images).numpy() - 2 * quadratic[:size, :size]) / step**2

    unit = np.eye(anchor.modes)
    alone = [second_difference(unit[a]) for a in range(anchor.modes)]
    for place, e in enumerate(form.curved[1:], start=1):
        if 2 in e:
            curved[place, :size, :size] = alone[e.index(2)] / 2
        else:
            one, other = np.flatnonzero(e)
            both = second_difference((unit[one] + unit[other]) / np.sqrt(2))
            curved[place, :size, :size] = both - (alone[one] + alone[other]) / 2
    return LossModel(form, fit.a, (fit.b @ directions).numpy(), (curved + curved.swapaxes(1, 2)) / 2)
