"""Sweeps by processes and by a cluster of this machine: of trainings, and of runs that do nothing."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import xarray as xr

    from numeric.progress import Progress
    from numeric.runs.attempt import Run

TRAININGS, TRAINING_STEPS, WIDTH, EXAMPLES = 16, 400, 64, 300
EMPTY_RUNS = 200

Measured: TypeAlias = dict[str, float | None]


@dataclass(frozen=True)
class Trained:
    """A training of the digits network from one seed."""

    seed: int
    steps: int = TRAINING_STEPS

    def run(self, folder: Path, progress: Progress) -> xr.Dataset:
        """Its losses; it looks at nothing else."""
        import torch
        import xarray as xr

        from benchmarks.sharpness.problem import ETA, digits_loss

        loss = digits_loss(torch.float32, WIDTH, EXAMPLES)
        weights = loss.parameters + 0.01 * torch.randn(
            len(loss.parameters), generator=torch.Generator().manual_seed(self.seed)
        )
        losses = []
        for _ in range(self.steps):
            value, slope = loss.value_and_gradient(weights)
            weights = weights - ETA * slope
            losses.append(float(value))
            progress(1)
        return xr.Dataset({"loss": ("step", losses)})


@dataclass(frozen=True)
class Empty:
    """A run that does nothing."""

    seed: int
    steps: int = 1

    def run(self, folder: Path, progress: Progress) -> xr.Dataset:
        """Its number."""
        import xarray as xr

        progress(1)
        return xr.Dataset({"seed": self.seed})


def swept(planned: Sequence[Run], workers: int | None, cluster: str | None = None) -> Measured:
    """A sweep of these runs, with the start of its processes."""
    from numeric import sweep

    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        if failures := sweep(planned, folder, workers=workers, cluster=cluster).failures:
            raise RuntimeError(failures[0].reason)
        return {"seconds": time.perf_counter() - start, "bytes": None}


def processes(size: int) -> Measured:
    """Trainings by so many processes."""
    return swept([Trained(seed) for seed in range(TRAININGS)], size)


def empty_runs(size: int) -> Measured:
    """Runs that do nothing, by so many processes."""
    return swept([Empty(seed) for seed in range(EMPTY_RUNS)], size)


def cluster(size: int) -> Measured:
    """Trainings by a cluster that is there already."""
    with local_cluster(size) as address:
        return swept([Trained(seed) for seed in range(TRAININGS)], None, address)


def empty_cluster(size: int) -> Measured:
    """Runs that do nothing, by a cluster that is there already."""
    with local_cluster(size) as address:
        return swept([Empty(seed) for seed in range(EMPTY_RUNS)], None, address)


@contextlib.contextmanager
def local_cluster(size: int) -> Iterator[str]:
    """The address of a cluster of so many processes of this machine, of one thread each."""
    import distributed

    options = {"processes": True, "threads_per_worker": 1, "dashboard_address": ":0"}
    with distributed.LocalCluster(n_workers=size, **options) as there:
        yield there.scheduler_address
