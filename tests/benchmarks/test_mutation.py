"""Of a program of which it is known what its tests notice, that is found."""

from pathlib import Path

import pytest

from benchmarks.mutation import __main__ as program
from benchmarks.mutation import trials
from benchmarks.mutation.scores import table, wilson
from eos_sym import BadInput

PROGRAM = '''
"""A program with 3 functions."""

LEAST = 10


def exact(x: tuple[int, 5]) -> int:
    """A number that is 10 more."""
    return x + LEAST


def loose(x):
    return x * 2


def counted(x):
    while x:
        x -= 1
    return x


def never(x):
    if x < 0:
        raise ValueError(f"{x + 1} is below 0")
    return x
'''
TESTS = """
from program.arithmetic import counted, exact, loose


def test_exact():
    assert exact(8) == 18


def test_loose():
    loose(1)


def test_counted():
    assert counted(3) == 0
"""
MORE = """
import pytest

from program.arithmetic import never


def test_never():
    assert [never(0), never(1)] == [0, 1]
    with pytest.raises(ValueError):
        never(-1)
"""
SETTINGS = """
[tool.pytest.ini_options]
addopts = "--import-mode=importlib"
markers = ["slow: none is"]
"""
KNOWN = {
    "3:9: 10  →  11": "killed",
    "8:12: x + LEAST  →  x - LEAST": "killed",
    "12:12: x * 2  →  x / 2": "survived",
    "12:16: 2  →  3": "survived",
    "16:11: x  →  (x) and False": "killed",
    "16:11: x  →  (x) or True": "late",
    "17:9: x -= 1  →  x = 1": "late",
    "17:9: x -= 1  →  x += 1": "late",
    "17:14: 1  →  2": "late",
    "22:8: x < 0  →  (x < 0) and False": "not reached",
    "22:8: x < 0  →  (x < 0) or True": "not reached",
    "22:9: < 0  →  <= 0": "not reached",
    "22:12: 0  →  1": "not reached",
}
NEGATIVE = [mutant for mutant, outcome in KNOWN.items() if outcome == "not reached"]


@pytest.fixture
def toy(tmp_path, monkeypatch):
    for place, text in {
        "program/arithmetic.py": PROGRAM,
        "tests/test_it.py": TESTS,
        "pyproject.toml": SETTINGS,
    }.items():
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text(text.lstrip("\n"))
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trials, "GRACE", 0.2)
    return tmp_path


def options(**changed):
    return program.Options(only=("program",), tests=("tests",), out=Path("out"), **changed)


def outcomes(rows):
    named = {row["mutant"].removeprefix("program/arithmetic.py:"): row["outcome"] for row in rows}
    assert len(named) == len(rows)
    return named


def test_what_the_tests_notice_is_known_and_an_interrupted_sample_goes_on(toy, monkeypatch):
    """Against one that changes the program itself, and one that tries again what is kept, or never again."""
    rows = [*program.tried(options(), toy)]
    assert outcomes(rows) == KNOWN
    assert (toy / "program/arithmetic.py").read_text() == PROGRAM.lstrip("\n")

    kept = toy / "out" / "mutants.jsonl"
    lines = kept.read_text().splitlines(keepends=True)
    kept.write_text("".join(line for line in lines if "x * 2" not in line))
    (toy / "tests" / "test_more.py").write_text(MORE)
    asked, outcome = [], trials.Trials.outcome
    monkeypatch.setattr(trials.Trials, "outcome", lambda *of: asked.append(of) or outcome(*of))
    assert outcomes([*program.tried(options(), toy)]) == KNOWN | dict.fromkeys(NEGATIVE, "killed")
    assert len(asked) == 1 + 1 + len(NEGATIVE)  # the program as it is, one that is not kept, those that are reached now


def test_nothing_is_killed_if_the_program_as_it_is_does_not_pass(toy):
    class Failing:
        copy = toy

        def outcome(self, file, text, tests):
            assert text == PROGRAM.lstrip("\n")
            return trials.Outcome("killed", *tests)

    with pytest.raises(BadInput, match="without any change the program is killed by test_exact"):
        program.check_unchanged(Failing(), "program/arithmetic.py", {"test_exact": 0.1})


def test_a_sample_has_one_of_every_part_and_is_known_by_its_seed():
    everything = list(range(1000))
    sample = program.drawn(everything, 100, seed=3)
    assert sorted(place // 10 for place in sample) == list(range(100))
    assert sample == program.drawn(everything, 100, seed=3)
    assert len({*sample} & {*program.drawn(everything, 100, seed=4)}) < 30
    assert program.drawn(everything, 2000, seed=3) == everything


def test_the_cheapest_tests_run_that_are_allowed_and_one_at_least():
    parts = [{"b": 7.0, "a": 1.0}, {"c": 0.5, "d": 2.0}]
    assert program.within(parts, 5.0) == ([{"a": 1.0}, {"c": 0.5, "d": 2.0}], 1)
    assert program.within(parts, 0.1) == ([{"a": 1.0}, {"c": 0.5}], 2)
    assert program.within(parts[:1], 8.0) == ([{"a": 1.0, "b": 7.0}], 0)
    assert program.within([], 4.0) == ([], 0)


def test_the_interval_is_that_of_wilson():
    """8 of 10: Brown, Cai, DasGupta 2001, Interval estimation for a binomial proportion, by their formula (4)."""
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=5e-5)
    assert wilson(0, 5)[0] == 0
    assert wilson(5, 5) == pytest.approx((0.5655, 1), abs=5e-5)


def test_the_table_counts_by_rooms():
    said = [("a/b/c.py", "killed"), ("a/b/d.py", "survived"), ("a/e.py", "late"), ("a/e.py", "not reached")]
    _, _, *rows = table(said)
    assert [row.split(" | ")[:7] for row in rows] == [
        ["| a", "2", "0", "1", "0", "1", "50%"],
        ["| a/b", "2", "1", "0", "1", "0", "50%"],
        ["| all", "4", "1", "1", "1", "1", "50%"],
    ]


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("nowhere", "--only nowhere: there is no such file or folder"),
        ("program:end", "--only program:end: 'end' is no line"),
        ("tests/test_it.py:1", "--only tests/test_it.py:1: there is nothing that can be changed"),
    ],
)
def test_a_place_without_mutants_is_refused(toy, place, line):
    with pytest.raises(BadInput, match=line):
        program.chosen(program.Options(only=(place,), tests=("tests",)), toy)
