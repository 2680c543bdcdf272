"""Sweeps: many runs, over seeds, step sizes or architectures, each in a folder of its own and none of them twice.

    folder/NAME-IDENTIFIER/history.nc    NAME: what of the run differs from the defaults, to be read by people
                                         IDENTIFIER: of its whole configuration (`numeric.runs.configuration`)

A run with a history is finished and only read. The others are worked off by processes of this machine, one for each
core unless told otherwise, by this process itself if it is only one run or one worker, or by a Dask cluster; the bits
of the results do not depend on which (`numeric.runs.attempt`). A run that fails, or whose process is killed, is
reported among the results and leaves the others alone; the next sweep tries it again. Ctrl-C ends all at once; what is
finished is kept, and runs that write down where they are go on from there.

Errors: `BadInput` for a number of workers below 1, and for a folder that cannot be made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import partial
from pathlib import Path
from typing import Any

import xarray as xr

from eos_sym import BadInput
from numeric.files import make_folder
from numeric.progress import Progress, listener
from numeric.runs.attempt import TRACEBACK, Failed, Finished, Run, RunFailed, Stepped, Task, attempt, one_line
from numeric.runs.configuration import configuration, identifier
from numeric.runs.history import is_finished, read_history
from numeric.runs.worker_processes import run_in_processes
from numeric.values import whole_number

NAME_LENGTH = 80


@dataclass(frozen=True)
class Failure:
    """A run without a history: why, and where the traceback is if it is the program's fault."""

    run: Run
    error: Failed
    traceback: Path | None

    @property
    def reason(self) -> str:
        """Why, in one line."""
        return one_line(str(self.error))


@dataclass(frozen=True, eq=False)
class SweepResult:
    """What came of the runs, in their order."""

    runs: tuple[Run, ...]
    outcomes: tuple[xr.Dataset | Failure, ...]

    @property
    def histories(self) -> tuple[xr.Dataset | None, ...]:
        """The datasets, None where a run failed."""
        return tuple(None if isinstance(outcome, Failure) else outcome for outcome in self.outcomes)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The runs that failed."""
        return tuple(outcome for outcome in self.outcomes if isinstance(outcome, Failure))


@dataclass(frozen=True)
class _Counted:
    """The progress of one run among several: its steps are counted, its values shown where they can be."""

    stepped: Progress
    show: Callable[..., object]

    def __call__(self, steps: int) -> None:
        self.stepped(steps)


def sweep(
    runs: Iterable[Run],
    folder: Path | str,
    *,
    workers: int | None = None,
    cluster: str | None = None,
    progress: Progress | None = None,
) -> SweepResult:
    """Work off the runs that have no history in `folder` yet; what came of all of them.

    `cluster` is the address of a Dask scheduler whose workers share the folder; it decides how many run at a time.
    `progress`, or who is listening, is called with numbers of steps that are done or have become unnecessary; their sum
    is that of all runs. Where it has a method ``show``, runs of this process call it with their loss and sharpness.
    """
    if cluster is not None and workers is not None:
        raise BadInput(f"cluster {cluster}, {workers} workers: the cluster decides that; give one of the two")
    if workers is not None:
        whole_number("workers", workers, least=1)
    if not isinstance(runs, Iterable):
        raise BadInput(f"sweep: give a list of runs, not {type(runs).__name__}")
    runs, progress = [*runs], listener(progress)
    places = [Path(folder).absolute() / folder_name(run) for run in runs]
    missing = {place: run for place, run in zip(places, runs, strict=True) if not is_finished(place)}
    tasks = [(run, place) for place, run in missing.items()]
    unreported = [run.steps for run, _ in tasks]
    errors: dict[Path, Failed] = {}

    def stepped(number: int, steps: int) -> None:
        unreported[number] -= steps
        if steps:
            progress(steps)

    def finished(number: int, error: Failed | None) -> None:
        if error is not None:
            errors[tasks[number][1]] = error
        stepped(number, unreported[number])

    if known := sum(run.steps for run in runs) - sum(unreported):
        progress(known)
    for _, place in tasks:
        make_folder(place)
    show = getattr(progress, "show", lambda **values: None)
    _work_off(tasks, workers, cluster, stepped, finished, show)
    outcomes = (_outcome(run, place, errors.get(place)) for run, place in zip(runs, places, strict=True))
    return SweepResult(tuple(runs), tuple(outcomes))


def folder_name(run: Run) -> str:
    """What people recognize the run by, and what tells it from every other."""
    readable = re.sub(r"[^\w.+]+", "-", "-".join(_words(run))).strip("-")
    return f"{readable[:NAME_LENGTH]}-{identifier(run)}"


def _words(value: Any) -> Iterator[str]:
    """The classes of a configuration, and the values that differ from their defaults."""
    if is_dataclass(value):
        yield type(value).__name__
        for field in fields(value):
            default = field.default if field.default_factory is MISSING else field.default_factory()
            if getattr(value, field.name) != default:
                yield from _words(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from _words(item)
    else:
        yield str(value)


def _work_off(
    tasks: Sequence[Task],
    workers: int | None,
    cluster: str | None,
    stepped: Stepped,
    finished: Finished,
    show: Callable[..., object],
) -> None:
    """The tasks, wherever they are to take place; those of this process show their values as they go."""
    if cluster is not None:
        from numeric.runs.cluster import check_address, run_on_cluster

        check_address(cluster)
        if tasks:
            run_on_cluster(cluster, tasks, stepped, finished)
        return
    if workers is None:
        from dask.system import CPU_COUNT  # those that this process may use

        workers = CPU_COUNT
    if min(workers, len(tasks)) > 1:
        run_in_processes(tasks, min(workers, len(tasks)), stepped, finished)
        return
    for number, (run, place) in enumerate(tasks):
        finished(number, attempt(run, place, _Counted(partial(stepped, number), show)))


def _outcome(run: Run, place: Path, error: Failed | None) -> xr.Dataset | Failure:
    if error is not None:
        traceback = place / TRACEBACK
        return Failure(run, error, traceback if isinstance(error, RunFailed) and traceback.exists() else None)
    try:
        return read_history(place, configuration(run))
    except BadInput as unreadable:
        return Failure(run, unreadable, None)
