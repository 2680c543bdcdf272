"""Networks on their way to a manifold of minima and along it, by both rules at several step sizes, beside two flows.

    the way there    the run and gradient flow at equal times of the rule's own clock, until the flow's loss has fallen
                     to `NEAR` of that at the start; and the step after which the run's loss rises for the first time
    the way along    from that step on, at times τ = η²t, the minimum beside the run and the oscillation across it; and
                     the limit flow from the minimum Φ that gradient flow comes to

Both flows begin at the weights that the network is drawn with, and know nothing of the runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
import xarray as xr

from analysis.normalized_gd.network import Descent, Shape
from analysis.normalized_gd.theory import KINDS
from analysis.study import CommonOptions, expect
from numeric.compile import Array
from numeric.networks.curvature import directional_derivative
from numeric.networks.flows.minima import Oscillation, gradient_flow_from, limit_flow_from
from numeric.progress import listener

NEAR, WAYPOINTS = 0.1, 8
LONGEST = 20.0  # time ηt that is waited for the loss to rise


@dataclass(frozen=True)
class Scale:
    """A preset: the networks, how many, the step sizes, the last time τ, and at how many it is looked."""

    shape: Shape
    networks: int
    etas: tuple[float, ...]
    until: float
    looks: int

    @property
    def taus(self) -> Array:
        """From 0 to the last, close to each other at the beginning."""
        times: Array = self.until * np.linspace(0, 1, self.looks) ** 3
        return times


SCALES = {
    "quick": Scale(Shape((4, 8, 1), 4, tanh=True), 3, (0.04, 0.028, 0.02), 2.0, 9),
    "full": Scale(Shape((8, 16, 1), 8, tanh=True), 5, (0.04, 0.02, 0.01, 0.005, 0.0025), 2.0, 25),
}


def walk(options: CommonOptions) -> xr.Dataset:
    """Of every network by every rule, at every η.

    over network, rule, eta     `distance`, the largest to gradient flow on the way there; `first`, the steps until the
                                loss rises, NaN if it does not; `reciprocals`, 1/S_t + 1/S_{t+1} at the last time
                                before the limit flow ends
    and tau                     `sharpness` of the minimum beside the run, and `cubic`, T = ∇³L(u,u,u); `cosine`, `turn`
                                and `root_losses`, these over the theory's, of the oscillation; `share`, C, and
                                `returned`, (w_{t+1} − w_{t−1})/η² along u; `shift`, the distance to the limit flow
    over network, rule, tau     `predicted` and `second`, λ₁ and λ₂ of the limit flow, NaN after its end
    """
    scale = SCALES[options.preset]
    seeds = [scale.networks * options.seed + index for index in range(scale.networks)]
    members = [(seed, kind) for seed in seeds for kind in KINDS]
    losses = {seed: scale.shape.draw(seed) for seed in seeds}
    there = {seed: gradient_flow_from(loss, loss.parameters) for seed, loss in losses.items()}
    flows = [there[seed] for seed, _ in members]
    along = [
        limit_flow_from(kind.rule, losses[seed], torch.from_numpy(flow.weights.values[-1]), scale.taus.tolist())
        for (seed, kind), flow in zip(members, flows, strict=True)
    ]
    expect(sum(round(scale.until / eta**2) for eta in scale.etas))
    descent = Descent(scale.shape, [kind for _, kind in members], [losses[seed] for seed, _ in members])
    groups = []
    for eta in scale.etas:
        begun, way = approach(descent, flows, eta)
        groups.append(way.merge(drifting(descent, begun, eta, scale.taus, along)).expand_dims(eta=[eta]))
    told = xr.concat([one[["sharpness", "second"]].reindex(tau=scale.taus) for one in along], "member")
    names = {"network": [seed for seed, _ in members], "rule": [kind.name for _, kind in members]}
    both = xr.concat(groups, "eta").merge(told.rename(sharpness="predicted"))
    labelled = both.assign_coords({name: ("member", values) for name, values in names.items()})
    return labelled.set_index(member=["network", "rule"]).unstack("member")


def approach(descent: Descent, flows: Sequence[xr.Dataset], eta: float) -> tuple[Array, xr.Dataset]:
    """The weights after which the loss rises for the first time; after how many steps, and how far from the flow."""
    points, times = [], []
    for kind, flow in zip(descent.kinds, flows, strict=True):
        near = int(np.argmax(flow.loss.values < NEAR * float(flow.loss[0])))
        chosen = np.unique(np.linspace(0, near, WAYPOINTS + 1).round().astype(int))[1:]
        points.append(flow.weights.values[chosen])
        times.append(flow[kind.clock].values[chosen] / eta)
    path, losses = [], []
    risen, latest = np.zeros(len(flows), dtype=bool), max(float(steps[-1]) for steps in times) + 1
    start = np.stack([flow.weights.values[0] for flow in flows])
    for weights, value in islice(descent.steps(start, eta), round(LONGEST / eta)):
        path.append(weights)
        losses.append(value)
        risen |= value > losses[max(len(losses) - 2, 0)]
        if risen.all() and len(path) > latest:
            break
    first = np.argmax(np.diff(losses, axis=0) > 0, axis=0)
    distances = []
    for row, (steps, target) in enumerate(zip(times, points, strict=True)):
        before = np.minimum(steps.astype(int), len(path) - 2)
        low, high = (np.stack([path[step + after][row] for step in before]) for after in (0, 1))
        here = low + (steps - before)[:, None] * (high - low)
        distances.append(np.linalg.norm(here - target, axis=1).max())
    begun = np.stack([path[step][row] for row, step in enumerate(first)])
    return begun, xr.Dataset({"first": ("member", np.where(risen, first, np.nan)), "distance": ("member", distances)})


def drifting(descent: Descent, begun: Array, eta: float, taus: Array, along: Sequence[xr.Dataset]) -> xr.Dataset:
    """What is measured from there on, at the times τ."""
    looked = np.maximum(np.round(taus / eta**2).astype(int), 1)
    kept, report = {int(step) + beside for step in looked for beside in (-1, 0, 1)}, listener()
    path: dict[int, Array] = {}
    for step, (weights, _) in enumerate(islice(descent.steps(begun, eta), int(looked[-1]) + 2)):
        if step in kept:
            path[step] = weights
        report(1)
    names = ("sharpness", "cubic", "cosine", "turn", "root_losses", "share", "returned", "shift")
    measured, reciprocals = np.full((len(names), len(begun), len(taus)), np.nan), np.empty(len(begun))
    for row, (kind, loss, flow) in enumerate(zip(descent.kinds, descent.losses, along, strict=True)):
        told = flow.weights.reindex(tau=taus).values
        ends = int(np.flatnonzero(np.isfinite(told[:, 0]))[-1])
        for column, step in enumerate(looked.tolist()):
            triple = torch.from_numpy(np.stack([path[step + beside][row] for beside in (-1, 0, 1)]))
            here = Oscillation(kind.rule, loss, eta, triple)
            at, u = here.minimum.weights, here.minimum.eigenvectors[:, 0]
            measured[:, row, column] = (
                here.minimum.sharpness,
                directional_derivative(loss, at, u, u, u),
                here.cosine,
                here.turn,
                here.root_losses / here.expected_root_losses,
                here.share,
                (triple[2] - triple[0]) @ u / eta**2,
                np.linalg.norm(at.numpy() - told[column]),
            )
            if column == ends:
                reciprocals[row] = here.reciprocals
    values = {name: (("member", "tau"), one) for name, one in zip(names, measured, strict=True)}
    return xr.Dataset({**values, "reciprocals": ("member", reciprocals)}, {"tau": taus})
