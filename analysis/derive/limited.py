"""Work under a time limit: named tasks, done one after the other in a child process that is killed when one hangs.

SymPy cannot be interrupted safely from within, so the limit is kept from outside. A task may use a third of the time
that is left, the last one all of it; a task that does not end in its time is `undecided`, and the rest goes on in a new
child. Tasks are functions at the top level of a module, since a child may be a fresh interpreter.

A fresh interpreter spends a second on loading SymPy again. A fork has everything at once, but is safe only of a process
with a single thread, and NumPy has more: a program forks its first child with `prepare` before it loads that.
"""

from __future__ import annotations

import gc
import multiprocessing
import signal
import sys
import time
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal

from eos_sym.errors import BadInput, Undecided

STARTING = 60.0  # seconds that a child may need to load its modules on a busy machine, beyond the limit of its task
Task = Callable[[Any], Any]


@dataclass(frozen=True)
class NotDerived:
    """What stands in the place of a result: the reason why there is none."""

    reason: str

    def __str__(self) -> str:
        return f"undecided: {self.reason}"


@dataclass(frozen=True)
class Child:
    """A process that waits for tasks, and our end of the pipe to it."""

    process: BaseProcess
    connection: Connection

    def end(self) -> None:
        """Kill it, whatever it does."""
        self.process.kill()
        self.process.join()
        self.connection.close()


_PREPARED: list[Child] = []


def prepare() -> None:
    """Fork the child that is to do the next tasks, where that is safe; else one is started when it is needed."""
    if sys.platform == "linux" and len(list(Path("/proc/self/task").iterdir())) == 1:
        gc.freeze()
        _PREPARED.append(_start("fork"))


def run_limited(tasks: Mapping[Hashable, Task], argument: Any, seconds: float) -> dict[Hashable, Any]:
    """The result of every task, called with the argument, or `NotDerived`; `BadInput` of a task is raised here."""
    results: dict[Hashable, Any] = {}
    remaining = dict(tasks)
    end = time.monotonic() + seconds
    while remaining:
        if time.monotonic() > end:
            late = NotDerived(f"not begun within {seconds:g} s; --timeout gives more time")
            return results | dict.fromkeys(remaining, late)
        child = _PREPARED.pop() if _PREPARED else _start("spawn")
        try:
            child.connection.send((list(remaining.values()), argument))
            if not child.connection.poll(STARTING):
                raise TimeoutError(f"the child process was not ready after {STARTING:.0f} s")
            child.connection.recv()
            for name in list(remaining):
                left = end - time.monotonic()
                allowed = max(0.0, left if len(remaining) == 1 else left / 3)
                if not child.connection.poll(allowed):
                    results[name] = NotDerived(f"not finished within {allowed:.3g} s; --timeout gives more time")
                    del remaining[name]
                    break
                results[name] = _received(child.connection, name)
                del remaining[name]
        finally:
            child.end()
    return results


def _start(method: Literal["fork", "spawn"]) -> Child:
    context: Any = multiprocessing.get_context(method)
    ours, theirs = context.Pipe()
    inherited = ours if method == "fork" else None  # to be closed there, so that the child hears when we are gone
    process = context.Process(target=_work, args=(theirs, inherited), daemon=True)
    process.start()
    theirs.close()
    return Child(process, ours)


def _work(connection: Connection, inherited: Connection | None) -> None:
    """In the child: wait for tasks, do them in their order and send what each comes to."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted too, and ends the child
    gc.enable()  # which the parent, at its imports, may not have had
    if inherited:
        inherited.close()
    with suppress(EOFError):  # no tasks came: the parent has ended
        tasks, argument = connection.recv()
        connection.send("ready")
        for task in tasks:
            connection.send(_answer(task, argument))


def _answer(task: Task, argument: Any) -> Any:
    try:
        return task(argument)
    except Undecided as reason:
        return NotDerived(str(reason))
    except BadInput as error:
        return error
    except RecursionError:
        return NotDerived("the expressions are nested too deeply")
    except Exception as error:  # a fault in one part is reported in its place, and the rest still comes
        return NotDerived(f"the derivation failed, {type(error).__name__}: {' '.join(str(error).split())}")


def _received(connection: Connection, name: Hashable) -> Any:
    try:
        answer = connection.recv()
    except EOFError:
        raise ChildProcessError(f"the child process died while it derived {name}; its traceback is above") from None
    if isinstance(answer, BadInput):
        raise answer
    return answer
