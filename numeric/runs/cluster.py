"""Runs on a Dask cluster that is there already, named by the address of its scheduler.

The workers need the same versions of everything and the same folder, on a file system that all of them share: results
are written by the worker and read by the one who asked. A run on a worker that dies is started again elsewhere, and
goes on from what it had written, as often as the cluster's `allowed-failures` permits.

Steps done travel as events of the scheduler; a run that was cancelled ends at the next step it reports.

Errors: `BadInput` if the cluster cannot be reached.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from eos_sym import BadInput
from numeric.runs.attempt import Finished, Report, Run, Stepped, Task, attempt, one_line
from numeric.runs.history import is_finished

if TYPE_CHECKING:
    from distributed import Client, Future

REPORT_INTERVAL = 0.5  # seconds
CONNECTING = 10.0  # seconds


def run_on_cluster(address: str, tasks: Sequence[Task], stepped: Stepped, finished: Finished) -> None:
    """All tasks, which `stepped` and `finished` are told about."""
    from distributed import Client
    from distributed.comm.addressing import get_address_host_port, parse_address

    try:
        if parse_address(address)[0] in ("tcp", "tls"):  # looked at first: a client takes a minute to give up
            socket.create_connection(get_address_host_port(address), CONNECTING).close()
        client = Client(address, set_as_default=False)
    except (OSError, ValueError) as error:
        raise BadInput(
            f"cluster {address}: cannot be reached; give the address that dask scheduler prints, tcp://HOST:PORT"
        ) from error
    with client:
        _follow(client, tasks, stepped, finished)


def _follow(client: Client, tasks: Sequence[Task], stepped: Stepped, finished: Finished) -> None:
    topic = f"sweep-{secrets.token_hex(8)}"
    events: SimpleQueue[tuple[int, int | Future[str | None]]] = SimpleQueue()
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
            number, event = events.get()
            if isinstance(event, int):
                if number in under_way:  # a run's end may overtake its last steps
                    stepped(number, event)
            else:
                under_way.remove(number)
                finished(number, _reason(event, tasks[number][1]))
    finally:
        client.cancel(futures)


def _reason(future: Future[str | None], folder: Path) -> str | None:
    """Why the run failed, if it did."""
    from distributed import KilledWorker

    try:
        reason = future.result()
    except KilledWorker:
        return "every worker it was given to died, as happens when memory runs out; give the workers more of it"
    except Exception as error:
        return one_line(f"{type(error).__name__}: {error}")
    if reason is None and not is_finished(folder):
        return f"{folder} is not where its worker wrote; choose a folder that the cluster shares"
    return reason


def work(run: Run, folder: Path, topic: str, number: int) -> str | None:
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
