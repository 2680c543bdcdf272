"""One thread for the numerical libraries: for small matrices sharing the work costs more than it saves.

The order of their sums, and so the last bits of every result, also depends on the number of threads.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from threadpoolctl import threadpool_limits


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """One thread for linear algebra, and for torch where it is loaded."""
    torch = sys.modules.get("torch")
    if torch is None:
        with threadpool_limits(1):
            yield
        return
    before = torch.get_num_threads()  # outside the limits, which it would answer; torch's own MKL hears torch alone
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)
