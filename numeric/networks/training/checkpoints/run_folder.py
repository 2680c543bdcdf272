"""The folder of one run, which is locked while the run goes on, and holds that run's files and no other's.

    folder/history.nc       once the run is finished (`numeric.runs.history`)
    folder/checkpoint-…     where the run is, while it is not (`checkpoint`)
    folder/.lock            held by the process that runs

Errors: `BadInput` for a folder that holds a run of another configuration, and one that cannot be written or read.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import xarray as xr

from eos_sym import BadInput
from numeric.networks.training.checkpoints.checkpoint import Checkpoints
from numeric.runs.history import check_same_run, is_finished, read_history, write_history


class RunFolder:
    """What a folder knows of a run with this configuration; only `history` may be asked of one that is not locked."""

    def __init__(self, folder: Path, configuration: Mapping[str, Any]) -> None:
        self.folder, self.configuration = folder, configuration
        self._checkpoints = Checkpoints(folder)

    def history(self) -> xr.Dataset | None:
        """The history, if the run is finished."""
        if not is_finished(self.folder):
            return None
        history = read_history(self.folder, self.configuration)
        with suppress(OSError):  # in a folder that may only be read
            self._checkpoints.remove()  # of a run that was killed at its very end
        return history

    def checkpoint(self) -> Any:
        """The latest state of the run, if it was begun."""
        stored = self._checkpoints.latest()
        if stored is None:
            return None
        if not isinstance(stored, Mapping) or not {"configuration", "state"} <= stored.keys():
            raise BadInput(f"{self.folder}: holds a checkpoint of another program; choose another folder")
        check_same_run(self.folder, stored["configuration"], self.configuration)
        return stored["state"]

    def write_checkpoint(self, step: int, state: Mapping[str, Any]) -> None:
        """Keep the state after so many steps."""
        self._checkpoints.write(step, {"configuration": self.configuration, "state": state})

    def finish(self, history: xr.Dataset) -> None:
        """Write the history; the checkpoints have done their duty."""
        write_history(history, self.folder, self.configuration)
        self._checkpoints.remove()
