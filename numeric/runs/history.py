"""The history of a finished run, in the run's folder: written with the run's configuration, and read for that run only.

    folder/history.nc       the group `history`, and in the provenance the configuration; there once the run is finished

Errors: `BadInput` for a history that cannot be read, and for one of another configuration, with what is other about it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from eos_sym import BadInput
from numeric.runs.configuration import differences
from numeric.runs.store import load, save

HISTORY = "history.nc"
PROVENANCE = "provenance"  # in the encoding of a history that was read: of what computed it


def write_history(history: xr.Dataset, folder: Path, configuration: Mapping[str, Any]) -> None:
    """Keep the history of a run with this configuration."""
    save({"history": history}, folder / HISTORY, configuration)


def is_finished(folder: Path) -> bool:
    """Whether there is a history."""
    return (folder / HISTORY).exists()


def read_history(folder: Path, configuration: Mapping[str, Any]) -> xr.Dataset:
    """The history of a finished run with this configuration; its provenance is in its `encoding`."""
    path = folder / HISTORY
    try:
        tree = load(path)
        history, found = tree["history"].to_dataset(), json.loads(tree.attrs["configuration"])
    except BadInput as error:
        raise BadInput(f"{error}; remove it to repeat the run") from error
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path}: holds no history of a run; remove it to repeat the run") from error
    check_same_run(folder, found, configuration)
    history.encoding[PROVENANCE] = dict(tree.attrs)
    return history


def check_same_run(folder: Path, found: Any, configuration: Mapping[str, Any]) -> None:
    """Refuse what is kept in a folder if it is another run's."""
    if other := list(differences(found, configuration)):
        raise BadInput(f"{folder}: holds another run (other {', '.join(other)}); choose another folder")
