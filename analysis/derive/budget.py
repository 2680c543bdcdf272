"""The time that ``--timeout`` gives, and how the program shares it between its child and itself.

The theory is derived in a child, which can be killed (`analysis.derive.limited`); it has what is given but for a tenth.
Compiling, simulating, checking and drawing are done by the program itself, in what is left, and in a second of grace.
There they are interrupted by a signal once they have used so much processor time, so that a busy machine costs nothing.

An interruption may come anywhere, so that nothing of what was interrupted is used again, but where Python would lose
it, in finalizers and in what the garbage collector calls: there it waits for the next signal. Callbacks of weak
references are not told from other functions: what is lost there comes again, and nothing is said of it. Where there are
no such signals, as on Windows, nothing is interrupted.
"""

from __future__ import annotations

import gc
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from eos_sym.errors import Undecided

GRACE = 1.0  # seconds beyond the time given
KEPT = 1 / 10  # of the time that is left, for what follows the theory
SHORTEST = 1e-3  # seconds, for a timer that is to run at all
AGAIN = 0.05  # seconds after which an interruption is repeated that was lost or had to wait
INTERRUPTS = hasattr(signal, "setitimer")


class _OutOfTimeError(BaseException):
    """Not for those who catch every `Exception`."""


@dataclass
class Budget:
    """So many seconds from now."""

    seconds: float
    end: float = field(init=False)
    late: float | None = None
    """the processor time at which the grace began"""

    def __post_init__(self) -> None:
        """Begin."""
        self.end = time.monotonic() + self.seconds

    @property
    def of_theory(self) -> float:
        """Seconds that the theory may take from now."""
        return max((self.end - time.monotonic()) * (1 - KEPT), 0.0)

    @property
    def left(self) -> float:
        """Seconds for the program itself."""
        left = self.end - time.monotonic()
        if left > GRACE:
            return left
        self.late = time.process_time() if self.late is None else self.late
        return max(left, GRACE - (time.process_time() - self.late), SHORTEST)


@contextmanager
def within(seconds: float, what: str) -> Iterator[None]:
    """`Undecided` where what is inside uses more processor time; for the main thread alone."""
    if not INTERRUPTS:
        yield
        return
    before = signal.signal(signal.SIGPROF, _interrupt)
    signal.setitimer(signal.ITIMER_PROF, seconds, AGAIN)
    try:
        try:
            with _lost_in_silence():
                yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    except _OutOfTimeError:
        raise Undecided(f"{what}: not finished in the time that was left; --timeout gives more") from None
    finally:
        signal.signal(signal.SIGPROF, before)


@contextmanager
def _lost_in_silence() -> Iterator[None]:
    """Of an interruption that Python could not pass on it does not print that."""
    say = sys.unraisablehook

    def said(lost: sys.UnraisableHookArgs) -> None:
        if lost.exc_type is not _OutOfTimeError:
            say(lost)

    sys.unraisablehook = said
    try:
        yield
    finally:
        sys.unraisablehook = say


def _interrupt(number: int, frame: FrameType | None) -> None:
    if not _would_be_lost(frame):
        raise _OutOfTimeError


def _would_be_lost(frame: FrameType | None) -> bool:
    """Whether Python would print an exception that is raised here, and go on."""
    collecting = [getattr(callback, "__code__", None) for callback in gc.callbacks]
    while frame is not None:
        if frame.f_code in collecting or frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False
