"""Every benchmark says in one line what it cannot read, and does nothing else."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import benchmarks
from benchmarks.command_line import check_seconds, check_whole_numbers, run

FOLDER = Path(benchmarks.__file__).parent
MODULES = {path.relative_to(FOLDER): path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.py")}
PROGRAMS = {
    (path.parent if path.name == "__main__.py" else path).with_suffix("").as_posix(): text
    for path, text in MODULES.items()
    if '__name__ == "__main__"' in text
}


@dataclass(frozen=True)
class Options:
    """What is measured."""

    rounds: int = 3
    seconds: float = 1.0

    def __post_init__(self) -> None:
        check_whole_numbers(self, 1, "rounds")
        check_seconds("--seconds", self.seconds)


def ended(arguments, monkeypatch, main=lambda options: None):
    monkeypatch.setattr(sys, "argv", ["program", *arguments])
    with pytest.raises(SystemExit) as end:
        run("program", Options, main)
    return end.value.code


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--nonsense", "3"], "error: Unrecognized options: --nonsense, 3 (--help lists the options)\n"),
        (["--rounds", "0"], "error: --rounds 0: must be 1 or more\n"),
        (["--rounds", "many"], "error: --rounds: 'many' is no whole number\n"),
        (["--seconds", "inf"], "error: --seconds inf: must be more than 0\n"),
    ],
)
def test_what_cannot_be_read_or_done_is_one_line_and_exit_code_2(arguments, line, monkeypatch, capsys):
    assert ended(arguments, monkeypatch) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(line)
    assert said.err.count("\n") == 1


def test_what_main_returns_is_the_exit_code(monkeypatch):
    assert ended(["--rounds", "5"], monkeypatch, main=lambda options: options.rounds) == 5


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_begins_by_this_command_line(name):
    _, *last_lines = PROGRAMS[name].split('if __name__ == "__main__":\n')
    assert last_lines in (
        [f'    run("python -m benchmarks.{name.replace("/", ".")}", Options, main)\n'],
        ["    run(PROGRAM, Options, main)\n"],
    )
