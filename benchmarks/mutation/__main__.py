"""Which mutants of the program do the tests notice?

    python -m benchmarks.mutation [--number 300] [--seed 0] [--only eos_sym numeric/compile]
        [--tests tests/eos_sym tests/numeric/compile] [--seconds 30] [--out results/mutation]

A mutant is the program with one small change (`benchmarks.mutation.mutants`). Of all of them, in the order of their
places, one is drawn from each of so many equal parts, so that a file has its share. On each those tests run that come
to the changed line, cheapest first, until one fails (*killed*) or is far too late (*late*). One *survived* if all pass
for which ``--seconds`` are enough; *not reached* is one to which none comes, and which those beside it do not notice.
What survived is printed as it is found, and in the end a table by rooms. Which tests come to which lines is measured
first, once for each file of tests. ``--only FILE:LINE`` names the mutants of one line.

Every outcome is kept in ``mutants.jsonl``: a sample that was interrupted goes on. What is kept counts as long as the
mutant's file is the same and that of the test by which it was killed; or those of all its tests if it survived, until
there are other tests, or more ``--seconds`` allow more of them.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.study.options import make_folder_of
from benchmarks.command_line import check_seconds, check_whole_numbers, run
from benchmarks.mutation.scores import table
from eos_sym import BadInput

if TYPE_CHECKING:
    from benchmarks.mutation.mutants import Mutant
    from benchmarks.mutation.trials import Trials


@dataclass(frozen=True)
class Options:
    """Mutants of the program, drawn at random, and whether the tests notice them."""

    number: int = 300
    """of mutants; all if there are fewer"""
    seed: int = 0
    """of the generator"""
    only: tuple[str, ...] = ("eos_sym", "numeric/compile")
    """folders, files or FILE:LINE that are changed"""
    tests: tuple[str, ...] = ("tests/eos_sym", "tests/numeric/compile")
    """folders or files of tests"""
    seconds: float = 30.0
    """that a mutant's tests take together without a change, half of them those of one file"""
    out: Path = Path("results/mutation")
    """folder for mutants.jsonl, and for what the tests reach"""

    def __post_init__(self) -> None:
        check_whole_numbers(self, 1, "number")
        check_whole_numbers(self, 0, "seed")
        check_seconds("--seconds", self.seconds)
        for option, paths in (("--only", self.only), ("--tests", self.tests)):
            for path in paths:
                place, _, line = path.partition(":")
                if not Path(place).exists():
                    raise BadInput(f"{option} {path}: there is no such file or folder")
                if line and not line.isdecimal():
                    raise BadInput(f"{option} {path}: {line!r} is no line")


def drawn(everything: list[Any], number: int, seed: int) -> list[Any]:
    """One of each of so many equal parts, in a random order, so that a part of a sample is a sample, too."""
    count, draw = len(everything), random.Random(seed)
    if number >= count:
        return everything
    ends = [place * count // number for place in range(number + 1)]
    chosen = [everything[draw.randrange(*part)] for part in pairwise(ends)]
    draw.shuffle(chosen)
    return chosen


def within(parts: list[dict[str, float]], seconds: float) -> tuple[list[dict[str, float]], int]:
    """Of each part the cheapest tests that its share of the time allows, at least one; how many are left out."""
    kept = []
    for part in parts:
        total = 0.0
        cheapest: dict[str, float] = {}
        for test, took in sorted(part.items(), key=lambda item: item[1]):
            total += took
            if total > seconds / len(parts) and cheapest:
                break
            cheapest[test] = took
        kept.append(cheapest)
    return kept, sum(map(len, parts)) - sum(map(len, kept))


def chosen(options: Options, folder: Path) -> list[Mutant]:
    """The sample that the options ask for."""
    from benchmarks.mutation.mutants import files, mutants

    found = []
    for path, _, line in (only.partition(":") for only in options.only):
        for file in files([path], folder):
            found += [mutant for mutant in mutants(file, folder) if not line or mutant.line == int(line)]
    print(f"{len(found)} mutants", flush=True)
    if not found:
        raise BadInput(f"--only {' '.join(options.only)}: there is nothing that can be changed")
    return drawn(found, options.number, options.seed)


def tried(options: Options, folder: Path) -> Iterator[dict[str, Any]]:
    """The outcomes of a sample as they come; what is kept of the same file and tests is not tried again."""
    from benchmarks.mutation.mutants import compiles, files
    from benchmarks.mutation.reach import digest, file_of, measured
    from benchmarks.mutation.trials import Outcome, Trials

    kept = options.out / "mutants.jsonl"
    lines = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
    known = {row["mutant"]: row for row in map(json.loads, lines)}
    sample = chosen(options, folder)
    tests = [file for file in files(options.tests, folder) if Path(file).name.startswith("test_")]
    with Trials(folder, tests) as trials:
        reach = measured(trials, tests, options.out / "reach")
        check_unchanged(trials, sample[0].file, reach.seconds)
        for mutant in sample:
            parts, left_out = within(reach.tests(mutant), options.seconds)
            files_of_tests = {file_of(test) for part in parts for test in part}
            row = known.get(str(mutant))
            if not (
                row and row["code"] == digest(row["rests on"], trials.copy) and still(row, files_of_tests, left_out)
            ):
                text = mutant.text()
                if not compiles(text):
                    continue
                outcome = Outcome("survived")
                for part in parts:
                    outcome = trials.outcome(mutant.file, text, part)
                    if outcome.word != "survived":
                        break
                if outcome.word == "survived" and not reach.comes_to(mutant):
                    outcome = Outcome("not reached")
                rests_on = [mutant.file, *sorted({file_of(outcome.test)} & files_of_tests or files_of_tests)]
                row = {"mutant": str(mutant), "file": mutant.file, "outcome": outcome.word, "by": outcome.test}
                row |= {"tests": sum(map(len, parts)), "left out": left_out}
                row |= {"rests on": rests_on, "code": digest(rests_on, trials.copy)}
                with kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")
            yield row


def still(row: dict[str, Any], tests: set[str], left_out: int) -> bool:
    """Whether an outcome stays what it is: a killed mutant does when there are more tests, one that survived not."""
    return row["outcome"] == "killed" or (tests <= {*row["rests on"]} and row["left out"] <= left_out)


def check_unchanged(trials: Trials, file: str, tests: dict[str, float]) -> None:
    """Refuse to go on if tests fail in a trial of the program as it is: all would be killed."""
    (cheapest,), _ = within([tests], 1.0)
    outcome = trials.outcome(file, (trials.copy / file).read_text(encoding="utf-8"), cheapest)
    if outcome.word != "survived":
        raise BadInput(f"--tests: without any change the program is {outcome.word} by {outcome.test}")


def main(options: Options) -> int:
    """Draw, try, print what survives as it comes, and count."""
    try:
        import mutmut  # noqa: F401, said before anything is done
    except ModuleNotFoundError as error:
        raise BadInput("mutmut is not installed, and makes the mutants: pip install -e '.[test]'") from error
    make_folder_of("--out", options.out / "reach")
    outcomes = []
    for row in tried(options, Path.cwd()):
        outcomes.append((row["file"], row["outcome"]))
        if row["outcome"] in ("survived", "not reached"):
            left_out = f", {row['left out']} left out" if row["left out"] else ""
            print(f"{row['mutant']}  ({row['outcome']}: {row['tests']} tests{left_out})", flush=True)
    print("\n".join(table(outcomes)))
    return 0


if __name__ == "__main__":
    run("python -m benchmarks.mutation", Options, main)
