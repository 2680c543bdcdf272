"""Tests on a copy of the program, each time in a process of its own, forked from one that has what the tests load.

Loading SymPy, NumPy and torch takes seconds, the project itself some tenths. So a process that never loads the project
is forked for every trial; what is tried there ends with it. The copy lies in a temporary folder, and programs that a
test begins find it there, too; what they keep for other processes, compiled kernels and examples, is kept for the trial
alone. A test is ended when it has taken the processor for `LATE` times what it took without a change, and `GRACE`
seconds more.
"""

from __future__ import annotations

import ctypes
import io
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from time import process_time
from types import TracebackType
from typing import Any

PR_SET_PDEATHSIG = 1
LATE, GRACE = 5, 5.0
WAIT = 300.0  # seconds of a clock for a process that sleeps
OTHERS = (".*", "__pycache__", "results", "*.egg-info", "_build")  # what is no part of the program


@dataclass
class Measured:
    """What the tests of a file did: their processor seconds, the lines that each came to, and those that failed."""

    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """What became of a trial: survived, killed by a test, or late."""

    word: str
    test: str = ""


class Trials:
    """A copy of the program, and the process from which every trial is forked."""

    def __init__(self, folder: Path, tests: list[str]) -> None:
        self._place = tempfile.TemporaryDirectory()
        self.copy = Path(self._place.name) / "copy"
        shutil.copytree(folder, self.copy, ignore=shutil.ignore_patterns(*OTHERS))
        context = get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, self.copy))
        self._process.start()
        for name in self._ask(_loaded, tests):
            self._pipe.send((import_module, (name,), None))
            self._pipe.recv()

    def __enter__(self) -> Trials:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.join()
        self._place.cleanup()

    def measure(self, file: str) -> Measured:
        """Run a file's tests, and see to which lines each comes."""
        measured: Measured = self._ask(_measure, file, limit=4 * WAIT)
        return measured

    def outcome(self, file: str, text: str, tests: Mapping[str, float]) -> Outcome:
        """What tests, with the seconds that each took, say when a file has this text."""
        place = self.copy / file
        before, times = place.read_text(encoding="utf-8"), place.stat()
        place.write_text(text, encoding="utf-8")
        os.utime(place, (times.st_atime, times.st_mtime + 10))  # or what is compiled of the other text is taken
        limits = {test: GRACE + LATE * seconds for test, seconds in tests.items()}
        try:
            found: Outcome = self._ask(_try, limits, limit=WAIT + sum(limits.values()))
        finally:
            place.write_text(before, encoding="utf-8")
            os.utime(place, (times.st_atime, times.st_mtime))
        return found

    def _ask(self, function: Callable[..., Any], *arguments: Any, limit: float | None = None) -> Any:
        self._pipe.send((function, arguments, limit or WAIT))
        answer = self._pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer


def _serve(pipe: Connection, copy: Path) -> None:
    """Load what is asked for, or do something in a process of its own, and answer with what it gives."""
    sys.path[:] = [str(copy), *(path for path in sys.path if path and Path(path) != Path.cwd())]
    os.environ.update(PYTHONPATH=str(copy), PYTHONDONTWRITEBYTECODE="1", OMP_NUM_THREADS="1")
    os.chdir(copy)
    with suppress(EOFError):
        while True:
            function, arguments, limit = pipe.recv()
            if function is import_module:
                with suppress(Exception):
                    import_module(*arguments)
                pipe.send(None)
            else:
                pipe.send(_forked(function, arguments, limit))


def _forked(function: Callable[..., Any], arguments: tuple[Any, ...], limit: float) -> Any:
    context = get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    with tempfile.TemporaryDirectory() as kept:
        process = context.Process(target=_alone, args=(sender, kept, function, arguments))
        process.start()
        sender.close()
        try:
            answer = receiver.recv() if receiver.poll(limit) else Outcome("late")
        except EOFError:
            process.join()
            late = process.exitcode == -signal.SIGPROF
            answer = Outcome("late") if late else Outcome("killed", f"ended with {process.exitcode}")
        with suppress(ProcessLookupError):
            os.killpg(process.pid or 0, signal.SIGKILL)
        process.join()
    return answer


def _alone(sender: Connection, kept: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    os.setsid()
    with suppress(AttributeError):  # on Linux it ends with the process from which it is forked
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.environ.update(XDG_CACHE_HOME=kept, HYPOTHESIS_STORAGE_DIRECTORY=f"{kept}/examples")
    with redirect_stdout(io.StringIO()) as said, redirect_stderr(said):
        try:
            answer = function(*arguments)
        except Exception as error:
            error.add_note(said.getvalue()[-2000:])
            answer = error
    sender.send(answer)


def _pytest(arguments: list[str], plugin: object) -> int:
    import pytest

    fixed = [
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:faulthandler",
        "-m",
        "not slow",
        "--basetemp",
        os.environ["XDG_CACHE_HOME"] + "/tests",
    ]
    return int(pytest.main([*fixed, "-W", "ignore::pytest.PytestAssertRewriteWarning", *arguments], plugins=[plugin]))


def _loaded(tests: list[str]) -> list[str]:
    """The modules that the tests load and that lie outside of the copy."""
    sys.dont_write_bytecode = False
    _pytest(["--collect-only", *tests], object())
    here = str(Path.cwd())
    files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    return [name for name, file in files.items() if file and not file.startswith(here) and name != "__main__"]


class _Watch:
    """Says to coverage which test runs, and keeps what the tests took and which failed."""

    def __init__(self, switch: Callable[[str], object]) -> None:
        self.switch, self.measured, self.begun = switch, Measured(), 0.0

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.begun = process_time()
        self.switch(nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.switch("")
        self.measured.seconds[nodeid] = round(process_time() - self.begun, 4)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.measured.failed.append(report.nodeid)


def _measure(file: str) -> Measured:
    import coverage

    measuring = coverage.Coverage(data_file=None, config_file=False, source=["."], omit=["tests/*"])
    watch = _Watch(measuring.switch_context)
    measuring.start()
    _pytest([file], watch)
    measuring.stop()
    data = measuring.get_data()
    for name in data.measured_files():
        lines: dict[str, list[int]] = {}
        for line, tests in data.contexts_by_lineno(name).items():
            for test in filter(None, tests):
                lines.setdefault(test, []).append(line)
        if lines:
            watch.measured.lines[Path(name).relative_to(Path.cwd()).as_posix()] = lines
    return watch.measured


class _Chosen:
    """Runs these tests alone, in this order, up to the first that fails; each has so many seconds of the processor."""

    def __init__(self, limits: Mapping[str, float]) -> None:
        self.limits, self.failed, self.found = limits, "", 0

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        by_name = {item.nodeid: item for item in items}
        items[:] = [by_name[name] for name in self.limits if name in by_name]
        self.found = len(items)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, self.limits[nodeid])

    def pytest_runtest_logfinish(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.failed = self.failed or report.nodeid


def _try(limits: Mapping[str, float]) -> Outcome:
    sys.dont_write_bytecode = True
    chosen = _Chosen(limits)
    code = _pytest(["-x", "--hypothesis-seed=0", *dict.fromkeys(name.partition("::")[0] for name in limits)], chosen)
    if code == 0 and chosen.found == len(limits):
        return Outcome("survived")
    return Outcome("killed", chosen.failed or "none of them: the tests cannot be collected")
