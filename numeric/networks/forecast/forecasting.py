"""What gradient descent will do next at the edge of stability, computed from a network's weights at one moment.

    from numeric.networks.forecast import forecast

    prediction = forecast(model, criterion, inputs, targets, optimizer=optimizer, steps=300)
    prediction.peak                     the first spike: its step and its height
    prediction.data                     an xarray.Dataset, as below
    prediction.trust                    whether to trust it, and why not
    prediction.at(0.12).data            the same model with another step size

Nothing is fitted to training and nothing is trained but two steps: at their midpoint θ* the loss is expanded along the
eigenvectors at the edge and across them (`loss_expansion`), gradient descent is run on the expansion, a map of k + m
numbers (`path`), and of every step t = 1, 2 … are told, at the midpoint (θ_{t−1} + 2θ_t + θ_{t+1})/4,

    oscillation   u_a·(2θ_t − θ_{t−1} − θ_{t+1})/4, (step, mode)     sharpness   the top eigenvalue of ∇²V, (step,)
    loss          L(θ*) + V at θ_t itself, (step,)

How far the forecast may be trusted is measured beforehand (`trust`). A step size other than the optimizer's changes the
map and not the model: `Forecast.at(eta)`.

Units: steps of gradient descent; `evaluations` in gradients of the full batch, without those of the checks. Errors:
`BadInput` for fewer than 2 steps, for a step size that is not positive, for an optimizer that is not gradient descent
of all of θ, where the loss or its curvature is not finite, and for a loss that is random, not made up by its
micro-batches, or wrongly differentiated, as `numeric.networks.tracker.checks` says.
Source: derived for this project; :cite:t:`damian2022selfstabilization` for what the cubic terms do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from eos_sym import BadInput
from numeric.networks.forecast.anchor import MOST_AT_THE_EDGE, Anchor, anchor, in_double_precision
from numeric.networks.forecast.cut_expansion import CutExpansion, expand_cut
from numeric.networks.forecast.loss_expansion import LossExpansion, expand_loss
from numeric.networks.forecast.path import Manner, Path, Peak, descend
from numeric.networks.forecast.trust import Trust
from numeric.networks.loss import FlatLoss
from numeric.networks.tracker.checks import check_evaluation, check_start, checked_loss, enough_memory
from numeric.networks.tracker.undisturbed import undisturbed
from numeric.values import positive_number, whole_number


@dataclass(frozen=True)
class Forecast:
    """An expansion at the edge, and what gradient descent with the step size `eta` does on it for so many steps."""

    expansion: LossExpansion | CutExpansion
    eta: float
    steps: int

    def at(self, eta: float) -> Forecast:
        """The forecast for another step size from now on, by the same model."""
        positive_number("eta", eta)
        return replace(self, eta=eta)

    @property
    def anchor(self) -> Anchor:
        """The point that the model was made at."""
        return self.expansion.anchor

    @cached_property
    def path(self) -> Path:
        """Gradient descent on the model."""
        start = self.anchor.start_on(self.expansion.directions)
        return descend(self.expansion.model, *start, self.eta, self.steps, self.expansion.bound)

    @property
    def peak(self) -> Peak | None:
        """The first spike; none if the oscillation does not rise and fall in the time."""
        return self.path.peak

    @property
    def manner(self) -> Manner:
        """What the oscillation does in the last half of the time."""
        return self.path.manner

    @cached_property
    def data(self) -> xr.Dataset:
        """Oscillation, sharpness and loss at the steps 1 …, as far as the model goes."""
        x, z = self.path.midpoints
        model = self.expansion.model
        return xr.Dataset(
            {
                "oscillation": (("step", "mode"), self.path.oscillation),
                "sharpness": ("step", np.linalg.eigvalsh(model.hessian(x, z))[:, -1]),
                "loss": ("step", self.anchor.value + model.potential(self.path.x[1:-1], self.path.z[1:-1])),
            },
            {"step": np.arange(1, len(x) + 1), "mode": np.arange(1, self.anchor.modes + 1)},
            {"eta": self.eta, "evaluations": self.anchor.cost.evaluations},
        )

    @cached_property
    def trust(self) -> Trust:
        """How far the forecast may be trusted; costs one gradient, at the predicted peak."""
        with undisturbed(self.anchor.loss.module):
            measured = self.expansion.gates(self.path, self.eta)
        return Trust({"left_out": self.eta * float(self.anchor.eigenvalues[-1]) / 2} | measured)


def plain_step_size(optimizer: torch.optim.Optimizer, loss: FlatLoss) -> float:
    """The step size of an optimizer that is gradient descent, of all that the loss is a function of."""
    groups = optimizer.param_groups
    plain = isinstance(optimizer, torch.optim.SGD) and not any(
        group["momentum"] or group["weight_decay"] or group["maximize"] for group in groups
    )
    if not plain or len({float(group["lr"]) for group in groups}) > 1:
        raise BadInput("a forecast is of gradient descent: torch.optim.SGD with one lr, no momentum, no weight decay")
    moved = {id(one) for group in groups for one in group["params"]}
    if left := [name for name, own in loss.trainable.items() if id(own) not in moved]:
        raise BadInput(
            f"the optimizer does not move '{left[0]}': give the one that trains this module, or freeze what is not"
            " trained, requires_grad_(False)"
        )
    return float(groups[0]["lr"])


def forecast(
    module: nn.Module,
    criterion: Callable[[Tensor, Tensor], Tensor],
    inputs: Tensor,
    targets: Tensor,
    *,
    optimizer: torch.optim.Optimizer | None = None,
    eta: float | None = None,
    steps: int = 300,
    modes: int | None = None,
    expansion: Literal["loss", "cut"] | None = None,
    micro_batch: int | None = None,
    weight: float | Callable[[Tensor], Tensor | float] | None = None,
) -> Forecast:
    """What full-batch gradient descent will do from the module's weights on; the module stays as it is.

    The step size is that of the optimizer, or `eta`, which need not be the one used so far. `modes` is the number of
    eigenvectors at the edge; not given, it is that of all with ηλ/2 > .9, at least one and at most 3. `expansion` is of
    the loss, or of what its head is applied to, `cut`; not given, it is of the loss where that may be trusted and one
    eigenvector is at the edge: with more of them it is no cheaper. `micro_batch` and `weight` are those of the tracker.
    """
    whole_number("steps", steps, least=2)
    if expansion not in ("loss", "cut", None):
        raise BadInput(f"expansion = {expansion}: must be 'loss', 'cut', or None for the one to be trusted")
    if modes is not None:
        whole_number("modes", modes, least=1)
        if modes > MOST_AT_THE_EDGE:
            raise BadInput(f"modes = {modes}: must be {MOST_AT_THE_EDGE} or less")
    if micro_batch is not None:
        whole_number("micro_batch", micro_batch, least=1)
    loss = checked_loss(module, criterion, inputs, targets, micro_batch, weight)
    if eta is None:
        if optimizer is None:
            raise BadInput("give the optimizer, or the step size eta")
        eta = plain_step_size(optimizer, loss)
    positive_number("eta", eta)
    check_evaluation(loss, optimizer)
    check_start(loss)
    loss = in_double_precision(loss)
    with undisturbed(loss.module), enough_memory(loss):
        here = anchor(loss, eta, modes)
        if expansion == "loss" or (expansion is None and here.modes == 1):
            found = Forecast(expand_loss(here, eta, steps), eta, steps)
            if expansion == "loss" or found.trust.trusted:
                return found
        return Forecast(expand_cut(here, eta, steps), eta, steps)
