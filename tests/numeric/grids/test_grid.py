"""Grids on disk: every chunk once, whatever interrupts them, and never two grids in one store."""

import hashlib
import json
import os
import re
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
from numeric.files import read_sealed, write_sealed
from numeric.grids import store
from numeric.grids.grid import compute_grid, number_of_chunks
from numeric.grids.identity import identity
from numeric.grids.store import OUTCOMES, open_grid
from numeric.runs import NoSpace, locked

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


class Counting:
    """`computed`, with a list of the first start and rate of every chunk that it was called for; stops when told to."""

    def __init__(self, numbers=np.inf, raised=RuntimeError):
        self.numbers, self.raised, self.seen = numbers, raised, []

    def __dask_tokenize__(self):
        return "Counting"

    def __call__(self, starts, rates):
        self.seen.append((starts.flat[0], rates.flat[0]))
        if len(self.seen) > self.numbers:
            raise self.raised("stopped here")
        return computed(starts, rates)


def counting(numbers):
    """A function that counts, and what it counts."""
    function = Counting(numbers)
    return function, function.seen


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
    stopped, path = grid({"start": 4, "rate": 3}, function=Counting(4)), tmp_path / "grid.zarr"
    with pytest.raises(RuntimeError, match="stopped here"), dask.config.set(scheduler="synchronous"):
        compute_grid(stopped, path, configuration=CONFIGURATION)
    lazy = grid({"start": 4, "rate": 3}, function=Counting())
    same(compute_grid(lazy[["r", "step", "outcome", "final"]], path, configuration=CONFIGURATION), lazy)


@pytest.mark.fault(
    "no room",
    "a chunk of a grid",
    "one line; the chunk is not taken for done, and is computed when there is room",
)
def test_a_chunk_whose_results_are_not_all_written_is_not_done(tmp_path, monkeypatch):
    lazy, path = grid({"start": 12, "rate": 3}), tmp_path / "grid.zarr"
    whole = zarr.Array.__setitem__

    def full_disk(array, region, values):
        if str(array.store).endswith("/step"):
            raise OSError(28, "No space left on device")
        whole(array, region, values)

    with monkeypatch.context() as patch:
        patch.setattr(zarr.Array, "__setitem__", full_disk)
        with pytest.raises(NoSpace, match="No space left on device; make room and run it again"):
            compute_grid(lazy, path, configuration=CONFIGURATION)
    assert not done_chunks(path)
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
@pytest.mark.fault("another program", "the store of another grid", "refused, with what is other about it, and kept")
def test_a_store_of_another_grid_is_refused_and_kept(tmp_path, other, configuration, named):
    path = tmp_path / "grid.zarr"
    compute_grid(grid({"start": 5, "rate": 4}), path, configuration=CONFIGURATION)
    there = contents(path)
    message = refusal(other, path, configuration=configuration)
    assert message.startswith(f"{path}: holds another grid")
    assert named in message
    assert "choose another name or remove it" in message
    assert contents(path) == there


def simulated(map_=None, start=0.3, **options):
    """The grid of a simulation of the logistic map, or of another one."""
    rates = xr.DataArray(np.linspace(2.8, 4.1, 6), dims="r", coords={"r": np.linspace(2.8, 4.1, 6)})
    simulator = compile_map(map_ or Map((x,), (r,), (r * x * (1 - x),)))
    asked = {"steps": 200, "record_every": 100, "observables": {"loss": x**2}, "means": ["loss"], "discard": 10}
    starts = xr.DataArray([start, 0.6], dims="start")
    return simulator.run({"x": starts.chunk(start=1)}, {"r": rates.chunk(r=3)}, **(asked | options))


OTHERS = {
    "start": {"start": 0.31},
    "map": {"map_": Map((x,), (r,), (r * x * (1 - x**2),))},
    "steps": {"steps": 201},
    "records": {"record_every": 200},
    "observable": {"observables": {"loss": x**3}},
    "discarded": {"discard": 11},
    "exponent": {"lyapunov": True},
    "tolerance": {"tolerance": 1e-10},
    "bound": {"bound": 1e7},
    "engine": {"engine": "compiled"},
}


def test_the_same_simulation_is_the_same_grid(tmp_path):
    compute_grid(simulated(), tmp_path / "grid.zarr", configuration={})
    there = contents(tmp_path)
    compute_grid(simulated(), tmp_path / "grid.zarr", configuration={})
    assert contents(tmp_path) == there


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_a_simulation_of_anything_else_is_another_grid(tmp_path, other):
    compute_grid(simulated(), tmp_path / "grid.zarr", configuration={})
    with pytest.raises(BadInput, match="holds another grid"):
        compute_grid(simulated(**other), tmp_path / "grid.zarr", configuration={})


@pytest.mark.fault("another program", "a grid by other code", "it is another grid")
def test_a_grid_is_known_by_the_code_that_computes_it(tmp_path):
    def doubled(starts, rates):
        final, outcome, step = computed(starts, rates)
        return 2 * final, outcome, step

    doubled.__qualname__, doubled.__module__ = computed.__qualname__, computed.__module__
    path = tmp_path / "grid.zarr"
    compute_grid(grid({"start": 5, "rate": 4}), path, configuration=CONFIGURATION)
    assert "code" in refusal(grid({"start": 5, "rate": 4}, function=doubled), path)


def identities():
    return str([identity(lazy, {}, {}) for lazy in (simulated(), grid({"start": 5, "rate": 4}))])


def test_the_identity_of_a_grid_is_the_same_in_every_process():
    """Wrong program: one that lets the order of a set into it, which is another one in every process."""
    said = subprocess.run(
        [sys.executable, "-c", "from tests.numeric.grids.test_grid import identities; print(identities())"],
        env=os.environ | {"PYTHONHASHSEED": "1"},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said == f"{identities()}\n"


def finished_grid(folder, chunks=(5, 4)):
    path = folder / "grid.zarr"
    compute_grid(grid(dict(zip(("start", "rate"), chunks, strict=True))), path, configuration=CONFIGURATION)
    return path


def values(path):
    """All values and labels of a grid, or that it is refused."""
    try:
        found = open_grid(path).compute()
    except BadInput:
        return None
    return {name: array.values.tolist() for name, array in found.variables.items()}


@pytest.mark.fault("damaged", "each file of a grid: removed, cut, changed", "refused, or the same values; never others")
def test_no_file_of_a_grid_may_be_removed_cut_or_changed(tmp_path):
    path = finished_grid(tmp_path, (12, 5))  # two chunks have files of every kind
    expected = values(path)
    for file in [file for file in sorted(path.rglob("*")) if file.is_file()]:
        whole = file.read_bytes()
        changed = bytearray(whole)
        changed[len(whole) // 2] ^= 1
        file.unlink()
        assert values(path) in (None, expected), file
        for content in (b"", whole[:-1], bytes(changed)):
            file.write_bytes(content)
            assert values(path) in (None, expected), (file, content)
        file.write_bytes(whole)
    assert values(path) == expected


def test_a_damaged_chunk_is_computed_again_when_its_mark_is_removed(tmp_path):
    path = finished_grid(tmp_path)
    (path / "final" / "1.2.0").write_bytes(b"")
    with pytest.raises(BadInput, match=r"final/1.2.0: damaged or edited") as caught:
        open_grid(path).compute()
    mark = Path(re.search("remove (.+) to compute it again", str(caught.value))[1])
    assert b'"final/1.2.0"' in mark.read_bytes()
    mark.unlink()
    reports = []
    lazy = grid({"start": 5, "rate": 4})
    same(compute_grid(lazy, path, configuration=CONFIGURATION, progress=reports.append), lazy)
    assert reports == [8, 1]


def sealed_again(path, name, content):
    """A stranger's grid: one of ours with another file, and the checksum of that."""
    (path / name).write_bytes(content)
    described = json.loads(bytes(read_sealed(path / "grid.json")))
    described["files"][name] = hashlib.sha256(content).hexdigest()
    write_sealed(path / "grid.json", json.dumps(described).encode())


@pytest.mark.parametrize("consolidated", [True, False])
@pytest.mark.parametrize("codec", [{"filters": [{"id": "pickle"}]}, {"compressor": {"id": "json2"}}], ids=str)
def test_a_strangers_grid_with_a_codec_of_its_own_is_not_opened(tmp_path, codec, consolidated):
    path = finished_grid(tmp_path)
    name = ".zmetadata" if consolidated else "final/.zarray"
    described = json.loads((path / name).read_bytes())
    (described["metadata"]["final/.zarray"] if consolidated else described).update(codec)
    sealed_again(path, name, json.dumps(described).encode())
    with pytest.raises(BadInput, match=r"written with (pickle|json2)"):
        open_grid(path)


@pytest.mark.fault("damaged", "a stranger's grid whose files are elsewhere", "refused")
def test_a_strangers_grid_does_not_lead_out_of_its_folder(tmp_path):
    path = finished_grid(tmp_path)
    secret = tmp_path / "secret"
    secret.write_bytes((path / "state" / "0").read_bytes())
    (path / "state" / "0").unlink()
    (path / "state" / "0").symlink_to(secret)
    with pytest.raises(BadInput, match="state/0: leads out of the folder"):
        open_grid(path).compute()


def test_a_pipe_in_the_place_of_a_chunk_is_not_waited_for(tmp_path):
    path = finished_grid(tmp_path)
    (path / "step" / "0.0").unlink()
    os.mkfifo(path / "step" / "0.0")
    with pytest.raises(BadInput, match=r"step/0.0: no file; remove"):
        open_grid(path).compute()


@pytest.mark.fault("read-only", "a finished grid where nothing may be written", "it is read, and nothing is written")
def test_a_finished_grid_is_read_without_a_lock(tmp_path, monkeypatch):
    path = finished_grid(tmp_path)
    monkeypatch.setattr("numeric.grids.grid.locked", lambda *place: pytest.fail("a lock where nothing is written"))
    there = contents(path)
    lazy = grid({"start": 5, "rate": 4})
    same(compute_grid(lazy, path, configuration=CONFIGURATION), lazy)
    assert contents(path) == there


@pytest.mark.fault("shared", "two writers of one grid", "the second is refused")
def test_a_grid_that_another_process_writes_is_refused(tmp_path):
    with locked(tmp_path, "grid.zarr"):
        assert "in use by another run" in refusal(grid({"start": 5, "rate": 4}), tmp_path / "grid.zarr")


@pytest.mark.fault(
    "killed",
    "a grid, in the middle of a file",
    "the half of a file is not taken for one, and is swept up",
)
def test_what_a_killed_process_left_is_swept_up(tmp_path):
    path = tmp_path / "grid.zarr"
    with pytest.raises(RuntimeError, match="stopped here"), dask.config.set(scheduler="synchronous"):
        compute_grid(grid({"start": 5, "rate": 4}, function=Counting(3)), path, configuration=CONFIGURATION)
    left = [tmp_path / ".grid-0123456789abcdef.zarr", path / "final" / "0.1.0.abc.partial"]
    left.append(path / "chunks-done" / ".0-0123456789abcdef.1")
    for one in left:
        one.touch()
    stored = compute_grid(grid({"start": 5, "rate": 4}, function=Counting()), path, configuration=CONFIGURATION)
    assert not any(one.exists() for one in left)
    same(stored, grid({"start": 5, "rate": 4}))


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

    monkeypatch.setattr(store, "write_sealed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compute_grid(grid({"start": 5, "rate": 4}), tmp_path / "grid.zarr", configuration=CONFIGURATION)
    assert [one.name for one in tmp_path.iterdir()] == [".grid.zarr.lock"]


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


@pytest.mark.fault(
    "memory",
    "a grid whose chunks do not fit",
    "refused before anything is computed, with a size that fits",
)
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


@pytest.mark.fault("memory", "a chunk of a grid", "one line with the remedy; the finished chunks are kept")
def test_running_out_of_memory_keeps_the_finished_chunks(tmp_path):
    path, hungry = tmp_path / "grid.zarr", Counting(3, MemoryError)
    with dask.config.set(scheduler="synchronous"):
        assert "choose smaller chunks" in refusal(grid({"start": 5, "rate": 4}, function=hungry), path)
    assert len(done_chunks(path)) == 3


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
    return set(path.glob("chunks-done/[0-9]*"))


def listen_to_interrupts():
    """A shell that runs the tests in the background has them, and all they start, ignore interrupts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
@pytest.mark.fault(
    "killed",
    "a grid, by `kill -9` or by Ctrl-C",
    "it goes on with the chunks that are missing, and with no other",
)
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
    same(open_grid(path), grid({"start": 4, "rate": 2}, (40, 9)))


def dying(flag):
    """`computed`, in a worker that is killed in the middle of the first chunk with a rate above 1."""

    def function(starts, rates):
        if rates.flat[0] > 1 and not flag.exists():
            flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return computed(starts, rates)

    return function


@pytest.mark.slow
@pytest.mark.fault(
    "cluster",
    "a worker killed in the middle of a chunk",
    "the chunk is computed elsewhere; the grid is the same",
)
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
