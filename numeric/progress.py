"""How far a long computation is: said by whoever works, heard by whoever wants to.

A computation counts what it has done: map steps, runs, chunks or training steps, as it says itself. It reports to the
`progress` it is given, and without one to whoever listens around the call:

    with listening(bar.update):          # anything that takes a number
        simulator.run(start, parameters, steps=10**6)

A listener with a method ``show`` is also told the loss and the sharpness of a network in training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, runtime_checkable

Progress = Callable[[int], object]


@runtime_checkable
class Watcher(Protocol):
    """A listener that does more than count."""

    def __call__(self, count: int) -> object:
        """Note that so much more is done, or has become unnecessary."""

    def show(self, *, loss: float, sharpness: float | None) -> object:
        """Show the loss now, and the sharpness last read."""


def unheard(count: int) -> None:
    """Nobody listens."""


_LISTENER: ContextVar[Progress] = ContextVar("listener", default=unheard)


@contextmanager
def listening(progress: Progress) -> Iterator[None]:
    """Hear of the progress of all computations inside that are not given a listener of their own."""
    token = _LISTENER.set(progress)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def listener(given: Progress | None = None) -> Progress:
    """Who is to be told: the one that is given, else the one around the call."""
    return _LISTENER.get() if given is None else given
