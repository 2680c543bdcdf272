"""Progress bars on stderr, for people: one line a task, with what is done, what there is, and the time left.

A task that trains a network also shows the loss now, and the sharpness last read.
"""

import contextlib
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from numeric.progress import listener, listening

Item = TypeVar("Item")


@dataclass(frozen=True)
class Advance:
    """What a task reports to: called with the number of iterations done since the last call."""

    progress: Progress
    task: TaskID

    def __call__(self, count: int) -> None:
        """Count what was done."""
        self.progress.advance(self.task, count)

    def expect(self, total: int) -> None:
        """Say how many iterations there are in all, from which the time left is estimated."""
        self.progress.update(self.task, total=total)

    def show(self, *, loss: float, sharpness: float | None) -> None:
        """Show these values beside the bar."""
        read = "" if sharpness is None else f", sharpness {sharpness:.4g}"
        self.progress.update(self.task, values=f"loss {loss:.4g}{read}")


def progress_bars() -> Progress:
    """The bars of one program; none where stderr is not a terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=16),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[values]}"),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


@contextlib.contextmanager
def task(progress: Progress, description: str, total: int | None) -> Iterator[Advance]:
    """A bar for as long as the task takes, which hears of the progress of all computations meanwhile."""
    number = progress.add_task(description, total=total, values="")
    advance = Advance(progress, number)
    with listening(advance):
        yield advance
    progress.remove_task(number)


def expect(total: int) -> None:
    """Say how many iterations the task has in all, from which the time left is estimated."""
    if isinstance(heard_by := listener(), Advance):
        heard_by.expect(total)


def counted(items: Collection[Item]) -> Iterator[Item]:
    """The items one by one, each of them an iteration of the task, done when the next is asked for."""
    expect(len(items))
    for item in items:
        yield item
        listener()(1)
