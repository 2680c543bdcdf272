"""A study that is killed and begun again comes to the same; one that trusts the half of a file is found out."""

import json
import random
import sys

from analysis.verification import options
from benchmarks import killed

SLOW = """
import json, os, pathlib, sys, time
folder = pathlib.Path(sys.argv[1]); folder.mkdir(parents=True, exist_ok=True)
file, part = folder / "claims.json", folder / "part"
time.sleep(.1)
"""
WHOLE = """
if not file.exists():
    part.write_text('{"claims": [{"id": "one", "status": "proved"}]}'); time.sleep(.2); part.rename(file)
time.sleep(.1)
"""
HALF = """
if not file.exists():
    file.write_text('{"claims": []}'); time.sleep(1)
    file.write_text('{"claims": [{"id": "one", "status": "proved"}]}')
"""


def faked(monkeypatch, script):
    def program_of(name, options, folder):
        command = [sys.executable, "-S", "-c", SLOW + script, str(folder / name)]
        return type("Program", (), {"command": command})

    monkeypatch.setattr(killed, "program_of", program_of)
    monkeypatch.setattr(options, "programs", lambda: {"one": None})


def test_a_study_that_writes_whole_files_comes_to_the_same(monkeypatch, tmp_path):
    faked(monkeypatch, WHOLE)
    count, _, found = killed.tried("one", 3, random.Random(0), tmp_path)
    assert found == set()
    assert count >= 1


def test_a_study_that_trusts_the_half_of_a_file_is_found_out(monkeypatch, tmp_path):
    faked(monkeypatch, HALF)
    _, _, found = killed.tried("one", 4, random.Random(0), tmp_path)
    assert found == {"claims.json one"}


def left(folder, made, found):
    """What is compared of a folder of analysis.report, with one study's claims in it."""
    (folder / "one").mkdir(parents=True)
    page = f"{made}, python -m analysis.report --out {folder}</p><p>It took {len(made)}.5 s.</p>{found}"
    (folder / "report.html").write_text(page, encoding="utf-8")
    (folder / "one" / "claims.json").write_text(json.dumps({"claims": [{"id": "it", "observed": found}]}))
    return killed.outcome(folder, 0)


def test_of_a_report_what_it_says_counts_and_not_when_or_where_it_was_made(tmp_path):
    first = left(tmp_path / "first", "2026-01-01 00:00 UTC", ".5")
    assert killed.different(first, left(tmp_path / "later", "2027-11-30 12:34 UTC", ".5")) == set()
    wrong = killed.different(first, left(tmp_path / "other", "2026-01-01 00:00 UTC", ".6"))
    assert wrong == {"report.html", "one/claims.json it"}
