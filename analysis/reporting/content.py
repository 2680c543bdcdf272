"""A study as values, from which a page is made: of the report, or of the documentation.

`content` asks nothing of the study's modules but their text, and takes what was found from the `Report` that
`analysis.verification` keeps: nothing is worked out here.
"""

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from analysis.reporting.named import Named, results
from analysis.study.claim import Part, Verdict
from analysis.study.evidence import Evidence
from analysis.study.index import essay, programs
from analysis.study.report import to_its_digits
from analysis.verification.programs import Program
from analysis.verification.reports import Report

LARGEST_SVG = 1_200_000  # bytes; a figure that has more is shown in pixels
HOW = ("out", "json", "evidence", "workers")  # options on which no result depends
DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"


@dataclass(frozen=True)
class Picture:
    """A figure, its caption, and what its panels show in words."""

    kind: str  # what follows image/
    content: bytes
    caption: str
    described: str


@dataclass(frozen=True)
class Row:
    """A piece of evidence as a row of a table; `share` is |observed − expected| over the tolerance, for numbers."""

    evidence: Evidence
    expected: str
    observed: str
    tolerance: str
    share: float | None


@dataclass(frozen=True)
class Shown:
    """A claim with its place on the page, and its evidence part by part; what speaks of no part comes last."""

    place: str
    verdict: Verdict
    parts: tuple[tuple[Part | None, tuple[Row, ...]], ...]

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that decided something of it."""
        return tuple(dict.fromkeys(channel for part in self.verdict.parts for channel in part.channels))


@dataclass(frozen=True)
class Content:
    """What there is to say of a study; without a report, `missing` says why, and what was found is empty."""

    name: str
    headline: str
    essay: str
    command: str
    verify: str
    missing: str | None
    seconds: float
    claims: tuple[Shown, ...]
    derivation: tuple[Named, ...]
    measured: tuple[Named, ...]
    parameters: tuple[Named, ...]
    versions: Mapping[str, str]
    picture: Picture | None


def content(report: Report, program: Program) -> Content:
    """A study with what its report says."""
    text, document = essay(programs()[program.study]), report.document
    headline, _, rest = text.partition("\n")
    asked = shlex.join(program.arguments)
    return Content(
        name=program.study,
        headline=headline,
        essay=rest.strip(),
        command=f"python -m analysis.{program.study} {asked}".strip(),
        verify=f"python -m analysis.verify --only {program.study}",
        missing=report.error,
        seconds=report.seconds,
        claims=shown(program.study, report.verdicts),
        derivation=results(document.get("theory", {})),
        measured=results(
            document.get("simulation", {}) | {key: document[key] for key in ("not_run",) if key in document}
        ),
        parameters=results({key: one for key, one in document.get("parameters", {}).items() if key not in HOW}),
        versions=document.get("versions", {}),
        picture=picture(document.get("files", ())),
    )


def shown(study: str, verdicts: Sequence[Verdict]) -> tuple[Shown, ...]:
    """The claims, each with a place of its own."""
    places: dict[str, int] = {}
    found = []
    for verdict in verdicts:
        place = re.sub(r"[^\w.-]+", "-", f"{study}.{verdict.id}")
        places[place] = places.get(place, 0) + 1
        place = f"{place}-{places[place]}" if places[place] > 1 else place
        parts: list[tuple[Part | None, tuple[Row, ...]]] = [
            (part, tuple(row(one) for one in verdict.evidence if one.part == part.statement)) for part in verdict.parts
        ]
        spoken = {part.statement for part in verdict.parts}
        if others := tuple(row(one) for one in verdict.evidence if one.part not in spoken):
            parts.append((None, others))
        found.append(Shown(place, verdict, tuple(parts)))
    return tuple(found)


def row(evidence: Evidence) -> Row:
    """A piece of evidence as it is shown."""
    expected, observed, tolerance = evidence.expected, evidence.observed, evidence.tolerance
    share = None
    if isinstance(expected, float) and isinstance(observed, float) and tolerance:
        share = abs(observed - expected) / tolerance
    allowed = "" if tolerance is None else f"{tolerance:.2g}"
    return Row(evidence, _value(expected, tolerance), _value(observed, tolerance), allowed, share)


def _value(value: Any, tolerance: float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, float | int):
        return to_its_digits(float(value), tolerance) if math.isfinite(value) else str(value)
    return str(value)


def picture(files: Sequence[str]) -> Picture | None:
    """The figure: in lines if that is not too much of them, else in pixels; None if there is none."""
    found = {path.name: path for path in map(Path, files)}
    if "figure.svg" not in found:
        return None
    content = found["figure.svg"].read_bytes()
    caption, described = (_said(content, name) for name in ("title", "description"))
    if len(content) <= LARGEST_SVG:
        return Picture("svg+xml", content, caption, described)
    return Picture("png", found["figure.png"].read_bytes(), caption, described)


def _said(svg: bytes, name: str) -> str:
    """What the SVG says of itself."""
    return next((one.text or "" for one in ElementTree.fromstring(svg).iter(f"{DUBLIN_CORE}{name}")), "")
