"""Runs from Dask chunks are the runs from memory; what they take of it, and that other processes can compute them."""

import pickle
import subprocess
import sys
import tracemalloc
from types import SimpleNamespace

import dask
import numpy as np
import psutil
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import symbols

from eos_sym import BadInput, Map, shallow
from numeric import compile_map, compile_sharpness

x, y = symbols("x y", real=True)
r, b = symbols("r b", positive=True)

HENON = compile_map(Map((x, y), (r, b), (1 - r * x**2 + y, b * x)))
X = xr.DataArray(
    np.linspace(-1, 3, 12).reshape(6, 2),
    dims=("i", "j"),
    coords={"i": [10, 20, 30, 40, 50, 60], "row": ("i", list("abcdef"))},
    attrs={"units": "metres"},
)
Y = xr.DataArray([0.1, 0.2, 0.3], dims="k", coords={"k": [0.1, 0.2, 0.3]})
RATES = xr.DataArray([0.2, 1.4, 0.9, 0.1, 0.5, 1.1], dims="i", coords={"i": X.i})
EVERYTHING = {
    "record_every": 7,
    "observables": {"q": x**2, "S": compile_sharpness(shallow())},
    "means": ["q"],
    "lyapunov": True,
    "discard": 3,
}


def refuse_to_compute(*_, **__):
    raise AssertionError("something was computed")


def uncomputed(*arguments, **named):
    with dask.config.set(scheduler=refuse_to_compute):
        return HENON.run(*arguments, **named)


def labels(dataset):
    return {name: (variable.dims, variable.dtype, variable.attrs) for name, variable in dataset.variables.items()}


@settings(derandomize=True, deadline=None, max_examples=12)
@given(
    st.fixed_dictionaries({"i": st.integers(1, 7), "j": st.integers(1, 2)}),
    st.sampled_from([{}, {"k": 1}, {"k": 2}]),
    st.sampled_from([{}, {"i": 4}]),
    st.sampled_from([{}, {"outcomes": False}, EVERYTHING, {**EVERYTHING, "outcomes": False}]),
)
def test_chunks_give_what_memory_gives(first, second, third, asked):
    eager = HENON.run({"x": X, "y": Y}, {"r": RATES, "b": 0.3}, steps=40, **asked)
    starts = {"x": X.chunk(first), "y": Y.chunk(second) if second else Y}
    lazy = uncomputed(starts, {"r": RATES.chunk(third) if third else RATES, "b": 0.3}, steps=40, **asked)
    assert all(lazy[name].chunks is not None for name in lazy if name not in ("r", "b"))
    assert labels(lazy) == labels(eager)
    assert dict(lazy.sizes) == dict(eager.sizes)
    xr.testing.assert_identical(lazy.compute(scheduler="synchronous"), eager)


def test_the_chunks_are_those_of_the_input():
    lazy = uncomputed({"x": X.chunk(i=4), "y": Y}, {"r": RATES, "b": 0.3}, steps=5, record_every=1)
    assert lazy.chunksizes == {"i": (4, 2), "j": (2,), "k": (3,), "state": (2,), "iteration": (6,)}


def test_a_single_chunked_number_and_an_empty_chunked_grid_are_runs():
    one = uncomputed({"x": xr.DataArray(0.1).chunk(), "y": 0.1}, {"r": 1.4, "b": 0.3}, steps=5)
    assert one.outcome.compute().item() == "undecided"
    none = uncomputed({"x": X[:0].chunk(), "y": Y}, {"r": RATES[:0], "b": 0.3}, steps=5, **EVERYTHING)
    assert none.compute().q.shape == (0, 2, 3, 1)


def test_a_chunked_parameter_along_its_own_dimension_is_loaded_as_its_index():
    rates = xr.DataArray([0.5, 1.0], dims="r").chunk(r=1)
    lazy = HENON.run({"x": 0.1, "y": 0.1}, {"r": rates, "b": 0.3}, steps=5)
    assert lazy.indexes["r"].tolist() == [0.5, 1.0]
    assert lazy.final.chunks == ((1, 1), (2,))


def test_chunked_values_that_are_not_finite_are_refused_when_they_are_computed():
    lazy = uncomputed({"x": X.where(X < 2).chunk(i=2), "y": Y}, {"r": RATES, "b": 0.3}, steps=5)
    lazy.isel(i=slice(0, 2)).compute()
    with pytest.raises(BadInput, match=r"^initial value x: not a finite number$"):
        lazy.compute()
    with pytest.raises(BadInput, match=r"^parameter b: not a finite number$"):
        HENON.run({"x": X.chunk(), "y": Y}, {"r": RATES, "b": np.nan}, steps=5)


def test_chunks_are_computed_once_for_all_results_and_alike_by_name():
    asked = {"x": X.chunk(i=2), "y": Y}, {"r": RATES, "b": 0.3}
    first, second = (uncomputed(*asked, steps=5, **{**EVERYTHING, "record_every": 1}) for _ in range(2))
    assert first.q.data.name == second.q.data.name
    assert first.q.data.name != uncomputed(*asked, steps=6, **{**EVERYTHING, "record_every": 1}).q.data.name


def test_a_simulator_is_compiled_once_in_a_process():
    henon = compile_map(HENON.map)
    assert pickle.loads(pickle.dumps(henon)) == henon
    assert pickle.loads(pickle.dumps(henon)).step is henon.step


@pytest.mark.slow
def test_another_process_computes_the_same(tmp_path):
    lazy = HENON.run({"x": X.chunk(i=2), "y": Y}, {"r": RATES, "b": 0.3}, steps=20, **EVERYTHING)
    (tmp_path / "lazy").write_bytes(pickle.dumps((HENON, lazy)))
    code = (
        "import pickle, sys; simulator, lazy = pickle.load(open(sys.argv[1], 'rb'));"
        "run = simulator.run({'x': 0.1, 'y': 0.2}, {'r': 1.4, 'b': 0.3}, steps=9);"
        "pickle.dump((run, lazy.compute(scheduler='threads')), open(sys.argv[2], 'wb'))"
    )
    places = [str(tmp_path / name) for name in ("lazy", "computed")]
    subprocess.run([sys.executable, "-W", "error::UserWarning", "-c", code, *places], check=True, timeout=120)
    run, computed = pickle.loads((tmp_path / "computed").read_bytes())
    xr.testing.assert_identical(run, HENON.run({"x": 0.1, "y": 0.2}, {"r": 1.4, "b": 0.3}, steps=9))
    xr.testing.assert_identical(computed, lazy.compute())


@pytest.mark.parametrize("asked", [{}, {"observables": {"q": x**2 + y}, "means": ["q"], "lyapunov": True}])
def test_a_recorded_run_takes_little_memory_beside_its_results(asked):
    starts = {"x": xr.DataArray(np.linspace(-0.1, 0.1, 500), dims="run"), "y": 0.1}
    HENON.run(starts, {"r": 1.4, "b": 0.3}, steps=2, **asked)
    tracemalloc.start()
    run = HENON.run(starts, {"r": 1.4, "b": 0.3}, steps=2000, record_every=1, **asked)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.2 * run.nbytes
    assert run.trajectory.variable.data.base is not None  # a view of what the engine recorded


def available(monkeypatch, amount):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=amount))


def test_results_larger_than_memory_are_refused_with_their_size_and_remedies_that_help(monkeypatch):
    starts = {"x": xr.DataArray(np.zeros(1000), dims="start"), "y": xr.DataArray(np.zeros(3), dims="k")}
    available(monkeypatch, 10**6)
    said = (
        r"^the results of 3,000 runs of 100 steps take 0.0051 GB, the trajectory 0.00485 GB of it, and 0.001 GB of "
        r'memory are available; give a larger record_every or .* Dask chunks, for example .chunk\({"start": 49}\)$'
    )
    with pytest.raises(BadInput, match=said):
        HENON.run(starts, {"r": 1.4, "b": 0.3}, steps=100, record_every=1)
    HENON.run(starts, {"r": 1.4, "b": 0.3}, steps=100, record_every=50)
    HENON.run({**starts, "x": starts["x"].chunk(start=49)}, {"r": 1.4, "b": 0.3}, steps=100, record_every=1).compute()


def test_a_chunk_larger_than_memory_is_refused_when_it_is_computed(monkeypatch):
    starts = {"x": xr.DataArray(np.zeros(1000), dims="start").chunk(start=500), "y": 0.1}
    lazy = uncomputed(starts, {"r": 1.4, "b": 0.3}, steps=10)
    available(monkeypatch, 10**4)
    with pytest.raises(BadInput, match=r'the results of 500 runs .* give initial values in .*chunk\({"start": 29}\)$'):
        lazy.compute()


def test_a_single_run_larger_than_memory_is_refused_at_once_chunked_or_not():
    for start in (0.1, X.chunk()):
        with pytest.raises(BadInput, match=r"GB of memory are available; give a larger record_every$"):
            HENON.run({"x": start, "y": 0.1}, {"r": 1.4, "b": 0.3}, steps=2**62, record_every=1)
