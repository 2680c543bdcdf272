"""The runs of the study: which, by preset; trained, then read, each kept in the folder of the results.

Two stages are worked off by sweeps, batch by batch: `Descents` trains, and `Read` compares what was kept of the
training with the theory (`midpoints`, `ends`), so that either is resumed, and the second repeated without the first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import xarray as xr

from analysis.edge_law_network.ending.ends import ends_of
from analysis.edge_law_network.midpoints import midpoints_of
from analysis.edge_law_network.training.descents import Descents
from analysis.study import CommonOptions, expect
from numeric.networks.architectures.layers import Activation
from numeric.progress import Progress
from numeric.runs import NoSpace, combine, configuration, sweep
from numeric.runs.history import read_history
from numeric.runs.sweep import folder_name

ACTIVATIONS: tuple[Activation, ...] = ("tanh", "gelu", "softplus")
CHEBYSHEV = tuple(product((f"chebyshev_{k}" for k in (3, 4)), ACTIVATIONS[:2]))  # softplus does not learn them
DIGITS = tuple(product((f"digits_{n}" for n in (12, 16, 24)), ACTIVATIONS))
QUICK = DIGITS[:2]
FULL = (*CHEBYSHEV, *DIGITS)
SEEDS = {"quick": 4, "full": 3}
FRACTIONS = {"quick": (0.9, 0.97), "full": (0.7, 0.8, 0.88, 0.94, 0.98)}
STEPS = {"quick": 2000, "full": 20_000}
WINDOWS = {"quick": 6, "full": 12}
READINGS = {"quick": 3, "full": 4}

Stage = TypeVar("Stage", Descents, "Read")


@dataclass(frozen=True)
class Read:
    """What the theory says of a batch that is trained; its folder is beside this one's."""

    descents: Descents
    readings: int  # of the windows of a run

    @property
    def steps(self) -> int:
        """One, of reading."""
        return 1

    def run(self, folder: Path, progress: Progress) -> xr.Dataset:
        """The midpoints along the dimension `reading`, and the ends along `run`."""
        history = read_history(folder.parent / folder_name(self.descents), configuration(self.descents))
        found = xr.merge([midpoints_of(self.descents, history, self.readings), ends_of(self.descents, history)])
        progress(1)
        return found


def planned(options: CommonOptions) -> tuple[Descents, ...]:
    """The batches of the preset."""
    chosen = QUICK if options.preset == "quick" else FULL
    seeds = tuple(range(options.seed, options.seed + SEEDS[options.preset]))
    preset = options.preset
    return tuple(
        Descents(data, activation, seeds, FRACTIONS[preset], STEPS[preset], WINDOWS[preset])
        for data, activation in chosen
    )


def readings(histories: Mapping[Descents, xr.Dataset], options: CommonOptions) -> tuple[Read, ...]:
    """What is read of the batches that are trained."""
    return tuple(Read(descents, READINGS[options.preset]) for descents in histories)


def work_off(stage: Sequence[Stage], folder: Path, workers: int | None) -> Mapping[Stage, xr.Dataset]:
    """The datasets of a stage, by batch; those that were finished before are only read."""
    expect(sum(one.steps for one in stage))
    result = sweep(stage, folder / "runs", workers=workers)
    if result.failures:
        first = result.failures[0]
        where = f"; traceback in {first.traceback}" if first.traceback else ""
        said = f"a batch of runs failed: {first.reason}{where}"
        raise first.error if isinstance(first.error, NoSpace) else type(first.error)(said)
    histories = [history for history in result.histories if history is not None]
    return dict(zip(stage, histories, strict=True))


def combined(histories: Mapping[Descents, xr.Dataset]) -> xr.Dataset:
    """What was recorded of all runs, along the batches and their runs, without the weights."""
    along: dict[str, Any] = {"batch": [f"{one.data} {one.activation}" for one in histories]}
    weights = ("weights", "end")
    return combine([history.drop_vars(weights).drop_attrs() for history in histories.values()], along)


def joined(read: Mapping[Read, xr.Dataset], dimension: str) -> xr.Dataset:
    """What was read of all batches along `reading` or `run`."""
    other = "run" if dimension == "reading" else "reading"
    return xr.concat([one.drop_dims(other).drop_attrs() for one in read.values()], dim=dimension)
