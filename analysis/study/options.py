"""The options that all studies share, and how the command line is read, before anything heavy is imported.

Options are a frozen dataclass; tyro makes the command line of it. An option without a value, None or (), has no default
to show: its description says what happens then. Numbers are exact decimals or rationals (`Number`).

Errors: `BadInput`, in one line that names the input and the remedy; as a program exit code 2.
"""

import contextlib
import io
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from itertools import takewhile
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import tyro

from analysis.study.arguments import NUMBER, number
from analysis.study.endings import plain_endings
from eos_sym.errors import BadInput

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

MOST_STEPS = 1_000_000

Number = Annotated[
    Fraction,
    tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="NUMBER",
        instance_from_str=lambda texts: number(texts[0]),
        is_instance=lambda value: isinstance(value, Fraction),
        str_from_instance=lambda value: [str(value)],
    ),
]


def check_step_sizes(step_sizes: Sequence[Fraction]) -> None:
    """Refuse step sizes that are not positive, or that are the same number in floating point."""
    shown = f"--eta {' '.join(map(str, step_sizes))}".strip()
    if not step_sizes or min(step_sizes) <= 0:
        raise BadInput(f"{shown}: give positive step sizes")
    if len({float(step_size) for step_size in step_sizes}) < len(step_sizes):
        raise BadInput(f"{shown}: give each step size once")


def check_steps(steps: int) -> None:
    """Refuse numbers of recorded iterations that are not positive or that no memory holds."""
    if not 1 <= steps <= MOST_STEPS:
        raise BadInput(f"--steps {steps}: must be 1 or more, and at most {MOST_STEPS}, since every one is recorded")


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What every analysis is made under."""

    preset: Literal["quick", "full"] = "quick"
    """quick: under 30 s on two cores; full: the paper's scale"""
    seed: int = 0
    """seed of everything random"""


@dataclass(frozen=True, kw_only=True)
class CommonOptions(Conditions):
    """The options of every analysis."""

    out: Path | None = None
    """folder for the results; results/NAME if not given"""
    json: bool = False
    """print one JSON document on stdout and nothing else"""
    evidence: bool = False
    """print the evidence of every claim, not only where it is refuted or undecided"""


METAVARS: dict[Any, str] = {Path: "PATH", int: "INT", float: "FLOAT", str: "TEXT", Number: "NUMBER"}

Options = TypeVar("Options", bound="DataclassInstance")


def read_command_line(name: str, kind: type[Options]) -> Options:
    """The options of the program's command line; ends it with one line and exit code 2 where they are bad."""
    with plain_endings():
        return read_options(f"python -m analysis.{name}", kind, sys.argv[1:])


def read_options(program: str, kind: type[Options], arguments: Sequence[str]) -> Options:
    """The options; a command line that cannot be read is `BadInput`, tyro's explanation pressed into one line."""
    for argument in arguments:
        if not argument.isprintable():
            raise BadInput(f"{argument!r}: not text that can be printed; choose other names")
    if "" in arguments:
        place = arguments.index("")
        raise BadInput(
            f"{arguments[place - 1] if place else program}: followed by nothing (an empty text); give a value"
        )
    ahead = [*takewhile("--".__ne__, arguments)]
    named = {place: one.partition("=")[0].replace("_", "-") for place, one in enumerate(ahead) if one[:2] == "--"}
    hints = get_type_hints(kind)
    lists = {f"--{name.rstrip('_').replace('_', '-')}" for name, hint in hints.items() if _takes_several(hint)}
    for place, option in named.items():
        if (times := [*named.values()].count(option)) > 1:
            raise BadInput(f"{option}: given {times} times; give it once, with all its values")
        if option in lists and "=" not in ahead[place] and place + 1 in (len(ahead), *named):
            raise BadInput(f"{option}: followed by nothing; give a value")  # tyro takes it for none, or for left out
    explanation = io.StringIO()
    try:
        with contextlib.redirect_stderr(explanation):
            return tyro.cli(
                _without_empty_defaults(kind),
                prog=program,
                args=arguments,
                config=(tyro.conf.FlagCreatePairsOff,),
            )
    except SystemExit as ending:
        if ending.code in (0, None):
            raise  # --help
        lines = re.sub(r"[╭╮╰╯│─]+|-{3,}|^[|+]|[|+]$", " ", explanation.getvalue(), flags=re.MULTILINE).splitlines()
        said = " ".join(line.strip() for line in lines if line.strip() and "full helptext" not in line)
        formula = next(
            (one for one in arguments if re.match(r"-(?!-).*[A-Za-z(]", one) and not NUMBER.fullmatch(one)), None
        )
        if formula and "--" not in arguments:
            raise BadInput(f"{formula}: begins with a minus, as options do; write it last, after --") from None
        unread = re.search(r"Error parsing (--\S+):.*?(?:for arguments:|instantiated from) \[(.*?)\]", said)
        if unread:
            remedy = "not a value of this option; whole numbers are written 20, others 0.2, 1e-3 (to e-99) or 2/8"
            raise BadInput(f"{unread[1]} {unread[2]}: {remedy}") from None
        said = re.sub(r"invalid literal for int\(\) with base 10: (\S+)", r"\1 is no whole number", said)
        refused = re.match(r"Value error Error parsing (--\S+: )?(?:\w+: )?(.*?)(?: Argument helptext: .*)?$", said)
        if refused:
            raise BadInput((refused[1] or "") + refused[2]) from None
        said = re.sub(r"Missing value for argument '(--\S+)'. Expected 1 values.", r"\1: give it a value", said)
        title = re.match("Unrecognized options |Invalid choice |Missing argument ", said)  # what follows says it again
        raise BadInput(f"{said[title.end() if title else 0 :]} (--help lists the options)") from None


def _takes_several(hint: Any) -> bool:
    """Whether an option takes any number of values."""
    return any(get_origin(part) is tuple for part in (hint, *get_args(hint)))


def _without_empty_defaults(kind: type[Options]) -> type[Options]:
    """The dataclass with what tyro is to show of options that have no value: neither ``{None}|PATH`` nor a default."""
    hints = get_type_hints(kind, include_extras=True)
    for field in fields(kind):
        if field.default is None or field.default == ():
            hint = hints[field.name]
            kinds = [part for part in get_args(hint) if part is not NoneType] if field.default is None else []
            shown = _metavar(kinds[0]) if kinds else None
            hints[field.name] = Annotated[hint, tyro.conf.arg(metavar=shown, help_behavior_hint="")]
    kind.__annotations__ = {field.name: hints[field.name] for field in fields(kind)}
    return kind


def _metavar(kind: Any) -> str | None:
    """What stands for a value of this kind in the help; for a tuple, one or more of them."""
    if get_origin(kind) is tuple:
        one = METAVARS[get_args(kind)[0]]
        return f"{one} [{one} ...]"
    return METAVARS.get(kind)


def results_folder(options: CommonOptions, name: str) -> Path:
    """The folder of the results, made where it is missing."""
    folder = options.out or Path("results") / name
    make_folder_of("--out", folder)
    return folder


def make_folder_of(option: str, folder: Path) -> None:
    """Make an option's folder where it is missing; refused in its name."""
    from numeric.runs import make_folder

    try:
        make_folder(folder)
    except BadInput as error:
        raise BadInput(f"{option} {error}") from error


def refuse_folder(option: str, file: Path, name: str) -> None:
    """Refuse a file that is a folder, with a name that it might have in there."""
    if file.is_dir():
        raise BadInput(f"{option} {file}: is a folder; name a file, such as {file / name}")
