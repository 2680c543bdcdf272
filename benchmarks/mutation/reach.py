"""Which tests come to a line, and how long they take; measured once for each file of tests, and kept.

A line of a function is reached by the tests that run it; one that runs when its file is loaded, by those that run any
function of that file and those in the folder that mirrors that of the file. What is compiled coverage does not see run:
for a line that it never saw the tests in that folder stand. Tests that fail without any change say nothing, and are
left out.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from functools import partial
from pathlib import Path, PurePosixPath

from benchmarks.mutation.mutants import Mutant
from benchmarks.mutation.trials import Measured, Trials
from numeric.runs import write_atomically


class Reach:
    """What every file of tests comes to."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []
        self._by_line: dict[tuple[str, int], set[str]] = defaultdict(set)
        self._by_file: dict[str, set[str]] = defaultdict(set)
        self._numbers: dict[str, int] = {}

    def add(self, measured: Measured) -> None:
        """What the tests of one more file did."""
        self.failed += measured.failed
        for test, seconds in measured.seconds.items():
            if test not in measured.failed:
                self.seconds[test] = seconds
                self._numbers[file_of(test)] = self._numbers.get(file_of(test), 0) + 1
        for file, tests in measured.lines.items():
            for test in tests.keys() & self.seconds.keys():
                self._by_file[file].add(test)
                for line in tests[test]:
                    self._by_line[file, line].add(test)

    def tests(self, mutant: Mutant) -> list[dict[str, float]]:
        """Those that come to a mutant, cheapest first, after those of the file of which the greatest share does."""
        found = self._coming_to(mutant) or self._beside(mutant)
        counts: dict[str, int] = defaultdict(int)
        for test in found:
            counts[file_of(test)] += 1
        nearest = max(sorted(counts), key=lambda file: counts[file] / self._numbers[file], default="")
        cheapest = sorted(found, key=lambda test: (self.seconds[test], test))
        parts = ([test for test in cheapest if (file_of(test) == nearest) is near] for near in (True, False))
        return [{test: self.seconds[test] for test in part} for part in parts if part]

    def comes_to(self, mutant: Mutant) -> bool:
        """Whether a test is known to come to it: by coverage, or since it runs when its file is loaded."""
        return bool(self._coming_to(mutant))

    def _coming_to(self, mutant: Mutant) -> set[str]:
        if mutant.at_import:
            return self._by_file.get(mutant.file, set()) | self._beside(mutant)
        return set[str]().union(*(self._by_line.get((mutant.file, line), set()) for line in mutant.statement))

    def _beside(self, mutant: Mutant) -> set[str]:
        """The tests in the folder that mirrors that of the mutant, or in one above it."""
        folders = (f"tests/{folder}/" for folder in PurePosixPath(mutant.file).parents if folder.name)
        found = ({test for test in self.seconds if test.startswith(folder)} for folder in (*folders, "tests/"))
        return next(filter(None, found), set())


def file_of(test: str) -> str:
    """The file of tests in which it is."""
    return test.partition("::")[0]


def digest(files: Iterable[str], folder: Path) -> str:
    """Of names and contents; a file that is gone has none."""
    found = hashlib.sha256()
    for file in sorted(files):
        place = folder / file
        found.update(f"{file} {hashlib.sha256(place.read_bytes()).hexdigest() if place.exists() else None}\n".encode())
    return found.hexdigest()[:16]


def measured(trials: Trials, tests: Iterable[str], kept: Path) -> Reach:
    """What these files of tests come to; measured if what is kept is of other tests, or of files that have changed."""
    reach = Reach()
    for file in tests:
        place = kept / f"{file.replace('/', '.')}.json"
        known = json.loads(place.read_text(encoding="utf-8")) if place.exists() else None
        if known and known["digest"] == digest([file, *known["measured"]["lines"]], trials.copy):
            reach.add(Measured(**known["measured"]))
            continue
        found = trials.measure(file)
        text = json.dumps({"digest": digest([file, *found.lines], trials.copy), "measured": asdict(found)})
        write_atomically(place, partial(Path.write_text, data=text, encoding="utf-8"))
        print(f"{file}: {len(found.seconds)} tests, {sum(found.seconds.values()):.1f} s", flush=True)
        for test in found.failed:
            print(f"{test} fails without any change", flush=True)
        reach.add(found)
    return reach
