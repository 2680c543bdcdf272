"""Work under a time limit: named tasks, done one after the other in a child process that is killed when one hangs.

SymPy cannot be interrupted safely from within, so the limit is kept from outside. A task may use a third of the time
that is left, the last one all of it; a task that does not end in its time is `undecided`, and the rest goes on in a new
child. Tasks are functions at the top level of a module, since the child is a fresh interpreter on every system.
"""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from eos_sym import BadInput, Undecided

STARTING = 60.0  # seconds that a child may need to load its modules on a busy machine, beyond the limit of its task
Task = Callable[[Any], Any]


@dataclass(frozen=True)
class NotDerived:
    """What stands in the place of a result: the reason why there is none."""

    reason: str

    def __str__(self) -> str:
        return f"undecided: {self.reason}"


def run_limited(tasks: Mapping[Hashable, Task], argument: Any, seconds: float) -> dict[Hashable, Any]:
    """The result of every task, called with the argument, or `NotDerived`; `BadInput` of a task is raised here."""
    results: dict[Hashable, Any] = {}
    remaining = dict(tasks)
    end = time.monotonic() + seconds
    while remaining:
        if time.monotonic() > end:
            late = NotDerived(f"not begun within {seconds:g} s; --timeout gives more time")
            return results | dict.fromkeys(remaining, late)
        child, connection = _start(remaining, argument)
        try:
            for name in list(remaining):
                left = end - time.monotonic()
                allowed = max(0.0, left if len(remaining) == 1 else left / 3)
                if not connection.poll(allowed):
                    results[name] = NotDerived(f"not finished within {allowed:.3g} s; --timeout gives more time")
                    del remaining[name]
                    break
                results[name] = _received(connection, name)
                del remaining[name]
        finally:
            child.kill()
            child.join()
            connection.close()
    return results


def _start(tasks: Mapping[Hashable, Task], argument: Any) -> tuple[BaseProcess, Connection]:
    """A child at work on the tasks, from when it is ready to begin."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=_work, args=(theirs, dict(tasks), argument), daemon=True)
    child.start()
    theirs.close()
    if not ours.poll(STARTING):
        child.kill()
        raise TimeoutError(f"the child process was not ready after {STARTING:.0f} s")
    ours.recv()
    return child, ours


def _work(connection: Connection, tasks: Mapping[Hashable, Task], argument: Any) -> None:
    """In the child: do the tasks in their order and send what each comes to."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted too, and ends the child
    connection.send("ready")
    for task in tasks.values():
        try:
            answer = task(argument)
        except Undecided as reason:
            answer = NotDerived(str(reason))
        except BadInput as error:
            answer = error
        except RecursionError:
            answer = NotDerived("the expressions are nested too deeply")
        except Exception as error:  # a fault in one part is reported in its place, and the rest still comes
            answer = NotDerived(f"the derivation failed, {type(error).__name__}: {' '.join(str(error).split())}")
        connection.send(answer)


def _received(connection: Connection, name: Hashable) -> Any:
    try:
        answer = connection.recv()
    except EOFError:
        raise ChildProcessError(f"the child process died while it derived {name}; its traceback is above") from None
    if isinstance(answer, BadInput):
        raise answer
    return answer
