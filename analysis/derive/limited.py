"""Work under a time limit: named tasks, done one after the other in a child process that is killed when one hangs.

SymPy cannot be interrupted safely from within, so the limit is kept from outside. With r tasks to go, one may use 1/r
of the time that is left, or a sixth if that is more: what the quick ones leave goes to those after them. A task that
does not end in its time is `undecided`, and so are those that need its result; the rest goes on.

Before every task the child forks a copy of itself, which waits, and takes its place if it is killed: with everything
loaded, and everything that was found so far. The copy is made by a process with a single thread. Where there is no
fork, a fresh interpreter is started. The start of a child is not counted. Tasks are functions at the top level of a
module.

A fresh interpreter spends a second on loading SymPy again. A fork has everything at once, but is safe only of a process
with a single thread, and NumPy has more: a program forks its first child with `prepare` before it loads that, and all
others come from multiprocessing's server of forks, which loads SymPy once.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, Literal

from eos_sym.errors import BadInput, Undecided, out_of_memory

STARTING = 60.0  # seconds that a child may need to load its modules on a busy machine, beyond the limit of its task
LEAST_SHARE = 1 / 6  # of the time that is left, for one task
SHORTEST = 1e-3  # seconds without which no task is begun
LONGEST_FAULT = 100  # characters of what an exception says
LARGEST = 100_000  # bytes of a result: some seconds of printing
TOO_LARGE = "the result, {:.1f} MB, is too large to be printed; a loss with fewer terms or weights has a shorter one"
FORKS = sys.platform == "linux"
PRELOADED = ["analysis.derive.theory"]  # by the server of forks: it has one thread, and SymPy
ANEW: Literal["forkserver", "spawn"] = "forkserver" if FORKS else "spawn"
ALARMS = hasattr(signal, "setitimer")
Task = Callable[[Any], Any]


@dataclass(frozen=True)
class NotDerived:
    """What stands in the place of a result: the reason why there is none."""

    reason: str

    def __str__(self) -> str:
        return f"undecided: {self.reason}"


@dataclass(frozen=True)
class Ready:
    """A child's word that it waits for a task: the process that is to be killed if it hangs, or None if it ended."""

    pid: int | None


@dataclass
class Child:
    """A process that works tasks off, and our end of the pipe to it; `pid` changes when a copy takes over."""

    process: BaseProcess
    connection: Connection
    pid: int | None = None

    def do(self, task: Task, seconds: float) -> Any:
        """What the task comes to in so many seconds."""
        with suppress(BrokenPipeError):  # it has died, which is what we shall hear
            self.connection.send((task, seconds))
        if not self.connection.poll(seconds):
            killed = self.pid
            self._kill()
            self.wait(killed)
            return NotDerived(f"not finished within {seconds:.3g} s; --timeout gives more time")
        answer = self._received()
        if isinstance(answer, Ready):
            self.pid = answer.pid
            return NotDerived("the process that derived it died, perhaps for want of memory")
        self.wait()
        return answer

    def wait(self, killed: int | None = None) -> None:
        """Hear that the child is ready, or has ended; what a killed one said before is too late."""
        said = None
        while not isinstance(said, Ready) or (killed and said.pid == killed):
            if not self.connection.poll(STARTING):
                raise TimeoutError(f"the child process was not ready after {STARTING:.0f} s")
            said = self._received()
        self.pid = said.pid

    def end(self) -> None:
        """Kill it, whatever it does."""
        self.connection.close()  # first, so that a copy that takes over ends as well
        self._kill()
        self.process.join()

    def _received(self) -> Any:
        try:
            return self.connection.recv()
        except (EOFError, ConnectionResetError):
            return Ready(None)

    def _kill(self) -> None:
        if self.pid not in (None, self.process.pid):
            os.kill(self.pid, signal.SIGKILL)
        self.process.kill()


_PREPARED: list[Child] = []


def prepare() -> None:
    """Fork the child that is to do the next tasks, where that is safe; else one is started when it is needed."""
    if FORKS and _threads() == 1:
        gc.freeze()
        _PREPARED.append(_start("fork"))


def run_limited(
    tasks: Mapping[Hashable, Task], argument: Any, seconds: float, needs: Mapping[Hashable, Hashable] | None = None
) -> dict[Hashable, Any]:
    """The result of every task, called with the argument, or `NotDerived`.

    What a task is refused on its way is no fault of what was typed: it is the reason why there is no result. A task
    whose name is in `needs` is left out where that task before it came to nothing. A task that gives a `BadInput`
    refuses what was typed: it is raised here.
    """
    results: dict[Hashable, Any] = {}
    left, child = seconds, _PREPARED.pop() if _PREPARED else _start(ANEW)
    try:
        _begin(child, argument)
        for place, (name, task) in enumerate(tasks.items()):
            needed = (needs or {}).get(name)
            if isinstance(results.get(needed), NotDerived):
                results[name] = NotDerived(f"needs {_words(needed)}; {results[needed].reason}")
                continue
            if left < SHORTEST:
                results[name] = NotDerived(f"not begun within {seconds:g} s; --timeout gives more time")
                continue
            begun = time.monotonic()
            results[name] = child.do(task, left * max(1 / (len(tasks) - place), LEAST_SHARE))
            left -= time.monotonic() - begun
            if isinstance(results[name], BadInput):
                raise results[name]
            if child.pid is None:
                child.end()
                child = _start(ANEW)
                _begin(child, argument)
    finally:
        child.end()
    return results


def _words(name: Hashable) -> str:
    return str(name[-1] if isinstance(name, tuple) else name).replace("_", " ")


def _begin(child: Child, argument: Any) -> None:
    child.connection.send(argument)
    child.wait()
    if child.pid is None:
        raise ChildProcessError("the child process died at its start; its traceback is above")


def _threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def _start(method: Literal["fork", "forkserver", "spawn"]) -> Child:
    context: Any = multiprocessing.get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload(PRELOADED)
    ours, theirs = context.Pipe()
    inherited = ours if method == "fork" else None  # to be closed there, so that the child hears when we are gone
    process = context.Process(target=_work, args=(theirs, inherited), daemon=True)
    process.start()
    theirs.close()
    return Child(process, ours)


def _work(connection: Connection, inherited: Connection | None) -> None:
    """In the child: do one task after the other and send what each comes to."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted too, and ends the child
    gc.enable()  # which the parent, at its imports, may not have had
    os.environ["OMP_NUM_THREADS"] = "1"  # for NumPy, if a task loads it
    if inherited:
        inherited.close()
    with suppress(EOFError, ConnectionError):  # the parent has ended, or wants no more
        argument = connection.recv()
        while True:
            connection.send(Ready(os.getpid()))
            task, seconds = connection.recv()
            if FORKS and _threads() == 1:
                _with_a_copy(connection, task, seconds, argument)
            else:
                _answer(connection, task, seconds, argument)


def _with_a_copy(connection: Connection, task: Task, seconds: float, argument: Any) -> None:
    """Do the task, while a copy of this process waits; where it is killed, the call returns in the copy."""
    reading, writing = os.pipe()
    copy = os.fork()
    if copy == 0:
        os.close(writing)
        os.read(reading, 1)  # which ends when nobody holds the other end any more
        os.close(reading)
        return
    os.close(reading)
    _answer(connection, task, seconds, argument)
    os.kill(copy, signal.SIGKILL)
    os.waitpid(copy, 0)
    os.close(writing)


def _answer(connection: Connection, task: Task, seconds: float, argument: Any) -> None:
    """Send what the task comes to; long after its time the process ends itself, if nobody is left to kill it."""
    if ALARMS:
        signal.setitimer(signal.ITIMER_REAL, seconds + STARTING)
    result = _result(task, argument)
    try:
        packed = ForkingPickler.dumps(result)
    except Exception as error:  # it cannot be sent
        packed = ForkingPickler.dumps(_fault(error))
    if len(packed) > LARGEST:
        packed = ForkingPickler.dumps(NotDerived(TOO_LARGE.format(len(packed) / 1e6)))
    if ALARMS:
        signal.setitimer(signal.ITIMER_REAL, 0)
    connection.send_bytes(packed)


def _result(task: Task, argument: Any) -> Any:
    try:
        return task(argument)
    except (Undecided, BadInput) as reason:
        return NotDerived(str(reason))
    except Exception as error:  # a fault in one part is reported in its place, and the rest still comes
        return _fault(error)


def _fault(error: Exception) -> NotDerived:
    if isinstance(error, RecursionError):
        return NotDerived("the expressions are nested too deeply")
    if out_of_memory(error):
        return NotDerived("memory ran out")
    said = " ".join(str(error).split())
    return NotDerived(f"the derivation failed, {type(error).__name__}: {said[:LONGEST_FAULT]}")
