"""The edge law on networks: what the sharpness is while a network is at the edge, and where it ends.

The edge law (`analysis.edge_law`) is derived at a minimum with a gap in its spectrum and without a drift; networks have
neither. What remains of it, and what takes its place, is tested on runs of small networks that cross 2/η and converge.

*The midpoint identity.* Let θ̄ be the midpoint of two steps, S_mid the sharpness there, u its eigenvector, x the
oscillation along u, q = x² and ρ the rate at which it grows. Where one eigenvalue is at the edge,

    S_mid = (1 + e^ρ)/η − Qq/6,    Q = ∇⁴L(u,u,u,u),

at every step, whatever the run does: it needs neither a split of the spectrum nor a minimum. As q → 0 it is the
multiplier of the oscillation, and the gap of a run that converges is half the rate at which q decays in the time ηt.
"""

from dataclasses import dataclass

from analysis.study import CommonOptions, Study
from eos_sym.errors import BadInput

study = Study(__name__, source="derived here; cf. Gan 2026a, 2026b")


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """Small networks that cross 2/η and converge: their sharpness on the way and in the end, against the theory."""

    workers: int | None = None
    """how many batches of runs are trained at a time; as many as there are cores if not given"""

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise BadInput(f"--workers {self.workers}: must be 1 or more")


from collections.abc import Mapping
from pathlib import Path

import xarray as xr
from matplotlib.figure import Figure

from analysis.edge_law_network.batch import Descents
from analysis.edge_law_network.figure import draw
from analysis.edge_law_network.midpoints import identity_holds, midpoints
from analysis.edge_law_network.runs import combined, planned, train
from analysis.study import Pieces

study.measurement(planned)


@study.measurement
def histories(planned: tuple[Descents, ...], folder: Path, options: Options) -> Mapping[Descents, xr.Dataset]:
    """The batches of runs, with the weights that were kept."""
    return train(planned, folder, options.workers)


@study.experiment
def training(histories: Mapping[Descents, xr.Dataset]) -> xr.Dataset:
    """What was recorded of all runs."""
    return combined(histories)


study.experiment(midpoints)


@study.claim(
    "where one mode is at the edge of a network, S_mid = (1 + e^ρ)/η − Qq/6; what is left is the next order in q; the "
    "rate of two steps, ½ ln|x_{{t+1}}/x_{{t−1}}|, is that of half a step earlier, and leaves more",
    open=True,
)
def midpoint_identity(midpoints: xr.Dataset) -> Pieces:
    """Both sides of the identity along the runs."""
    return identity_holds(midpoints)


@study.figure
def figure(midpoints: xr.Dataset) -> Figure:
    """The figure."""
    return draw(midpoints)


if __name__ == "__main__":
    study.main()
