"""Results on disk: NetCDF-4 files that say what produced them, written whole or not at all.

Provenance is a set of attributes of the file's root: the configuration and the command as JSON, the versions of the
libraries, the commit of the checkout that ran (absent outside a checkout), and the time. A file is written beside its
place and moved there in one step, so an interruption leaves the old file or none, never half of one.

Errors: `BadInput` for a place that cannot be written or a file that cannot be read.
"""

from __future__ import annotations

import json
import platform
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import xarray as xr

from eos_sym import BadInput

RECORDED_PACKAGES = ("dask", "edge-of-stability", "mpmath", "numba", "numpy", "sympy", "torch", "xarray", "zarr")


@cache
def versions() -> dict[str, str]:
    """The versions of Python and of the libraries that results depend on."""
    installed = {package: version(package) for package in RECORDED_PACKAGES}
    return {"python": platform.python_version(), **installed}


def provenance(configuration: Mapping[str, Any]) -> dict[str, str]:
    """What produced a result: its configuration and everything else that is needed to obtain it again."""
    facts = {
        "configuration": json.dumps(configuration, sort_keys=True),
        "command": json.dumps(sys.argv),
        "versions": json.dumps(versions()),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    commit = _commit()
    return facts | ({"commit": commit} if commit else {})


@cache
def _commit() -> str | None:
    """The commit of the checkout that this process runs, marked if files had changed since."""
    here = Path(__file__).parent
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"],
            cwd=here,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip()


def make_folder(folder: Path) -> None:
    """Make the folder, and those above it, where they are missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{folder}: cannot be made ({error.strerror}); choose another folder") from error


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then put it in place."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.stem}-{secrets.token_hex(8)}{path.suffix}")
        temporary.touch(exist_ok=False)
    except OSError as error:
        raise BadInput(f"{path.parent}: cannot be written ({error.strerror}); choose another folder") from error
    try:
        write(temporary)
        _move(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _move(temporary: Path, path: Path) -> None:
    try:
        temporary.replace(path)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror}); choose another name") from error


def save(groups: Mapping[str, xr.Dataset], path: Path, configuration: Mapping[str, Any]) -> None:
    """Write datasets as the named groups of one NetCDF file, with the provenance at its root."""
    tree = xr.DataTree.from_dict({f"/{name}": dataset for name, dataset in groups.items()})
    tree.attrs.update(provenance(configuration))
    write_atomically(path, lambda file: tree.to_netcdf(file, engine="h5netcdf"))


def load(path: Path) -> xr.DataTree:
    """The groups of a file written by `save`, in memory; the provenance is in its `attrs`."""
    with _readable(path), xr.open_datatree(path, engine="h5netcdf") as tree:
        return tree.load()


def load_group(path: Path, name: str) -> xr.Dataset:
    """One group of such a file."""
    with _readable(path):
        return xr.load_dataset(path, group=name, engine="h5netcdf")


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise BadInput(f"{path}: not a readable NetCDF file ({reason})") from error
