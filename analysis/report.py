"""What was found, as one page to read: a file of HTML that holds everything and loads nothing.

    python -m analysis.report                                           the quick preset of every study
    python -m analysis.report --only minimalist sam --out page.html     of these alone
    python -m analysis.report --kept                                    of what is there; nothing is run

The page begins with all claims, to be filtered and sorted; then every study has its essay, its figure, what it derived,
what it predicted against what was measured, its parameters, and the command that runs it again.

Results are those of `analysis.verify`, in the same folder: a report that is kept there is taken if it would be the same
today, and what has none is run, as there, or with ``--kept`` named as missing with the reason. Results of other sources
or versions are never shown.

Exit code 0: nothing refuted (open claims aside); 1: a claim refuted; 75: none, but a study that was run came to no
report, which the page says, too; others: `analysis.study.endings`.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from analysis.study.endings import plain_endings
from analysis.study.options import make_folder_of, read_command_line, refuse_folder
from analysis.verification.options import Asked

NAME = "report"


@dataclass(frozen=True, kw_only=True)
class Options(Asked):
    """What was found, as one page to read."""

    out: Path = Path("results/report.html")
    """the file that is written"""
    results: Path = Path("results/verify")
    """folder of the results, that of analysis.verify"""
    kept: bool = False
    """run nothing; a study without results of today is named as missing"""

    def __post_init__(self) -> None:
        super().__post_init__()
        refuse_folder("--out", self.out, "report.html")


if __name__ == "__main__":
    given = read_command_line(NAME, Options)

from analysis.reporting.content import content
from analysis.reporting.facts import facts
from analysis.reporting.page import page
from analysis.study.report import summary
from analysis.study.work import check_seed
from analysis.verification.answers import all_reports, exit_code, program_of
from analysis.verification.programs import Program
from analysis.verification.reports import Report, today
from numeric.runs import locked, write_atomically


def report(options: Options) -> int:
    """The page, written; the exit code."""
    check_seed(options.seed)
    make_folder_of("--out", options.out.parent)
    make_folder_of("--results", options.results)
    programs = [program_of(name, options, options.results) for name in options.names]
    with locked(options.results):
        reports = [kept(one) for one in programs] if options.kept else all_reports(programs, options)
        contents = [content(*both) for both in zip(reports, programs, strict=True)]
    written = page(contents, facts(NAME))
    write_atomically(options.out, lambda path: path.write_text(written, encoding="utf-8"))
    print(summary([verdict for one in reports for verdict in one.verdicts]))
    for one in reports:
        if one.error:
            print(f"no results of {one.study}: {one.error}")
    print(f"written: {options.out} ({len(written.encode()) / 1e6:.1f} MB)")
    return int(any(one.fails for one in reports)) if options.kept else exit_code(reports, options.results)


def kept(program: Program) -> Report:
    """The report that is kept, or one that says why there is none."""
    found = today(program)
    return found if isinstance(found, Report) else Report(program.study, None, 0.0, error=found)


if __name__ == "__main__":
    with plain_endings():
        code = report(given)
    sys.exit(code)
