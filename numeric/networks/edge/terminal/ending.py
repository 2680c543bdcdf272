"""Gradient descent on models of the end, many at a time, until they come to rest; where that is.

    (x, z)⁺ = (x, z) − η ∇V(x, z)

A model ends when it is at rest, as it says itself, at a sharpness below 2/η: above, what is at rest is not stable, and
an oscillation grows out of its rounding. Or it ends diverged, x or z beyond `FAR`, or undecided after `steps` steps.

Shapes: z of several models is padded with zeros (`stack`), which nothing moves. Units: sharpness and gap in those of
1/η, steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import torch
from torch import Tensor

from numeric.networks.edge.terminal.function_space import FunctionSpaceModel
from numeric.networks.edge.terminal.memory import MemoryModel
from numeric.networks.edge.terminal.stack import chosen, stacked

FAR = 1e3  # |x| and ‖z‖
LOOKED = 50  # steps between two looks at which models have ended

Model = TypeVar("Model", FunctionSpaceModel, MemoryModel)


@dataclass(frozen=True)
class Ending:
    """How a model ends: the sharpness at rest (nan without), and the largest oscillation |x_{t+1} − x_t|/2 before."""

    outcome: Literal["converged", "diverged", "undecided"]
    steps: int
    sharpness: float
    peak: float


def endings(models: Sequence[Model], steps: int) -> list[Ending]:
    """Where gradient descent on each of the models ends."""
    whole = stacked(models)
    x, z, peak = whole.x.clone(), whole.z.clone(), torch.zeros_like(whole.x)
    found: dict[int, Ending] = {}
    active = torch.arange(len(models))
    here, u, w, high = whole, x, z, peak
    for step in range(steps + 1):
        along, across = here.gradient(u, w)
        if step % LOOKED == 0:
            gone = ~(u.abs() + w.norm(dim=1) < FAR)
            rest, *end = here.resting(u, w, along, across)
            rest &= ~gone
            sharpness = torch.full_like(u, torch.nan)
            if rest.any():
                sharpness[rest] = chosen(here, rest).sharpness_at(end[0][rest], end[1][rest])
            rest &= sharpness < 2 / here.eta
            for index in (rest | gone).nonzero()[:, 0].tolist():
                outcome: Literal["converged", "diverged"] = "converged" if rest[index] else "diverged"
                level = float(sharpness[index]) if rest[index] else torch.nan
                found[int(active[index])] = Ending(outcome, step, level, float(high[index]))
            going = ~(rest | gone)
            if not going.all():
                active, u, w, high, along, across = (one[going] for one in (active, u, w, high, along, across))
                here = chosen(here, going)
            if not len(active):
                break
        moved = here.eta * along
        high = torch.maximum(high, moved.abs() / 2)
        u, w = u - moved, w - here.eta[:, None] * across
    for index, height in zip(active.tolist(), high.tolist(), strict=True):
        found[index] = Ending("undecided", steps, torch.nan, height)
    return [found[index] for index in range(len(models))]


def followed(models: Sequence[Model], steps: int) -> tuple[Tensor, Tensor, Tensor]:
    """x and z of the models, (3, models) and (3, models, m), at the last three of so many steps, and the peaks."""
    here = stacked(models)
    x, z, peak = here.x, here.z, torch.zeros_like(here.x)
    path: list[tuple[Tensor, Tensor]] = [(x, z)]
    for _ in range(steps):
        along, across = here.gradient(x, z)
        moved = here.eta * along
        peak = torch.maximum(peak, moved.abs() / 2)
        x, z = x - moved, z - here.eta[:, None] * across
        path = [*path[-2:], (x, z)]
    return torch.stack([one for one, _ in path]), torch.stack([one for _, one in path]), peak
