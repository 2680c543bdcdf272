"""Where compiled code is kept: in a folder of the user's cache, under names made from all that the code depends on.

The folder is in ``edge-of-stability`` in XDG_CACHE_HOME, or in ~/.cache; where that cannot be written, it is in a
temporary folder that ends with the process.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

CODE = Path(__file__).parents[1]  # numeric


def fingerprint(*texts: bytes) -> str:
    """A name for texts, of 24 hexadecimal digits."""
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:24]


def sources(names: Iterable[str]) -> list[bytes]:
    """The texts of files of `numeric`."""
    return [(CODE / name).read_bytes() for name in names]


def files_in(folder: str) -> list[str]:
    """The names, as `sources` takes them, of the files of a folder of `numeric` that are Python."""
    return sorted(path.relative_to(CODE).as_posix() for path in (CODE / folder).glob("*.py"))


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
