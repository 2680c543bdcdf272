"""Files that say what produced them, whole, checked, and reading nothing but themselves."""

import io
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr
from sympy import symbols

from eos_sym import BadInput, Map
from numeric import compile_map, load, save
from numeric.files import read_sealed, write_sealed
from numeric.runs import versions
from numeric.runs.origin import PROJECT, RECORDED_PACKAGES, commit, provenance

x, r = symbols("x r", real=True)
CONFIGURATION = {"eta": 0.1, "start": [2.5, 0.33], "preset": "quick", "seed": None}


@pytest.fixture(scope="module")
def run():
    rates = xr.DataArray([2.8, 3.2, 3.9, 5.0], dims="rate", coords={"rate": [2.8, 3.2, 3.9, 5.0]})
    return compile_map(Map((x,), (r,), (r * x * (1 - x),))).run({"x": 0.3}, {"r": rates}, steps=500, record_every=50)


@pytest.fixture
def table():
    return xr.Dataset({"sharpness": ("row", [9.5, np.nan, -np.inf], {"units": "1"})}, attrs={"title": "λ₁ near 2/η"})


@pytest.fixture
def unasked():
    """The commit is asked for once in a process; here anew, and after it."""
    commit.cache_clear()
    yield
    commit.cache_clear()


def test_groups_come_back_as_they_were(tmp_path, run, table):
    path = tmp_path / "data.nc"
    save({"runs": run, "table": table, "one": run.isel(rate=1)}, path, CONFIGURATION)
    tree = load(path)
    assert set(tree.children) == {"runs", "table", "one"}
    xr.testing.assert_identical(tree["runs"].to_dataset(), run)
    xr.testing.assert_identical(tree["table"].to_dataset(), table)
    xr.testing.assert_identical(tree["one"].to_dataset(), run.isel(rate=1))


def test_text_that_is_joined_to_shorter_text_is_saved_whole(tmp_path):
    """Against the width of the first file that was read, to which xarray cuts the text."""
    for name, words in {"first": np.array([], dtype=str), "second": np.array(["a long one"])}.items():
        save({"all": xr.Dataset({"words": ("run", words)})}, tmp_path / name, {})
    read = [load(tmp_path / name)["all"].to_dataset() for name in ("first", "second")]
    save({"all": xr.concat(read, "run")}, tmp_path / "both", {})
    assert load(tmp_path / "both")["all"]["words"].values.tolist() == ["a long one"]


def test_what_is_loaded_does_not_need_the_file_any_more(tmp_path, run):
    path = tmp_path / "data.nc"
    save({"runs": run}, path, CONFIGURATION)
    tree = load(path)
    path.unlink()
    xr.testing.assert_identical(tree["runs"].to_dataset(), run)


def test_the_provenance_says_what_produced_the_file(tmp_path, table):
    path = tmp_path / "data.nc"
    save({"table": table}, path, CONFIGURATION)
    attributes = load(path).attrs
    assert json.loads(attributes["configuration"]) == CONFIGURATION
    assert json.loads(attributes["command"]) == sys.argv
    recorded = json.loads(attributes["versions"])
    assert recorded == versions()
    assert set(recorded) == {"python", *RECORDED_PACKAGES}
    assert recorded["numpy"] == np.__version__
    assert recorded["edge-of-stability"] == version("edge-of-stability")
    age = datetime.now(UTC) - datetime.fromisoformat(attributes["created"])
    assert timedelta(0) <= age < timedelta(minutes=5)


def test_the_provenance_names_the_commit_of_the_checkout(tmp_path, table):
    here = Path(__file__).parent
    asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=False)
    if asked.returncode or not (PROJECT / ".git").exists():
        pytest.skip("not a checkout")
    path = tmp_path / "data.nc"
    save({"table": table}, path, CONFIGURATION)
    assert load(path).attrs["commit"].removesuffix("-dirty") == asked.stdout.strip()


def test_the_commit_is_that_of_this_project_whatever_git_is_told(tmp_path, monkeypatch, unasked):
    ours = commit()
    commit.cache_clear()
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.setenv(name, str(tmp_path / ".git"))
    assert commit() == ours


def test_inside_the_repository_of_something_else_there_is_no_commit(tmp_path, table, monkeypatch, unasked):
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "of somebody else"]):
        subprocess.run([*git, *command], check=True)
    inside = tmp_path / "environment" / "packages"
    inside.mkdir(parents=True)
    monkeypatch.setattr("numeric.runs.origin.PROJECT", inside)
    assert "commit" not in provenance({})


def test_without_git_there_is_no_commit(tmp_path, table, monkeypatch, unasked):
    monkeypatch.setenv("PATH", str(tmp_path))
    path = tmp_path / "data.nc"
    save({"table": table}, path, CONFIGURATION)
    assert "commit" not in load(path).attrs


def test_saving_makes_the_folders_on_the_way_and_replaces_what_was_there(tmp_path, table):
    path = tmp_path / "deep" / "deeper" / "data.nc"
    save({"table": table, "old": table}, path, CONFIGURATION)
    save({"table": 2 * table}, path, CONFIGURATION)
    assert set(load(path).children) == {"table"}
    assert sorted(path.parent.iterdir()) == [path]


def test_a_file_has_the_permissions_of_any_new_file(tmp_path, table):
    path, plain = tmp_path / "data.nc", tmp_path / "plain"
    save({"table": table}, path, CONFIGURATION)
    plain.touch()
    assert path.stat().st_mode == plain.stat().st_mode


def test_a_configuration_that_is_no_json_writes_nothing(tmp_path, table):
    with pytest.raises(TypeError):
        save({"table": table}, tmp_path / "data.nc", {"path": tmp_path})
    assert list(tmp_path.iterdir()) == []


def refusal(action, *arguments):
    with pytest.raises(BadInput) as caught:
        action(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path, table):
    blocker = tmp_path / "file"
    blocker.write_text("in the way")
    for path in (blocker / "data.nc", blocker / "deeper" / "data.nc"):
        assert str(path.parent) in refusal(save, {"table": table}, path, CONFIGURATION)
    assert blocker.read_text() == "in the way"


def test_a_folder_in_the_place_of_the_file_is_refused_and_kept(tmp_path, table):
    path = tmp_path / "data.nc"
    path.mkdir()
    assert str(path) in refusal(save, {"table": table}, path, CONFIGURATION)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
@pytest.mark.fault("read-only", "results into a folder without permission", "refused in one line that names it")
def test_a_folder_without_permission_is_refused(tmp_path, table):
    tmp_path.chmod(0o500)
    assert str(tmp_path) in refusal(save, {"table": table}, tmp_path / "data.nc", CONFIGURATION)


@pytest.mark.fault(
    "damaged",
    "a file of NetCDF that is cut off, empty, text or absent",
    "refused in one line that names it",
)
def test_what_is_no_readable_file_is_refused(tmp_path, table):
    whole = tmp_path / "whole.nc"
    save({"table": table}, whole, CONFIGURATION)
    contents = whole.read_bytes()
    for length in (0, 7, 100, len(contents) // 2, len(contents) - 1):
        cut = tmp_path / "cut.nc"
        cut.write_bytes(contents[:length])
        assert str(cut) in refusal(load, cut)
    text = tmp_path / "text.nc"
    text.write_text("not NetCDF\n")
    for path in (text, tmp_path / "absent.nc", tmp_path, text / "below.nc"):
        assert str(path) in refusal(load, path)


def changed(path, change):
    """A stranger's file: one of ours, in which the function has changed a group, sealed again."""
    save({"history": xr.Dataset({"loss": ("step", np.arange(4.0))})}, path, CONFIGURATION)
    memory = io.BytesIO(read_sealed(path))
    with h5py.File(memory, "r+") as file:
        change(file["history"])
    write_sealed(path, memory.getvalue())


ELSEWHERE = {
    "external storage": lambda group: group.create_dataset("x", (2,), "u1", external=[("/etc/hostname", 0, 2)]),
    "external link": lambda group: group.update(x=h5py.ExternalLink("/etc/other.h5", "/secret")),
    "soft link": lambda group: group.update(x=h5py.SoftLink("/history/loss")),
    "dangling link": lambda group: group.update(x=h5py.SoftLink("/nowhere")),
    "virtual": lambda group: group.create_virtual_dataset("x", virtual("/etc/other.h5")),
    "filter": lambda group: group.create_dataset("x", data=np.zeros(100), compression="gzip"),
}


def virtual(name):
    layout = h5py.VirtualLayout((2,), "f8")
    layout[:] = h5py.VirtualSource(name, "secret", (2,))
    return layout


@pytest.mark.parametrize("change", ELSEWHERE.values(), ids=ELSEWHERE)
@pytest.mark.fault(
    "damaged",
    "a stranger's file that is whole, and refers to other files or to filters",
    "refused; nothing else is read, and no code is looked up",
)
def test_a_strangers_file_reads_nothing_but_itself(tmp_path, change):
    path = tmp_path / "data.nc"
    changed(path, lambda group: None)
    assert load(path)["history"].loss.values.tolist() == [0, 1, 2, 3]
    changed(path, change)
    said = refusal(load, path)
    assert "history/x" in said
    assert re.search("is a link|lies in another file|stored through a filter", said)


@pytest.mark.parametrize("content", [b"", b"text", b"\x89HDF\r\n\x1a\n" + bytes(600)], ids=["empty", "text", "cut"])
def test_a_seal_makes_no_file_readable(tmp_path, content):
    path = tmp_path / "data.nc"
    write_sealed(path, content)
    assert "not a readable file of results" in refusal(load, path)


def test_any_reader_of_netcdf_reads_the_files(tmp_path, table):
    path = tmp_path / "data.nc"
    save({"table": table}, path, CONFIGURATION)
    with xr.open_datatree(path) as tree:
        xr.testing.assert_identical(tree["table"].to_dataset(), table)


@pytest.mark.slow
def test_files_are_written_as_well_while_a_cluster_is_at_hand(tmp_path, table):
    distributed = pytest.importorskip("distributed")
    path = tmp_path / "data.nc"
    with distributed.Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=":0") as client:
        save({"table": table.chunk()}, path, CONFIGURATION)
        client.submit(save, {"table": table}, path, CONFIGURATION, pure=False).result()
        xr.testing.assert_identical(load(path)["table"].to_dataset(), table)


@pytest.mark.fault(
    "no room",
    "a file of NetCDF",
    "one line that names it, where writing through HDF5 would end the process",
)
def test_a_full_device_is_said_and_not_fallen_over(tmp_path):
    code = """
import resource, signal, sys
from pathlib import Path
import numpy as np, xarray as xr
from numeric.runs import NoSpace, save
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    save({"history": xr.Dataset({"loss": ("step", np.arange(10_000.0))})}, Path(sys.argv[1]), {})
except NoSpace as error:
    print(error)
"""
    path = tmp_path / "data.nc"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{path}: File too large; make room and run it again, what was finished is kept\n"
    assert list(tmp_path.iterdir()) == []
