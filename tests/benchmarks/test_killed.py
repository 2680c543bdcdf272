"""A study that is killed and begun again comes to the same; one that trusts the half of a file is found out."""

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
    monkeypatch.setattr(options, "studies", lambda: {"one": "A study."})


def test_a_study_that_writes_whole_files_comes_to_the_same(monkeypatch, tmp_path):
    faked(monkeypatch, WHOLE)
    count, _, found = killed.tried("one", 3, random.Random(0), tmp_path)
    assert found == set()
    assert count >= 1


def test_a_study_that_trusts_the_half_of_a_file_is_found_out(monkeypatch, tmp_path):
    faked(monkeypatch, HALF)
    _, _, found = killed.tried("one", 4, random.Random(0), tmp_path)
    assert found == {"claims.json one"}
