"""Files that say what produced them, whole or not at all."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from sympy import symbols

from eos_sym import BadInput, Map
from numeric import compile_map, load, save
from numeric.runs import versions, write_atomically
from numeric.runs.store import RECORDED_PACKAGES, _commit

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
    _commit.cache_clear()
    yield
    _commit.cache_clear()


def test_groups_come_back_as_they_were(tmp_path, run, table):
    path = tmp_path / "data.nc"
    save({"runs": run, "table": table, "one": run.isel(rate=1)}, path, CONFIGURATION)
    tree = load(path)
    assert set(tree.children) == {"runs", "table", "one"}
    xr.testing.assert_identical(tree["runs"].to_dataset(), run)
    xr.testing.assert_identical(tree["table"].to_dataset(), table)
    xr.testing.assert_identical(tree["one"].to_dataset(), run.isel(rate=1))


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
    if asked.returncode:
        pytest.skip("not a checkout")
    path = tmp_path / "data.nc"
    save({"table": table}, path, CONFIGURATION)
    assert load(path).attrs["commit"].removesuffix("-dirty") == asked.stdout.strip()


def test_outside_a_checkout_there_is_no_commit(tmp_path, table, monkeypatch, unasked):
    monkeypatch.setattr("numeric.runs.store.__file__", str(tmp_path / "store.py"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    path = tmp_path / "data.nc"
    save({"table": table}, path, CONFIGURATION)
    assert "commit" not in load(path).attrs


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


@pytest.mark.parametrize("failure", [RuntimeError("full"), OSError("full"), KeyboardInterrupt()], ids=repr)
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
def test_a_folder_without_permission_is_refused(tmp_path, table):
    tmp_path.chmod(0o500)
    assert str(tmp_path) in refusal(save, {"table": table}, tmp_path / "data.nc", CONFIGURATION)


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
