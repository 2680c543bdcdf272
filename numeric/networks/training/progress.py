"""Telling somebody how far a run is: the number of steps and, for those who can show them, loss and sharpness."""

from __future__ import annotations

import time

from numeric.progress import Progress, Watcher

REPORT_SECONDS = 0.2


class Report:
    """Reports to a progress or to nobody, a few times a second."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._reported = 0
        self._next = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether somebody wants to hear by now."""
        return self._progress is not None and time.monotonic() >= self._next

    def steps(self, done: int) -> None:
        """Report that so many steps are done, all together."""
        if self._progress is not None and done > self._reported:
            self._progress(done - self._reported)
            self._next = time.monotonic() + REPORT_SECONDS
        self._reported = done

    def show(self, loss: float, sharpness: float | None) -> None:
        """Report the values of the last step."""
        if isinstance(self._progress, Watcher):
            self._progress.show(loss=loss, sharpness=sharpness)
