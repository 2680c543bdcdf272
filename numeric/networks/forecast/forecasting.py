"""What training will do next at the edge of stability, computed from a network's weights at one moment.

    from numeric.networks.forecast import forecast

    prediction = forecast(model, criterion, inputs, targets, optimizer=optimizer, steps=300)
    prediction.peak, .spikes            the first spike, and all: their steps and heights
    prediction.manner, .settles         whether it hovers, bursts, decays or diverges; the sharpness where it ends
    prediction.data                     an xarray.Dataset, as below
    prediction.horizon, .band           until when it may be trusted, and how far it may be off
    prediction.trust                    whether to trust it, and why not
    prediction.at(0.12).data, .fate     the same model with another step size, and what becomes of training

Nothing is fitted to training and nothing is trained but two steps: at their midpoint θ* the loss is expanded along the
eigenvectors at the edge and across them (`loss_expansion`), training is run on the expansion, a map of k + m
numbers (`path`), and of every step t = 1, 2 … are told, at the midpoint (θ_{t−1} + 2θ_t + θ_{t+1})/4,

    oscillation   u_a·(2θ_t − θ_{t−1} − θ_{t+1})/4, (step, mode)     sharpness   the top eigenvalue of ∇²V, (step,)
    loss          L(θ*) + V at θ_t itself, (step,)

How far the forecast may be trusted is measured beforehand: whether at all (`trust`), and until when (`defect`). A step
size other than the optimizer's changes the map and not the model: `Forecast.at(eta)`.

Units: steps of training; `evaluations` in gradients of the full batch, without those of the checks. Errors:
`BadInput` for fewer than 2 steps or more than `LONGEST`, for a step size that is not positive, for an optimizer that is
none of the `rules`, where the loss or its curvature is not finite, and for a loss that is random, not made up by its
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
from numeric.networks.forecast.anchor import MOST_AT_THE_EDGE, Anchor, anchor
from numeric.networks.forecast.cut_expansion import CutExpansion, expand_cut, find_cut
from numeric.networks.forecast.defect import Band, measure_defect
from numeric.networks.forecast.loss_expansion import LossExpansion, expand_loss
from numeric.networks.forecast.path import Manner, Path, Peak, descend, top_eigenvalue
from numeric.networks.forecast.rules import Rule, edge_of, rule_of
from numeric.networks.forecast.trust import Trust
from numeric.networks.tracker.checks import enough_memory
from numeric.networks.tracker.exact_copy import exact_copy
from numeric.networks.tracker.given import checked_loss
from numeric.networks.tracker.undisturbed import undisturbed
from numeric.networks.training.optimizers import GradientDescent
from numeric.values import whole_number

LONGEST = 10_000  # steps
Fate = Literal["diverges", "catapults", "self-stabilizes", "decays", "undecided"]


@dataclass(frozen=True, repr=False)
class Forecast:
    """An expansion at the edge, and what training by a rule does on it for so many steps."""

    expansion: LossExpansion | CutExpansion
    rule: Rule
    steps: int

    def __repr__(self) -> str:
        """What is told, and not the tensors that it is computed from, which are all the data and many weights."""
        told = {name: getattr(self, name) for name in ("rule", "steps", "manner", "peak", "settles")}
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in told.items())})"

    @property
    def eta(self) -> float:
        """The step size."""
        return self.rule.eta

    def at(self, eta: float) -> Forecast:
        """The forecast for another step size from now on, by the same model."""
        return replace(self, rule=replace(self.rule, eta=eta))

    @property
    def anchor(self) -> Anchor:
        """The point that the model was made at."""
        return self.expansion.anchor

    @cached_property
    def path(self) -> Path:
        """Training on the model."""
        start = self.anchor.start_on(self.expansion.directions)
        return descend(self.expansion.model, *start, self.rule, self.steps, self.expansion.bound)

    @property
    def peak(self) -> Peak | None:
        """The first spike; none if the oscillation does not rise and fall in the time."""
        return self.path.peak

    @property
    def spikes(self) -> list[Peak]:
        """All spikes that are over before the forecast ends."""
        return self.path.spikes

    @property
    def manner(self) -> Manner:
        """What the oscillation does in the last half of the time."""
        return self.path.manner

    @property
    def fate(self) -> Fate:
        """What becomes of training, for the step sizes of `at`: a catapult is beyond the edge and dies out below it."""
        if self.manner == "decays":
            beyond = self.data.sharpness.values > edge_of(self.rule)
            return "undecided" if beyond[-1] else "catapults" if beyond.any() else "decays"
        if self.manner in ("hovers", "bursts"):
            return "self-stabilizes"
        return "diverges" if self.path.diverges else "undecided"

    @property
    def settles(self) -> float | None:
        """The mean of the sharpness over the last half of the time, if the oscillation hovers or decays there."""
        if self.manner not in ("hovers", "decays"):
            return None
        return float(self.data.sharpness[self.steps // 2 :].mean())

    @cached_property
    def data(self) -> xr.Dataset:
        """Oscillation, sharpness and loss at the steps 1 …, as far as the model goes, and the spikes."""
        path, model = self.path, self.expansion.model
        steps, heights = np.array(self.spikes).reshape(-1, 2).T
        return xr.Dataset(
            {
                "oscillation": (("step", "mode"), path.oscillation),
                "sharpness": ("step", top_eigenvalue(model, path)),
                "loss": ("step", self.anchor.value + model.potential(path.x[1:-1], path.z[1:-1])),
                "spike_step": ("spike", steps.astype(int)),
                "spike_height": ("spike", heights),
            },
            {"step": self._steps_told, "mode": np.arange(1, self.anchor.modes + 1)},
            {"eta": self.eta, "manner": self.manner, "evaluations": self.anchor.cost.evaluations},
        )

    @property
    def _steps_told(self) -> range:
        return range(1, len(self.path.x) - 1)

    @cached_property
    def _band(self) -> Band:
        if not len(self.path.size):  # it left the bound before there was a step to tell
            return Band(*np.zeros((3, 0)))
        with undisturbed(self.anchor.loss.module):
            return measure_defect(self.expansion, self.path).band(self.path, self.rule)

    @property
    def band(self) -> xr.Dataset:
        """How far the size of the oscillation, the sharpness and the loss may be off, at the steps of `data`.

        It and the horizon cost 22, 26 or 32 gradients with 1, 2 or 3 modes at the edge, once.
        """
        found = {name: ("step", getattr(self._band, name)) for name in ("oscillation", "sharpness", "loss")}
        return xr.Dataset(found, {"step": self._steps_told}, {"horizon": self.horizon})

    @property
    def horizon(self) -> int:
        """The last step until which the forecast may be trusted, if it may at all."""
        return self._band.horizon(self.path.size)

    @cached_property
    def trust(self) -> Trust:
        """How far the forecast may be trusted; costs one gradient, at the predicted peak."""
        with undisturbed(self.anchor.loss.module):
            measured = self.expansion.gates(self.path, self.eta)
        return Trust({"left_out": self.expansion.left_out / edge_of(self.rule)} | measured)


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
    eigenvectors: Tensor | None = None,
) -> Forecast:
    """What full-batch training will do from the module's weights on; module and optimizer stay as they are.

    It goes on with the optimizer's step size, its momentum and what that has gathered; or without momentum, and with
    the step size `eta`, which need not be the one used so far. `modes` is the number of eigenvectors at the edge; not
    given, it is that of all above .9 of the critical sharpness, at least one and at most 3. `expansion` is of the loss,
    or of what its head is applied to, `cut`; not given, it is of the loss where that may be trusted and one eigenvector
    is at the edge: with more of them it is no cheaper. `micro_batch` and `weight` are those of the tracker, whose
    `eigenvectors`, if given, make it cheaper.
    """
    whole_number("steps", steps, least=2)
    if steps > LONGEST:
        raise BadInput(
            f"steps = {steps}: must be {LONGEST} or less; a forecast holds for some hundreds: see its horizon"
        )
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
        rule, momentum = rule_of(optimizer, loss)
    else:
        rule, momentum = GradientDescent(eta), None
    loss = exact_copy(loss, optimizer)
    with undisturbed(loss.module), enough_memory(loss):
        here = anchor(loss, rule, modes, momentum, eigenvectors)
        cut = None if expansion == "loss" else find_cut(loss)
        if expansion == "cut" and cut is None:
            raise BadInput("the module's outputs are not one tensor: take expansion='loss', or let it return one")
        if cut is None or (expansion is None and here.modes == 1):
            found = Forecast(expand_loss(here, steps), rule, steps)
            if cut is None or found.trust.trusted:
                return found
        return Forecast(expand_cut(here, cut, steps), rule, steps)
