"""What may be asked of any text at all: is it read or refused, at once, and does what was read say what the text says?

    refused        by a `ParseError` of one line; any other exception is a finding, and so is a text that takes too long
    read           what SymPy prints of it is read again as the same, and has the value of the text wherever both have
                   one: Python's own grammar and mpmath, at three points, against the parser and SymPy's evaluation
    run            never: Python's audit hooks say when a text is compiled and run, or a process or connection begun

The value of a text is that of its literals as the decimals they spell. Where two values differ in 60 digits they are
computed again in 500, so that what cancels is not taken for a difference.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mpmath
from sympy import Symbol, sstr

from benchmarks.patience import OutOfTime, at_most
from eos_sym.reading import FUNCTIONS, ParseError, names_in, parse

CORPUS = Path(__file__).with_name("texts.json")
NAMES = ("x", "y", "a1", "lambda")
SYMBOLS = tuple(Symbol(name, real=True) for name in NAMES)
POINTS = ((0.7, 1.3, 2.9, 0.2), (-0.6, 0.45, -3.1, -1.7), (5.25, -2.5, 0.125, 12.0))
DIGITS, MORE_DIGITS, ALIKE, LARGEST = 60, 500, 1e-20, 1e9
BEGUN = {"os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "socket.connect"}
LITERAL = re.compile(r"(?<![\w.])((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")

_watched: list[list[str]] = []  # what is watched now, and what was seen


def corpus() -> list[str]:
    """The texts that lead to all branches that are known."""
    texts: list[str] = json.loads(CORPUS.read_text(encoding="utf-8"))
    return texts


def wrong_with(text: str, seconds: float) -> str | None:
    """What is wrong with what becomes of a text, in a line; nothing is."""
    try:
        with at_most(seconds), nothing_run() as seen:
            names_in(text)
            expression = parse(text, SYMBOLS)
            printed = sstr(expression)
            again = parse(printed, SYMBOLS)
    except ParseError as refusal:
        if "\n" in str(refusal) or not str(refusal).isascii():
            return f"refused in words that are not a line: {refusal!r}"
        return f"ran {', '.join(seen)}" if seen else None
    except OutOfTime as late:
        return str(late)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if seen:
        return f"ran {', '.join(seen)}"
    if again != expression:
        return f"read as {printed}, which is read as {again}"
    for point in POINTS:
        found = ((value(text, point, digits), value(printed, point, digits)) for digits in (DIGITS, MORE_DIGITS))
        if all(None not in (pair := both) and not alike(*both) for both in found):
            return f"read as {printed}, which is {pair[1]} at {point}, and the text is {pair[0]}"
    return None


@contextmanager
def nothing_run() -> Iterator[list[str]]:
    """A context whose list says what is run or begun in it."""
    if not _watched:
        sys.addaudithook(_look)
        _watched.append([])
    _watched.append([])
    try:
        yield _watched[-1]
    finally:
        _watched.pop()


def _look(event: str, arguments: tuple[Any, ...]) -> None:
    if len(_watched) < 2:
        return
    if event == "exec":
        file = getattr(arguments[0], "co_filename", "")
        if file.startswith("<") and not file.startswith("<frozen"):  # and no module that is imported now
            _watched[-1].append(f"a text ({file})")
    elif event in BEGUN:
        _watched[-1].append(event)


def alike(one: Any, other: Any) -> bool:
    """Whether two values are one, as far as rounding lets it be known."""
    return bool(abs(one - other) <= ALIKE * (1 + abs(one) + abs(other)))


def value(text: str, point: tuple[Any, ...], digits: int) -> Any:
    """The real value of a text that was read, by Python's grammar; None where it has none."""
    translated = re.sub(r"\blambda\b", "lambda_", LITERAL.sub(r'number("\1")', text.strip()))
    names = dict(zip(("x", "y", "a1", "lambda_"), point, strict=True))
    with mpmath.workdps(digits):
        numbers = {name: mpmath.mpf(one) for name, one in names.items()}
        try:
            found = eval(translated, {"__builtins__": {}}, {**MEANINGS, **numbers, "pi": +mpmath.pi, "E": +mpmath.e})
        except (ArithmeticError, ValueError, TypeError):  # the last of complex numbers compared
            return None
        return found if isinstance(found, mpmath.mpf) and mpmath.isfinite(found) else None


def _bounded(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function of real numbers for which it needs few digits."""

    def bounded(argument: Any) -> Any:
        if isinstance(argument, mpmath.mpc) or not abs(argument) <= LARGEST:
            raise ValueError
        return function(argument)

    return bounded


def _cases(*cases: tuple[Any, bool]) -> Any:
    return next((found for found, holds in cases if holds), mpmath.nan)


def _sigmoid(u: Any) -> Any:
    return 1 / (1 + mpmath.exp(-u))


MEANINGS: Mapping[str, Callable[..., Any]] = {
    **{name: _bounded(getattr(mpmath, name)) for name in FUNCTIONS},
    "number": mpmath.mpf, "Abs": abs, "abs": abs, "Max": max, "max": max, "Min": min, "min": min,
    "Piecewise": _cases, "Eq": lambda a, b: a == b, "Ne": lambda a, b: a != b,
    "relu": lambda u: max(0 * u, u), "sigmoid": _bounded(_sigmoid),
    "softplus": _bounded(lambda u: mpmath.log(1 + mpmath.exp(u))),
    "silu": _bounded(lambda u: u * _sigmoid(u)), "swish": _bounded(lambda u: u * _sigmoid(u)),
    "gelu": _bounded(lambda u: u * mpmath.ncdf(u)),
    "sign": lambda u: _cases((1, u > 0), (-1, u < 0)) + 0 * u,
    "Heaviside": lambda u: _cases((1, u > 0), (0, u < 0)) + 0 * u,
}  # fmt: skip
