"""What training does on the average over two steps, to hold a flow against.

Training takes its own steps from the module's weights, by the rule and what the optimizer has gathered. Of a period of
two in a_t nothing is left in (a_{t−1} + 2a_t + a_{t+1})/4, and a smooth drift stays. So are

    loss, square_gradient   of L and ‖∇L‖² at the weights, over step 1 … T − 1
    sharpness               λ₁(P⁻¹H) at the averaged weights θ̄_t, every `READ_EVERY` steps; NaN between
    weights                 θ̄_t itself, (kept, weight), if every so many steps are to be kept

What breathes more slowly than that, as an oscillation that grows and dies in turns, takes a longer average:
``averages.rolling(step=50, center=True).mean()``, of the flow's as well.

Errors: as `central_flow`'s; a run that diverges ends before T, as its attribute `ending` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from numeric.networks.curvature import HessianAt, Preconditioned, TopEigenpairs
from numeric.networks.flows.central_flow import loss_and_training
from numeric.networks.flows.rules import OngoingRule, Rule
from numeric.networks.loss import FlatLoss
from numeric.networks.tracker.undisturbed import undisturbed
from numeric.networks.training.optimizers import RMSProp
from numeric.progress import listener
from numeric.values import whole_number

READ_EVERY = 5  # odd, for both phases of an oscillation


def two_step_averages(
    module: nn.Module,
    criterion: Callable[[Tensor, Tensor], Tensor],
    inputs: Tensor,
    targets: Tensor,
    *,
    optimizer: torch.optim.Optimizer | Rule | None = None,
    eta: float | None = None,
    steps: int,
    keep_every: int | None = None,
) -> xr.Dataset:
    """Training from the module's weights on, averaged; module and optimizer stay as they are."""
    whole_number("steps", steps, least=2)
    if keep_every is not None:
        whole_number("keep_every", keep_every, least=1)
    loss, training = loss_and_training(module, criterion, inputs, targets, optimizer, eta)
    with undisturbed(loss.module):
        return _averaged(loss, training, steps, keep_every)


def path_of(loss: FlatLoss, training: OngoingRule) -> Iterator[tuple[Tensor, float, Tensor, Tensor | None]]:
    """θ_t, L, ∇L, and the P that is used there, of one step of training after the other."""
    weights = nn.Parameter(loss.parameters)
    optimizer = training.rule.build([weights])
    if training.momentum is not None:
        optimizer.state[weights]["momentum_buffer"] = training.momentum.clone()
    if training.second is not None:
        optimizer.state[weights]["square_avg"] = training.second.clone()
    while True:
        value, gradient = loss.value_and_gradient(weights.detach())
        here = weights.detach().clone()
        weights.grad = gradient.clone()
        optimizer.step()
        scale = optimizer.diagonal(weights) if isinstance(training.rule, RMSProp) else None
        yield here, float(value), gradient, scale


def _averaged(loss: FlatLoss, training: OngoingRule, steps: int, keep_every: int | None) -> xr.Dataset:
    report, eigenpairs = listener(), TopEigenpairs(relative=1e-3)
    last: list[tuple[Tensor, float, Tensor, Tensor | None]] = []
    values, squares, sharpness = [], [], []
    kept: dict[int, np.ndarray] = {}
    ending = "steps"
    for step, here in enumerate(islice(path_of(loss, training), steps + 1)):
        if not (np.isfinite(here[1]) and here[2].isfinite().all()):
            ending = f"training diverges at step {step}"
            break
        report(1)
        values.append(here[1])
        squares.append(float(here[2].square().sum()))
        last = [*last[-2:], here]
        if len(last) < 3:
            continue
        middle = (last[0][0] + 2 * last[1][0] + last[2][0]) / 4
        sharpness.append(_sharpness(loss, middle, last[1][3], eigenpairs) if (step - 1) % READ_EVERY == 0 else np.nan)
        if keep_every is not None and (step - 1) % keep_every == 0:
            kept[step - 1] = middle.numpy()
    told = xr.Dataset(
        {"loss": ("step", _two_steps(values)), "square_gradient": ("step", _two_steps(squares))}
        | {"sharpness": ("step", sharpness)},
        {"step": np.arange(1, len(values) - 1)},
        {"eta": training.rule.eta, "edge": training.edge, "ending": ending},
    )
    if kept:
        told["weights"] = ("kept", "weight"), np.stack([*kept.values()])
        told["kept"] = [*kept]
    return told


def _two_steps(values: list[float]) -> np.ndarray:
    """(a_{t−1} + 2a_t + a_{t+1})/4."""
    return np.convolve(values, [0.25, 0.5, 0.25], "valid") if len(values) > 2 else np.empty(0)


def _sharpness(loss: FlatLoss, weights: Tensor, scale: Tensor | None, eigenpairs: TopEigenpairs) -> float:
    hessian = HessianAt(loss, weights)
    operator = hessian if scale is None else Preconditioned(hessian, (1 / scale).expand_as(weights))
    return float(eigenpairs.read(operator, weights, hessian.gradient).eigenvalues[0])
