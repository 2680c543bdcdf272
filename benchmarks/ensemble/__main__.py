"""``python -m benchmarks.ensemble``: the options, and everything measured, printed, drawn and written."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from rich.console import Console
from rich.progress import Progress, TextColumn

from analysis.study.figure import FILES, draw_and_save
from benchmarks.command_line import check_whole_numbers, run
from benchmarks.ensemble import timing
from benchmarks.ensemble.contenders import CONTENDERS, share_ended
from benchmarks.ensemble.converge import CONVERGING, compare_converging
from benchmarks.ensemble.escape import compare_escape
from benchmarks.ensemble.fresh import first_call_seconds, recording_memory
from benchmarks.ensemble.problems import Problem, known_problem, typed_problem
from benchmarks.ensemble.report import draw, print_tables
from benchmarks.ensemble.results import ESCAPE, Results
from eos_sym import BadInput
from numeric.runs import provenance, write_atomically

PROGRAM = "python -m benchmarks.ensemble"
CAPTION = "How long our kernel and the others take, map by map."
MapName = Literal[
    "reduced_minimalist", "minimalist", "normalized_gd", "depth_8_product", "tanh", "log_cosh", "softplus"
]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How long our kernel, C, NumPy, Numba and JAX take for an ensemble of trajectories."""

    maps: tuple[MapName, ...] = get_args(MapName)
    """which of the maps"""
    loss: str | None = None
    """a loss to descend as well, for example "(1 - x*y)**2/2"; it takes --weights, --at and --start"""
    weights: tuple[str, ...] = ()
    """the symbols of the loss that are trained"""
    at: tuple[str, ...] = ()
    """NAME=VALUE for the step size eta and every other parameter of the loss"""
    start: tuple[str, ...] = ()
    """NAME=VALUE for every weight; the runs start within a hundredth of it"""
    rounds: int = 5
    """turns that everybody takes; the median counts"""
    runs: int = 2**18
    """runs of every map"""
    steps: int = 512
    """steps of every run; those who are slow do fewer, and are timed by the step"""
    side: int = 1000
    """the escape times are those of side x side starts"""
    out: Path = Path("results/ensemble")
    """folder for table.json and the figure"""

    def __post_init__(self) -> None:
        check_whole_numbers(self, 1, "rounds", "runs", "steps", "side")


def read_problems(options: Options) -> list[Problem]:
    """The maps to time, after a look at the options."""
    problems = [known_problem(name, options.runs) for name in options.maps]
    if options.loss is not None:
        problems.append(typed_problem(options.loss, options.weights, options.at, options.start, options.runs))
    elif options.weights or options.at or options.start:
        raise BadInput("--weights, --at and --start belong to a loss; add --loss, for example --loss '(1 - x*y)**2/2'")
    return problems


@contextlib.contextmanager
def shown_progress() -> Iterator[timing.Progress]:
    """What is going on, on stderr if that is a terminal; nothing redraws it while something is timed."""
    bar = Progress(
        TextColumn("{task.description}"),
        console=Console(stderr=True),
        transient=True,
        auto_refresh=False,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task("")
        yield lambda text: bar.update(task, description=text, refresh=True)


def measure(options: Options) -> Results:
    """Everything, one workload after the other."""
    comparisons, ended = {}, {}
    with shown_progress() as progress:
        for problem in read_problems(options):
            comparisons[problem.name] = timing.compare(
                problem, CONTENDERS, steps=options.steps, rounds=options.rounds, progress=progress
            )
            ended[problem.name] = share_ended(problem, options.steps)
        for name in [name for name in options.maps if name in CONVERGING]:
            workload = f"{name}, converging"
            comparisons[workload], ended[workload] = compare_converging(name, options.runs, options.rounds, progress)
        comparisons[ESCAPE], ended[ESCAPE] = compare_escape(options.side, options.rounds, progress)
        progress("first call in a fresh process")
        first_call = first_call_seconds(options.rounds)
        progress("memory of recorded trajectories")
        return Results(comparisons, ended, first_call, recording_memory())


def main(options: Options) -> None:
    """Measure, write the files, and print the tables."""
    results = measure(options)
    configuration = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(options).items()}
    document = results.as_json() | {"provenance": provenance(configuration)}
    text = json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    write_atomically(options.out / "table.json", lambda path: path.write_text(text, encoding="utf-8"))
    draw_and_save(lambda: draw(results.comparisons), options.out, CAPTION)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 240)
    print_tables(console, results)
    files = ", ".join(str(options.out / name) for name in ("table.json", *FILES))
    console.print(f"written: {files}", soft_wrap=True)


if __name__ == "__main__":
    run(PROGRAM, Options, main)
