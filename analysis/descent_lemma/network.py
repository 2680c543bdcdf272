"""A tanh network on a Chebyshev polynomial, and what the descent lemma says along its training; loads torch.

The network 1 → width → 1 with tanh is fitted to T₄ at 20 points of [−1, 1] by full-batch GD, as in the toy of Cohen et
al.: Xavier's normal initialization with gain 1.9 in the first layer and 1 in the second, zero biases, loss
(1/n) Σ ½r². The curvature along every step is a Hessian-vector product by automatic differentiation.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from analysis.descent_lemma.catalogue import quadratic_run
from analysis.descent_lemma.segments import POINTS, segment_dataset
from numeric.compile import Array
from numeric.networks import FlatLoss, gradient, gradient_descent, half_squared_error, hessian
from numeric.networks.architectures import scalar_chain
from numeric.progress import listener
from numeric.runs import one_thread

EXAMPLES, DEGREE, GAIN = 20, 4, 1.9
CHUNK = 200  # iterates at a time
SHARPNESS_EVERY = 11  # odd, so that both phases of the oscillation at the edge are read alike
MODEL_STEPS = 500
BELOW, ABOVE = 0.8, 1.05  # of 2/η: where the quadratic models are taken


@dataclass(frozen=True)
class Network:
    """The network with its step size, the number of steps, and the seed of its initialization."""

    width: int
    eta: float
    steps: int
    seed: int

    @cached_property
    def loss(self) -> FlatLoss:
        """The loss as a function of the flat vector of parameters."""
        generator = torch.Generator().manual_seed(self.seed)
        first, last = nn.Linear(1, self.width).double(), nn.Linear(self.width, 1).double()
        for layer, gain in ((first, GAIN), (last, 1.0)):
            nn.init.xavier_normal_(layer.weight, gain=gain, generator=generator)
            nn.init.zeros_(layer.bias)
        inputs = torch.linspace(-1, 1, EXAMPLES, dtype=torch.float64)[:, None]
        module = nn.Sequential(first, nn.Tanh(), last)
        return FlatLoss(module, inputs, torch.cos(DEGREE * torch.acos(inputs)), half_squared_error)

    @cached_property
    def path(self) -> Tensor:
        """The iterates of torch's SGD, (steps + 1, p)."""
        return gradient_descent(self.loss, self.loss.parameters, self.eta, self.steps)

    def along(self) -> xr.Dataset:
        """Everything that the lemma speaks of, along the training."""
        with one_thread():
            loss = torch.func.vmap(self.loss)(self.path).numpy()
            segments = self.segments()
            sampled = np.arange(0, self.steps, SHARPNESS_EVERY)
            hessians = torch.func.vmap(lambda at: hessian(self.loss, at), chunk_size=CHUNK)(self.path[sampled])
            finite = hessians.isfinite().all(dim=(1, 2))
            tops = np.full(len(sampled), np.nan)
            tops[finite] = torch.linalg.eigvalsh(hessians[finite])[:, -1]
        squared = segments[:, 0]
        with np.errstate(invalid="ignore"):  # 0/0 where every unit is saturated
            curvature = segments[:, 1:] / squared[:, None]
        run = segment_dataset(loss[None], squared[None], curvature[None], self.eta)
        return run.isel(start=0).assign(sharpness=("sampled", tops), sampled_iteration=("sampled", sampled))

    def segments(self) -> Array:
        """‖g‖² and gᵀ∇²L(θ − sηg)g at the points of the segments of all steps, (steps, 1 + points)."""
        pieces = []
        for chunk in self.path[:-1].split(CHUNK):
            pieces.append(torch.func.vmap(self.segment)(chunk).numpy())
            listener()(len(chunk))
        return np.concatenate(pieces)

    def segment(self, parameters: Tensor) -> Tensor:
        """The same for the step from these parameters, (1 + points,)."""
        slope = torch.func.grad(self.loss)(parameters)

        def curvature(position: Tensor) -> Tensor:
            at = parameters - position * self.eta * slope
            along: Tensor = torch.func.grad(lambda point: torch.func.grad(self.loss)(point) @ slope)(at) @ slope
            return along

        curvatures = torch.func.vmap(curvature)(torch.tensor(POINTS))
        return torch.cat([(slope @ slope)[None], curvatures])

    def models(self, along: xr.Dataset) -> xr.Dataset:
        """Quadratic models at the first sampled iterates with λ₁ ≥ BELOW · 2/η and λ₁ ≥ ABOVE · 2/η; GD on the loss."""
        found = []
        for part in (BELOW, ABOVE):
            reached = (along.sharpness >= part * 2 / self.eta).values
            first = int(along.sampled_iteration[reached.argmax()]) if reached.any() else None
            found.append(self.model(first))
        return xr.concat(found, dim=xr.Variable("reached", [BELOW, ABOVE]))

    def model(self, first: int | None) -> xr.Dataset:
        """The model at an iterate; missing where there is none with so much training left."""
        if first is None or first + MODEL_STEPS > self.steps:
            missing = np.full(MODEL_STEPS + 1, np.nan)
            return xr.Dataset(
                dict.fromkeys(("model_loss", "real_loss"), ("step", missing))
                | dict.fromkeys(("growth", "sharpness", "least", "eta", "first"), np.nan)
            )
        start = self.path[first]
        slope, curvature = gradient(self.loss, start).numpy(), hessian(self.loss, start).numpy()
        model = quadratic_run(float(self.loss(start)), slope, curvature, self.eta, MODEL_STEPS)
        rest = torch.func.vmap(self.loss)(self.path[first : first + MODEL_STEPS + 1]).numpy()
        return model.assign(real_loss=("step", rest), first=float(first))


def chain_curvature_error(points: Array, curvatures: Array) -> float:
    """The largest relative error of gᵀ∇²L(θ)g on ½(1 − xyzw)² against automatic differentiation."""
    loss = scalar_chain(4)
    errors = []
    for point, expected in zip(points, curvatures, strict=True):
        weights = torch.tensor(point)
        slope = gradient(loss, weights)
        observed = float(slope @ hessian(loss, weights) @ slope)
        errors.append(abs(observed - expected) / abs(observed))
    return float(max(errors))
