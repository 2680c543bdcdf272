"""Where compiled code is kept: in a folder of the user's cache that is named by what the code was made from.

Numba keeps machine code beside a file and looks only at the age of that file, so code that was inlined from elsewhere
could be out of date. Here the name of the folder is made of the text of everything that the code may contain: with
another text there is another folder.

Nor does Numba look at what is in its files: one that was cut short may compute something else, or fail whenever it is
asked for. So the checksums of all files are kept beside them, and what does not agree is removed before Numba sees it.

The folder is in ``edge-of-stability`` in XDG_CACHE_HOME, or in ~/.cache; where that cannot be written, it is in a
temporary folder that ends with the process.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import RLock
from typing import Any

from filelock import FileLock

from eos_sym import BadInput
from numeric.runs.files import read_sealed, write_sealed

CODE = Path(__file__).parents[1]  # numeric
LOCK, NOTES = ".lock", "checksums.json"
CHANGING = RLock()  # Numba's setting belongs to all threads of the process


def fingerprint(*texts: bytes) -> str:
    """A name for texts, of 24 hexadecimal digits."""
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:24]


def sources(names: Iterable[str]) -> list[bytes]:
    """The texts of files of `numeric`."""
    return [(CODE / name).read_bytes() for name in names]


@cache
def root() -> Path:
    """The folder that holds all compiled code."""
    try:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(base) / "edge-of-stability"
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except (OSError, RuntimeError):  # RuntimeError: there is no home
        return Path(_temporary().name)


@cache
def _temporary() -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory(prefix="edge-of-stability-")
    atexit.register(folder.cleanup)
    return folder


@contextmanager
def kept_in(folder: Path) -> Iterator[None]:
    """Let Numba keep in this folder what is decorated meanwhile; other processes wait."""
    settings: Any = import_module("numba").config  # an import of half a second, when there is something to compile
    folder.mkdir(parents=True, exist_ok=True)
    with CHANGING, FileLock(folder / LOCK):
        for name, _ in _checksums(folder).items() - _noted(folder).items():
            (folder / name).unlink()
        before, settings.CACHE_DIR = settings.CACHE_DIR, str(folder)
        try:
            yield
        finally:
            settings.CACHE_DIR = before
        if (kept := _checksums(folder)) != _noted(folder):
            with suppress(OSError, BadInput):  # what is not noted is compiled again
                write_sealed(folder / NOTES, json.dumps(kept).encode())


def _checksums(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file that is kept, by its name."""
    files = [file for file in folder.rglob("*") if file.is_file() and file.name not in (LOCK, NOTES)]
    return {file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _noted(folder: Path) -> dict[str, str]:
    """The checksums as they were when Numba was done."""
    try:
        return dict(json.loads(bytes(read_sealed(folder / NOTES))))
    except ValueError:  # BadInput is one: there are none yet, or they are damaged
        return {}
