"""What gradient descent will do next at the edge of stability, computed from a network's weights at one moment.

    from numeric.networks.forecast import forecast

    prediction = forecast(model, criterion, inputs, targets, optimizer=optimizer, steps=300)
    prediction.peak                     the first spike: its step and its height
    prediction.data                     an xarray.Dataset, as below
    prediction.trust                    whether to trust it, and why not
    prediction.at(0.12).data            the same model with another step size

Nothing is fitted to training and nothing is trained but two steps: at their midpoint θ* the loss is expanded along the
eigenvectors at the edge and across them (`loss_model`, `directions`), gradient descent is run on the expansion, a map
of k + m numbers, and of every step t = 1, 2 … are told, at the midpoint (θ_{t−1} + 2θ_t + θ_{t+1})/4,

    oscillation   u_a·(2θ_t − θ_{t−1} − θ_{t+1})/4, (step, mode)     sharpness   the top eigenvalue of ∇²V, (step,)
    loss          L(θ*) + V at θ_t itself, (step,)

The lines along which the loss is expanded reach to the peak that they predict: the first ones are short, the model of
lowest order made of them says how far the next ones go. How far the forecast may be trusted is measured beforehand
(`trust`). A step size other than the optimizer's changes the map and not the model: `Forecast.at(eta)`.

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
from typing import Literal, NamedTuple

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from eos_sym import BadInput, GradientDescent, Map
from eos_sym.self_stabilization import BASE, EXPANDED
from numeric.compile import Array
from numeric.networks.forecast.anchor import MOST_AT_THE_EDGE, Anchor, anchor, in_double_precision
from numeric.networks.forecast.directions import krylov_space, leading_directions
from numeric.networks.forecast.loss_model import LossModel, driving_model, fit_edge, loss_model
from numeric.networks.forecast.trust import Trust
from numeric.networks.loss import FlatLoss
from numeric.networks.tracker.checks import check_evaluation, check_start, checked_loss, enough_memory
from numeric.networks.tracker.undisturbed import undisturbed
from numeric.values import positive_number, whole_number

SHORT = 0.05  # reach of the first lines, in root mean squares of the weights
FAR = 10  # reaches of the last lines: no expansion holds there
DIRECTIONS = {1: (12, 24), 2: (19, 64), 3: (27, 96)}  # kept, and products, by the modes at the edge
FALLEN = 0.5  # of its height: then a spike is over
GONE = 0.01  # of its largest size: an oscillation that dies out
STEADY, BURSTING = 1.6, 3.0  # largest over least oscillation

Manner = Literal["diverges", "decays", "hovers", "bursts", "undecided"]


class Peak(NamedTuple):
    """The first spike of the oscillation: the step at which it is highest, and ‖x‖ there."""

    step: int
    height: float


@dataclass(frozen=True)
class Path:
    """Gradient descent on a model, x (n, k) and z (n, m), at the steps 0 … n − 1, as far as it is near."""

    x: Array
    z: Array

    @cached_property
    def oscillation(self) -> Array:
        """The part of x that changes its sign with every step, at the steps 1 … n − 2, (n − 2, k)."""
        return np.asarray((2 * self.x[1:-1] - self.x[:-2] - self.x[2:]) / 4)

    @property
    def midpoints(self) -> tuple[Array, Array]:
        """x and z without that part, at the same steps."""
        x, z = ((one[:-2] + 2 * one[1:-1] + one[2:]) / 4 for one in (self.x, self.z))
        return x, z

    @property
    def size(self) -> Array:
        """‖x‖ of the oscillation, (n − 2,)."""
        return np.asarray(np.linalg.norm(self.oscillation, axis=1))

    @property
    def peak(self) -> Peak | None:
        """The first spike that is over before the path ends."""
        highest = np.maximum.accumulate(self.size)
        over = np.flatnonzero(self.size < FALLEN * highest)
        over = over[highest[over] > self.size[:1].sum()]  # what falls from the beginning is no spike
        if not len(over):
            return None
        place = int(self.size[: over[0]].argmax())
        return Peak(place + 1, float(self.size[place]))


@dataclass(frozen=True)
class Forecast:
    """A model at the edge, and what gradient descent with the step size `eta` does on it for so many steps."""

    anchor: Anchor
    directions: Tensor
    model: LossModel
    reach: float
    misfit: float
    eta: float
    steps: int

    def at(self, eta: float) -> Forecast:
        """The forecast for another step size from now on, by the same model."""
        positive_number("eta", eta)
        return replace(self, eta=eta)

    @property
    def map(self) -> Map:
        """Gradient descent on the model; `model.values` are its parameters beside η, for `numeric.compile_map`."""
        return GradientDescent().map(self.model.form.objective)

    @property
    def start(self) -> dict[str, float]:
        """Where the weights are, by the names of the map's state."""
        names = [symbol.name for symbol in (*self.model.form.edge_coordinates, *self.model.form.across_coordinates)]
        return dict(zip(names, np.concatenate(self._start), strict=True))

    @cached_property
    def path(self) -> Path:
        """Gradient descent on the model."""
        return self._descend(self.model)

    @property
    def peak(self) -> Peak | None:
        """The first spike; none if the oscillation does not rise and fall in the time."""
        return self.path.peak

    @property
    def diverges(self) -> bool:
        """Whether the model leaves its reach behind: training diverges, or catapults beyond what it knows."""
        return len(self.path.x) < self.steps + 2

    @property
    def manner(self) -> Manner:
        """What the oscillation does in the last half of the time."""
        if self.diverges:
            return "diverges"
        if self.path.size[-1] < GONE * self.path.size.max():
            return "decays"
        late = self.path.size[self.steps // 2 :]
        ratio = late.max() / late.min() if late.min() > 0 else np.inf
        return "hovers" if ratio < STEADY else "bursts" if ratio > BURSTING else "undecided"

    @cached_property
    def data(self) -> xr.Dataset:
        """Oscillation, sharpness and loss at the steps 1 …, as far as the model goes."""
        x, z = self.path.midpoints
        sharpness = np.linalg.eigvalsh(self.model.hessian(x, z))[:, -1]
        loss = self.anchor.value + self.model.potential(self.path.x[1:-1], self.path.z[1:-1])
        return xr.Dataset(
            {
                "oscillation": (("step", "mode"), self.path.oscillation),
                "sharpness": ("step", sharpness),
                "loss": ("step", loss),
            },
            {"step": np.arange(1, len(x) + 1), "mode": np.arange(1, self.anchor.modes + 1)},
            {"eta": self.eta, "evaluations": self.anchor.cost.evaluations},
        )

    @cached_property
    def trust(self) -> Trust:
        """How far the forecast may be trusted; costs one gradient, at the predicted peak."""
        place = self.peak.step if self.peak else len(self.path.x) - 1
        x, z = self.path.x[place], self.path.z[place]
        form, size = self.model.form, np.linalg.norm(x)
        last = np.where([sum(e) == EXPANDED[0] for e in form.along], self.model.a, 0)
        highest = replace(self.model, a=last, b=0 * self.model.b, C=0 * self.model.C)
        base = self._descend(self.model.of_order(BASE)).peak
        measured = {
            "kinks": self.misfit,
            "sixth_order": self.eta * np.linalg.norm(highest.gradient(x, z)[0]) / (2 * size) if size else 0.0,
            "left_out": self.eta * float(self.anchor.eigenvalues[-1]) / 2,
            "base": _difference(base, self.peak),
            "at_the_peak": self._mistaken(x, z),
        }
        return Trust({name: float(value) for name, value in measured.items()})

    def _mistaken(self, x: Array, z: Array) -> float:
        """The error of ∇V at a point, relative to how far ∇L is from where it was."""
        basis = torch.cat([self.anchor.edge, self.directions], 1)
        point = self.anchor.weights + basis @ torch.from_numpy(np.concatenate([x, z])).to(basis)
        with undisturbed(self.anchor.loss.module):
            true = (basis.T @ self.anchor.gradient_at(point)).numpy()
        here = (basis.T @ self.anchor.gradient).numpy()
        return float(np.linalg.norm(true - np.concatenate(self.model.gradient(x, z))) / np.linalg.norm(true - here))

    @property
    def _start(self) -> tuple[Array, Array]:
        return (self.anchor.edge.T @ self.anchor.start).numpy(), (self.directions.T @ self.anchor.start).numpy()

    def _descend(self, model: LossModel) -> Path:
        x, z = self._start
        xs, zs = [x], [z]
        for _ in range(self.steps + 1):
            slope, across = model.gradient(x, z)
            x, z = x - self.eta * slope, z - self.eta * across
            if not np.abs(x).max() < FAR * self.reach:
                break
            xs.append(x)
            zs.append(z)
        return Path(np.array(xs), np.array(zs))


def _difference(base: Peak | None, full: Peak | None) -> float:
    """How far the peaks are apart, relative to that of the full model."""
    if base is None or full is None:
        return 0.0 if base is full else np.inf
    return abs(base.height / full.height - 1)


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
    micro_batch: int | None = None,
    weight: float | Callable[[Tensor], Tensor | float] | None = None,
) -> Forecast:
    """What full-batch gradient descent will do from the module's weights on; the module stays as it is.

    The step size is that of the optimizer, or `eta`, which need not be the one used so far. `modes` is the number of
    eigenvectors at the edge; not given, it is that of all with ηλ/2 > .9, at least one and at most 3. `micro_batch` and
    `weight` are those of the tracker.
    """
    whole_number("steps", steps, least=2)
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
        return _forecast(anchor(loss, eta, modes), eta, steps)


def _forecast(here: Anchor, eta: float, steps: int) -> Forecast:
    """The forecast from a reference point."""
    kept, products = DIRECTIONS[here.modes]
    typical = float(here.loss.parameters.square().mean().sqrt())
    short = fit_edge(here, SHORT * (typical or 1.0))
    drivers = torch.cat([short.across(1), short.across(2), short.across(3), here.across(here.gradient)[:, None]], 1)
    basis, projected = krylov_space(here, torch.cat([drivers, here.across(here.start)[:, None]], 1), products)
    base = driving_model(here, short, basis, projected)
    first = Forecast(here, basis, base, FAR * short.reach, short.misfit, eta, steps)
    peak = first.peak
    directions, quadratic = leading_directions(basis, projected, first.path.z, kept)
    fit = fit_edge(here, peak.height if peak else FAR * short.reach)
    model = loss_model(here, fit, directions, quadratic)
    return Forecast(here, directions, model, fit.reach, fit.misfit, eta, steps)
