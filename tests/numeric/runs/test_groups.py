"""What is read straight from HDF5, and written to it, is what a program of any NetCDF-4 finds, and leaves; what is not
plain is left to that program."""

import io

import h5py
import numpy as np
import pytest
import xarray as xr

from numeric.files import read_sealed, write_sealed
from numeric.runs import load, save
from numeric.runs.groups import NotPlain, read_groups, write_groups

STEPS = np.arange(4)
DATASETS = {
    "numbers of many kinds": xr.Dataset(
        {
            name: ("step", STEPS.astype(name))
            for name in ("int8", "uint8", "int32", "uint16", "int64", "float32", "float64")
        }
    ),
    "missing and infinite": xr.Dataset({"loss": (("run", "step"), [[1.0, np.nan], [np.inf, -np.inf]])}),
    "texts": xr.Dataset(
        {"word": ("run", ["", "λ₁ near 2/η", "a"]), "none": ("nothing", np.array([], dtype=str)), "one": "a text"}
    ),
    "truth values": xr.Dataset({"trusted": ("run", [True, False]), "all": False}),
    "numbers alone": xr.Dataset({"eta": 0.1, "steps": 3}),
    "dimensions without labels": xr.Dataset({"a": (("x", "y"), np.eye(2)), "b": (("y", "x"), np.ones((2, 2)))}),
    "labels": xr.Dataset(
        {"loss": (("rule", "step"), np.ones((2, 4)))},
        {"rule": ["gd", "heavy ball"], "step": STEPS, "time": ("step", STEPS / 3), "eta": 0.5},
    ),
    "labels in two dimensions": xr.Dataset({"a": (("x", "y"), np.eye(2))}, {"time": (("x", "y"), np.ones((2, 2)))}),
    "times": xr.Dataset({"at": ("run", np.array(["2024-01-01", "2025-06-01"], "datetime64[ns]"))}),
    "nothing": xr.Dataset(),
    "no elements": xr.Dataset({"loss": ("step", np.zeros(0))}),
    "attributes": xr.Dataset(
        {"a": ("x", STEPS, {"units": "1", "number": 3, "real": 0.5, "list": [1.0, 2.0], "words": ["a", "b"]})},
        attrs={"title": "η", "one": ["alone"], "array": np.arange(3)},
    ),
}


def by_any_reader(content):
    tree = xr.open_datatree(io.BytesIO(content), engine="h5netcdf")
    loaded = tree.load()
    return {name: node.to_dataset() for name, node in loaded.children.items()} | {"/": loaded.to_dataset()}


def same(one, other):
    """Also in the kinds of numbers and texts, the order of the variables, and the kinds of attributes."""
    xr.testing.assert_identical(one, other)
    assert list(one.variables) == list(other.variables)
    for mine, theirs in ((one, other), *((one[name], other[name]) for name in one.variables)):
        assert [(key, type(value)) for key, value in mine.attrs.items()] == [
            (key, type(value)) for key, value in theirs.attrs.items()
        ]
    assert {name: found.dtype for name, found in one.variables.items()} == {
        name: found.dtype for name, found in other.variables.items()
    }


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS)
def test_what_is_written_is_what_a_writer_of_any_netcdf_writes(dataset, tmp_path):
    """Against labels, missing values, texts or attributes that only the reader here understands."""
    dataset.to_netcdf(tmp_path / "any.nc", engine="h5netcdf")
    found = by_any_reader(write_groups({"all": dataset}, {"title": "η"}))
    same(found["all"], xr.load_dataset(tmp_path / "any.nc", engine="h5netcdf"))
    assert found["/"].attrs == {"title": "η"}


def test_what_is_not_plain_is_written_by_a_writer_of_any_netcdf(tmp_path):
    multipliers = xr.Dataset({"multiplier": ("x", np.array([1 + 2j, -1]))})
    with pytest.raises(NotPlain):
        write_groups({"all": multipliers}, {})
    save({"all": multipliers}, tmp_path / "data.nc", {})
    assert load(tmp_path / "data.nc")["all"].to_dataset().identical(multipliers)


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS)
def test_all_that_is_saved_is_read_as_by_a_reader_of_any_netcdf(dataset, tmp_path):
    save({"first": dataset, "second": DATASETS["labels"]}, tmp_path / "data.nc", {"eta": 0.1})
    content = read_sealed(tmp_path / "data.nc")
    found, expected = read_groups(content), by_any_reader(content)
    assert [*found.children] == ["first", "second"]
    for name in found.children:
        same(found[name].to_dataset(), expected[name])
    same(found.to_dataset(), expected["/"])


def test_what_was_read_is_saved_again_as_it_was(tmp_path):
    for name, dataset in DATASETS.items():
        save({"all": dataset}, tmp_path / "once.nc", {})
        once = load(tmp_path / "once.nc")["all"].to_dataset()
        save({"all": once}, tmp_path / "twice.nc", {})
        xr.testing.assert_identical(load(tmp_path / "twice.nc")["all"].to_dataset(), once)
        assert once.equals(dataset), name


NOT_PLAIN = {
    "a group in a group": lambda group: group.create_group("inside"),
    "dimensions that are not numbered": lambda group: group["loss"].attrs.pop("_Netcdf4Coordinates"),
    "dimensions without numbers": lambda group: group["step"].attrs.pop("_Netcdf4Dimid"),
    "a truth value of HDF5": lambda group: group.create_dataset("x", data=True),
    "an attribute of bytes": lambda group: group.attrs.create("note", np.bytes_(b"bytes")),
}


@pytest.mark.parametrize("change", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_what_is_not_plain_is_read_by_a_reader_of_any_netcdf(change, tmp_path):
    save({"history": xr.Dataset({"loss": ("step", np.arange(4.0))})}, tmp_path / "data.nc", {})
    memory = io.BytesIO(read_sealed(tmp_path / "data.nc"))
    with h5py.File(memory, "r+") as file:
        change(file["history"])
    with pytest.raises(NotPlain):
        read_groups(memory.getvalue())
    write_sealed(tmp_path / "data.nc", memory.getvalue())
    assert load(tmp_path / "data.nc")["history"].loss.values.tolist() == [0, 1, 2, 3]
