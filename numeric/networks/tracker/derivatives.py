"""Whether the derivatives that torch gives of a loss are its derivatives: compared with difference quotients.

    ⟨∇L(θ), v⟩  with  (L(θ + hv) − L(θ − hv)) / 2h,        ∇²L(θ) v  with  (∇L(θ + hv) − ∇L(θ − hv)) / 2h

along one v, the sum of the gradient's direction and a random one. Nothing else notices that a derivative is missing: a
compiled or custom backward pass that cannot be differentiated takes a term from the Hessian, which stays symmetric;
what is detached, or read from `.data`, is a constant to the gradient. (What torch itself gets wrong is known by name:
`numeric.networks.loss.wrong_derivatives`.)

Quotients have errors of their own: h² where the loss is smooth, 1/h by rounding, and beside a kink any. So two of them,
at h and at 10h, must agree ten times better with each other than with torch before torch is contradicted; where none
do, nothing is said. They are taken in double precision where the module can be, and h is relative to ‖θ‖.

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
from numeric.networks.loss import FlatLoss
from numeric.networks.loss.wrong_derivatives import custom_operations
from numeric.networks.tracker.precision import in_double_precision

STEPS = 4  # h/‖θ‖ = √ε, 10√ε, 100√ε, 1000√ε with the precision ε
CERTAIN = 10.0  # times the disagreement of two quotients
RESOLVED = 1e-3  # relative: below it nothing is contradicted
ROUNDING = 32.0  # times the precision: what an evaluation is off by at most


class _Quotients(NamedTuple):
    """At one h: those of the loss (1,) and of the gradient (p,), and what rounding makes of each, in length."""

    slope: Tensor
    image: Tensor
    slope_rounding: float
    image_rounding: float


def check_derivatives(loss: FlatLoss) -> None:
    """Refuse a loss whose gradient or Hessian, at the module's present weights, is not that of the loss."""
    try:
        with in_double_precision(loss) as exact:
            if exact.value_and_gradient(exact.parameters)[1].dtype == torch.float64:
                _compare(exact)
                return
    except BadInput:
        raise
    except (RuntimeError, TypeError, ValueError):
        pass  # it converts to float32 on its own
    _compare(loss)


def _compare(loss: FlatLoss) -> None:
    at = loss.parameters
    hessian = HessianAt(loss, at)
    direction = _unit(hessian.gradient) + _unit(_random(at))
    direction /= direction.norm()
    slope, image = (hessian.gradient @ direction)[None], hessian.product(direction[:, None])[:, 0]
    for near, far in pairwise(_quotients(loss, at, direction, hessian.gradient)):
        if _contradicted(slope, near.slope, far.slope, near.slope_rounding):
            raise BadInput(
                f"along a line the loss changes by {float(near.slope):.4g} per unit, its gradient says"
                f" {float(slope):.4g}: something in it is detached (.detach(), .data, no_grad){_operations(loss)};"
                " compute that once, outside"
            )
        if _contradicted(image, near.image, far.image, near.image_rounding):
            difference = float((image - near.image).norm() / near.image.norm().clamp_min(image.norm()))
            raise BadInput(
                f"the Hessian is not the derivative of the gradient, {difference:.0%} of a product is missing or"
                f" wrong: an operation has no second derivative{_operations(loss)}; write it in torch's own"
            )
        if _settled(near.slope, far.slope) and _settled(near.image, far.image):
            return


def _quotients(loss: FlatLoss, at: Tensor, direction: Tensor, gradient: Tensor) -> Iterator[_Quotients]:
    """From the smallest h to the largest."""
    precision = torch.finfo(at.dtype).eps
    for exponent in range(STEPS):
        h = float(at.norm() or 1) * precision**0.5 * 10**exponent
        found = []
        for point in (at + h * direction, at - h * direction):
            with loss.loaded(point):
                found.append(loss.value_and_gradient(point))
        (value, ahead), (other, behind) = found
        rounding = ROUNDING * precision / h
        yield _Quotients(
            ((value - other) / (2 * h))[None],
            (ahead - behind) / (2 * h),
            rounding * max(abs(float(value)), abs(float(other))),
            rounding * float(gradient.norm()),
        )


def _contradicted(claimed: Tensor, near: Tensor, far: Tensor, rounding: float) -> bool:
    """Whether the quotients tell a derivative that is another; never if something is not finite."""
    size = float(torch.maximum(claimed.norm(), near.norm()))
    return float((claimed - near).norm()) > CERTAIN * float((near - far).norm()) + RESOLVED * size + rounding


def _settled(near: Tensor, far: Tensor) -> bool:
    return bool((near - far).norm() <= RESOLVED * near.norm())


def _operations(loss: FlatLoss) -> str:
    """The operations of the graph that are not torch's own, in brackets."""
    names = custom_operations(loss(loss.parameters.requires_grad_()))
    return f" ({', '.join(names)})" if names else ""


def _random(like: Tensor) -> Tensor:
    numbers = torch.randn(len(like), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return numbers.to(like)


def _unit(vector: Tensor) -> Tensor:
    length: Tensor = vector.norm().clamp_min(torch.finfo(vector.dtype).tiny)
    return vector / length
