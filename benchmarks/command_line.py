"""How a benchmark begins and ends: its options are a dataclass, and what it cannot do is said in one line.

Options check their values in ``__post_init__``. Errors: `BadInput`, as a program exit code 2.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from analysis.study.endings import plain_endings
from analysis.study.options import read_options
from eos_sym import BadInput

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Options = TypeVar("Options", bound="DataclassInstance")


def run(program: str, kind: type[Options], main: Callable[[Options], int | None]) -> None:
    """Do main with the options of the command line, and end with what it returns as the exit code."""
    with plain_endings():
        code = main(read_options(program, kind, sys.argv[1:]))
    sys.exit(code)


def check_whole_numbers(options: Any, least: int, *names: str) -> None:
    """Refuse options below the least number that they can have."""
    for name in names:
        if getattr(options, name) < least:
            raise BadInput(f"--{name.replace('_', '-')} {getattr(options, name)}: must be {least} or more")


def check_seconds(option: str, seconds: float) -> None:
    """Refuse times that are not positive or without an end."""
    if not 0 < seconds < math.inf:
        raise BadInput(f"{option} {seconds:g}: must be more than 0")
