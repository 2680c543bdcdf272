"""Studies as programs of their own, several at a time; each writes its one JSON document into a file of its own.

A program computes with one thread of the numerical libraries. It is killed at its time limit, and all are when this
process ends, however it ends (on Linux; elsewhere they outlive it if it is killed): what a study has finished is in its
folder, and what it started ends with it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from numeric.runs.worker_processes import threads_in_environment

ATTENTION = 0.05  # seconds between two looks at what is running
END_WITH_PARENT = """
import ctypes, os, signal, sys
PR_SET_PDEATHSIG, (parent, *command) = 1, sys.argv[1:]
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
if os.getppid() == int(parent):
    os.execv(command[0], command)
"""


@dataclass(frozen=True)
class Program:
    """The command line of a study, ``python -m analysis.NAME ARGUMENTS --json --out FOLDER``."""

    study: str
    arguments: tuple[str, ...]
    folder: Path
    workers: int | None = None  # of its own, where it has any: no argument, as the answer does not depend on them

    @property
    def command(self) -> list[str]:
        """What is started."""
        workers = () if self.workers is None else ("--workers", f"{self.workers}")
        called = [sys.executable, "-m", f"analysis.{self.study}", *self.arguments]
        return [*called, *workers, "--json", "--out", str(self.folder)]


@dataclass(frozen=True)
class Ending:
    """How a program ended: its exit code, None if its time was up, what it said, and the seconds it took."""

    exit_code: int | None
    out: bytes
    err: bytes
    seconds: float


@dataclass(eq=False)
class _Running:
    """A program that is running."""

    program: Program
    out: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    err: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    begun: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        with threads_in_environment():
            command = ending_with_this_process(self.program.command)
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err)

    def ended(self, timeout: float | None) -> Ending | None:
        """How it ended, if it has; now, if its time is up."""
        exit_code, seconds = self.process.poll(), time.monotonic() - self.begun
        if exit_code is None and (timeout is None or seconds < timeout):
            return None
        self.process.kill()
        self.process.wait()
        self.out.seek(0)
        self.err.seek(0)
        return Ending(exit_code, self.out.read(), self.err.read(), seconds)

    def end(self) -> None:
        """Let it be at its end, and forget what it said."""
        self.process.kill()
        self.process.wait()
        self.out.close()
        self.err.close()


def ending_with_this_process(command: list[str]) -> list[str]:
    """The command of a process that ends when the thread ends that started it, also by a signal that nothing survives.

    The kernel is asked for that by a process that then becomes the one that is wanted.
    """
    if sys.platform != "linux":
        return command
    return [sys.executable, "-I", "-S", "-c", END_WITH_PARENT, str(os.getpid()), *command]


def run_side_by_side(
    programs: Iterable[Program],
    at_a_time: int,
    timeout: float | None,
    begun: Callable[[Program], object],
    ended: Callable[[Program, Ending], object],
) -> None:
    """All programs, so many at a time, which `begun` and `ended` are told about."""
    waiting, running = deque(programs), list[_Running]()
    try:
        while waiting or running:
            while waiting and len(running) < at_a_time:
                begun(waiting[0])
                running.append(_Running(waiting.popleft()))
            time.sleep(ATTENTION)
            for one in [*running]:
                if ending := one.ended(timeout):
                    running.remove(one)
                    one.end()
                    ended(one.program, ending)
    finally:
        for one in running:
            one.end()
