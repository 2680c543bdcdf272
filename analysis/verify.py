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
from dataclasses import asdict, dataclass
from pathlib import Path

from analysis.study.endings import plain_endings
from analysis.study.options import CommonOptions, read_command_line, results_folder
from analysis.verification.options import Asked

NAME, FILE = "verify", "claims.json"


@dataclass(frozen=True, kw_only=True)
class Options(Asked, CommonOptions):
    """Every claim of every study, put to the test again."""

    claims: bool = False
    """print every claim, not only those that are refuted or undecided, with the channels of every part"""


if __name__ == "__main__":
    given = read_command_line(NAME, Options)

from rich.table import Table
from rich.text import Text

from analysis.study.report import STATUS_STYLES, WIDTH, counted, document, print_claims, to_json
from analysis.study.work import PlainConsole, check_seed
from analysis.verification.answers import all_reports, exit_code, program_of
from analysis.verification.reports import Report
from numeric.runs import locked, versions, write_atomically


def verify(options: Options) -> int:
    """Every study's report, kept or made; said and written; the exit code."""
    check_seed(options.seed)
    folder = results_folder(options, NAME)
    programs = [program_of(name, options, folder) for name in options.names]
    with locked(folder):
        reports = all_reports(programs, options)
        found = as_document(reports, options, folder)
        write_atomically(folder / FILE, lambda path: path.write_text(found + "\n", encoding="utf-8"))
    if options.json:
        print(found)
    else:
        print_reports(PlainConsole(highlight=False, width=None if sys.stdout.isatty() else WIDTH), reports, options)
    return exit_code(reports, folder)


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
    for status, count in counted(verdicts).items():
        opened = sum(verdict.status == status == "refuted" and verdict.open for verdict in verdicts)
        yield f"{count or '·'}{f' ({opened} open)' if opened else ''}"
    yield f"{sum(report.seconds for report in reports):.1f}"


if __name__ == "__main__":
    with plain_endings():
        code = verify(given)
    sys.exit(code)
