"""One run of a sweep: worked off in its folder, where it leaves its history or the reason why there is none.

    folder/history.nc       what the run answered (`numeric.runs.history`), from the run itself if it writes it
    folder/traceback.txt    of the last attempt, if it ended in an error that is not the input's fault

A run computes with one thread of the numerical libraries wherever it takes place, because the order of their sums, and
so the last bits of every result, depends on the number of threads.

Errors: none of `attempt`; whatever a run raises, apart from an interruption, is answered: `BadInput` and `NoSpace` as
they are, anything else as `RunFailed`.
"""

from __future__ import annotations

import contextlib
import os
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import xarray as xr

from eos_sym import BadInput, Undecided
from eos_sym.errors import out_of_memory
from numeric.files import NoSpace
from numeric.progress import Progress
from numeric.runs.configuration import configuration
from numeric.runs.history import is_finished, write_history
from numeric.runs.threads import one_thread

TRACEBACK = "traceback.txt"


class RunFailed(Exception):
    """A run that ended by a fault of its program or with its process; the message is one line that says how."""

    exit_code = os.EX_TEMPFAIL  # of a program that ends by it: it tries the run again the next time


class Run(Protocol):
    """What a sweep works off: a frozen dataclass of numbers, texts, tuples and other such dataclasses."""

    @property
    def steps(self) -> int:
        """How many steps it has at most."""

    def run(self, folder: Path, progress: Progress) -> xr.Dataset:
        """The history; `folder` is the run's own, for what it resumes from, and `progress` counts its steps."""


Task = tuple[Run, Path]  # a run and its folder
Stepped = Callable[[int, int], object]  # the number of a task, and how many steps it has just made
Failed = BadInput | NoSpace | RunFailed
Finished = Callable[[int, Failed | None], object]  # the number of a task, and why if it failed


def attempt(run: Run, folder: Path, progress: Progress) -> Failed | None:
    """Work the run off and write its history; why, if that fails."""
    with contextlib.suppress(OSError):  # what cannot be removed is no reason not to run
        (folder / TRACEBACK).unlink(missing_ok=True)
    try:
        with one_thread():
            history = run.run(folder, progress)
        if not is_finished(folder):
            write_history(history, folder, configuration(run))
    except (BadInput, NoSpace) as error:
        return error
    except Undecided as error:
        return RunFailed(str(error))
    except Exception as error:
        if out_of_memory(error):
            return RunFailed("memory ran out; choose fewer workers, or give it more")
        with contextlib.suppress(OSError):
            (folder / TRACEBACK).write_text(traceback.format_exc(), encoding="utf-8")
        return RunFailed(f"{type(error).__name__}: {error}")
    return None


def one_line(text: str) -> str:
    """The text without its line breaks."""
    return " ".join(text.split())


class Report:
    """Counts steps, and sends their number now and then instead of at every step."""

    def __init__(self, send: Callable[[int], object], interval: float) -> None:
        self._send = send
        self.interval = interval  # seconds
        self.unsent = 0
        self.last = time.monotonic()

    def __call__(self, steps: int) -> None:
        """Count these steps."""
        self.unsent += steps
        if time.monotonic() - self.last >= self.interval:
            self.send()

    def send(self) -> None:
        """Send what was counted since the last time."""
        steps, self.unsent, self.last = self.unsent, 0, time.monotonic()
        if steps:
            self._send(steps)
