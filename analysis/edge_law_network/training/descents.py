"""The runs of one architecture: small steps first, then as many step sizes as there are edges to cross, to the end.

    θ_{t+1} = θ_t − η ∇L(θ_t)     for every seed and every η = 2/(c S₁), c the fractions

where S₁ is the largest sharpness on the way of a run with the small step 2/(5 S₀), S₀ that at the start: so the edge is
at a fraction c of what small steps reach, and the nearer c is to 1 the more gently it is crossed. Recorded is what
`train` records, the moments of every run, and the weights around them (`moments`).

Shapes: weights (member, window, offset, weight), offset −2 … 3; swing (member, step), nan after the end; sharpness
(member, reading). A member is a seed with a step size. Units: steps; the sharpness in units of the loss over weights
squared.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from analysis.edge_law_network.training.batch import Batch
from analysis.edge_law_network.training.data import DATA
from analysis.edge_law_network.training.moments import Moments, windows
from analysis.edge_law_network.training.train import EVERY, train
from numeric.networks.architectures import FullyConnected
from numeric.networks.architectures.layers import Activation
from numeric.networks.data import Examples
from numeric.networks.loss import FlatLoss, half_squared_error
from numeric.progress import Progress, unheard


@dataclass(frozen=True)
class Descents:
    """Gradient descent on one architecture and kind of data, from several seeds, with several step sizes each."""

    data: str
    activation: Activation
    seeds: tuple[int, ...]
    fractions: tuple[float, ...]  # c = 2/(ηS₁)
    steps: int
    readings: int

    def losses(self) -> list[FlatLoss]:
        """The loss of every seed, of a network at its start."""
        build, widths = DATA[self.data]
        network = FullyConnected(widths, self.activation)
        losses = []
        for seed in self.seeds:
            examples: Examples = build(seed)
            module = network.build(examples, torch.Generator().manual_seed(seed))
            losses.append(FlatLoss(module, examples.inputs, examples.targets, half_squared_error))
        return losses

    def run(self, folder: Path, progress: Progress) -> xr.Dataset:
        """All runs, to their ends."""
        small = Batch.of(self.losses())
        reached = np.nanmax(train(small, self.steps - self.steps // 2, progress).sharpness, axis=1)
        batch = small.repeated(torch.from_numpy(reached), self.fractions)
        trained = train(batch, self.steps, unheard)
        edge = 2 / batch.eta.numpy()
        moments = [
            Moments.of(swing, sharpness, top)
            for swing, sharpness, top in zip(trained.swing, trained.sharpness, edge, strict=True)
        ]
        middles = np.array([one.windows(self.readings) for one in moments])
        labels = [(seed, fraction) for seed in self.seeds for fraction in self.fractions]
        return xr.Dataset(
            {
                "seed": ("member", [seed for seed, _ in labels]),
                "fraction": ("member", [fraction for _, fraction in labels]),
                "eta": ("member", batch.eta.numpy()),
                "outcome": ("member", trained.outcomes),
                "ended": ("member", trained.ended, {"units": "step"}),
                "crossing": ("member", [one.crossing for one in moments], {"units": "step"}),
                "peak": ("member", [one.peak for one in moments], {"units": "step"}),
                "third": ("member", [one.third for one in moments], {"units": "step"}),
                "swing": (("member", "step"), trained.swing),
                "sharpness": (("member", "reading"), trained.sharpness),
                "middle": (("member", "window"), middles, {"units": "step"}),
                "weights": (("member", "window", "offset", "weight"), windows(batch, trained.kept, middles)),
                "end": (("member", "weight"), trained.end.numpy()),
            },
            {"step": np.arange(trained.swing.shape[1]), "reading": EVERY * np.arange(trained.sharpness.shape[1]) + 1},
        )


def label(descents: Descents, member: int) -> str:
    """The run in words."""
    seed, fraction = divmod(member, len(descents.fractions))
    return f"{descents.data} {descents.activation} {descents.seeds[seed]} {descents.fractions[fraction]:g}"
