"""The command line that all analyses share.

An analysis is a dataclass of options derived from `CommonOptions` and a function that turns them into a `Study`.
`main` reads the options (tyro), derives the theory, runs the experiments, decides the claims, draws the figure, and
writes ``data.nc``, ``claims.json``, ``figure.png`` and ``figure.pdf``. Each file is written as soon as its content is
known, so an interruption keeps what was finished.

Exit code 0: nothing refuted (open claims aside); 1: a claim refuted; 2: bad input, in one line; 130: interrupted.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import tyro
import xarray as xr
from rich.console import Console

from analysis.arguments import number
from analysis.claim import Claim, Verdict, decide
from analysis.figure import draw_and_save
from analysis.progress import Advance, progress_bars, task
from analysis.report import WIDTH, document, print_claims, print_theory, to_json
from eos_sym import BadInput
from numeric.runs import make_folder, save, versions, write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_STEPS = 1_000_000
DRAWN_AND_JUDGED = ("claims.json", "figure.png", "figure.pdf")


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
class CommonOptions:
    """The options of every analysis."""

    out: Path | None = None
    """folder for the results; results/NAME if not given"""
    json: bool = False
    """print one JSON document on stdout and nothing else"""
    preset: Literal["quick", "full"] = "quick"
    """quick: under 30 s on two cores; full: the paper's scale"""
    seed: int = 0
    """seed of everything random"""


Options = TypeVar("Options", bound=CommonOptions)


@dataclass(frozen=True)
class Study:
    """What an analysis consists of, in the order in which it is worked off.

    `experiments` name the simulations; each is called with a function to report iterations to, and its dataset becomes
    the group of that name in data.nc. `claims` and `figure` are given all of these datasets, and so is `simulation`,
    which says in a few numbers what came of runs that the user asked for.
    """

    theory: Mapping[str, Any]
    experiments: Mapping[str, Callable[[Advance], xr.Dataset]]
    claims: Callable[[Mapping[str, xr.Dataset]], Sequence[Claim]]
    figure: Callable[[Mapping[str, xr.Dataset]], Figure]
    simulation: Callable[[Mapping[str, xr.Dataset]], Mapping[str, Any] | None] | None = None


def main(name: str, options_type: type[Options], analyse: Callable[[Options], Study]) -> None:
    """Run the analysis with the options of the command line, and exit."""
    try:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")  # mathematics is printed whatever the locale
        options = read_options(name, options_type, sys.argv[1:])
        code = run(name, options, analyse)
        sys.stdout.flush()
        sys.exit(code)
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
    except BadInput as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted; the files that were finished are kept", file=sys.stderr)
        sys.exit(130)


def read_options(name: str, options_type: type[Options], arguments: Sequence[str]) -> Options:
    """The options; a command line that cannot be read is `BadInput`, tyro's explanation pressed into one line."""
    explanation = io.StringIO()
    try:
        with contextlib.redirect_stderr(explanation):
            return tyro.cli(
                options_type,
                prog=f"python -m analysis.{name}",
                args=arguments,
                config=(tyro.conf.FlagCreatePairsOff,),
            )
    except SystemExit as ending:
        if ending.code in (0, None):
            raise  # --help
        lines = re.sub(r"[╭╮╰╯│─]+", " ", explanation.getvalue()).splitlines()
        said = " ".join(line.strip() for line in lines if line.strip() and "full helptext" not in line)
        unread = re.search(r"Error parsing (--\S+):.*?(?:for arguments:|instantiated from) \[(.*?)\]", said)
        if unread:
            remedy = "not a value of this option; whole numbers are written 20, others 0.2, 1e-3 or 2/8"
            raise BadInput(f"{unread[1]} {unread[2]}: {remedy}") from None
        said = re.sub(r"invalid literal for int\(\) with base 10: (\S+)", r"\1 is no whole number", said)
        refused = re.match(r"Value error Error parsing (--\S+: )?(?:\w+: )?(.*?)(?: Argument helptext: .*)?$", said)
        if refused:
            raise BadInput((refused[1] or "") + refused[2]) from None
        title = re.match("Unrecognized options |Invalid choice ", said)  # what follows says it again
        raise BadInput(f"{said[title.end() if title else 0 :]} (--help lists the options)") from None


def run(name: str, options: Options, analyse: Callable[[Options], Study]) -> int:
    """Work off the study, write its files, report; the exit code."""
    if options.seed < 0:
        raise BadInput(f"--seed {options.seed}: must be 0 or more")
    folder = results_folder(options, name)
    configuration = to_json(asdict(options))
    with progress_bars() as progress:
        with task(progress, "deriving the theory", None):
            study = analyse(options)

        data: dict[str, xr.Dataset] = {}
        for label, experiment in study.experiments.items():
            with task(progress, f"simulating {label.replace('_', ' ')}", None) as advance:
                data[label] = experiment(advance)
            save(data, folder / "data.nc", configuration)
            for old in DRAWN_AND_JUDGED:  # of other data
                (folder / old).unlink(missing_ok=True)
        if not data:
            save(data, folder / "data.nc", configuration)  # the provenance alone

        claims = study.claims(data)
        verdicts: list[Verdict] = []
        with task(progress, "deciding claims", len(claims)) as advance:
            for claim in claims:
                verdicts.append(decide(claim))
                advance(1)
        judged = document(analysis=name, parameters=configuration, claims=[verdict.as_json() for verdict in verdicts])
        write_atomically(folder / "claims.json", lambda path: path.write_text(judged + "\n", encoding="utf-8"))

        with task(progress, "drawing", None):
            draw_and_save(lambda: study.figure(data), folder)

    measured = {"simulation": study.simulation(data)} if study.simulation else {}
    files = [str(folder / file) for file in ("figure.png", "figure.pdf", "data.nc", "claims.json")]
    if options.json:
        print(
            document(
                analysis=name,
                parameters=configuration,
                theory=study.theory,
                **measured,
                claims=[verdict.as_json() for verdict in verdicts],
                files=files,
                versions=versions(),
            )
        )
    else:
        console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
        print_theory(console, study.theory)
        print_theory(console, {name: part for name, part in measured.items() if part})
        print_claims(console, verdicts)
        console.print(f"\nwritten: {', '.join(files)}", soft_wrap=True)
    return int(any(verdict.fails for verdict in verdicts))


def results_folder(options: CommonOptions, name: str) -> Path:
    """The folder of the results, made where it is missing."""
    folder = options.out or Path("results") / name
    try:
        make_folder(folder)
    except BadInput as error:
        raise BadInput(f"--out {error}") from error
    return folder
