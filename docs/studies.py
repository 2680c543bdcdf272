"""The pages of the studies: essay, figure, derivation, claims beside what was measured, and the command.

They are made of what the report is made of, `analysis.reporting.content`, with its templates. Building the
documentation runs no study: what `make verify` has kept in ``results/verify`` is shown, if sources and versions are
those of today; a study of which there is nothing has its essay, and says how to have the rest.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from textwrap import indent
from typing import Any

from analysis.reporting.content import Content, content
from analysis.reporting.essay import restructured, sentence
from analysis.reporting.page import MARKS, environment
from analysis.study.index import programs
from analysis.study.report import counted, summary
from analysis.verification.answers import program_of
from analysis.verification.options import Asked
from analysis.verification.reports import Report, today

RESULTS = Path(__file__).resolve().parents[1] / "results" / "verify"
WORDS = """\
A statement consists of parts, divided by semicolons, and is as strong as its weakest part. A part is **proved** by a
symbolic identity, a decision procedure or an interval proof, **supported** by numerical agreement within the tolerance
given, which is never called proved, **refuted**, or **undecided** with the reason. A claim marked *open* is a
prediction under test, whose refutation is a finding.
"""


@cache
def templates() -> Any:
    """The parts of the report's page."""
    return environment("analysis.reporting").get_template("parts.html").module


def told(name: str, asked: Asked) -> Content:
    """A study with what is kept of it."""
    program = program_of(name, asked, RESULTS)
    found = today(program)
    return content(found if isinstance(found, Report) else Report(name, None, 0.0, error=found), program)


def raw(html: str) -> list[str]:
    """HTML as a block of reStructuredText."""
    return [".. raw:: html", "", indent(html.strip(), "   "), ""]


def section(title: str, html: str) -> list[str]:
    """HTML under a heading."""
    return [title, "-" * len(title), "", *raw(html)]


def figure(one: Content) -> dict[str, bytes]:
    """The figure of a study by the name of its file, if there is one."""
    return {f"{one.name}.{one.picture.kind.partition('+')[0]}": one.picture.content} if one.picture else {}


def page(one: Content) -> str:
    """The page of a study."""
    parts = templates()
    modules = [f".. py:module:: analysis.{one.name}", ""]
    if programs()[one.name].name == "__main__.py":
        modules = [*modules, f".. py:module:: analysis.{one.name}.__main__", ""]
    lines = [one.name, "=" * len(one.name), "", *modules, ".. rst-class:: headline", "", sentence(one.headline), ""]
    if one.missing:
        why = f"when this page was built there were no results of this program: {one.missing}"
        how = f"``{one.verify}`` makes them, and ``make docs`` then shows them"
        lines += [".. note::", "", f"   Figure, derivation and measured values are not here: {why}. {how}.", ""]
    else:
        verdicts = [claim.verdict for claim in one.claims]
        lines += raw(f"{parts.bar(counted(verdicts))}<p class='counts'>{summary(verdicts)}</p>")
    for file in figure(one):
        said = " ".join(f"{one.picture.caption} {one.picture.described}".split())
        lines += [f".. figure:: {file}", f"   :alt: {said}", "", indent(sentence(one.picture.caption), "   "), ""]
    lines += [restructured(one.essay), ""]
    if one.derivation:
        lines += section("What was derived", parts.listed(one.derivation))
    if one.measured:
        lines += section("What came of the runs", parts.listed(one.measured))
    if one.claims:
        lines += section("Predicted against measured", "".join(parts.claim(claim, MARKS) for claim in one.claims))
    lines += ["Run it again", "------------", "", "::", "", f"    {one.command}", ""]
    if not one.missing:
        lines += [f"took {one.seconds:.0f} s with these parameters:", "", *raw(parts.listed(one.parameters))]
    if programs()[one.name].name == "__main__.py":
        lines += [f"Its modules are in the reference, :doc:`/reference/analysis.{one.name}`.", ""]
    return "\n".join(lines)


def pages() -> dict[str, str | bytes]:
    """All pages and figures, by the names of their files."""
    asked = Asked()
    contents = [told(name, asked) for name in asked.names]
    bar = templates().bar
    lines = ["Studies", "=======", "", "Each is an essay, claims under test, and a figure.", "", WORDS, ""]
    for one in contents:
        lines += [f":doc:`{one.name}`", f"   {sentence(one.headline)}", ""]
        if not one.missing:
            lines += [indent("\n".join(raw(bar(counted(claim.verdict for claim in one.claims)))), "   ")]
    lines += [".. toctree::", "   :hidden:", "", *(f"   {one.name}" for one in contents), ""]
    found: dict[str, str | bytes] = {"index.rst": "\n".join(lines)}
    for one in contents:
        found |= {f"{one.name}.rst": page(one)} | figure(one)
    return found
