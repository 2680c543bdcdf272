"""Runs on a Dask cluster that is there already, named by the address of its scheduler.

The workers need the same versions of everything and the same folder, on a file system that all of them share: results
are written by the worker and read by the one who asked. A run on a worker that dies is started again elsewhere, and
goes on from what it had written, as often as the cluster's `allowed-failures` permits.

Steps done travel as events of the scheduler; a run that was cancelled ends at the next step it reports. A cluster whose
last worker is gone is waited for, with a warning, and goes on when a worker comes.

Errors: `BadInput` if the cluster cannot be reached.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
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

Event = TypeVar("Event")


def run_on_cluster(address: str, tasks: Sequence[Task], stepped: Stepped, finished: Finished) -> None:
    """All tasks, which `stepped` and `finished` are told about."""
    from distributed import Client
    from distributed.comm.addressing import get_address_host_port, parse_address
    from distributed.comm.registry import get_backend

    try:
        scheme, _ = parse_address(address)
        get_backend(scheme).get_connector()  # looked at first, as what follows: a client takes a minute to give up
        if scheme in ("tcp", "tls"):
            socket.create_connection(get_address_host_port(address), CONNECTING).close()
        client = Client(address, set_as_default=False)
    except (OSError, ValueError, ImportError, TypeError) as error:  # the last two of protocols without their library
        raise BadInput(
            f"cluster {address}: cannot be reached; give the address that dask scheduler prints, tcp://HOST:PORT"
        ) from error
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
    finally:
        client.cancel(futures)


def next_event(client: Client, events: SimpleQueue[Event]) -> Event:
    """What happens next on the cluster; a warning where nothing can, because it has no worker."""
    told = False
    while True:
        try:
            return events.get(timeout=PATIENCE)
        except Empty:
            if not told and not client.scheduler_info(n_workers=-1)["workers"]:
                warnings.warn(
                    f"cluster {client.scheduler_info()['address']}: no worker is left; waiting for one", stacklevel=2
                )
                told = True


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
