"""How a study's program ends when it cannot go on: in one line, with an exit code that stands for nothing else.

===  ==================================================================================================
  0  nothing is refuted, open claims aside
  1  a claim is refuted
  2  bad input, or a library that is not installed
 70  a fault of the program, with its traceback
 71  memory ran out
 74  no room on a device, or no standard output (an exception with an `exit_code`, or the system's)
 75  a run that failed, which is tried again the next time
130  an interruption
141  a reader of the output, such as ``head``, that has seen enough; in silence
===  ==================================================================================================
"""

import errno
import io
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import NoReturn, TypeGuard

from eos_sym.errors import BadInput, out_of_memory

NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
IN_EXTRAS = ("torch", "safetensors", "sklearn")  # what theory and simulations do without
LEFT_OUT = "{} is not installed, and networks take it: pip install torch safetensors scikit-learn"
NO_MEMORY = "memory ran out; ask for less at a time, or give it more; what was finished is kept"
INTERRUPTED = "interrupted; the files that were finished are kept"


@contextmanager
def plain_endings() -> Iterator[None]:
    """End the program plainly where what is inside cannot go on; what warns before says so in one line, too."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123, for as long as the program runs
    if sys.stdout is None:
        end_with(os.EX_IOERR, "the standard output is closed; send it to a file or to /dev/null")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # mathematics is printed whatever the locale
    warnings.formatwarning = lambda message, *where, **line: f"warning: {one_line(message)}\n"
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        forget_output()
        sys.exit(128 + signal.SIGPIPE)
    except BadInput as error:
        end_with(2, error)
    except KeyboardInterrupt:
        print(INTERRUPTED, file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        if is_left_out(error):
            end_with(2, LEFT_OUT.format(error.name))
        if (code := getattr(error, "exit_code", None)) is not None:
            end_with(code, error)
        if out_of_memory(error):
            end_with(os.EX_OSERR, NO_MEMORY)
        if isinstance(error, OSError) and error.errno in NO_SPACE:  # of the output's device
            forget_output()
            end_with(os.EX_IOERR, f"{error.strerror}: make room and run it again; what was finished is kept")
        traceback.print_exc()
        sys.exit(os.EX_SOFTWARE)


def end_with(code: int, reason: object) -> NoReturn:
    """Say the reason in one line, and exit with this code."""
    print(f"error: {one_line(reason)}", file=sys.stderr)
    sys.exit(code)


def one_line(said: object) -> str:
    """What is said, without its line breaks."""
    return " ".join(str(said).split())


def is_left_out(error: BaseException) -> TypeGuard[ModuleNotFoundError]:
    """Whether it is for want of a library that not everybody installs."""
    return isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in IN_EXTRAS


def forget_output() -> None:
    """Let what is still to be flushed to the standard output go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def plain_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """An exception hook for the time in which modules are imported, with the exit codes of a program that runs."""
    code = os.EX_SOFTWARE
    if issubclass(kind, KeyboardInterrupt):
        code = 130
        print(INTERRUPTED, file=sys.stderr)
    elif is_left_out(error):
        code = 2
        print(f"error: {LEFT_OUT.format(error.name)}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)
    sys.stderr.flush()
    os._exit(code)
