"""Whether the derivatives that torch gives of a loss are its derivatives: compared with difference quotients.

    ⟨∇L(θ), v⟩  with  (L(θ + hv) − L(θ − hv)) / 2h,        ∇²L(θ) v  with  (∇L(θ + hv) − ∇L(θ − hv)) / 2h

along one v, the sum of the gradient's direction and a random one, near the module's weights: these may lie on a kink.
Nothing else notices that a derivative is missing: a compiled or custom backward pass that cannot be differentiated
takes a term from the Hessian, which stays symmetric; what is detached, or read from `.data`, is a constant to the
gradient. (What torch itself gets wrong is known by name: `numeric.networks.loss.wrong_derivatives`.)

Quotients have errors of their own: h² where the loss is smooth, 1/h by rounding, and beside a kink any. So those at h
and at 10h, ahead and behind, must agree ten times better with each other than with torch before torch is contradicted;
where none do, at any of `POINTS` points, nothing is said. They are taken in double precision where the module can be;
h is relative to ‖θ‖ and to the coarsest precision in which anything is computed.

Errors: `BadInput`, naming the operations that are not torch's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from eos_sym import BadInput
from numeric.networks.curvature import HessianAt
from numeric.networks.loss import BatchedLoss
from numeric.networks.loss.precision import coarsest_precision, in_best_precision
from numeric.networks.loss.wrong_derivatives import custom_operations

NEAR = 1e-3  # relative
POINTS = 3  # until one tells
STEPS = 4  # h/‖θ‖ = √ε, 10√ε, 100√ε, 1000√ε with the precision ε
AGREEMENT = 0.05  # relative, of two quotients: over something narrower than h they fall with 1/h
CERTAIN = 10.0  # times their disagreement
RESOLVED = 1e-3  # relative: below it nothing is contradicted
ALONE = "read the critical step alone: critical_step=True, eigenvalues=0"
ROUNDING = 32.0  # times the precision: what an evaluation is off by at most


class _Quotient(NamedTuple):
    """Of the loss or of its gradient; how far the one ahead is from the one behind, and what rounding adds to it."""

    value: Tensor
    asymmetry: float
    rounding: float

    @classmethod
    def of(cls, behind: Tensor, here: Tensor, ahead: Tensor, h: float, precision: float) -> _Quotient:
        """(ahead − behind)/2h."""
        size = max(1.0, float(ahead.norm()), float(behind.norm()))  # 1: log(1 − ε) and 1 − (1 − ε) are rounded so
        asymmetry = float((ahead - 2 * here + behind).norm()) / h
        return cls((ahead - behind) / (2 * h), asymmetry, ROUNDING * precision * size / h)

    def contradicts(self, claimed: Tensor, farther: _Quotient) -> bool:
        """Whether there is a derivative, and another than is claimed; never if something is not finite."""
        spread, size = max(self.distance(farther), self.asymmetry), float(self.value.norm())
        resolved = RESOLVED * max(size, float(claimed.norm())) + self.rounding
        return spread <= AGREEMENT * size and float((claimed - self.value).norm()) > CERTAIN * spread + resolved

    def distance(self, other: _Quotient) -> float:
        """Between the two."""
        return float((self.value - other.value).norm())


def check_derivatives(loss: BatchedLoss) -> None:
    """Refuse a loss whose gradient or Hessian, near the module's present weights, is not that of the loss."""
    in_best_precision(loss, _compare)


def _compare(loss: BatchedLoss) -> None:
    present = loss.parameters
    for seed in range(POINTS):
        at = present + NEAR * present.norm() * _unit(_random(present, seed))
        with loss.loaded(at):
            if _told_at(loss, at):
                return


def _told_at(loss: BatchedLoss, at: Tensor) -> bool:
    """Whether the quotients agree with torch; False if they do not with each other."""
    hessian = HessianAt(loss, at)
    precision = torch.finfo(coarsest_precision(loss, at)).eps
    direction = _unit(hessian.gradient) + _unit(_random(at, seed=POINTS))
    direction /= direction.norm()
    slope, image = (hessian.gradient @ direction)[None], hessian.product(direction[:, None])[:, 0]
    for near, far in pairwise(_quotients(loss, at, hessian, direction, precision)):
        if near[0].contradicts(slope, far[0]):
            raise BadInput(
                f"along a line the loss changes by {float(near[0].value):.4g} per unit, its gradient says"
                f" {float(slope):.4g}: something in it is held constant (.detach(), .data, no_grad) or has another"
                f" backward pass{_operations(loss)}; compute it once, before, or write it in torch's own operations"
            )
        if near[1].contradicts(image, far[1]):
            difference = float((image - near[1].value).norm() / near[1].value.norm().clamp_min(image.norm()))
            raise BadInput(
                f"the Hessian is not the derivative of the gradient, {difference:.0%} of a product is missing or"
                f" wrong: an operation has no second derivative{_operations(loss)}; write it in torch's own, or {ALONE}"
            )
        if all(one.distance(other) <= RESOLVED * float(one.value.norm()) for one, other in zip(near, far, strict=True)):
            return True
    return False


def _quotients(
    loss: BatchedLoss, at: Tensor, hessian: HessianAt, direction: Tensor, precision: float
) -> Iterator[tuple[_Quotient, _Quotient]]:
    """Those of the loss and of its gradient, from the smallest h to the largest."""
    here = hessian.value[None], hessian.gradient
    for exponent in range(STEPS):
        h = float(at.norm() or 1) * precision**0.5 * 10**exponent
        found = []
        for point in (at - h * direction, at + h * direction):
            with loss.loaded(point):
                value, gradient = loss.value_and_gradient(point)
                found.append((value[None], gradient))
        behind, ahead = found
        yield (
            _Quotient.of(behind[0], here[0], ahead[0], h, precision),
            _Quotient.of(behind[1], here[1], ahead[1], h, precision),
        )


def _operations(loss: BatchedLoss) -> str:
    """The operations of the graph that are not torch's own, in brackets."""
    names = custom_operations(loss(loss.parameters.requires_grad_()))
    return f" ({', '.join(names)})" if names else ""


def _random(like: Tensor, seed: int) -> Tensor:
    numbers = torch.randn(len(like), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return numbers.to(like)


def _unit(vector: Tensor) -> Tensor:
    length: Tensor = vector.norm().clamp_min(torch.finfo(vector.dtype).tiny)
    return vector / length
