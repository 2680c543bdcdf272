"""Runs in processes of this machine: each process takes one run after the other, and its death costs one run.

    this process  ──(run, folder)──▶  worker        one pipe for each worker
    this process  ◀──steps, failure─  worker        its end, when the worker has died

A worker is a fresh interpreter (spawned), since threads and torch do not survive a fork. It starts with one thread for
every numerical library, ignores Ctrl-C, which is this process's to handle, and ends when this process does, however
that came about. Runs travel by cloudpickle, by value if their class is the main module's, so that a worker imports what
its runs need and never the main module: a script needs no guard, and a study's figures are not loaded once a worker.
Results stay in files.

Errors: `BadInput` if no worker can be started.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import ModuleType

import cloudpickle

from eos_sym import BadInput
from numeric.runs.attempt import Failed, Finished, Report, RunFailed, Stepped, Task, attempt

THREAD_COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
REPORT_INTERVAL = 0.1  # seconds


@dataclass(eq=False)
class Worker:
    """A process, our end of its pipe, and the number of the task it has; not ready while it is starting."""

    process: SpawnProcess
    connection: Connection
    ready: bool = False
    task: int | None = None


def run_in_processes(tasks: Sequence[Task], number: int, stepped: Stepped, finished: Finished) -> None:
    """All tasks, in this number of processes, which `stepped` and `finished` are told about."""
    workers: list[Worker] = []
    waiting = deque(range(len(tasks)))
    try:
        while waiting or any(worker.task is not None for worker in workers):
            free = sum(worker.task is None for worker in workers)
            workers += [start_worker() for _ in range(min(number - len(workers), len(waiting) - free))]
            for connection in wait([worker.connection for worker in workers]):
                worker = next(worker for worker in workers if worker.connection is connection)
                if _listen(worker, stepped, finished):
                    continue
                workers.remove(worker)
                number -= not worker.ready
                if not number:
                    raise BadInput("sweep: no worker process can be started; choose 1 worker, which needs no process")
            for worker in workers:
                if waiting and worker.ready and worker.task is None:
                    with contextlib.suppress(OSError):  # it has just died, which `wait` will show
                        worker.connection.send_bytes(cloudpickle.dumps(tasks[waiting[0]]))
                        worker.task = waiting.popleft()
    finally:
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.process.join()


def _listen(worker: Worker, stepped: Stepped, finished: Finished) -> bool:
    """Read and pass on what a worker says; whether it is alive."""
    try:
        message: int | tuple[Failed | None] = worker.connection.recv()
    except (EOFError, OSError):
        worker.process.join()
        if worker.task is not None:
            finished(worker.task, RunFailed(_cause_of_death(worker.process.exitcode or 0)))
        return False
    if worker.task is None:
        worker.ready = True
    elif isinstance(message, int):
        stepped(worker.task, message)
    else:
        finished(worker.task, *message)
        worker.task = None
    return True


def _cause_of_death(exit_code: int) -> str:
    if exit_code == -signal.SIGKILL:
        return "its process was killed, as happens when memory runs out; choose fewer workers"
    if exit_code < 0:
        return f"its process was ended by a signal ({signal.strsignal(-exit_code)})"
    return f"its process ended with exit code {exit_code}"


def start_worker() -> Worker:
    """A worker that is starting; it says when it is ready."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs,), daemon=True)
    resource_tracker.ensure_running()  # not below, where it would undo `without_interrupts`
    with without_interrupts(), threads_in_environment(), without_main_module():
        process.start()
    theirs.close()
    return Worker(process, ours)


@contextlib.contextmanager
def without_interrupts() -> Iterator[None]:
    """Ctrl-C waits; what is started meanwhile inherits that for good."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def threads_in_environment() -> Iterator[None]:
    """What is started meanwhile computes with one thread."""
    before = {name: os.environ.get(name) for name in THREAD_COUNTS}
    os.environ.update(dict.fromkeys(THREAD_COUNTS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def without_main_module() -> Iterator[None]:
    """What is started meanwhile finds no main module that it would have to import."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def work(connection: Connection) -> None:
    """What a worker does: one run after the other."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    connection.send((None,))
    while True:
        try:
            run, folder = pickle.loads(connection.recv_bytes())
        except EOFError:
            return
        report = Report(connection.send, REPORT_INTERVAL)
        error = attempt(run, folder, report)
        report.send()
        connection.send((error,))


def end_with_parent() -> None:
    """Wait for the end of the process that started this one, and end at once."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
