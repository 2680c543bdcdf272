"""Random command lines are understood or refused in one line; a program that does otherwise is found out."""

import random
from dataclasses import dataclass

import pytest

from analysis.study.options import CommonOptions
from benchmarks.fuzz import command_lines
from benchmarks.fuzz.command_lines import command_line, options_of, understood
from eos_sym import BadInput


@pytest.mark.fault(
    "any text", "command lines of random options", "each is understood, or refused in one line with exit code 2"
)
@pytest.mark.parametrize("name", ["quadratic", "derive", "verify"])
def test_a_random_command_line_is_understood_or_refused_in_one_line(name):
    kind, draw, fits = options_of(name), random.Random(name), 0
    for _ in range(40):
        line = command_line(kind, draw)
        understood_, finding = understood(f"python -m analysis.{name}", kind, line)
        assert finding is None, line
        fits += understood_
    assert 0 < fits < 40


@dataclass(frozen=True, kw_only=True)
class Careless(CommonOptions):
    """A program whose options are looked at without care."""

    size: int = 1

    def __post_init__(self) -> None:
        _ = 1 / self.size


def test_a_careless_program_is_found_out(monkeypatch):
    assert understood("careless", Careless, ["--size", "0"]) == (False, "ZeroDivisionError: division by zero")
    assert understood("careless", Careless, ["--size", "2"]) == (True, None)

    def refuse(*arguments):
        raise BadInput("in\ntwo lines")

    monkeypatch.setattr(command_lines, "read_options", refuse)
    assert understood("careless", Careless, []) == (False, "refused: 'in\\ntwo lines'")


@pytest.mark.parametrize(
    ("script", "finding"),
    [
        ("import sys; sys.exit(2)", "exit code 2 with 0 lines"),
        ("1 / 0", "exit code 1: ['ZeroDivisionError"),
        ("import os; os.abort()", "exit code -6"),
        ("import sys; print('error: no', file=sys.stderr); sys.exit(2)", None),
        ("", None),
    ],
)
def test_how_a_program_ends_is_looked_at(script, finding, monkeypatch, tmp_path):
    (tmp_path / "analysis").mkdir()
    (tmp_path / "analysis" / "__init__.py").touch()
    (tmp_path / "analysis" / "one.py").write_text(script)
    monkeypatch.setattr(command_lines, "ROOT", tmp_path)
    ended, found = command_lines.wrong_with_run("one", [], 60)
    assert ended
    assert found is None if finding is None else found.startswith(finding)
