"""``python -m benchmarks.growth``: the options, pieces of work in processes of their own, tables, picture."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from rich.console import Console
from rich.progress import Progress

from analysis.study.figure import draw_and_save
from analysis.study.options import make_folder_of
from benchmarks.command_line import check_whole_numbers, run
from benchmarks.fresh_process import printed_by
from benchmarks.growth.report import Point, draw, on_many_workers, panels_of, table
from eos_sym import BadInput
from numeric.runs import provenance, write_atomically

CAPTION = "Time and memory as runs, weights of a formula and weights of a network grow"
Family = Literal["runs", "formula", "network", "processes"]
SIZES: Mapping[Family, Mapping[str, tuple[int, ...]]] = {
    "runs": {
        "runs": (10**3, 10**4, 10**5, 10**6, 10**7),
        "chunks": (10**5, 10**6, 10**7, 10**8),
    },
    "formula": {"formula": (2, 4, 8, 16, 32, 64)},
    "network": dict.fromkeys(("gradient", "reading"), (10**3, 10**4, 10**5, 10**6, 10**7)),
    "processes": dict.fromkeys(("processes", "cluster", "empty_runs", "empty_cluster"), (1, 2)),
}


@dataclass(frozen=True, kw_only=True)
class Options:
    """How time and memory grow with runs, with the weights of a formula and of a network, and with processes."""

    only: tuple[Family, ...] = get_args(Family)
    """which kinds of growth"""
    most: int = 10**8
    """the largest number of runs and of weights"""
    rounds: int = 1
    """how often each is measured; the quickest counts"""
    out: Path = Path("results/growth")
    """folder for table.json and the figure"""

    def __post_init__(self) -> None:
        check_whole_numbers(self, 1, "most", "rounds")
        if not planned(self):
            raise BadInput(f"--most {self.most}: leaves nothing to measure of {', '.join(self.only)}")


def planned(options: Options) -> list[tuple[str, int]]:
    """What is measured, in turns, so that a machine that slows down slows all of it."""
    once = [
        (name, size)
        for family in options.only
        for name, sizes in SIZES[family].items()
        for size in sizes
        if size <= options.most
    ]
    return once * options.rounds


def measured(name: str, size: int) -> Point:
    """One piece of work in a process of its own."""
    said = printed_by("benchmarks.growth.work", f"tell({name!r}, {size})")
    return Point(name, size, json.loads(said))


def quickest(points: Iterable[Point]) -> Iterator[Point]:
    """Of every piece of work that time that took least."""
    best: dict[tuple[str, int], Point] = {}
    for point in points:
        before = best.get((point.name, point.size))
        if before is None or point.seconds < before.seconds:
            best[point.name, point.size] = point
    yield from best.values()


def main(options: Options) -> None:
    """Measure, write the files, and print the tables."""
    make_folder_of("--out", options.out)
    plan, points = planned(options), []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=len(plan))
        for name, size in plan:
            progress.update(task, description=f"{name} {size:,}")
            points.append(measured(name, size))
            progress.advance(task)
    points = list(quickest(points))
    configuration = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(options).items()}
    document = {"points": [asdict(point) for point in points], "provenance": provenance(configuration)}
    text = json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    write_atomically(options.out / "table.json", lambda path: path.write_text(text, encoding="utf-8"))
    if panels_of(points):
        draw_and_save(lambda: draw(points), options.out, CAPTION)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    console.print(table(points))
    for line in on_many_workers(points):
        console.print(line, soft_wrap=True)
    console.print(f"written: {', '.join(sorted(map(str, options.out.iterdir())))}", soft_wrap=True)


if __name__ == "__main__":
    run("python -m benchmarks.growth", Options, main)
