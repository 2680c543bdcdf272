"""A want of memory, by all its names."""

import errno

import pytest

from eos_sym.errors import out_of_memory


class OutOfMemoryError(RuntimeError):
    """As torch's is called on a GPU."""


def covered(inner, outer):
    """An error that was raised where another one was looked at."""
    try:
        try:
            raise inner
        except type(inner):
            raise outer  # noqa: B904 - as llvmlite does
    except type(outer) as error:
        return error


LOADER = OSError("libllvmlite.so: failed to map segment from shared object")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        ImportError("numpy.so: failed to map segment from shared object"),
        covered(LOADER, OSError("Could not find/load shared object file")),
    ],
    ids=repr,
)
def test_a_want_of_memory_is_known(error):
    assert out_of_memory(error)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        ImportError("no module"),
        RuntimeError("failed to map segment"),
        covered(MemoryError(), ValueError("another fault")),
    ],
    ids=repr,
)
def test_another_fault_is_none(error):
    """Against a search of all that came before: what was mended on the way is no reason."""
    assert not out_of_memory(error)
