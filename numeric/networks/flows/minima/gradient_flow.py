"""Gradient flow of a small network all the way to a minimum, and the clocks of the rules that follow it there.

    dθ/dt = −∇L,    Φ(θ₀) = lim θ(t),    length = ∫ ‖∇L‖ dt,    root_time = ∫ 2√L dt

Normalized GD and GD on √L follow the same path, each by a clock of its own: after t steps of size η they are where the
flow is at the length ηt, and at the root time ηt. Both clocks have run by a finite time when the minimum is reached.

At the minimum the positive eigenvalues of the Hessian go from λ₁ down to some λ_min, so that the flow is stiff: to come
there an explicit method, as `numeric.networks.training.flow` has for large networks, takes λ₁/λ_min steps or more. Here
it is LSODA with the exact Hessian. It is followed until the excess of the loss (`manifold`) is `LANDED` of that at the
start; the steps of Gauss and Newton that are left move by less than the error of the method.

    over point, the method's steps and Φ last       loss, and weights (point, parameter)
    coordinates of point                            time, length, root_time
    attributes                                      excess at Φ

Shapes: θ (p,), Hessian (p, p). Units: t has those of θ²/L, length those of θ, root_time those of θ²/√L. Errors:
`BadInput` for what `exact_loss` refuses, and for a loss that falls below 0, whose root is no clock; `Undecided` where
the flow does not come to a minimum that `manifold` finds: as where it comes to rest at a saddle.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import xarray as xr
from scipy.integrate import LSODA
from torch import Tensor, nn

from eos_sym import BadInput, Undecided
from numeric.compile import Array
from numeric.networks.edge.descent import exact_loss
from numeric.networks.flows.minima.manifold import gauss_newton_at, nearest_minimum
from numeric.networks.loss import FlatLoss
from numeric.networks.tracker.undisturbed import undisturbed

ERROR = 1e-8  # of a step, relative to every weight
LANDED = 1e-10  # of the excess at the start
AT_REST = 1e-16  # ‖∇L‖²/(λ₁ · excess), which near a minimum is λ_min/λ₁ or more
EVERY = 10  # steps from one look at the excess to the next
MOST_STEPS = 20_000
TINY = torch.finfo(torch.float64).tiny  # of 0/0, where the flow stands still
CLOCKS = ("length", "root_time")


def gradient_flow(
    module: nn.Module, criterion: Callable[[Tensor, Tensor], Tensor], inputs: Tensor, targets: Tensor
) -> xr.Dataset:
    """The flow from the module's weights to the minimum Φ that it comes to; the module stays as it is."""
    loss = exact_loss(module, criterion, inputs, targets)
    with undisturbed(loss.module):
        return gradient_flow_from(loss, loss.parameters)


def gradient_flow_from(loss: FlatLoss, weights: Tensor) -> xr.Dataset:
    """The same for a loss in double precision."""
    size = len(weights)

    def rate(_time: float, state: Array) -> Array:
        value, slope = loss.value_and_gradient(torch.from_numpy(state[:size]))
        if value < 0:
            raise BadInput(f"the loss falls to {float(value):.4g}, and √L is a clock: add to it what makes it positive")
        return np.append(-slope.numpy(), [float(slope.norm()), 2 * float(value) ** 0.5])

    def jacobian(_time: float, state: Array) -> Array:
        at = torch.from_numpy(state[:size])
        value, slope = loss.value_and_gradient(at)
        curvature = torch.autograd.functional.hessian(loss, at, vectorize=True)
        along, of_root = (slope / length.clamp_min(TINY) for length in (slope.norm(), value.sqrt()))
        rows = [-curvature, (curvature @ along)[None], of_root[None]]
        return np.asarray(torch.nn.functional.pad(torch.cat(rows), (0, len(CLOCKS))).numpy())

    start = np.append(weights.numpy(), np.zeros(len(CLOCKS)))
    states, times = [start], [0.0]
    here = gauss_newton_at(loss, weights)
    goal = LANDED * here.excess
    solver = LSODA(rate, 0.0, start, np.inf, rtol=ERROR, atol=ERROR * ERROR, jac=jacobian)
    while not here.at_minimum and (len(times) % EVERY or here.excess > goal):
        solver.step()
        if solver.status != "running" or len(times) > MOST_STEPS:
            raise Undecided(f"gradient flow has not come to a minimum after {len(times)} steps of LSODA")
        states.append(solver.y.copy())
        times.append(float(solver.t))
        if len(times) % EVERY == 0:
            here = gauss_newton_at(loss, torch.from_numpy(solver.y[:size]))
            square = float(loss.value_and_gradient(here.weights)[1].square().sum())
            if goal < here.excess and square <= AT_REST * here.sharpness * here.excess:
                raise Undecided(f"gradient flow comes to rest where the loss is {here.excess:.4g} above its minimum")
    there = nearest_minimum(loss, torch.from_numpy(solver.y[:size]))
    states.append(np.append(there.weights.numpy(), states[-1][size:]))
    times.append(times[-1])
    path, clocks = np.split(np.array(states), [size], axis=1)
    losses = [float(loss.value_and_gradient(torch.from_numpy(row))[0]) for row in path]
    return xr.Dataset(
        {"loss": ("point", losses), "weights": (("point", "parameter"), path)},
        {"time": ("point", times), **{name: ("point", clocks[:, i]) for i, name in enumerate(CLOCKS)}},
        {"excess": there.excess},
    )
