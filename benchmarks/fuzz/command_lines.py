"""Command lines from random options: is each understood, or refused in one line?

    python -m benchmarks.fuzz.command_lines [--number 5000] [--seed 0] [--run-every 0] [--seconds 60]

Options are drawn for every study and for `verify`, `report` and `explorer`: those that it has, some misspelt, with
values that fit, nearly fit or make no sense. Reading such a line gives options, or `BadInput` in one line that can
be printed. Every so many that are understood the program is run with them, which ends with an exit code that
`analysis.study.endings` knows, without a traceback, and for code 2 with one line; one that takes longer is ended and
counted. Findings are printed with the command, and the exit code is 1 if there are any.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import MISSING, dataclass, fields
from importlib import import_module
from io import StringIO
from pathlib import Path
from shlex import join
from typing import Any, Literal, get_args, get_origin, get_type_hints

from analysis.study.index import studies
from analysis.study.options import CommonOptions, read_options
from analysis.study.parts import Parts
from benchmarks.command_line import check_seconds, check_whole_numbers, run
from eos_sym import BadInput

ROOT = Path(__file__).resolve().parents[2]
ENDINGS = {0, 1, 2, os.EX_OSERR, os.EX_IOERR, os.EX_TEMPFAIL}
LONGEST = 5  # options of a command line
OWN = ("out", "help")  # options that are given by this program, or end the other at once

NUMBERS = "0 1 2 3 20 100 -1 -0.1 0.1 0.2 1/10 1/3 2/8 1e-3 1e-99 1e-320 1e9 1e999 1.5 0.5 007 1_0 ٣ 1/0 nan inf -inf"
NAMES = (
    "x=1 x=2/3 y=0.1 eta=1/10 eta=0.2 q=3 x= =1 x=1=2 x y eta minimalist quadratic width all none True quick full cpu"
)
ODD = (
    "",
    " ",
    "-",
    "--",
    "-x",
    "-(x*y-1)**2",
    "x*y",
    "(1 - x*y)**2/2",
    "x\ny",
    "é",
    "\udcff",
    "\x00",
    "{}",
    "a" * 3000,
)
LOSSES = ("(1 - x*y)**2/2", "-x", "x**2/2", "log(cosh(x*y - 1))", "relu(x", "x*y**2*q", "9**9**9", "")
VALUES = (*NUMBERS.split(), *NAMES.split(), *ODD)


@dataclass(frozen=True)
class Options:
    """Command lines from random options."""

    number: int = 5000
    """of command lines"""
    seed: int = 0
    """of the generator"""
    run_every: int = 0
    """every so many command lines that are understood the program is run; 0 for never"""
    seconds: float = 60.0
    """that a program may take"""

    def __post_init__(self) -> None:
        check_whole_numbers(self, 1, "number")
        check_whole_numbers(self, 0, "seed", "run_every")
        check_seconds("--seconds", self.seconds)


def options_of(name: str) -> Any:
    """The options of a program of `analysis`."""
    module = import_module(f"analysis.{name}")
    if hasattr(module, "__path__"):
        module = import_module(f"analysis.{name}.__main__")
    study = next((value for value in vars(module).values() if isinstance(value, Parts)), None)
    return study.kind or CommonOptions if study else module.Options


def command_line(kind: Any, draw: random.Random) -> list[str]:
    """Options of this kind, some with a fault."""
    hints = get_type_hints(kind, include_extras=True)
    needed = [field.name for field in fields(kind) if field.default is field.default_factory is MISSING]
    names = [field.name for field in fields(kind) if field.name not in (*OWN, *needed)]
    line, last = [], []
    for name in (*needed, *draw.sample(names, min(draw.randint(0, LONGEST), len(names)))):
        if "Positional" in str(hints[name]):
            last = ["--", draw.choice(LOSSES)] if draw.random() < 0.9 else []
            continue
        option = "--" + name.strip("_").replace("_", draw.choice("-_"))
        if draw.random() < 0.04:
            option = draw.choice((option[:-1], option + "s", option[1:], option.upper()))
        values = _values(hints[name], draw)
        joined = len(values) == 1 and draw.random() < 0.1
        line += [f"{option}={values[0]}"] if joined else [option, *values]
    if draw.random() < 0.1:
        line.insert(draw.randint(0, len(line)), draw.choice(VALUES))
    return line + last


def _values(hint: Any, draw: random.Random) -> list[str]:
    """Values for an option; most of one that takes words are words of it, and flags have none."""
    if hint is bool:
        return [] if draw.random() < 0.95 else [draw.choice(VALUES)]
    words = _words(hint)
    return [
        draw.choice(words) if words and draw.random() < 0.8 else draw.choice(VALUES)
        for _ in range(draw.choice((0, 1, 1, 1, 1, 2, 3)))
    ]


def _words(hint: Any) -> tuple[str, ...]:
    """The words that a hint allows."""
    if get_origin(hint) is Literal:
        return tuple(map(str, get_args(hint)))
    if hint in (int, float):
        return ("0", "1", "2", "5", "100")
    return tuple(word for part in get_args(hint) if part is not Ellipsis for word in _words(part))


def understood(program: str, kind: Any, line: list[str]) -> tuple[bool, str | None]:
    """Whether options are read from the line, and what is wrong with how that ends."""
    try:
        with redirect_stdout(StringIO()):
            read_options(program, kind, line)
    except BadInput as refusal:
        said = str(refusal)
        return False, None if said.strip() and "\n" not in said and said.isprintable() else f"refused: {said!r}"
    except SystemExit as ending:
        return False, None if ending.code in (0, None) else f"exit code {ending.code}"
    except Exception as error:
        return False, f"{type(error).__name__}: {error}"
    return True, None


def wrong_with_run(name: str, line: list[str], seconds: float) -> tuple[bool, str | None]:
    """Whether the program ended in time, and what is wrong with how."""
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/page.html" if name in ("report", "explorer") else folder
        command = [sys.executable, "-m", f"analysis.{name}", "--out", out, *line]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        options: dict[str, Any] = {"capture_output": True, "text": True, "check": False, "cwd": folder}
        try:
            ended = subprocess.run(command, timeout=seconds, env=environment, **options)
        except subprocess.TimeoutExpired:
            return False, None
    lines = ended.stderr.splitlines()
    if ended.returncode not in ENDINGS or "Traceback" in ended.stderr:
        return True, f"exit code {ended.returncode}: {lines[-1:]}"
    if ended.returncode == 2 and len(lines) != 1:
        return True, f"exit code 2 with {len(lines)} lines: {lines[-1:]}"
    return True, None


def main(options: Options, say: Callable[..., None] = print) -> int:
    """Draw, read, run, print what is found as it comes, and count."""
    draw, programs = (
        random.Random(options.seed),
        {name: options_of(name) for name in (*studies(), "verify", "report", "explorer")},
    )
    read = ran = late = wrong = 0
    for _ in range(options.number):
        name = draw.choice([*programs])
        line = command_line(programs[name], draw)
        fits, finding = understood(f"python -m analysis.{name}", programs[name], line)
        read += fits
        if fits and options.run_every and read % options.run_every == 0:
            ended, finding = wrong_with_run(name, line, options.seconds)
            ran += 1
            late += not ended
        if finding:
            wrong += 1
            say(f"python -m analysis.{name} {join(line)!a}: {finding}", flush=True)
    limit = f"{late} not ended within {options.seconds:g} s"
    say(f"{options.number} command lines: {read} understood, {ran} run, {limit}; {wrong} findings")
    return 1 if wrong else 0


if __name__ == "__main__":
    run("python -m benchmarks.fuzz.command_lines", Options, main)
