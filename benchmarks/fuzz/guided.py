"""Texts for the parser, made by a fuzzer that its branches guide, and what is wrong with what becomes of them.

    python -m benchmarks.fuzz.guided [--number 100000] [--seed 1] [--seconds 10]

libFuzzer (by `atheris`: ``pip install -e '.[fuzz]'``) changes texts, and keeps those that lead to a branch of
`eos_sym.reading` to which none led before. It begins with the corpus, `texts.json`, to which what it learns is added:
as few texts as there can easily be that pass as many lines after each other, about as often, as all that were kept.
What is asked of a text: `benchmarks.fuzz.texts`.

Findings are printed, and the exit code is 1 if there are any.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.command_line import check_seconds, check_whole_numbers, run
from eos_sym.errors import BadInput

READING = "eos_sym.reading"
LONGEST = 200  # bytes of a text that is made
OFTEN = 3  # how many doublings of a count make a difference
LIMITS = ("-timeout=0", "-rss_limit_mb=8192")  # a text that takes long is a finding, and no end of it all


@dataclass(frozen=True)
class Options:
    """Texts for the parser, made by a fuzzer that its branches guide."""

    number: int = 100_000
    """of texts"""
    seed: int = 1
    """of the fuzzer"""
    seconds: float = 10.0
    """that a text may take"""

    def __post_init__(self) -> None:
        check_whole_numbers(self, 1, "number", "seed")
        check_seconds("--seconds", self.seconds)


def fuzz(options: Options, folder: Path) -> None:
    """In a process of its own, which libFuzzer ends: what leads somewhere new into a folder, findings into a file."""
    import atheris

    with atheris.instrument_imports(include=[READING]):
        from benchmarks.fuzz.texts import CORPUS, corpus, wrong_with

    made = folder / "made"
    for number, text in enumerate(corpus() if CORPUS.exists() else []):
        (made / f"kept-{number}").write_text(text, encoding="utf-8")
    words = folder / "words"
    words.write_text("".join(f'"{word}"\n' for word in vocabulary()), encoding="ascii")

    def one(content: bytes) -> None:
        text = content.decode(errors="replace")
        if found := wrong_with(text, options.seconds):
            with (folder / "findings").open("a", encoding="utf-8") as file:
                file.write(json.dumps([text, found]) + "\n")

    os.dup2(os.open(folder / "said", os.O_WRONLY), 2)
    chosen = (f"-runs={options.number}", f"-seed={options.seed}", f"-max_len={LONGEST}", f"-dict={words}")
    atheris.Setup([sys.argv[0], *chosen, *LIMITS, str(made)], one)
    atheris.Fuzz()


def vocabulary() -> list[str]:
    """The words of the language, and what numbers and operators are made of."""
    from eos_sym.reading.language import WORDS

    others = ("x", "y", "a1", "lambda", "pi", "E", "True", "**", "<=", ">=", "1/2", "0.5", "1e-3", "1e290", "**(1/3)")
    return [*others, *(f"{word}(" for word in WORDS)]


def passed(text: str) -> set[tuple[str, int, int, int]]:
    """Which lines of the parser follow each other when it reads the text, and how often, roughly."""
    from benchmarks.fuzz.texts import SYMBOLS
    from eos_sym.reading import parse

    counts: Counter[tuple[str, int, int]] = Counter()

    def enter(frame: FrameType, event: str, argument: Any) -> Any:
        file = frame.f_code.co_filename
        if READING.replace(".", "/") not in file:
            return None
        before = 0

        def follow(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal before
            counts[file.rsplit("/", 1)[-1], before, frame.f_lineno] += 1
            before = frame.f_lineno
            return follow

        return follow

    sys.settrace(enter)
    with suppress(Exception):  # which `wrong_with` has told
        parse(text, SYMBOLS)
    sys.settrace(None)
    return {(*place, min(count.bit_length(), OFTEN)) for place, count in counts.items()}


def fewest(texts: set[str]) -> list[str]:
    """Texts that pass all that these pass; the short ones come first."""
    left = {text: passed(text) for text in sorted(texts, key=lambda text: (len(text), text))}
    seen: set[tuple[str, int, int, int]] = set()
    chosen = []
    while left:
        best = max(left, key=lambda text: (len(left[text]), -len(text)))
        chosen.append(best)
        seen |= left.pop(best)
        left = {text: new for text, all_of in left.items() if (new := all_of - seen)}
    return sorted(chosen, key=lambda text: (len(text), text))


def main(options: Options) -> int:
    """Fuzz, print what is found, and keep what leads to all branches."""
    try:
        import atheris  # noqa: F401, said before a process is begun
    except ModuleNotFoundError as error:
        raise BadInput("atheris is not installed, and makes the texts: pip install -e '.[fuzz]'") from error
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "made").mkdir()
        (folder / "findings").touch()
        (folder / "said").touch()
        process = multiprocessing.get_context("fork").Process(target=fuzz, args=(options, folder))
        process.start()
        process.join()
        said = (folder / "said").read_text(errors="replace")
        done = re.findall(r"^#(\d+)\tDONE +cov: (\d+)", said, flags=re.MULTILINE)
        findings = (folder / "findings").read_text(encoding="utf-8").splitlines()
        texts = {path.read_bytes().decode(errors="replace") for path in (folder / "made").iterdir()}
    for text, found in map(json.loads, findings):
        print(f"{text!r}: {found}")
    if not done:
        print(f"the fuzzer did not come to its end, and the corpus is as it was: {said.splitlines()[-1:]}")
        return 1
    from benchmarks.fuzz.texts import CORPUS

    kept = fewest(texts)
    CORPUS.write_text(json.dumps(kept, indent=0) + "\n", encoding="utf-8")
    number, branches = done[-1]
    print(f"{number} texts, {branches} branches, {len(findings)} findings; {len(kept)} of {len(texts)} texts are kept")
    return 1 if findings else 0


if __name__ == "__main__":
    run("python -m benchmarks.fuzz.guided", Options, main)
