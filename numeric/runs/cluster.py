"""Runs on a Dask cluster that is there already, named by the address of its scheduler.

The workers need the same versions of everything and the same folder, on a file system that all of them share: results
are written by the worker and read by the one who asked. A run on a worker that dies is started again elsewhere, and
goes on from what it had written, as often as the cluster's `allowed-failures` permits.

Steps done travel as events of the scheduler; a run that was cancelled ends at the next step it reports. A cluster whose
last worker is gone is waited for, with a warning, and goes on when a worker comes; when none comes for long, or the
scheduler itself is gone, the runs have failed.

Errors: `BadInput` for what is no address of a scheduler, and if there is none that answers.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from eos_sym import BadInput
from numeric.runs.attempt import Failed, Finished, Report, Run, RunFailed, Stepped, Task, attempt
from numeric.runs.history import is_finished

if TYPE_CHECKING:
    from distributed import Client, Future

REPORT_INTERVAL = 0.5  # seconds
CONNECTING = 10.0  # seconds
PATIENCE = 10.0  # seconds without an event, before workers are counted
LONGEST_WAIT = 600.0  # seconds without a worker

Event = TypeVar("Event")


def check_address(address: str) -> None:
    """Refuse what cannot be the address of a scheduler, whether there is one or not."""
    from distributed.comm.addressing import get_address_host_port, parse_address
    from distributed.comm.registry import get_backend

    try:
        scheme, _ = parse_address(address)
        get_backend(scheme).get_connector()
        get_address_host_port(address)
    except (OSError, ValueError, ImportError, TypeError) as error:  # the last two of protocols without their library
        raise not_reached(address) from error


def not_reached(address: str) -> BadInput:
    """What is to be raised for an address at which no scheduler is."""
    return BadInput(
        f"cluster {address}: cannot be reached; give the address that dask scheduler prints, tcp://HOST:PORT"
    )


def run_on_cluster(address: str, tasks: Sequence[Task], stepped: Stepped, finished: Finished) -> None:
    """All tasks, which `stepped` and `finished` are told about."""
    from distributed import Client, Security
    from distributed.comm.addressing import get_address_host_port
    from distributed.comm.core import connect
    from distributed.utils import LoopRunner

    check_address(address)
    try:  # a client takes a minute to find that nobody is there, and never finds that somebody else is
        socket.create_connection(get_address_host_port(address), CONNECTING).close()
        greeting = Security().get_connection_args("client")
        LoopRunner().run_sync(connect, address, callback_timeout=CONNECTING, **greeting).abort()
        client = Client(address, set_as_default=False)
    except Exception as error:  # every stranger answers in his own way
        raise not_reached(address) from error
    with client:
        _follow(client, tasks, stepped, finished)


def _follow(client: Client, tasks: Sequence[Task], stepped: Stepped, finished: Finished) -> None:
    topic = f"sweep-{secrets.token_hex(8)}"
    events: SimpleQueue[tuple[int, int | Future[Failed | None]]] = SimpleQueue()
    client.subscribe_topic(topic, lambda event: events.put(event[1]))
    futures = [
        client.submit(work, run, folder, topic, number, key=f"{topic}-{number}", pure=False)
        for number, (run, folder) in enumerate(tasks)
    ]
    under_way = set(range(len(tasks)))
    try:
        for number, future in enumerate(futures):
            future.add_done_callback(lambda done, number=number: events.put((number, done)))
        while under_way:
            number, event = next_event(client, events)
            if isinstance(event, int):
                if number in under_way:  # a run's end may overtake its last steps
                    stepped(number, event)
            else:
                under_way.remove(number)
                finished(number, _failed(event, tasks[number][1]))
    except RunFailed as deserted:
        for number in under_way:
            finished(number, deserted)
    finally:
        client.cancel(futures)


def next_event(client: Client, events: SimpleQueue[Event]) -> Event:
    """What happens next on the cluster.

    Where nothing can, because the cluster has no worker, a warning says so, and after long an error.
    """
    alone_since: float | None = None
    while alone_since is None or time.monotonic() - alone_since < LONGEST_WAIT:
        try:
            return events.get(timeout=PATIENCE)
        except Empty:
            if client.scheduler_info(n_workers=-1)["workers"]:
                alone_since = None
            elif alone_since is None:
                alone_since = time.monotonic()
                warnings.warn(f"cluster {_address(client)}: no worker is left; waiting for one", stacklevel=2)
    raise RunFailed(f"cluster {_address(client)}: no worker for {LONGEST_WAIT / 60:.3g} minutes; start some")


def _address(client: Client) -> str:
    return str(client.scheduler_info()["address"])


def _failed(future: Future[Failed | None], folder: Path) -> Failed | None:
    """Why the run failed, if it did."""
    from distributed import KilledWorker

    try:
        failed = future.result()
    except KilledWorker:
        return RunFailed(
            "every worker it was given to died, as happens when memory runs out; give the workers more of it"
        )
    except Exception as error:
        return RunFailed(f"{type(error).__name__}: {error}")
    if failed is None and not is_finished(folder):
        return BadInput(f"{folder} is not where its worker wrote; choose a folder that the cluster shares")
    return failed


def work(run: Run, folder: Path, topic: str, number: int) -> Failed | None:
    """What a worker of the cluster does with one run."""
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()

    def send(steps: int) -> None:
        worker.log_event(topic, (number, steps))
        task = worker.state.tasks.get(key)
        if task is None or task.state == "cancelled":
            raise asyncio.CancelledError

    folder.mkdir(parents=True, exist_ok=True)
    return attempt(run, folder, Report(send, REPORT_INTERVAL))
