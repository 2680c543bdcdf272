"""Killed studies: is anything that was finished lost, and does anything else come out?

    python -m benchmarks.killed [--studies quadratic width …] [--together verify report] [--kills 3] [--seed 0]

Each study is run undisturbed, in its quick preset; then, in another folder, it is begun, killed with ``kill -9`` at a
moment drawn from the time that it took, begun again, so many times, and in the end left alone. What both leave must be
the same: exit code, all values of ``data.nc``, claims and evidence, the lines of the figure. What differs is printed,
and the exit code is 1 if anything does. Some studies measure seconds: what differs between two undisturbed runs, too,
is no finding. With ``--together`` those programs are tried likewise that run all these studies side by side; of the
page of `analysis.report` all counts but when, by what command and in how many seconds.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from analysis.study.index import no_such_study, studies
from analysis.verification.answers import program_of
from analysis.verification.options import Asked
from benchmarks.command_line import check_whole_numbers, run
from eos_sym import BadInput
from numeric.runs import load

FILES = ("data.nc", "claims.json", "figure.svg", "report.html")
PASSING = r"[\d-]+ [\d:]+ UTC|python -m analysis\.report [^<]*|It took [\d.]+ s"
MOST = 5  # times that a program is begun for each time that it is to be killed


@dataclass(frozen=True)
class Options:
    """Studies, killed at random moments and begun again."""

    studies: tuple[str, ...] = ()
    """by name; all if not given"""
    together: tuple[Literal["verify", "report"], ...] = ()
    """programs that run these studies side by side, after each by itself"""
    kills: int = 3
    """of each study"""
    seed: int = 0
    """of the moments"""

    def __post_init__(self) -> None:
        check_whole_numbers(self, 1, "kills")
        check_whole_numbers(self, 0, "seed")
        for name in self.studies:
            if name not in studies():
                raise BadInput(f"--studies {no_such_study(name)}")


def command_of(name: str, names: Sequence[str], folder: Path) -> list[str]:
    """A study by its name, or a program that runs the studies of these names, with its results in the folder."""
    outs = {"verify": ["--out", folder], "report": ["--results", folder, "--out", folder / "report.html"]}
    if name in outs:
        return [sys.executable, "-m", f"analysis.{name}", "--only", *names, *map(str, outs[name])]
    return program_of(name, Asked(only=(name,)), folder.parent).command


def left_alone(command: list[str]) -> tuple[int, float]:
    """The exit code of a program, and the seconds that it took."""
    begun = time.monotonic()
    code = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode
    return code, time.monotonic() - begun


def killed_after(command: list[str], seconds: float) -> float | None:
    """Kill a program after so many seconds; None, or those that it took if it had ended before."""
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None
    return time.monotonic() - begun


def outcome(folder: Path, code: int) -> dict[str, Any]:
    """What a program left: its exit code and all that is in its folder, and in those of the studies that it ran."""
    found: dict[str, Any] = {"exit code": code}
    for place in (folder, *sorted(file.parent for file in folder.glob("*/claims.json"))):
        inside = f"{place.name}/" if place != folder else ""
        found |= {f"{inside}{part}": value for part, value in contents(place).items()}
    return found


def contents(folder: Path) -> dict[str, Any]:
    """Of each of the files in a folder, all but what says where and when it was made."""
    found: dict[str, Any] = {"files": sorted(name for name in FILES if (folder / name).exists())}
    if (folder / "data.nc").exists():
        for group, tree in load(folder / "data.nc").children.items():
            for name, variable in tree.to_dataset().variables.items():
                found[f"data.nc {group}.{name}"] = (variable.dims, variable.values.tobytes())
    if (folder / "claims.json").exists():
        for claim in json.loads((folder / "claims.json").read_text(encoding="utf-8"))["claims"]:
            found[" ".join(["claims.json", *([claim["study"]] if "study" in claim else []), claim["id"]])] = claim
    if (folder / "figure.svg").exists():
        found["figure.svg"] = (folder / "figure.svg").read_bytes()
    if (folder / "report.html").exists():
        found["report.html"] = re.sub(PASSING, "", (folder / "report.html").read_text(encoding="utf-8"))
    return found


def different(one: dict[str, Any], other: dict[str, Any]) -> set[str]:
    """The parts of two outcomes that are not the same."""
    return {part for part in one.keys() | other.keys() if one.get(part) != other.get(part)}


def tried(
    name: str, kills: int, draw: random.Random, place: Path, names: Sequence[str] = ()
) -> tuple[int, float, set[str]]:
    """How often a program was killed, the seconds that it takes, and what came out otherwise for that."""
    whole, killed, again = (place / folder / name for folder in ("whole", "killed", "again"))
    commands = [command_of(name, names, folder) for folder in (whole, killed, again)]
    code, seconds = left_alone(commands[0])
    count, longest = 0, seconds
    for _ in range(MOST * kills):
        if count == kills:
            break
        if (taken := killed_after(commands[1], draw.uniform(0, longest))) is None:
            count += 1
        else:
            longest = taken  # when the machine has less to do
    found = different(outcome(whole, code), outcome(killed, left_alone(commands[1])[0]))
    if found:
        found -= different(outcome(whole, code), outcome(again, left_alone(commands[2])[0]))
    return count, seconds, found


def main(options: Options) -> int:
    """Kill, compare, and print as it comes."""
    wrong = total = 0
    names = options.studies or tuple(studies())
    for name in (*names, *options.together):
        with tempfile.TemporaryDirectory() as place:
            draw = random.Random(f"{options.seed} {name}")
            count, seconds, found = tried(name, options.kills, draw, Path(place), names)
        total += count
        wrong += bool(found)
        print(f"{name}: {seconds:.0f} s, killed {count} times: {', '.join(sorted(found)) or 'the same'}", flush=True)
    print(f"{total} kills: {wrong} programs with something different")
    return 1 if wrong else 0


if __name__ == "__main__":
    run("python -m benchmarks.killed", Options, main)
