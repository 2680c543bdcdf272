"""``python -m benchmarks.loops``: what the tracker makes of every loop, and the table of `docs/tracking.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.command_line import run
from benchmarks.loops.loop import everything
from benchmarks.loops.outcome import outcome

PAGE = Path(__file__).parents[2] / "docs" / "tracking.md"
BEGIN = "<!-- written by python -m benchmarks.loops -->\n"


def rows() -> Iterator[tuple[str, str, str]]:
    """Kind, title and outcome of every loop."""
    for title, (kind, make) in everything().items():
        torch.manual_seed(0)
        yield kind, title, outcome(make()).cell


def table() -> str:
    """All rows in Markdown."""
    lines = ["| kind | training loop | reading |", "| --- | --- | --- |"]
    lines += [f"| {kind} | {title} | {cell.replace('|', '&#124;')} |" for kind, title, cell in rows()]
    return "\n".join([*lines, ""])


@dataclass(frozen=True)
class Options:
    """What the tracker reads of every training loop, beside its dense Hessian."""


def main(_: Options) -> int:
    """Write the table; the exit code says whether a reading was wrong."""
    text = table()
    head = PAGE.read_text(encoding="utf-8").partition(BEGIN)[0]
    PAGE.write_text(f"{head}{BEGIN}\n{text}", encoding="utf-8")
    sys.stdout.write(text)
    return int("| wrong" in text)


if __name__ == "__main__":
    run("python -m benchmarks.loops", Options, main)
