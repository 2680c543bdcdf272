"""A study worked off: theory, experiments, claims, figure, files, and what is said of them.

``data.nc``, ``claims.json`` and the figure in three formats are each written as soon as their content is known, so an
interruption keeps what was finished.

Exit code 0: nothing refuted (open claims aside); 1: a claim refuted; others: `analysis.study.endings`.
"""

import sys
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import xarray as xr
from rich.console import Console

from analysis.study.claim import Verdict, decide
from analysis.study.endings import plain_endings
from analysis.study.figure import FILES, caption_of, draw_and_save
from analysis.study.options import CommonOptions, results_folder
from analysis.study.parts import Known, Parts
from analysis.study.progress import progress_bars, task
from analysis.study.report import WIDTH, document, print_claims, print_summary, print_theory, to_json
from eos_sym import BadInput, Undecided
from numeric.progress import listening, unheard
from numeric.runs import locked, save, versions, write_atomically

SEEDS = 2**32  # from which every study may count on
DRAWN_AND_JUDGED = ("claims.json", *FILES)


class PlainConsole(Console):
    """A console that leaves it to the program how it ends when nobody reads any more."""

    def on_broken_pipe(self) -> NoReturn:
        """Let `plain_endings` see it."""
        raise BrokenPipeError


def work_off_and_exit(study: Parts, options: CommonOptions) -> NoReturn:
    """Work the study off with these options, and exit."""
    with plain_endings():
        code = work_off(study, options)
    sys.exit(code)


def work_off(study: Parts, options: CommonOptions) -> int:
    """Work the study off, write its files, report; the exit code."""
    check_seed(options.seed)
    folder = results_folder(options, study.name)
    with locked(folder):
        return _work_off(study, options, folder)


def check_seed(seed: int) -> None:
    """Refuse seeds that not every generator takes."""
    if not 0 <= seed < SEEDS:
        raise BadInput(f"--seed {seed}: must be 0 or more, and less than 2**32")


def _work_off(study: Parts, options: CommonOptions, folder: Path) -> int:
    """In a folder that nobody else writes to."""
    configuration = to_json(asdict(options))
    known = Known(study, {"options": options, "folder": folder})
    with progress_bars() as progress:
        with task(progress, "deriving the theory", None):
            theory = {name: part for derived in study.theories for name, part in _report(known[derived]).items()}
            several = known.call(study.several_experiments) if study.several_experiments else {}

        data: dict[str, xr.Dataset] = {}
        not_run: dict[str, str] = {}
        for label in (*study.experiment_functions, *several):
            with task(progress, f"simulating {label.replace('_', ' ')}", None):
                try:
                    data[label] = known.call(several[label]) if label in several else known[label]
                except Undecided as reason:
                    not_run[label] = str(reason)
            save(data, folder / "data.nc", configuration)
            for old in DRAWN_AND_JUDGED:  # of other data
                (folder / old).unlink(missing_ok=True)
        if not data:
            save(data, folder / "data.nc", configuration)  # the provenance alone
        known.shared |= data
        if study.several_experiments:
            known.shared[study.several_experiments.__name__] = {name: data[name] for name in several if name in data}

        claims = study.all_claims(known)
        verdicts: list[Verdict] = []
        with task(progress, "deciding claims", len(claims)) as advance, listening(unheard):  # it counts claims alone
            for claim in claims:
                verdicts.append(decide(claim))
                advance(1)
        judged = document(analysis=study.name, parameters=configuration, claims=[one.as_json() for one in verdicts])
        write_atomically(folder / "claims.json", lambda path: path.write_text(judged + "\n", encoding="utf-8"))

        if study.draw:
            with task(progress, "drawing", None):
                draw_and_save(partial(known.call, study.draw), folder, caption_of(study.draw))

    measured = {"simulation": known.call(study.summarize)} if study.summarize else {}
    measured |= {"not_run": not_run} if not_run else {}
    drawn = FILES if study.draw else ()
    files = [str(folder / file) for file in (*drawn, "data.nc", "claims.json")]
    if options.json:
        print(
            document(
                analysis=study.name,
                parameters=configuration,
                theory=theory,
                **measured,
                claims=[verdict.as_json() for verdict in verdicts],
                files=files,
                versions=versions(),
            )
        )
    else:
        console = PlainConsole(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
        print_summary(console, study.headline, verdicts)
        print_theory(console, theory)
        print_theory(console, {name: part for name, part in measured.items() if part})
        print_claims(console, verdicts, evidence=options.evidence)
        console.print(f"\nwritten: {', '.join(files)}", soft_wrap=True)
    return int(any(verdict.fails for verdict in verdicts))


def verdicts(study: Parts, **known: Any) -> dict[str, Verdict]:
    """What is found of the claims by their ids, on data and results that are given by name; the rest is worked out."""
    return {claim.id: decide(claim) for claim in study.all_claims(Known(study, known))}


def _report(derived: Any) -> Mapping[str, Any]:
    """What is printed of a theory."""
    report: Mapping[str, Any] = derived if isinstance(derived, Mapping) else derived.as_report()
    return report
