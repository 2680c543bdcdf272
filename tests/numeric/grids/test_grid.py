"""Grids on disk: every chunk once, whatever interrupts them, and never two grids in one store."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import dask
import numpy as np
import psutil
import pytest
import xarray as xr
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import symbols

from eos_sym import BadInput, Map
from numeric import compile_map
from numeric.grids.grid import compute_grid, number_of_chunks
from numeric.grids.store import OUTCOMES

x, r = symbols("x r", real=True)
CONFIGURATION = {"map": "logistic", "steps": 300}


def computed(starts, rates):
    """What stands for a simulation: results of every type, from both arguments, in a millisecond."""
    value = np.sin(1e4 * (starts + rates))
    return (
        np.stack([value, -value], axis=-1),
        np.array(OUTCOMES)[(value * 100).astype(int) % 4],
        (value * 1e6).astype(int),
    )


def grid(chunks, sizes=(12, 9), function=computed, offset=0.0):
    """A lazy dataset over start and rate, with coordinates, attributes and a parameter of one dimension."""
    axes = {dim: xr.DataArray(np.arange(size) / 7 + offset, dims=dim) for dim, size in zip(chunks, sizes, strict=True)}
    starts, rates = (axis.assign_coords({dim: axis}).chunk({dim: chunks[dim]}) for dim, axis in axes.items())
    final, outcome, step = xr.apply_ufunc(
        function,
        starts,
        rates,
        dask="parallelized",
        output_core_dims=[["state"], [], []],
        output_dtypes=[float, "<U9", int],
        dask_gufunc_kwargs={"output_sizes": {"state": 2}},
    )
    results = {"final": final.assign_attrs(units="1"), "outcome": outcome, "step": step, "r": rates.variable}
    return xr.Dataset(results, {"state": ["x", "momentum"]}, {"engine": "compiled"})


def counting(numbers):
    """`computed`, and a list with the first start of every chunk it was called for."""
    seen = []

    def function(starts, rates):
        seen.append((starts.flat[0], rates.flat[0]))
        if len(seen) > numbers:
            raise RuntimeError("stopped here")
        return computed(starts, rates)

    return function, seen


def same(stored, lazy):
    """Bit for bit, with everything that the lazy dataset says about itself."""
    assert all(stored.attrs[name] == value for name, value in lazy.attrs.items())
    expected = lazy.compute(scheduler="synchronous")
    xr.testing.assert_identical(
        stored.compute().assign_attrs(expected.attrs).drop_attrs(deep=False), expected.drop_attrs(deep=False)
    )
    assert stored.outcome.dtype == "<U9"


def refusal(*arguments, **options):
    with pytest.raises(BadInput) as caught:
        compute_grid(*arguments, **({"configuration": CONFIGURATION} | options))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def contents(path):
    return {file.relative_to(path): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_the_grid_of_a_simulation_is_the_simulation(tmp_path):
    simulator = compile_map(Map((x,), (r,), (r * x * (1 - x),)))
    starts = xr.DataArray(np.linspace(0.1, 0.9, 7), dims="start", coords={"start": np.arange(7)})
    rates = xr.DataArray(np.linspace(2.8, 4.1, 30), dims="r", coords={"r": np.linspace(2.8, 4.1, 30)})
    run = simulator.run({"x": starts}, {"r": rates}, steps=300, record_every=100)
    lazy = simulator.run({"x": starts.chunk(start=3)}, {"r": rates.chunk(r=8)}, steps=300, record_every=100)
    stored = compute_grid(lazy, tmp_path / "grid.zarr", configuration=CONFIGURATION)
    assert set(run.outcome.values.flat) == {"converged", "periodic", "diverged", "undecided"}
    xr.testing.assert_identical(stored.compute().drop_attrs(deep=False), run.drop_attrs(deep=False))
    assert stored.attrs["engine"] == run.attrs["engine"]
    assert stored.final.chunksizes == {"start": (3, 3, 1), "r": (8, 8, 8, 6), "state": (1,)}


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.tuples(st.integers(0, 7), st.integers(1, 7)), st.tuples(st.integers(1, 8), st.integers(1, 8)))
def test_any_sizes_and_chunks_come_back_as_they_were(tmp_path_factory, sizes, chunk):
    lazy = grid(dict(zip(("start", "rate"), chunk, strict=True)), sizes)
    same(compute_grid(lazy, tmp_path_factory.mktemp("grid") / "grid.zarr", configuration=CONFIGURATION), lazy)


def test_every_chunk_is_computed_once_and_counted_once(tmp_path):
    function, seen = counting(np.inf)
    lazy, reports = grid({"start": 5, "rate": 4}, function=function), []
    assert number_of_chunks(lazy) == 9
    compute_grid(lazy, tmp_path / "grid.zarr", configuration=CONFIGURATION, progress=reports.append)
    assert sorted(seen) == [(a / 7, b / 7) for a in (0, 5, 10) for b in (0, 4, 8)]
    assert reports == [1] * 9


def test_a_finished_grid_is_only_opened(tmp_path):
    function, seen = counting(np.inf)
    lazy, reports = grid({"start": 5, "rate": 4}, function=function), []
    compute_grid(lazy, tmp_path / "grid.zarr", configuration=CONFIGURATION)
    there = contents(tmp_path)
    del seen[:]
    stored = compute_grid(lazy, tmp_path / "grid.zarr", configuration=CONFIGURATION, progress=reports.append)
    assert (seen, reports) == ([], [9])
    assert contents(tmp_path) == there
    same(stored, grid({"start": 5, "rate": 4}))


@pytest.mark.parametrize("before", [0, 1, 4, 8])
def test_a_grid_goes_on_with_the_chunks_that_are_missing(tmp_path, before):
    function, seen = counting(before)
    with pytest.raises(RuntimeError, match="stopped here"), dask.config.set(scheduler="synchronous"):
        compute_grid(
            grid({"start": 5, "rate": 4}, function=function), tmp_path / "grid.zarr", configuration=CONFIGURATION
        )
    done = seen[:before]
    function, seen = counting(np.inf)
    lazy, reports = grid({"start": 5, "rate": 4}, function=function), []
    stored = compute_grid(lazy, tmp_path / "grid.zarr", configuration=CONFIGURATION, progress=reports.append)
    assert sorted(done + seen) == [(a / 7, b / 7) for a in (0, 5, 10) for b in (0, 4, 8)]
    assert reports == [before] * bool(before) + [1] * (9 - before)
    same(stored, grid({"start": 5, "rate": 4}))


def test_the_order_of_the_variables_is_no_part_of_a_grid(tmp_path):
    stopped, path = grid({"start": 4, "rate": 3}, function=counting(4)[0]), tmp_path / "grid.zarr"
    with pytest.raises(RuntimeError, match="stopped here"), dask.config.set(scheduler="synchronous"):
        compute_grid(stopped, path, configuration=CONFIGURATION)
    lazy = grid({"start": 4, "rate": 3})
    same(compute_grid(lazy[["r", "step", "outcome", "final"]], path, configuration=CONFIGURATION), lazy)


def test_a_chunk_whose_results_are_not_all_written_is_not_done(tmp_path, monkeypatch):
    lazy, path = grid({"start": 12, "rate": 3}), tmp_path / "grid.zarr"
    whole = zarr.Array.__setitem__

    def full_disk(array, region, values):
        if str(array.store).endswith("/step"):
            raise OSError(28, "No space left on device")
        whole(array, region, values)

    with monkeypatch.context() as patch:
        patch.setattr(zarr.Array, "__setitem__", full_disk)
        assert "No space left on device" in refusal(lazy, path)
    assert not zarr.open_array(path / "chunks-done", mode="r")[...].any()
    same(compute_grid(lazy, path, configuration=CONFIGURATION), lazy)


def test_an_outcome_takes_one_byte_and_names_its_words(tmp_path):
    lazy, path = grid({"start": 5, "rate": 4}), tmp_path / "grid.zarr"
    compute_grid(lazy, path, configuration=CONFIGURATION)
    stored = xr.open_zarr(path).outcome
    assert stored.dtype == np.int8
    words = dict(zip(stored.attrs["flag_values"], stored.attrs["flag_meanings"].split(), strict=True))
    assert np.vectorize(words.get)(stored.values).tolist() == lazy.outcome.values.tolist()


def test_the_store_says_what_produced_it(tmp_path):
    stored = compute_grid(grid({"start": 5, "rate": 4}), tmp_path / "grid.zarr", configuration=CONFIGURATION)
    assert json.loads(stored.attrs["configuration"]) == CONFIGURATION
    assert {"engine", "command", "versions", "created"} <= set(stored.attrs)
    assert stored.final.attrs == {"units": "1"}


@pytest.mark.parametrize(
    ("other", "configuration", "named"),
    [
        (grid({"start": 5, "rate": 4}), {"map": "logistic", "steps": 301}, "configuration"),
        (grid({"start": 5, "rate": 3}), CONFIGURATION, "chunks"),
        (grid({"start": 5, "rate": 4}, (12, 8)), CONFIGURATION, "sizes"),
        (grid({"start": 5, "rate": 4}, offset=1e-9), CONFIGURATION, "variable rate, variable start"),
        (grid({"start": 5, "rate": 4}).assign_attrs(engine="numpy"), CONFIGURATION, "attributes"),
        (grid({"start": 5, "rate": 4}).drop_vars("step"), CONFIGURATION, "variable step"),
        (grid({"start": 5, "rate": 4}).assign_coords(state=["x", "y"]), CONFIGURATION, "variable state"),
    ],
    ids=["configuration", "chunks", "sizes", "coordinates", "engine", "variables", "names"],
)
def test_a_store_of_another_grid_is_refused_and_kept(tmp_path, other, configuration, named):
    path = tmp_path / "grid.zarr"
    compute_grid(grid({"start": 5, "rate": 4}), path, configuration=CONFIGURATION)
    there = contents(path)
    message = refusal(other, path, configuration=configuration)
    assert message.startswith(f"{path}: holds another grid")
    assert named in message
    assert "choose another name or remove it" in message
    assert contents(path) == there


def test_what_is_no_grid_is_refused_and_kept(tmp_path):
    file, folder, store = tmp_path / "file", tmp_path / "folder", tmp_path / "store.zarr"
    file.write_text("in the way")
    folder.mkdir()
    xr.Dataset({"a": ("n", [1.0])}).to_zarr(store, zarr_format=2)
    there = contents(tmp_path)
    for path in (file, folder, store):
        assert str(path) in refusal(grid({"start": 5, "rate": 4}), path)
    assert str(file) in refusal(grid({"start": 5, "rate": 4}), file / "grid.zarr")
    assert contents(tmp_path) == there


def test_a_store_is_there_whole_or_not_at_all(tmp_path, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(zarr, "create_array", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compute_grid(grid({"start": 5, "rate": 4}), tmp_path / "grid.zarr", configuration=CONFIGURATION)
    assert list(tmp_path.iterdir()) == []


def test_a_configuration_that_is_no_json_writes_nothing(tmp_path):
    with pytest.raises(BadInput, match=r"configuration: .*not JSON serializable; give numbers"):
        compute_grid(grid({"start": 5, "rate": 4}), tmp_path / "grid.zarr", configuration={"path": tmp_path})
    assert list(tmp_path.iterdir()) == []


def test_grids_without_equal_chunks_are_refused(tmp_path):
    lazy = grid({"start": 5, "rate": 4})
    assert "nothing in it is lazy" in refusal(lazy.compute(), tmp_path / "grid.zarr")
    assert '.chunk({"start": 6})' in refusal(lazy.chunk(start=(2, 6, 4)), tmp_path / "grid.zarr")
    assert '.chunk({"start": 9})' in refusal(lazy.chunk(start=(3, 9)), tmp_path / "grid.zarr")
    assert "unify_chunks()" in refusal(lazy.assign(step=lazy.step.chunk(start=6)), tmp_path / "grid.zarr")
    assert list(tmp_path.iterdir()) == []


def free_memory(monkeypatch, amount):
    memory = psutil.virtual_memory()._replace(available=amount)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)


def test_a_chunk_that_does_not_fit_is_refused_with_one_that_does(tmp_path, monkeypatch):
    lazy = grid({"start": 2000, "rate": 500}, (4000, 4000))
    free_memory(monkeypatch, 2**26)
    message = refusal(lazy, tmp_path / "grid.zarr")
    assert '{"rate": 500, "start": 2000}' in message
    assert "0.0625 GiB is free" in message
    assert list(tmp_path.iterdir()) == []
    proposed = json.loads(message.split(".chunk(")[1].removesuffix(")"))
    runs = np.prod(list(proposed.values()))
    needed = runs * (2 * 8 + 36 + 8)  # two coordinates, nine letters, a step: the arrays alone
    assert 2**26 / 8 < needed < 2**26 / 2
    with pytest.raises(RuntimeError, match="stopped here"):
        compute_grid(grid(proposed, (4000, 4000), counting(0)[0]), tmp_path / "grid.zarr", configuration=CONFIGURATION)


def test_what_never_fits_says_so(tmp_path, monkeypatch):
    free_memory(monkeypatch, 100)
    assert "not even one run fits" in refusal(grid({"start": 5, "rate": 4}), tmp_path / "grid.zarr")


def test_running_out_of_memory_keeps_the_finished_chunks(tmp_path):
    function, seen = counting(np.inf)

    def hungry(starts, rates):
        if len(seen) == 3:
            raise MemoryError
        return function(starts, rates)

    path = tmp_path / "grid.zarr"
    with dask.config.set(scheduler="synchronous"):
        assert "choose smaller chunks" in refusal(grid({"start": 5, "rate": 4}, function=hungry), path)
    assert zarr.open_array(path / "chunks-done", mode="r")[...].sum() == 3


@pytest.mark.parametrize("room", [1, 2])
def test_no_more_chunks_are_in_flight_than_fit(tmp_path, monkeypatch, room):
    running, most, lock = [], [], threading.Lock()

    def watched(starts, rates):
        with lock:
            running.append(1)
            most.append(len(running))
        time.sleep(0.02)
        with lock:
            running.pop()
        return computed(starts, rates)

    lazy = grid({"start": 3, "rate": 3}, function=watched)
    one = 9 * (3 * (2 * 8 + 36 + 8) + 4 * 2 * 8) + 3 * 3 * 8 + 1
    free_memory(monkeypatch, int(one * (room + 0.5)))
    with dask.config.set(num_workers=8):
        compute_grid(lazy, tmp_path / "grid.zarr", configuration=CONFIGURATION)
    assert max(most) == room


SCRIPT = """
import os, sys, time
from pathlib import Path

sys.path.insert(0, {tests!r})
from test_grid import CONFIGURATION, computed, grid
from numeric.grids import compute_grid

def logged(starts, rates):
    with open({log!r}, "a") as log:
        log.write(f"{{starts.flat[0]}} {{rates.flat[0]}}\\n")
    time.sleep(0.02)
    return computed(starts, rates)

if __name__ == "__main__":
    lazy = grid({{"start": 4, "rate": 2}}, (40, 9), logged)
    reports = []
    compute_grid(lazy, Path({path!r}), configuration=CONFIGURATION, progress=reports.append)
    print(sum(reports))
"""


def done_chunks(path):
    return set(path.glob("chunks-done/[0-9]*.[0-9]*[0-9]"))


def listen_to_interrupts():
    """A shell that runs the tests in the background has them, and all they start, ignore interrupts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_a_killed_grid_repeats_no_finished_chunk(tmp_path, blow):
    path, log, script = tmp_path / "grid.zarr", tmp_path / "log", tmp_path / "script.py"
    script.write_text(SCRIPT.format(tests=str(Path(__file__).parent), log=str(log), path=str(path)))
    command = [sys.executable, str(script)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, preexec_fn=listen_to_interrupts, **quiet)
    limit = time.monotonic() + 60
    while len(done_chunks(path)) < 15 and time.monotonic() < limit:
        time.sleep(0.005)
    process.send_signal(blow)
    assert process.wait(timeout=60) != 0
    finished = done_chunks(path)
    assert 15 <= len(finished) < 50
    begun = log.read_text().splitlines()
    total = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert total.split() == ["50"]
    again = log.read_text().splitlines()[len(begun) :]
    assert len(again) == len(set(again)) == 50 - len(finished)
    lazy = grid({"start": 4, "rate": 2}, (40, 9))
    same(compute_grid(lazy, path, configuration=CONFIGURATION), lazy)


def dying(flag):
    """`computed`, in a worker that is killed in the middle of the first chunk with a rate above 1."""

    def function(starts, rates):
        if rates.flat[0] > 1 and not flag.exists():
            flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return computed(starts, rates)

    return function


@pytest.mark.slow
def test_a_cluster_computes_the_same_grid_and_survives_a_killed_worker(tmp_path):
    distributed = pytest.importorskip("distributed")
    lazy, reports = grid({"start": 3, "rate": 2}, function=dying(tmp_path / "killed")), []
    with (
        distributed.LocalCluster(processes=True, n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        distributed.Client(cluster),
    ):
        stored = compute_grid(lazy, tmp_path / "grid.zarr", configuration=CONFIGURATION, progress=reports.append)
        assert sum(reports) == number_of_chunks(lazy) == 20
        assert (tmp_path / "killed").exists()
        same(stored, grid({"start": 3, "rate": 2}))
        huge = grid({"start": 10**5, "rate": 10**5}, (10**5, 10**5))
        assert "for each thread of a worker" in refusal(huge, tmp_path / "huge.zarr")


def test_importing_grids_loads_neither_dask_nor_zarr():
    code = "import sys, numeric.grids.grid; print(*{'dask', 'zarr', 'distributed'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == []
