"""Every claim of every study, put to the test again: each study runs as a program of its own, several at a time.

    python -m analysis.verify                                           the quick preset of every study
    python -m analysis.verify --only derive sam                         of these alone
    python -m analysis.verify --preset full --data-root FOLDER          at the papers' scale
    python -m analysis.verify --claims                                  every claim, part by part, with its channels

A study's results are in its folder under ``--out``, with the report that it came to: what was interrupted goes on with
the studies that have none. A report is kept for as long as the sources of this project, the versions of what they
build on and the arguments are the same, and no longer (`analysis.verification.reports`).

A study that ends without a report, by a fault, a signal or its time limit, is named with what it said, silences no
other, and is tried again the next time.

Exit code 0: nothing refuted (open claims aside); 1: a claim refuted; 75: none, but a study without a report; others:
`analysis.study.endings`.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Annotated

import tyro

from analysis.study.endings import plain_endings
from analysis.study.index import declared, no_such_study, studies
from analysis.study.options import CommonOptions, read_command_line, results_folder
from analysis.study.parts import Parts
from eos_sym.errors import BadInput

NAME, FILE = "verify", "claims.json"
PATIENCE = {"quick": 600.0, "full": None}  # seconds for one study
PASSED_ON = ("preset", "seed", "data_root", "device")  # to those studies that have these options


@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """Every claim of every study, put to the test again."""

    only: tuple[str, ...] = ()
    """studies, by name; all if not given"""
    except_: Annotated[tuple[str, ...], tyro.conf.arg(name="except")] = ()
    """studies to be left out, by name"""
    claims: bool = False
    """print every claim, not only those that are refuted or undecided, with the channels of every part"""
    workers: int | None = None
    """how many processes compute at a time; as many as there are cores if not given"""
    timeout: float | None = None
    """seconds that one study may take; if not given, 600 with the quick preset, and no limit with the full one"""
    data_root: Path | None = None
    """folder of CIFAR-10's binary files, for the full preset: data_batch_1.bin, or as many of the five as needed"""
    device: str = "cpu"
    """where torch computes: cpu, cuda, cuda:1"""

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise BadInput(f"--workers {self.workers}: must be 1 or more")
        if self.timeout is not None and not 0 < self.timeout < float("inf"):
            raise BadInput(f"--timeout {self.timeout:g}: give seconds above 0")
        there = studies()
        for option, names in ("--only", self.only), ("--except", self.except_):
            for name in names:
                if name not in there:
                    raise BadInput(f"{option} {no_such_study(name)}")
        if not self.names:
            raise BadInput(f"--except {' '.join(self.except_)}: leaves no study; name fewer")

    @cached_property
    def names(self) -> list[str]:
        """The studies that are asked for."""
        there = studies()
        return [name for name in there if name in (self.only or there) and name not in self.except_]

    @property
    def processes(self) -> int:
        """How many may compute at a time."""
        from dask.system import CPU_COUNT  # those that this process may use

        return self.workers or CPU_COUNT


def arguments(study: Parts, options: Options) -> tuple[str, ...]:
    """What the study is asked; `BadInput` where it would refuse that."""
    kind = study.kind or CommonOptions
    there = {field.name: field.default for field in fields(kind)}
    given = {name: getattr(options, name) for name in PASSED_ON if name in there}
    if not study.example:
        kind(**given)
    asked = ((f"--{name.replace('_', '-')}", f"{value}") for name, value in given.items() if value != there[name])
    return (*study.example, *(text for both in asked for text in both))


if __name__ == "__main__":
    given = read_command_line(NAME, Options)

from rich.table import Table
from rich.text import Text

from analysis.study.progress import progress_bars, task
from analysis.study.report import STATUS_STYLES, WIDTH, counted, document, print_claims, to_json
from analysis.study.work import PlainConsole, check_seed
from analysis.verification.programs import Ending, Program, run_side_by_side
from analysis.verification.reports import Report, kept_report, question, report_of
from numeric.runs import RunFailed, locked, versions, write_atomically


def verify(options: Options) -> int:
    """Every study's report, kept or made; said and written; the exit code."""
    check_seed(options.seed)
    folder = results_folder(options, NAME)
    programs = [program_of(name, options) for name in options.names]
    with locked(folder):
        reports = all_reports(programs, options)
        found = as_document(reports, options, folder)
        write_atomically(folder / FILE, lambda path: path.write_text(found + "\n", encoding="utf-8"))
    if options.json:
        print(found)
    else:
        print_reports(PlainConsole(highlight=False, width=None if sys.stdout.isatty() else WIDTH), reports, options)
    if any(report.fails for report in reports):
        return 1
    if lost := [report.study for report in reports if report.error]:
        raise RunFailed(
            f"no report of {', '.join(lost)}; what they said is in {folder}; the next time tries them again"
        )
    return 0


def program_of(name: str, options: Options) -> Program:
    """A study as a program of as many processes as are left for it."""
    study, folder = declared(name), results_folder(options, NAME)
    has_workers = any(field.name == "workers" for field in fields(study.kind or CommonOptions))
    workers = max(options.processes // len(options.names), 1) if has_workers else None
    return Program(name, arguments(study, options), folder / name, workers)


def all_reports(programs: Sequence[Program], options: Options) -> list[Report]:
    """The reports in the order of the programs, of which only those run whose report is not kept."""
    reports = {program: report for program in programs if (report := kept_report(program))}
    asked = {program: question(program) for program in programs if program not in reports}
    timeout = PATIENCE[options.preset] if options.timeout is None else options.timeout
    with progress_bars() as progress, task(progress, "verifying", len(programs)) as advance:
        advance(len(reports))
        running = dict.fromkeys(asked, False)

        def begun(program: Program) -> None:
            running[program] = True
            show()

        def ended(program: Program, ending: Ending) -> None:
            reports[program] = report_of(program, ending, asked[program])
            running[program] = False
            advance(1)
            show()

        def show() -> None:
            progress.update(advance.task, values=", ".join(one.study for one, now in running.items() if now))

        run_side_by_side(asked, options.processes, timeout, begun, ended)
    return [reports[program] for program in programs]


def as_document(reports: Sequence[Report], options: Options, folder: Path) -> str:
    """One document of all, in the form that a study's has; its claims say which study's they are."""
    documents = {report.study: report.document for report in reports if report.document}
    return document(
        analysis=NAME,
        parameters=to_json(asdict(options)),
        studies=[report.as_json() for report in reports],
        theory={name: one["theory"] for name, one in documents.items()},
        claims=[{"study": name, **claim} for name, one in documents.items() for claim in one["claims"]],
        files=[str(folder / FILE), *(file for one in documents.values() for file in one["files"])],
        versions=versions(),
    )


def print_reports(console: PlainConsole, reports: Sequence[Report], options: Options) -> None:
    """A line a study, and beneath them the claims that are refuted or undecided, or all."""
    table = Table(box=None, padding=(0, 1), show_edge=False)
    table.add_column("study")
    for title in ("claims", *STATUS_STYLES, "seconds"):
        table.add_column(title, justify="right")
    table.add_column()
    for report in reports:
        note = (
            Text(report.error, style="bold red") if report.error else Text("kept" if report.kept else "", style="dim")
        )
        table.add_row(report.study, *_numbers([report]), note)
    if len(reports) > 1:
        table.add_row("all", *_numbers(reports), style="bold")
    console.print(table)
    for report in reports:
        shown = [one for one in report.verdicts if options.claims or one.status in ("refuted", "undecided")]
        if shown:
            console.print(Text(f"\n{report.study}", style="bold"), end="")
            print_claims(console, shown, evidence=options.evidence, channels=options.claims)


def _numbers(reports: Sequence[Report]) -> Iterator[str]:
    """How many claims there are, how many came out how, and the seconds that it took; a dot for none."""
    verdicts = [verdict for report in reports for verdict in report.verdicts]
    yield str(len(verdicts) or "·")
    for status in STATUS_STYLES:
        opened = sum(verdict.status == status == "refuted" and verdict.open for verdict in verdicts)
        yield f"{counted(verdicts, status) or '·'}{f' ({opened} open)' if opened else ''}"
    yield f"{sum(report.seconds for report in reports):.1f}"


if __name__ == "__main__":
    with plain_endings():
        code = verify(given)
    sys.exit(code)
