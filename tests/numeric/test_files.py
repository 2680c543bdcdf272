"""Files whole or not at all, sealed by a checksum; folders that one process at a time uses."""

import contextlib
import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from eos_sym import BadInput
from numeric.files import read_sealed, write_sealed
from numeric.runs import NoSpace, locked, write_atomically

CONTENT = bytes(range(256)) * 3


def refusal(action, *arguments):
    with pytest.raises(BadInput) as caught:
        action(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("failure", [RuntimeError("full"), OSError("full"), KeyboardInterrupt()], ids=repr)
@pytest.mark.fault("interrupted", "the writing of a file that was there", "the old file is left, and nothing else")
def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path, failure):
    path = tmp_path / "data.txt"
    path.write_text("old")

    def write(temporary):
        temporary.write_text("half of the n")
        raise failure

    with pytest.raises(type(failure)):
        write_atomically(path, write)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_first_write_leaves_nothing(tmp_path):
    def write(temporary):
        temporary.write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_atomically(tmp_path / "data.txt", write)
    assert list(tmp_path.iterdir()) == []


def test_the_old_file_is_there_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "data.txt"
    path.write_text("old")
    seen = []

    def write(temporary):
        temporary.write_text("new")
        seen.append((path.read_text(), temporary.parent, temporary.suffix, temporary != path))

    write_atomically(path, write)
    assert seen == [("old", tmp_path, ".txt", True)]
    assert path.read_text() == "new"


def test_a_sealed_file_is_its_content_and_a_line(tmp_path):
    path = tmp_path / "file"
    checksum = write_sealed(path, CONTENT)
    assert path.read_bytes() == CONTENT + b"\nsha256 " + checksum.encode() + b"\n"
    assert subprocess.run(["sha256sum"], input=CONTENT, capture_output=True, check=True).stdout.split()[0] == (
        checksum.encode()
    )
    assert read_sealed(path) == CONTENT


@pytest.mark.fault("damaged", "every single bit and every length of a sealed file", "refused, all of them")
def test_every_bit_of_a_sealed_file_counts(tmp_path):
    path = tmp_path / "file"
    write_sealed(path, CONTENT[:40])
    whole = path.read_bytes()
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        assert str(path) in refusal(read_sealed, path)
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        refusal(read_sealed, path)
    path.write_bytes(whole + b"\n")
    refusal(read_sealed, path)


@pytest.mark.fault(
    "damaged",
    "a pipe, a device without an end or a folder in the place of a file",
    "refused; nothing is waited for",
)
def test_what_has_no_end_is_not_waited_for(tmp_path):
    pipe, device = tmp_path / "pipe", tmp_path / "device"
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    for path in (pipe, device, tmp_path):
        assert "it is no file" in refusal(read_sealed, path)
    assert "No such file" in refusal(read_sealed, tmp_path / "absent")


@contextlib.contextmanager
def room_for(size):
    """No file may become longer than so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room", [0, 100, len(CONTENT) + 5])
@pytest.mark.fault("no room", "any file of results", "one line that names it; the old file is left, and nothing else")
def test_a_file_without_room_is_said_in_one_line_and_leaves_nothing(tmp_path, room):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(NoSpace) as caught, room_for(room):
        write_sealed(path, CONTENT)
    assert caught.value.errno == errno.EFBIG
    assert str(caught.value) == f"{path}: File too large; make room and run it again, what was finished is kept"
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.fault(
    "killed",
    "a process in the middle of a file",
    "the half of a file is swept up by the next that uses the folder, and nothing else is",
)
def test_what_killed_processes_left_is_swept_up_by_the_next_that_locks_the_folder(tmp_path):
    left = [".history-0123456789abcdef.nc", ".checkpoint-3-abc-0123456789abcdef.safetensors", ".x-0123456789abcdef"]
    kept = ["history.nc", ".bashrc", ".history-0123.nc", "x-0123456789abcdef"]
    for name in left + kept:
        (tmp_path / name).touch()
    (tmp_path / ".basins-0123456789abcdef.zarr" / "x").mkdir(parents=True)
    with locked(tmp_path):
        assert {path.name for path in tmp_path.iterdir()} == {*kept, ".lock"}


@pytest.mark.fault(
    "shared",
    "two processes, one of them killed later",
    "the second is refused, and let in once the first is gone",
)
def test_a_folder_is_locked_against_other_processes_and_free_when_they_are_killed(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from numeric.runs import locked\n"
        "with locked(Path(sys.argv[1])): print('locked', flush=True); time.sleep(60)"
    )
    root = Path(__file__).parents[2]
    holder = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=root, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(BadInput, match="in use by another run; wait for its end"), locked(tmp_path):
            pass
    finally:
        holder.kill()
        holder.communicate()
    with locked(tmp_path):
        pass
