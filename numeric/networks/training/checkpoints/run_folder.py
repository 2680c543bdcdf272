"""The folder of one run: locked while the run goes on, and holding that run's files and no other's.

    folder/history.nc       the group `history`, with the configuration; there once the run is finished
    folder/checkpoint-…     where the run is, while it is not (`checkpoint`)
    folder/.lock            held by the process that runs

Errors: `BadInput` for a folder in use by another run, one that holds a run of another configuration, and one that
cannot be written or read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import xarray as xr
from filelock import FileLock, Timeout

from eos_sym import BadInput
from numeric.networks.training.checkpoints.checkpoint import Checkpoints
from numeric.runs import differences, load, save

HISTORY = "history.nc"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """A context in which no other run uses the folder, which is made where it is missing."""
    lock = FileLock(folder / ".lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise BadInput(f"{folder}: in use by another run; wait for its end or choose another folder") from error
    except OSError as error:
        raise BadInput(f"{folder}: cannot be written ({error.strerror}); choose another folder") from error
    try:
        yield
    finally:
        lock.release()


class RunFolder:
    """What a locked folder knows of a run with this configuration."""

    def __init__(self, folder: Path, configuration: Mapping[str, Any]) -> None:
        self.folder, self.configuration = folder, configuration
        self._checkpoints = Checkpoints(folder)

    def history(self) -> xr.Dataset | None:
        """The history, if the run is finished."""
        path = self.folder / HISTORY
        if not path.exists():
            return None
        tree = load(path)
        self._check(json.loads(tree.attrs["configuration"]))
        self._checkpoints.remove()
        return tree["history"].to_dataset()

    def checkpoint(self) -> Any:
        """The latest state of the run, if it was begun."""
        stored = self._checkpoints.latest()
        if stored is None:
            return None
        self._check(stored["configuration"])
        return stored["state"]

    def write_checkpoint(self, step: int, state: Mapping[str, Any]) -> None:
        """Keep the state after so many steps."""
        self._checkpoints.write(step, {"configuration": self.configuration, "state": state})

    def finish(self, history: xr.Dataset) -> None:
        """Write the history; the checkpoints have done their duty."""
        save({"history": history}, self.folder / HISTORY, self.configuration)
        self._checkpoints.remove()

    def _check(self, found: Mapping[str, Any]) -> None:
        other = list(differences(found, self.configuration))
        if other:
            raise BadInput(f"{self.folder}: holds another run (other {', '.join(other)}); choose another folder")
