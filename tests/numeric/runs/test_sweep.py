"""Sweeps: the same bits wherever they run, nothing twice, and no failure that reaches another run."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from multiprocessing import resource_tracker
from pathlib import Path

import dask
import psutil
import pytest
import xarray as xr

from eos_sym import BadInput
from numeric.runs import NoSpace, RunFailed, locked, sweep
from numeric.runs.sweep import Failure, folder_name
from tests.numeric.runs.sweep_runs import (
    Exiting,
    Failing,
    Full,
    Hungry,
    Killed,
    KilledOnce,
    Locking,
    Products,
    Stepping,
    Threads,
    begun,
)

RUNS = [Products(steps, eta, seed) for steps in (3, 5) for eta in (0.1, 0.3) for seed in (0, 1)]


def only(folder):
    (inside,) = folder.iterdir()
    return inside


def bits(result):
    return [{name: array.values.tobytes() for name, array in each.variables.items()} for each in result.histories]


@pytest.fixture(scope="module")
def in_two(tmp_path_factory):
    """A sweep in two processes, where it is, and what it reported."""
    folder, reports = tmp_path_factory.mktemp("two"), []
    return sweep([*RUNS, Threads(0), Threads(1)], folder, workers=2, progress=reports.append), folder, reports


def test_every_run_gets_its_own_history_in_the_order_of_the_runs(tmp_path):
    result = sweep(RUNS, tmp_path, workers=1)
    assert result.runs == tuple(RUNS)
    assert not result.failures
    for run, history in zip(RUNS, result.histories, strict=True):
        xr.testing.assert_identical(history, run.run(tmp_path, lambda steps: None))


@pytest.mark.slow
def test_results_have_the_same_bits_whether_one_process_computes_them_or_two(tmp_path, in_two):
    one, (two, folder, _) = sweep(RUNS, tmp_path, workers=1), in_two
    assert bits(one) == bits(two)[: len(RUNS)]
    assert set(begun(tmp_path)) == {os.getpid()}
    assert os.getpid() not in begun(folder)


@pytest.mark.slow
def test_a_run_has_one_thread_in_this_process_and_in_others(tmp_path, in_two):
    here = sweep([Threads(0)], tmp_path).histories
    there = in_two[0].histories[-2:]
    assert [int(history.threads) for history in (*here, *there)] == [1, 1, 1]
    assert [int(history.process) == os.getpid() for history in (*here, *there)] == [True, False, False]


@pytest.mark.slow
def test_progress_adds_up_to_the_steps_of_all_runs(tmp_path, in_two):
    result, _, there = in_two
    assert sum(there) == sum(run.steps for run in result.runs)
    for _ in range(2):  # the second time, only the failing run is begun
        here = []
        sweep([*RUNS, Failing("a bug")], tmp_path, workers=1, progress=here.append)
        assert sum(here) == sum(run.steps for run in RUNS) + 10


def test_finished_runs_are_never_repeated(tmp_path):
    first = sweep(RUNS[:3], tmp_path, workers=1)
    again = sweep(RUNS[:4] + RUNS[:1], tmp_path, workers=1)
    assert len(begun(tmp_path)) == 4
    assert bits(again)[:3] == bits(first)
    assert bits(again)[4] == bits(first)[0]


def test_a_folder_says_what_differs_from_the_defaults():
    assert folder_name(Products(7)).startswith("Products-7-")
    assert folder_name(Products(7, 0.25, names=("a/b", "c"))).startswith("Products-7-0.25-a-b-c-")
    assert len({folder_name(run) for run in RUNS}) == len(RUNS)
    assert len(folder_name(Products(7, names=("long",) * 100))) < 120


@pytest.mark.slow
@pytest.mark.fault(
    "memory",
    "the process of one run, killed as when memory runs out",
    "it is a failure that says so; the other runs go on",
)
def test_failures_are_reported_and_leave_the_other_runs_alone(tmp_path):
    runs = [
        Products(2),
        Failing("eta = 3: too\nlarge", bad_input=True),
        Failing("a\nbug"),
        Killed(),
        Exiting(),
        Products(4),
    ]
    result = sweep(runs, tmp_path, workers=2)
    assert [history is None for history in result.histories] == [False, True, True, True, True, False]
    assert [failure.run for failure in result.failures] == runs[1:5]
    assert [failure.reason for failure in result.failures] == [
        "eta = 3: too large",
        "RuntimeError: a bug",
        "its process was killed, as happens when memory runs out; choose fewer workers",
        "its process ended with exit code 3",
    ]
    assert [type(failure.error) for failure in result.failures] == [BadInput, RunFailed, RunFailed, RunFailed]
    bug = result.failures[1].traceback
    assert [failure.traceback for failure in result.failures] == [None, bug, None, None]
    assert "in run\n" in bug.read_text()
    assert bug.parent == tmp_path / folder_name(runs[2])


def test_a_failed_run_is_tried_again_and_its_traceback_goes(tmp_path):
    run = Failing("for now")
    (failure,) = sweep([run], tmp_path).failures
    (only(tmp_path) / "mended").touch()
    assert not sweep([run], tmp_path).failures
    assert not failure.traceback.exists()
    assert len(begun(tmp_path)) == 2


@pytest.mark.fault("no room", "a run of a sweep", "it is a failure with that reason, and the other runs go on")
def test_a_run_without_room_and_one_whose_traceback_cannot_be_removed_are_failures_like_others(tmp_path):
    runs = [Full(), Failing("a bug")]
    for run in runs:
        (tmp_path / folder_name(run) / "traceback.txt" / "a folder").mkdir(parents=True)
    full, bug = sweep(runs, tmp_path, workers=1).failures
    assert (type(full.error), full.traceback) == (NoSpace, None)
    assert full.reason.endswith("File too large; make room and run it again, what was finished is kept")
    assert bug.reason == "RuntimeError: a bug"


@pytest.mark.fault("shared", "two sweeps with a run in common", "the run is a failure of the second, and others go on")
def test_a_run_that_another_process_works_on_is_a_failure_like_others(tmp_path):
    with locked(tmp_path / folder_name(Locking())):
        result = sweep([Locking(), RUNS[0]], tmp_path, workers=1)
    assert [history is None for history in result.histories] == [True, False]
    assert "in use by another run; wait for its end" in result.failures[0].reason
    assert not sweep([Locking()], tmp_path).failures


@pytest.mark.fault("memory", "a run of a sweep", "it is a failure that says so; the other runs go on")
def test_a_run_without_memory_is_a_failure_in_words(tmp_path):
    """Wrong program: one that says "MemoryError:", or nothing."""
    result = sweep([Hungry(), RUNS[0]], tmp_path, workers=1)
    assert [failure.reason for failure in result.failures] == ["memory ran out; choose fewer workers, or give it more"]
    assert result.histories[1] is not None


@pytest.mark.fault("damaged", "one run of a sweep, cut off", "it is a failure with the remedy; the other runs are read")
def test_a_history_that_cannot_be_read_is_a_failure_with_the_remedy(tmp_path):
    sweep(RUNS[:2], tmp_path, workers=1)
    broken = tmp_path / folder_name(RUNS[0]) / "history.nc"
    broken.write_bytes(broken.read_bytes()[:100])
    result = sweep(RUNS[:2], tmp_path)
    assert isinstance(result.outcomes[0], Failure)
    assert str(broken) in result.failures[0].reason
    assert result.histories[1] is not None


def test_a_history_of_another_run_is_a_failure_and_kept(tmp_path):
    sweep(RUNS[:2], tmp_path, workers=1)
    one, other = (tmp_path / folder_name(run) / "history.nc" for run in RUNS[:2])
    other.write_bytes(one.read_bytes())
    result = sweep(RUNS[:2], tmp_path)
    assert f"{other.parent}: holds another run (other seed)" in result.failures[0].reason
    assert other.read_bytes() == one.read_bytes()
    assert result.histories[0] is not None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"workers": 0}, "workers = 0: must be 1 or more"),
        ({"workers": 2, "cluster": "tcp://127.0.0.1:1"}, "give one of the two"),
    ],
    ids=["no workers", "two places"],
)
def test_bad_input_is_refused(tmp_path, options, said):
    with pytest.raises(BadInput, match=said):
        sweep(RUNS, tmp_path, **options)


@pytest.mark.fault(
    "read-only",
    "a sweep into a folder that cannot be made",
    "refused in one line before any run begins",
)
def test_a_folder_that_cannot_be_made_is_bad_input(tmp_path):
    (tmp_path / "taken").touch()
    with pytest.raises(BadInput, match="choose another folder"):
        sweep(RUNS, tmp_path / "taken")


def test_no_run_is_no_work(tmp_path):
    result = sweep([], tmp_path)
    assert result.outcomes == result.failures == ()


SCRIPT = """
import sys
from pathlib import Path

sys.path.insert(0, {tests!r})
from sweep_runs import Endless, Products
from numeric.runs import NoSpace, RunFailed, sweep

sweep([Products(2), Endless(0), Endless(1)], Path({folder!r}), workers=2)
"""


WITHOUT_GUARD = """
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from numeric.runs import NoSpace, RunFailed, sweep


@dataclass(frozen=True)
class Square:
    number: int
    steps: int = 1

    def run(self, folder, progress):
        return xr.Dataset({{"square": self.number**2}})


print("begins")
print([int(history.square) for history in sweep([Square(n) for n in range(3)], {folder!r}, workers=2).histories])
"""


def script(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT.format(tests=str(Path(__file__).parent), folder=str(tmp_path / "runs")))
    return [sys.executable, str(path)]


def listen_to_interrupts():
    """A shell that runs the tests in the background has them, and all they start, ignore interrupts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_until(true):
    limit = time.monotonic() + 60
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "killed"])
@pytest.mark.fault(
    "killed",
    "a sweep in two processes, by `kill -9` or by Ctrl-C",
    "no process is left, and what was finished is kept",
)
def test_an_interrupted_sweep_leaves_no_process_and_keeps_what_is_finished(tmp_path, blow):
    runs = tmp_path / "runs"
    process = subprocess.Popen(
        script(tmp_path),
        preexec_fn=listen_to_interrupts,
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: len(list(runs.glob("Endless*/begun"))) == 2)
    workers = [psutil.Process(pid) for pid in begun(runs)]
    if blow is signal.SIGINT:
        os.killpg(process.pid, blow)  # as a terminal does: to every process of the group
    else:
        process.send_signal(blow)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == -blow
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert not alive
    assert errors.count("KeyboardInterrupt") == (blow is signal.SIGINT)
    assert [history.parent.name for history in runs.glob("*/history.nc")] == [folder_name(Products(2))]


@pytest.mark.slow
def test_a_script_needs_no_guard_and_may_define_its_runs(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(WITHOUT_GUARD.format(folder=str(tmp_path / "runs")))
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "begins\n[0, 1, 4]\n"
    assert not done.stderr


@pytest.mark.slow
def test_a_worker_that_cannot_start_is_said_once(tmp_path, monkeypatch):
    resource_tracker.ensure_running()  # an interpreter, too, and kept for the tests that follow
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))  # an interpreter without its library
    with pytest.raises(BadInput, match="sweep: no worker process can be started; choose 1 worker"):
        sweep([Products(2), Products(3)], tmp_path, workers=2)


@pytest.mark.slow
@pytest.mark.fault(
    "cluster",
    "a worker killed in the middle of a run; and a run that kills every worker",
    "the run goes on in another process from what it had written; the other is a failure that says so",
)
def test_a_run_whose_worker_is_killed_goes_on_elsewhere_until_it_has_killed_too_many(tmp_path):
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": ":0", "silence_logs": "CRITICAL"}
    with distributed.LocalCluster(processes=True, **options) as cluster:
        cluster.scheduler.allowed_failures = 1
        once = sweep([KilledOnce()], tmp_path, cluster=cluster.scheduler_address)
        always = sweep([Killed()], tmp_path, cluster=cluster.scheduler_address)
    assert [int(history.begun_at) for history in once.histories] == [5]
    assert len(begun(tmp_path)) == 4
    said = "every worker it was given to died, as happens when memory runs out; give the workers more of it"
    assert [failure.reason for failure in always.failures] == [said]


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": ":0"}
    with distributed.LocalCluster(processes=True, **options) as cluster:
        yield cluster.scheduler_address


@pytest.mark.slow
def test_a_cluster_computes_the_same_bits_and_reports_failures(tmp_path, cluster):
    reports = []
    runs = [*RUNS[:3], Failing("a\nbug")]
    there = sweep(runs, tmp_path / "there", cluster=cluster, progress=reports.append)
    assert os.getpid() not in begun(tmp_path / "there")
    assert [failure.reason for failure in there.failures] == ["RuntimeError: a bug"]
    assert there.failures[0].traceback.exists()
    assert sum(reports) == sum(run.steps for run in runs)
    here = sweep(RUNS[:3], tmp_path / "here", workers=1)
    for one, other in zip(here.histories, there.histories, strict=False):
        xr.testing.assert_identical(one, other)
    sweep(RUNS[:3], tmp_path / "there", cluster=cluster)
    assert len(begun(tmp_path / "there")) == 4


@pytest.mark.slow
@pytest.mark.fault("cluster", "Ctrl-C in the one who asked", "the workers stop, and are free for the next")
def test_a_cluster_that_is_interrupted_stops_its_runs(tmp_path, cluster):
    alive = tmp_path / folder_name(Stepping()) / "alive"

    def interrupt(steps):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep([Stepping()], tmp_path, cluster=cluster, progress=interrupt)

    def still():
        last = alive.read_text()
        time.sleep(0.5)
        return alive.read_text() == last

    wait_until(still)
    assert sweep(RUNS[:1], tmp_path, cluster=cluster).failures == ()


@pytest.mark.slow
@pytest.mark.fault("cluster", "a cluster without a worker", "a warning; the sweep goes on when one comes")
def test_a_cluster_without_a_worker_is_waited_for_and_said(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr("numeric.runs.cluster.PATIENCE", 0.2)
    with distributed.LocalCluster(n_workers=0, processes=True, threads_per_worker=1, dashboard_address=":0") as cluster:
        told = []

        def come(message, *arguments, **named):
            told.append(str(message))
            cluster.scale(1)

        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = come
            result = sweep(RUNS[:1], tmp_path, cluster=cluster.scheduler_address)
    assert not result.failures
    assert told[0] == f"cluster {cluster.scheduler_address}: no worker is left; waiting for one"


@pytest.mark.slow
@pytest.mark.fault(
    "cluster",
    "a cluster whose last worker is gone for long",
    "its runs have failed, and the reason says so",
)
def test_a_cluster_to_which_no_worker_comes_back_has_failed(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr("numeric.runs.cluster.PATIENCE", 0.2)
    monkeypatch.setattr("numeric.runs.cluster.LONGEST_WAIT", 1.5)
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": ":0"}
    with distributed.LocalCluster(processes=True, **options) as cluster:
        alive = tmp_path / folder_name(Stepping()) / "alive"

        def leave(steps):
            if alive.exists():
                cluster.scale(0)

        runs = [Stepping(), RUNS[0]]
        with pytest.warns(UserWarning, match="no worker is left; waiting for one"):
            result = sweep(runs, tmp_path, cluster=cluster.scheduler_address, progress=leave)
        said = f"cluster {cluster.scheduler_address}: no worker for 0.025 minutes; start some"
    assert [failure.reason for failure in result.failures] == [said, said]
    assert {type(failure.error) for failure in result.failures} == {RunFailed}


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-OpenSSH_9.2p1\r\n"], ids=["silence", "secure shell"])
@pytest.mark.fault("cluster", "an address at which something else answers", "refused in one line")
def test_a_server_that_is_no_scheduler_is_bad_input(tmp_path, monkeypatch, greeting):
    pytest.importorskip("distributed")
    monkeypatch.setattr("numeric.runs.cluster.CONNECTING", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet():
            with contextlib.suppress(OSError):  # once the server is closed
                while True:
                    guests.append(server.accept()[0])
                    guests[-1].sendall(greeting)

        guests = []
        host = threading.Thread(target=greet)
        host.start()
        with pytest.raises(BadInput, match="cannot be reached"):
            sweep(RUNS[:1], tmp_path, cluster=f"tcp://127.0.0.1:{server.getsockname()[1]}")
        server.shutdown(socket.SHUT_RDWR)
        host.join()
        for guest in guests:
            guest.close()


@pytest.mark.parametrize("address", ["nonsense", "ucx://127.0.0.1:1", "inproc://x", "tcp://127.0.0.1"])
def test_what_is_no_address_is_refused_where_all_runs_are_kept_too(tmp_path, address):
    sweep(RUNS[:1], tmp_path, workers=1)
    with pytest.raises(BadInput, match="cannot be reached"):
        sweep(RUNS[:1], tmp_path, cluster=address)
    assert sweep(RUNS[:1], tmp_path, cluster="tcp://127.0.0.1:1").failures == ()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x", "ucx://127.0.0.1:1", "tcp://"])
def test_a_cluster_that_is_not_there_is_bad_input(tmp_path, address):
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "0.3s"}),
        pytest.raises(BadInput, match="cannot be reached"),
    ):
        sweep(RUNS[:1], tmp_path, cluster=address)
