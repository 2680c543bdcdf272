"""Random losses and rules: is what the theory says of them true?

    python -m benchmarks.fuzz [--number 1000] [--seed 0] [--first 0] [--seconds 30] [--command-line 25]

Polynomials, sums of squares, exponentials, activations and degenerate minima, each under some rule: derivatives are
compared with differences in 60 digits, minima, critical step sizes, fixed points, two-cycles and verdicts with descent
and Newton's method from many starts and with multipliers in floating point, and no part may raise anything but
`Undecided`. Every so many losses the whole command line is run on one, which has to end with code 0, or with 2 in one
line of bad input. Each problem has a process of its own; one that takes too long is counted and ended. A finding is
printed with the command that reproduces it and the problem; the exit code is 1 if there are any.
"""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import Any

from benchmarks.command_line import check_seconds, check_whole_numbers, run
from benchmarks.fuzz.checks import findings
from benchmarks.fuzz.losses import RandomProblem, random_problem

STARTING = 120.0  # seconds of the command line beyond its own limit


@dataclass(frozen=True)
class Options:
    """Random losses under random rules, checked in floating point."""

    number: int = 1000
    """of problems"""
    seed: int = 0
    """of the generator; a problem is known by its seed and its place"""
    first: int = 0
    """the place of the first problem"""
    seconds: float = 30.0
    """that a problem may take"""
    command_line: int = 25
    """every so many problems the command line is run; 0 for never"""

    def __post_init__(self) -> None:
        check_whole_numbers(self, 1, "number")
        check_whole_numbers(self, 0, "seed", "first", "command_line")
        check_seconds("--seconds", self.seconds)


def searched(problem: RandomProblem, seconds: float) -> tuple[list[str], bool]:
    """What is found in a process of its own, and whether it ended in time."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_search, args=(problem, sender))
    process.start()
    sender.close()
    found: list[str] = []
    end = time.monotonic() + seconds
    ended = False
    try:
        while receiver.poll(max(0.0, end - time.monotonic())):
            answer = receiver.recv()
            if answer is None:
                ended = True
                break
            found.append(answer)
    except EOFError:
        found.append("the process died")
    process.kill()
    process.join()
    return found, ended


def _search(problem: RandomProblem, sender: Any) -> None:
    for finding in findings(problem):
        sender.send(finding)
    sender.send(None)


def from_command_line(problem: RandomProblem, seconds: float) -> list[str]:
    """What is wrong with an exit code and what is printed with it."""
    values = [f"{name}={value}" for name, value in problem.at.items()]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "analysis.derive", "--weights", *problem.weights, "--rule", problem.rule]
        command += ["--at", *values, "--timeout", f"{seconds:g}", "--out", folder, "--", problem.loss]
        try:
            run = subprocess.run(command, capture_output=True, text=True, timeout=seconds + STARTING, check=False)
        except subprocess.TimeoutExpired:
            return [f"derive: not ended {STARTING:g} s after its limit"]
    lines = run.stderr.strip().splitlines()
    if "Traceback" in run.stderr:
        return [f"derive: a traceback, {lines[-1]}"]
    if run.returncode == 2 and len(lines) != 1:
        return [f"derive: exit code 2 with {len(lines)} lines: {lines[-1:]}"]
    shown = (run.stdout + run.stderr).splitlines()[1:2]
    return [] if run.returncode in (0, 2) else [f"derive: exit code {run.returncode}, {shown}"]


def main(options: Options) -> int:
    """Search, print what is found as it comes, and count."""
    wrong = late = 0
    for place in range(options.first, options.first + options.number):
        problem = random_problem(options.seed, place)
        found, ended = searched(problem, options.seconds)
        if options.command_line and place % options.command_line == 0:
            found += from_command_line(problem, options.seconds)
        late += not ended
        wrong += bool(found)
        command = f"python -m benchmarks.fuzz --seed {options.seed} --first {place} --number 1"
        for finding in found:
            print(f"{command}  # {problem}: {finding}", flush=True)
    print(f"{options.number} problems: {wrong} with findings, {late} not ended within {options.seconds:g} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    run("python -m benchmarks.fuzz", Options, main)
