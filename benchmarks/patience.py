"""What takes too long is ended: by an exception that no ``except Exception`` on its way takes for an answer."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class OutOfTime(BaseException):
    """So many seconds were up."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` in what takes longer; in the main thread alone, where signals arrive."""

    def raise_it(number: int, frame: object) -> None:
        raise OutOfTime(f"not ended within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, raise_it)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
