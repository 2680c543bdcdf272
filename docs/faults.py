"""The page of faults: what was tried and what happened, a row for every test that is marked with it.

    @pytest.mark.fault("killed", "a training run, at any moment", "it goes on, to the bits of an undisturbed one")

The kind is one of `KINDS`; what was tried and what happens are said in words. The page is written when the
documentation is built, by reading the tests and not by running them: `make test` does that.

Errors: `ValueError` for a mark that is not three texts, the first of them a kind.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
KINDS = {
    "killed": "Killed by `kill -9`",
    "interrupted": "Interrupted by Ctrl-C",
    "no room": "A full device",
    "read-only": "An output that cannot be written",
    "damaged": "Files that are cut off, edited, exchanged, or not ours",
    "shared": "Two processes on one folder",
    "cluster": "A Dask cluster that loses its workers",
    "memory": "Memory that runs out",
    "not a number": "NaN and infinity in data",
    "another program": "Results of another run, or of another version",
    "any text": "Texts and command lines of any kind",
}
INTRODUCTION = """# Faults

What was tried, and what happened. Every row is a test, which is run with all others: a row whose test fails is not
merged. Two rules hold throughout: *nothing that was finished is lost*, and *nothing wrong is reported as right*.
In most rows a limit on the length of files stands for a full device, and for a second process a lock that is held.

What these rest on is little: every file is written beside its place and moved there when it is whole; every file of
results, and every kept report and chunk of a grid, ends with a checksum that is compared before anything else reads it;
a run, a grid and a report are known by their configuration and by the code that computed them; a folder is locked by
the process that writes to it, and the lock ends with the process.

Beyond what a test has time for, commands look on at random, print what they find, and end with exit code 1 if it is
anything:

- `python -m benchmarks.damage`: files of every kind that is kept, damaged in one of seven ways and read;
- `python -m benchmarks.killed --kills 2 --studies quadratic edge_law_network self_stabilization_network forecast
  adaptive_step basins central_flow sgd_batch recorded_runs`: studies, killed at random moments and begun again, beside
  undisturbed ones. Of these 9 nothing was lost, and nothing else came out; nor of `python -m benchmarks.killed
  --kills 2 --studies quadratic --together verify report`, programs that run studies side by side, here a single one;
- `python -m benchmarks.fuzz`: random losses and rules through the theory, beside floating point;
- `python -m benchmarks.fuzz.guided`: texts for the parser, by a fuzzer that its branches guide;
- `python -m benchmarks.fuzz.command_lines --number 4000`: options of every program, drawn at random. Each line was
  understood, or refused in one line.
"""


class Row(NamedTuple):
    """What was tried, what happens, and the test that says so."""

    kind: str
    tried: str
    happens: str
    file: str
    test: str


def rows() -> Iterator[Row]:
    """What the marks of all tests say."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        file = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                for mark in node.decorator_list:
                    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault":
                        yield Row(*_said(mark, file), file, node.name)


def _said(mark: ast.Call, file: str) -> list[str]:
    said = [one.value for one in mark.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    if len(said) != 3 or len(mark.args) != 3 or said[0] not in KINDS:
        raise ValueError(
            f"{file}, line {mark.lineno}: a fault is a kind ({', '.join(KINDS)}), what was tried, what happens"
        )
    return said


def page(found: list[Row]) -> str:
    """The page in Markdown, a table for every kind."""
    lines = [INTRODUCTION]
    for kind, title in KINDS.items():
        lines += [f"## {title}", "", "```{list-table}", ":header-rows: 1", ":widths: 30 36 34", ""]
        lines += ["* - tried", "  - what happens", "  - test"]
        for row in found:
            if row.kind == kind:
                file, words = row.file.removeprefix("tests/"), row.test.removeprefix("test_").replace("_", " ")
                lines += [f"* - {row.tried}", f"  - {row.happens}", f"  - {words} (`{file}`)"]
        lines += ["```", ""]
    return "\n".join(lines)


def write(path: Path) -> list[Row]:
    """Write the page; its rows."""
    found = sorted(rows(), key=lambda row: (row.file, row.test))
    path.write_text(page(found), encoding="utf-8")
    return found
