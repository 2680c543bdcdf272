"""The accurate one of the two expansions: of what the loss is applied to (`cut`), for any loss, from forward passes.

What enters the head is a polynomial near θ* (`fit`), the head and the loss are exact (`model`). The lines along
the edge are `ROOM` times as long as the peak that the model itself predicts, and made again until they are.

The directions across the edge are found by the model: it begins with those that drive what is there, and with the
eigenvectors at the edge that are too many for lines, and goes on with products of ∇²L; then true gradients are taken at
points of the path that it *predicts*, and the leading directions of what lies outside the model join it, with products
again. It is still a forecast from one point. What it misses after some hundred steps are directions, more than terms:
where what enters the head is linear in the weights, every term is exact, passes are few, and there are more of them.

    leaves        ‖x‖/reach             how far beyond the lines the predicted peak is, if there are any
    at_the_peak   ‖e − ê‖/‖ê − e*‖      what enters the head there, in the model and in truth, ê

Shapes: directions (p, m). Source: derived for this project.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations_with_replacement

import numpy as np
import torch
from torch import Tensor

from numeric.networks.forecast.anchor import AT_THE_EDGE, Anchor
from numeric.networks.forecast.cut_expansion.cut import Cut
from numeric.networks.forecast.cut_expansion.fit import FORWARD, CutFit
from numeric.networks.forecast.cut_expansion.model import CutModel
from numeric.networks.forecast.directions import krylov_space_across, orthonormal
from numeric.networks.forecast.path import Path, descend
from numeric.networks.forecast.rules import edge_of

PRODUCTS = {1: 20, 2: 30, 3: 40}  # of ∇²L to begin with, by the modes at the edge
ENRICHED = 10  # directions that join then, and products with them
TIMES = {False: 2, True: 3}  # that they do, by whether what enters is linear in the weights
CHEAPER = 2  # times as many products where it is
SAMPLES = 16
SOON = 120  # steps of the first paths
QUADRATIC = 10
ROOM = 1.2
FITTING = (0.6, 1.15)  # of the length that the lines have: that they should have
BEGIN, LEAST = 0.4, 0.02  # their length, in root mean squares of the weights
BEYOND = 1.3  # of it: where later spikes have lines made anew
TRIES = 8
FAR = 4  # of their length: no expansion holds there
THIRD_STEP = 0.03  # of the differences that drive, in root mean squares of the weights


@dataclass(frozen=True)
class CutExpansion:
    """A `CutModel` at an anchor, on these directions across the edge, good to the reach of its lines."""

    anchor: Anchor
    directions: Tensor
    model: CutModel
    reach: float
    left_out: float  # the largest eigenvalue of an eigenvector along which e is not exact

    @property
    def bound(self) -> float:
        """|x_a| beyond which nothing is said."""
        return FAR * self.reach

    def gates(self, path: Path, eta: float) -> dict[str, float]:
        """What was measured of the model for this path; costs a forward pass, at the predicted peak."""
        place = path.peak.step if path.peak else int(np.linalg.norm(path.x, axis=1).argmax())
        x, z = path.x[place], path.z[place]
        basis = torch.cat([self.anchor.edge, self.directions], 1)
        moved = self.anchor.weights + basis @ torch.from_numpy(np.concatenate([x, z]))
        true, model = self.model.cut.entering(moved), self.model.entering_at(x, z)
        self.anchor.cost.evaluations += FORWARD
        far = float((true - self.model.entering).norm())
        return {
            "leaves": 0.0 if self.model.affine else float(np.linalg.norm(x)) / self.reach,
            "at_the_peak": float((model - true).norm()) / far if far else 0.0,
        }


def expand_cut(anchor: Anchor, cut: Cut, steps: int) -> CutExpansion:
    """The expansion for a forecast of so many steps."""
    typical = float(anchor.weights.square().mean().sqrt()) or 1.0
    fit = CutFit(anchor, cut, BEGIN * typical)
    assert anchor.known is not None  # as it is found
    vectors, values = anchor.known
    too_many = values > AT_THE_EDGE * edge_of(anchor.rule)
    fit.add(vectors[:, too_many])
    drivers = _drivers(fit, THIRD_STEP * typical)
    fit.add(drivers)
    _reaching(fit, min(SOON, steps), LEAST * typical)  # while that is cheap
    fit.add(_led_to(fit, drivers, PRODUCTS[anchor.modes]))
    path = _reaching(fit, min(SOON, steps), LEAST * typical)
    for _ in range(TIMES[fit.affine]):
        missing = _missing(fit, path)
        fit.add(missing)
        fit.add(_led_to(fit, missing, ENRICHED))
        if (farthest := float(np.linalg.norm(path.x, axis=1).max())) > BEYOND * fit.reach:
            fit.extend_to(ROOM * min(farthest, FAR * fit.reach))
        path = _descend(fit, fit.model(), steps)
    fit.turn(path.z)
    left_out = float((values[~too_many] if fit.affine else values).max(initial=-np.inf))
    return CutExpansion(replace(anchor, known=None), fit.directions, fit.model(QUADRATIC), fit.reach, left_out)


def _descend(fit: CutFit, model: CutModel, steps: int) -> Path:
    return descend(model, *fit.anchor.start_on(fit.directions), fit.anchor.rule, steps, FAR * fit.reach)


def _drivers(fit: CutFit, step: float) -> Tensor:
    """Where ∇L, ∇³L(u_a, u_b, ·) and the start lead, across what is there, (p, n)."""
    anchor = fit.anchor
    drivers = [anchor.gradient, anchor.start]
    for one, other in combinations_with_replacement(anchor.edge.T, 2):
        moved = step * (one + other) / (one + other).norm()
        both = anchor.gradient_at(anchor.weights + moved) + anchor.gradient_at(anchor.weights - moved)
        drivers.append(both - 2 * anchor.gradient)
    scaled = torch.stack([one / one.norm().clamp_min(torch.finfo(one.dtype).tiny) for one in drivers], 1)
    return orthonormal(scaled, anchor.edge, fit.directions)


def _led_to(fit: CutFit, block: Tensor, products: int) -> Tensor:
    """What so many products of ∇²L, more where a direction costs less, make of directions that are there, (p, n)."""
    return krylov_space_across(
        fit.anchor, block, products * (CHEAPER if fit.affine else 1), fit.anchor.edge, fit.directions
    )


def _reaching(fit: CutFit, steps: int, least: float) -> Path:
    """The path of the model, whose lines are extended or shortened to it."""
    for _ in range(TRIES):
        path = _descend(fit, fit.model(), steps)
        if path.diverges and not path.peak:
            fit.extend_to(2 * fit.reach)
            continue
        wanted = max(ROOM * (path.peak.height if path.peak else float(path.size.max())), least)
        if FITTING[0] * fit.reach < wanted < FITTING[1] * fit.reach:
            break
        fit.extend_to(wanted)
    return path


def _missing(fit: CutFit, path: Path) -> Tensor:
    """The leading directions of the true gradients on a path that lie outside the model, (p, n)."""
    edge, directions = fit.anchor.edge, fit.directions
    chosen = np.unique(np.linspace(0, len(path.x) - 1, SAMPLES).round().astype(int))
    gradients = edge.new_empty(len(edge), len(chosen))
    for column, x, z in zip(gradients.T, path.x[chosen], path.z[chosen], strict=True):
        moved = fit.anchor.weights + edge @ torch.from_numpy(x) + directions @ torch.from_numpy(z)
        column.copy_(fit.anchor.gradient_at(moved))
    return orthonormal(gradients, edge, directions)[:, :ENRICHED].clone()
