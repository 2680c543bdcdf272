"""Files written whole or not at all, and read back only as they were written; folders that one process at a time uses.

A file is written beside its place and moved there in one step, so an interruption leaves the old file or none, never
half of one. What a killed process left beside it is swept up by the next that locks the folder.

A *sealed* file ends with the SHA-256 of all that stands before:

    content, newline, "sha256 ", 64 hexadecimal digits, newline

Readers of NetCDF pass over that line. It is compared before anything else looks at the content, since
what reads a damaged file may answer other values, hang, or fall.

Errors: `NoSpace` for a device that is full; `BadInput` for a place that cannot be written otherwise, for a folder that
another process uses, and for a sealed file that is not there or not as it was written.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from eos_sym import BadInput

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # the device, one's share of it, the longest file that is allowed
TEMPORARY = re.compile(r"\..+-[0-9a-f]{16}(\.\w+)?")
SEAL = b"\nsha256 "
SEAL_LENGTH = len(SEAL) + 64 + 1


class NoSpace(OSError):
    """There is no room for a file; the message is one line that names it."""

    exit_code = os.EX_IOERR  # of a program that ends by it

    def __str__(self) -> str:
        return f"{self.strerror}; make room and run it again, what was finished is kept"


def not_written(path: Path, error: OSError, remedy: str = "choose another folder") -> BadInput | NoSpace:
    """What is to be raised for a place that cannot be written."""
    if isinstance(error, NoSpace):
        return error
    if error.errno in FULL:
        return NoSpace(error.errno, f"{path}: {error.strerror}")
    return BadInput(f"{path}: cannot be written ({error.strerror or error}); {remedy}")


def make_folder(folder: Path) -> None:
    """Make the folder, and those above it, where they are missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_written(folder, error) from error


@contextmanager
def locked(folder: Path, name: str = "") -> Iterator[None]:
    """A context in which no other process uses the folder, or in it what has this name; strays of it are swept up."""
    place = folder / name
    holder = FileLock(folder / f".{name}.lock" if name else folder / ".lock")
    make_folder(folder)
    try:
        holder.acquire(timeout=0)
    except Timeout as error:
        raise BadInput(f"{place}: in use by another run; wait for its end or choose another folder") from error
    except OSError as error:
        raise not_written(folder, error) from error
    try:
        sweep_up(folder, place.stem if name else "*")
        yield
    finally:
        holder.release()


def beside(path: Path) -> Path:
    """A new name in the folder of `path`, for what is to be moved there when it is whole."""
    return path.with_name(f".{path.stem}-{secrets.token_hex(8)}{path.suffix}")


def sweep_up(folder: Path, stem: str = "*") -> None:
    """Remove what killed processes left `beside` their files; nobody else may be writing there."""
    for path in folder.glob(f".{stem}-*"):
        if TEMPORARY.fullmatch(path.name):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then put it in place."""
    make_folder(path.parent)
    temporary = beside(path)
    try:
        temporary.touch(exist_ok=False)
    except OSError as error:
        raise not_written(path.parent, error) from error
    try:
        write(temporary)
        temporary.replace(path)
    except OSError as error:
        if error.errno is None:
            raise
        raise not_written(path, error, "choose another name") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_sealed(path: Path, content: bytes | memoryview) -> str:
    """Write the content and its checksum, which is the answer."""
    checksum = hashlib.sha256(content).hexdigest()

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            file.write(content)
            file.write(SEAL + checksum.encode() + b"\n")

    write_atomically(path, write)
    return checksum


def read_sealed(path: Path) -> memoryview:
    """The content of a sealed file, as it was written."""
    try:
        if path.exists() and not path.is_file():
            raise BadInput(f"{path}: cannot be read (it is no file)")  # a pipe, or a device without an end
        whole = memoryview(path.read_bytes())
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    content, seal = whole[:-SEAL_LENGTH], bytes(whole[-SEAL_LENGTH:])
    if not seal.startswith(SEAL):
        raise BadInput(f"{path}: not a whole file of results (it ends without a checksum)")
    if seal != SEAL + hashlib.sha256(content).hexdigest().encode() + b"\n":
        raise BadInput(f"{path}: damaged or edited (its checksum is another)")
    return content
