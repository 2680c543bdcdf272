"""What studies report when they are verified, and which of it is kept.

    folder/report    of a study that came to its end: its report and what made it, sealed (`numeric.files`)

A kept report is an answer only to the question that it was asked: the same study with the same arguments, by the same
sources of this project, byte for byte, the same versions of all that they build on, and the same files in the folders
that the arguments name; and only while the files that it names are there. Training runs are kept besides, in the
study's own way, and outlast changes that are not theirs.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from analysis.study.claim import Part, Verdict
from analysis.study.evidence import Evidence
from analysis.verification.programs import Ending, Program
from eos_sym import BadInput
from numeric.files import read_sealed, write_atomically, write_sealed
from numeric.runs import versions
from numeric.runs.code import OURS

REPORT, ERRORS = "report", "errors.txt"
OTHER = {  # the parts of a question, in words
    "study": "code",
    "arguments": "arguments",
    "files": "data",
    "sources": "sources of this program",
    "versions": "versions of Python or of libraries",
}
UNSAID = "said nothing on its standard error"


@dataclass(frozen=True)
class Report:
    """How a study ended: with a document and exit code 0 or 1, or without one, and then what it said at its end.

    The exit code is None if its time was up, and negative if a signal ended it.
    """

    study: str
    exit_code: int | None
    seconds: float
    document: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    kept: bool = False  # from a run before this one

    @property
    def verdicts(self) -> list[Verdict]:
        """The claims and what was found of them."""
        return [
            Verdict(
                **claim
                | {
                    "parts": tuple(Part(**part | {"channels": tuple(part["channels"])}) for part in claim["parts"]),
                    "evidence": tuple(Evidence(**one) for one in claim["evidence"]),
                }
            )
            for claim in self.document.get("claims", ())
        ]

    @property
    def fails(self) -> bool:
        """Whether a claim is refuted that is not a prediction under test."""
        return self.exit_code == 1 and self.error is None

    def as_json(self) -> dict[str, Any]:
        """The report without what all studies have in one place, their claims and theories."""
        found = {"study": self.study, "exit_code": self.exit_code, "seconds": self.seconds, "kept": self.kept}
        return found | {"error": self.error, "simulation": self.document.get("simulation")}


def question(program: Program) -> dict[str, Any]:
    """What a report answers, as it stands now."""
    return {
        "study": program.study,
        "arguments": [*program.arguments],
        "files": [content(_files_of(Path(one))) for one in program.arguments if Path(one).is_dir()],
        "sources": sources(),
        "versions": versions(),
    }


def sources() -> str:
    """The SHA-256 of all Python files of this project, of the data beside them, and of their places in it."""
    found = hashlib.sha256()
    for package in OURS:
        spec = importlib.util.find_spec(package)
        for root in map(Path, (spec and spec.submodule_search_locations) or ()):
            for path in sorted([*root.rglob("*.py"), *root.rglob("*.npz")]):
                found.update(f"{package} {path.relative_to(root).as_posix()}\n".encode())
                found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def _files_of(folder: Path) -> tuple[tuple[Path, int], ...]:
    """The files of a folder, with the times of their change."""
    return tuple((path, path.stat().st_mtime_ns) for path in sorted(folder.iterdir()) if path.is_file())


@lru_cache  # many studies are asked about one folder
def content(files: tuple[tuple[Path, int], ...]) -> str:
    """The SHA-256 of the files' names and contents."""
    found = hashlib.sha256()
    for path, _ in files:
        with path.open("rb") as file:
            found.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return found.hexdigest()


def kept_report(program: Program) -> Report | None:
    """The report of this program that is kept, if it would be the same today."""
    found = today(program)
    return found if isinstance(found, Report) else None


def today(program: Program) -> Report | str:
    """The report of this program that is kept; if there is none that would be the same today, why."""
    place = program.folder / REPORT
    try:
        kept = json.loads(bytes(read_sealed(place)))
    except BadInput:  # none, or half of one
        return "its report is damaged" if place.exists() else "it was not run"
    now = question(program)
    if other := [name for part, name in OTHER.items() if kept["question"].get(part) != now[part]]:
        return f"it was run with other {' and '.join(other)}"
    files = [program.folder / Path(file).name for file in kept["document"]["files"]]  # wherever it was run from
    if not all(file.exists() for file in files):
        return "files of its results are gone"
    document = kept["document"] | {"files": [str(file) for file in files]}
    return Report(program.study, kept["exit_code"], kept["seconds"], document, kept=True)


def report_of(program: Program, ending: Ending, asked: Mapping[str, Any]) -> Report:
    """What the program reported, which is kept if it came to its end by the sources that it was `asked` of."""
    (program.folder / REPORT).unlink(missing_ok=True)
    report = Report(program.study, ending.exit_code, ending.seconds)
    said = ending.err.decode(errors="replace")
    try:
        document = json.loads(ending.out) if ending.exit_code in (0, 1) else None
    except ValueError:
        document = None
    if document is None:
        if program.folder.is_dir():
            write_atomically(program.folder / ERRORS, lambda path: path.write_text(said, encoding="utf-8"))
        return replace(report, error=_reason(ending, said))
    (program.folder / ERRORS).unlink(missing_ok=True)
    if question(program) == asked:
        facts = {"question": asked, "exit_code": ending.exit_code, "seconds": ending.seconds, "document": document}
        write_sealed(program.folder / REPORT, json.dumps(facts).encode())
    return replace(report, document=document)


def _reason(ending: Ending, said: str) -> str:
    """Why there is no document, in one line."""
    if ending.exit_code is None:
        return f"not finished within {ending.seconds:.3g} s; --timeout gives more time"
    last = said.strip().rpartition("\n")[2].strip() or UNSAID
    return f"exit code {ending.exit_code}: {last.removeprefix('error: ')}"
