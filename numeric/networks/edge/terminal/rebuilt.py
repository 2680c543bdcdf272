"""F, made again on its way: the model in function space, at the midpoints that it has come to itself.

    θ̄ → F at θ̄ → θ_t, θ_{t+1}, θ_{t+2} after t = `every` steps of it → their midpoint θ̄′ → F at θ̄′ → …

Nothing is taken from training: outputs, Jacobians and u are those of the network at predicted weights. The smaller
`every`, the nearer to gradient descent itself, and the more it costs: a model takes a gradient for each row of its
seven Jacobians and what u costs, so that `evaluations` is to be held against the steps that are forecast.

What a model misses of u·∇L, of second order in z, would make the next one oscillate by itself, and more than it should
where x is still small. So the predicted midpoint is moved along u to the floor of the valley,

    u·½[∇L(θ̄′ + xu) + ∇L(θ̄′ − xu)] = 0,    x the oscillation that is predicted there.

While the oscillation lasts a model is followed for `every` steps; where its peak goes beyond its reach, it is made with
another one, once. When the oscillation is over, less than `GONE` of its peak and below 2/η, the last model comes to
rest.

Shapes: weights (p,), z (m,). Units: steps; `evaluations` in gradients of the full batch. Source: derived for this
project.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from numeric.networks.curvature import TopEigenpairs
from numeric.networks.edge.terminal.ending import FAR, Ending, endings, followed
from numeric.networks.edge.terminal.frame import Frame, frame_at, top_eigenpairs
from numeric.networks.edge.terminal.function_space import NODES, FunctionSpaceModel, model_and_basis, reach_for

GONE = 1e-3


@dataclass(frozen=True)
class Rebuilt:
    """How the last model ends, how many were made, and what they cost in gradients."""

    ending: Ending
    models: int
    evaluations: float


class Stretch(NamedTuple):
    """The last three of the steps: x (3,) and what is across u (3, p); the largest oscillation on the way."""

    x: Tensor
    across: Tensor
    peak: float


@dataclass
class Course:
    """Where a forecast has come to."""

    frame: Frame
    reach: float
    eigenpairs: TopEigenpairs
    models: int = 0
    evaluations: float = 0.0
    steps: int = 0
    peak: float = 0.0

    def model(self) -> tuple[FunctionSpaceModel, Tensor]:
        """The model here, and the directions of its z."""
        self.models += 1
        self.evaluations += NODES * self.frame.shape.numel()
        return model_and_basis(self.frame, self.reach)

    def arrived(self, stretch: Stretch, every: int) -> float | None:
        """Go on to the end of the stretch; the oscillation there, None where it has gone for good."""
        self.steps += every
        if not bool((stretch.x.abs() + stretch.across.norm(dim=1) < FAR).all()):
            return None
        frame = self.frame
        weights = frame.middle + stretch.x[:, None] * frame.u + stretch.across
        self.peak, self.reach = max(self.peak, stretch.peak), reach_for(stretch.peak)
        self.frame = on_the_floor(frame_at(frame.loss, weights, frame.eta, self.eigenpairs))
        self.evaluations += self.frame.evaluations
        return abs(self.frame.x)

    def over(self, last: float) -> bool:
        """Whether the oscillation, last of this size, is over."""
        return last < GONE * self.peak and self.frame.sharpness < 2 / self.frame.eta

    def ended(self, ending: Ending) -> Rebuilt:
        """With all that was before the last model."""
        whole = replace(ending, steps=self.steps + ending.steps, peak=max(self.peak, ending.peak))
        return Rebuilt(whole, self.models, self.evaluations)


def on_the_floor(frame: Frame) -> Frame:
    """The frame moved along u to where the oscillation has no mean force on it."""
    ahead, behind = (frame.loss.value_and_gradient(frame.middle + side * frame.x * frame.u)[1] for side in (1, -1))
    shift = -float((ahead + behind) @ frame.u) / (2 * frame.sharpness)
    return replace(frame, middle=frame.middle + shift * frame.u, evaluations=frame.evaluations + 2)


def rebuilt(frames: Sequence[Frame], reaches: Sequence[float], steps: int, every: int) -> list[Rebuilt]:
    """Where the models end that begin at these frames, with these reaches, each made again every so many steps."""
    courses = [
        Course(frame, reach, top_eigenpairs(frame.middle), evaluations=frame.evaluations)
        for frame, reach in zip(frames, reaches, strict=True)
    ]
    found: dict[int, Rebuilt] = {}
    resting: list[int] = []
    going = list(range(len(courses)))
    while going:
        last = dict(zip(going, moved_on([courses[index] for index in going], every), strict=True))
        for index, size in last.items():
            course = courses[index]
            if size is None:
                found[index] = course.ended(Ending("diverged", 0, torch.nan, course.peak))
            elif course.over(size):
                resting.append(index)
            elif course.steps >= steps:
                found[index] = course.ended(Ending("undecided", 0, torch.nan, course.peak))
        going = [index for index in going if index not in found and index not in resting]
    if resting:
        models = [courses[index].model()[0] for index in resting]
        for index, ending in zip(resting, endings(models, steps), strict=True):
            found[index] = courses[index].ended(ending)
    return [found[index] for index in range(len(courses))]


def moved_on(courses: Sequence[Course], every: int) -> list[float | None]:
    """Each goes on by so many steps, to a new frame; the oscillation there, None where it has gone for good."""
    passed = _followed(courses, every)
    short = [index for index, one in enumerate(passed) if not one.peak <= courses[index].reach]
    for index in short:
        courses[index].reach = reach_for(passed[index].peak)
    for index, one in zip(short, _followed([courses[index] for index in short], every), strict=True):
        passed[index] = one
    return [course.arrived(one, every) for course, one in zip(courses, passed, strict=True)]


def _followed(courses: Sequence[Course], every: int) -> list[Stretch]:
    """So many steps of a model of each, and one more."""
    if not courses:
        return []
    models, bases = zip(*(course.model() for course in courses), strict=True)
    x, z, peaks = followed(models, every + 1)
    across = [
        z[:, index, : len(basis)] @ basis + course.frame.z - (basis @ course.frame.z) @ basis
        for index, (course, basis) in enumerate(zip(courses, bases, strict=True))
    ]  # what z is outside the directions of the model stays
    return [Stretch(x[:, index], one, float(peaks[index])) for index, one in enumerate(across)]
