"""The reports of the studies that are asked: kept ones, and the rest as programs of their own."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from analysis.study.index import declared
from analysis.study.options import CommonOptions
from analysis.study.progress import progress_bars, task
from analysis.verification.options import Asked, arguments
from analysis.verification.programs import Ending, Program, run_side_by_side
from analysis.verification.reports import Report, kept_report, question, report_of
from numeric.runs import RunFailed

PATIENCE = {"quick": 600.0, "full": None}  # seconds for one study


def program_of(name: str, options: Asked, folder: Path) -> Program:
    """A study as a program, with its results in a folder inside this one, of as many processes as are left for it."""
    study = declared(name)
    has_workers = any(field.name == "workers" for field in fields(study.kind or CommonOptions))
    workers = max(options.processes // len(options.names), 1) if has_workers else None
    return Program(name, arguments(study, options), folder / name, workers)


def all_reports(programs: Sequence[Program], options: Asked) -> list[Report]:
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


def exit_code(reports: Sequence[Report], folder: Path) -> int:
    """1 if a claim is refuted that is no open prediction, else 0; `RunFailed` if a study came to no report."""
    if any(report.fails for report in reports):
        return 1
    if lost := [report.study for report in reports if report.error]:
        raise RunFailed(
            f"no report of {', '.join(lost)}; what they said is in {folder}; the next time tries them again"
        )
    return 0
