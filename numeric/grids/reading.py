"""A finished grid read back: every file as it was written, or not at all.

    grid.zarr/grid.json         what the grid is, and the SHA-256 of each file that came with it (sealed)
    grid.zarr/chunks-done/I.J   the SHA-256 of each file of a finished chunk (sealed)

Files are compared with these when Zarr asks for them, so that a grid is opened at once and no value is read from a file
that was damaged, edited or removed. What they do not name is not there. A store may come from anybody: names and links
that lead out of its folder are refused, and so are codecs that the store would not have been written with, before any
of them is made.

Errors: `BadInput`, also while a lazy grid is computed, with the remedy.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr

from eos_sym import BadInput
from numeric.files import read_sealed

if TYPE_CHECKING:
    from zarr.core.buffer import Buffer

GRID, DONE = "grid.json", "chunks-done"  # no identifiers, so no variable has these names
CODECS = {"blosc", "zstd", "vlen-utf8"}  # that xarray and Zarr choose for what a grid may hold

Checksums = dict[str, str]  # of files by their names in the store


def read_grid(path: Path) -> dict[str, Any]:
    """The `identity` of the grid, the number of its chunks along each dimension, `blocks`, and its first `files`."""
    if not (path / GRID).is_file():
        raise BadInput(f"{path}: exists and holds no grid of runs; choose another name")
    try:
        found = json.loads(bytes(read_sealed(path / GRID)))
        return {"identity": dict(found["identity"]), "blocks": tuple(found["blocks"]), "files": dict(found["files"])}
    except BadInput as error:
        raise BadInput(f"{error}; remove {path} to compute the grid again") from error
    except (ValueError, LookupError, TypeError) as error:
        raise BadInput(f"{path}: holds no grid of runs; choose another name") from error


def chunks_done(path: Path) -> Iterator[tuple[tuple[int, ...], Checksums]]:
    """The finished chunks, by their places, and their files; a mark that is damaged marks nothing."""
    for mark in (path / DONE).glob("[0-9]*"):
        try:
            yield tuple(map(int, mark.name.split("."))), dict(json.loads(bytes(read_sealed(mark))))
        except ValueError:  # BadInput is one
            continue


def checked(path: Path, name: str, checksum: str) -> bytes:
    """The content of a file of the store, as it was written."""
    place = path / name
    try:
        if not place.resolve().is_relative_to(path.resolve()):
            raise BadInput(f"{place}: leads out of the folder of its grid")
        if place.exists() and not place.is_file():
            raise BadInput(f"{place}: no file; {_remedy(path, name)}")  # a pipe, which would be waited for
        content = place.read_bytes()
    except OSError as error:
        raise BadInput(f"{place}: cannot be read ({error.strerror}); {_remedy(path, name)}") from error
    if hashlib.sha256(content).hexdigest() != checksum:
        raise BadInput(f"{place}: damaged or edited (its checksum is another); {_remedy(path, name)}")
    return content


def _remedy(path: Path, name: str) -> str:
    """What to remove so that the file is written again."""
    marks = (
        mark for mark in (path / DONE).glob("[0-9]*") if mark.is_file() and f'"{name}"'.encode() in mark.read_bytes()
    )
    return f"remove {next(marks, path)} to compute it again"


def open_store(path: Path) -> xr.Dataset:
    """The dataset in a store, lazy, as it was encoded."""
    from zarr.storage import MemoryStore

    described, marks = read_grid(path), dict(chunks_done(path))
    if len(marks) != math.prod(described["blocks"]):
        raise BadInput(f"{path}: not finished, or its marks are damaged; compute the grid again, which goes on with it")
    files: Checksums = described["files"]
    for more in marks.values():
        files |= more
    for name, checksum in files.items():
        if name.endswith((".zarray", ".zmetadata")) and (other := _codecs(checked(path, name, checksum)) - CODECS):
            raise BadInput(f"{path / name}: written with {', '.join(sorted(other))}, which no grid is; not opened")
    store = MemoryStore(_CheckedFiles(path.absolute(), files), read_only=True)
    try:
        opened: xr.Dataset = xr.open_zarr(store, chunks={}, consolidated=True, zarr_format=2)
    except BadInput:
        raise
    except Exception as error:  # whatever the readers say to a stranger's store
        raise BadInput(f"{path}: not a readable grid of runs ({' '.join(str(error).split())})") from error
    return opened


def _codecs(content: bytes) -> set[str]:
    """The names of the codecs of an array, or of all that metadata tell of."""
    try:
        described = json.loads(content)
        arrays = described["metadata"].values() if "metadata" in described else [described]
        chains = [[array.get("compressor"), *(array.get("filters") or ())] for array in arrays]
        return {str(codec["id"]) for chain in chains for codec in chain if codec}
    except (ValueError, LookupError, AttributeError, TypeError):
        return {"what describes no array"}


@dataclass(frozen=True)
class _CheckedFiles(MutableMapping[str, "Buffer"]):
    """The files of a folder by their names in the store, read and compared when they are asked for."""

    path: Path
    files: Checksums

    def __getitem__(self, name: str) -> Buffer:
        from zarr.core.buffer import default_buffer_prototype

        return default_buffer_prototype().buffer.from_bytes(checked(self.path, name, self.files[name]))

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)

    def __contains__(self, name: object) -> bool:
        return name in self.files

    def __setitem__(self, name: str, content: Buffer) -> None:
        raise TypeError("a finished grid is only read")

    def __delitem__(self, name: str) -> None:
        raise TypeError("a finished grid is only read")
