"""How a study's program ends when it cannot go on: in one line, with an exit code of its own.

Bad input ends with 2, an interruption with 130, a device without space with 74, and a reader of the output that has
seen enough, such as ``head``, with what its signal stands for, in silence.
"""

import errno
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from eos_sym.errors import BadInput

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
INTERRUPTED = "interrupted; the files that were finished are kept"


@contextmanager
def plain_endings() -> Iterator[None]:
    """End the program plainly where what is inside cannot go on."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        forget_output()
        sys.exit(128 + signal.SIGPIPE)
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        forget_output()
        print(f"error: {error.strerror}: make room and run it again; what was finished is kept", file=sys.stderr)
        sys.exit(os.EX_IOERR)
    except BadInput as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print(INTERRUPTED, file=sys.stderr)
        sys.exit(130)


def forget_output() -> None:
    """Let what is still to be flushed to the standard output go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def plain_interruption(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """An exception hook that says an interruption in a line, for the time in which modules are imported."""
    if issubclass(kind, KeyboardInterrupt):
        print(INTERRUPTED, file=sys.stderr)
        sys.stderr.flush()
        os._exit(130)
    sys.__excepthook__(kind, error, trace)
