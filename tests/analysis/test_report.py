"""The page as a program makes it: of reports that are kept and of today, and of no others."""

import json
import re
from html import unescape

import pytest

from analysis import report
from analysis.report import Options
from analysis.reporting import content
from analysis.study.index import studies
from analysis.verification import reports
from numeric.runs import RunFailed
from tests.analysis.programs import run_as_program
from tests.analysis.test_verify import claim, fakes, saying

__all__ = ["fakes"]


def place(folder, **more):
    return Options(out=folder / "page.html", results=folder / "results", **more)


@pytest.fixture
def real_essays(monkeypatch):
    """The studies that are made up have the essays of real ones."""
    names = {"one": "quadratic", "two": "minimalist"}
    there = content.programs()
    monkeypatch.setattr(content, "programs", lambda: {name: there[real] for name, real in names.items()})


def statuses(folder):
    return re.findall(r'<tr data-status="(\w+)"', (folder / "page.html").read_text(encoding="utf-8"))


def complete(*claims, code=0):
    return saying(*claims, code=code).replace('"files"', '"parameters": {}, "versions": {}, "files"')


def test_a_page_says_what_the_studies_say(fakes, real_essays, capsys):
    folder = fakes(one=complete(claim("proved"), claim("undecided")), two=complete(claim("refuted"), code=1))
    assert report.report(place(folder)) == 1
    assert statuses(folder) == ["proved", "undecided", "refuted"]
    said = capsys.readouterr().out
    assert said.startswith("3 claims: 1 proved, 1 refuted, 1 undecided\n")
    assert f"written: {folder / 'page.html'}" in said


def test_a_study_that_is_lost_is_named_on_the_page(fakes, real_essays):
    folder = fakes(one=complete(claim("proved")), two="1 / 0")
    with pytest.raises(RunFailed, match="no report of two"):
        report.report(place(folder))
    assert statuses(folder) == ["proved"]
    assert "exit code 1: ZeroDivisionError" in (folder / "page.html").read_text()


@pytest.mark.fault(
    "another program",
    "results of other sources, on the page",
    "they are not shown, and the page says why",
)
def test_results_of_another_program_are_not_shown(fakes, real_essays, capsys, monkeypatch):
    """Against a page that shows what a program before this one found."""
    folder = fakes(one=complete(claim("proved")), two=complete(claim("supported")))

    def kept(**more):
        report.report(place(folder, kept=True, **more))
        return statuses(folder), capsys.readouterr().out

    shown, said = kept()
    assert shown == []
    assert "no results of one: it was not run" in said
    assert report.report(place(folder)) == 0
    assert kept()[0] == ["proved", "supported"]
    with monkeypatch.context() as patch:
        patch.setattr(reports, "sources", lambda: "other sources")
        shown, said = kept()
        assert shown == []
        assert "no results of one: it was run with other sources of this program" in said
    with monkeypatch.context() as patch:
        patch.setattr(reports, "versions", lambda: {"torch": "0.1"})
        assert "with other versions of Python or of libraries" in kept()[1]
    damaged = folder / "results" / "one" / reports.REPORT
    damaged.write_bytes(damaged.read_bytes().replace(b"proved", b"qroved"))
    shown, said = kept()
    assert shown == ["supported"]
    assert "no results of one: its report is damaged" in said


def test_nothing_is_run_that_is_kept(fakes, real_essays):
    folder = fakes(one=complete(claim("proved")), two=complete(claim("proved")))
    for _ in range(2):
        assert report.report(place(folder)) == 0
    assert (folder / "results" / "one" / "runs").read_text() == "x"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--only", "minimalits"], "did you mean minimalist"),
        (["--seed", "-1"], "--seed -1"),
        (["--workers", "0"], "--workers 0"),
        (["--out", "."], "--out .: is a folder"),
        (["--out", "/dev/null/page.html"], "--out /dev/null"),
        (["--results", "/dev/null/results"], "--results /dev/null"),
        (["--preset", "middling"], "middling"),
    ],
)
def test_bad_input_is_one_line(arguments, named):
    said = run_as_program("report", "--kept", *arguments)
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert named in said.err


def test_it_is_no_study():
    assert "report" not in studies()


def test_a_page_of_a_real_study(tmp_path):
    page, results = tmp_path / "page.html", tmp_path / "results"
    said = run_as_program("report", "--only", "quadratic", "--out", str(page), "--results", str(results))
    assert (said.code, said.err) == (0, "")
    html = page.read_text(encoding="utf-8")
    found = json.loads((results / "quadratic" / "claims.json").read_text())["claims"]
    assert re.findall(r'<tr data-status="(\w+)"', html) == [one["status"] for one in found]
    assert all(html.count(f'id="quadratic.{one["id"]}"') == 1 for one in found)
    assert all(piece["quantity"] in unescape(html) for one in found for piece in one["evidence"])
    assert "data:image/svg+xml;base64," in html
    assert "|θᵢ| along the runs" in html
    assert str(tmp_path) not in html.partition("<footer>")[0]
