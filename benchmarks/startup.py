"""What it costs to start, in units of ``import torch``: lists, help, bad input, simulations, theory, the quick presets.

Processor time, user and system, of a whole process and its children, at its least over some rounds; the unit is
measured in every round, in turn with the commands, so that a machine that slows down slows both. Goals: the list .15,
help and bad input .4, a simulation by kernels 1.5, a derivation 2, each quick preset 8.

    python -m benchmarks.startup            without the quick presets, half a minute
    python -m benchmarks.startup --presets  with them, some minutes
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.study.index import studies
from benchmarks.command_line import run

DERIVE = ("-m", "analysis.derive", "(1 - x*y)**2/2", "--weights", "x", "y", "--at", "eta=0.1")
SIMULATE = """
from eos_sym import GradientDescent, shallow
from numeric import compile_map
compile_map(GradientDescent().map(shallow())).run({"x": 3.2, "y": 0.33}, {"eta": 0.2}, steps=5000, engine="compiled")
"""
UNIT = ("-c", "import torch")
STARTS = {
    "python -m analysis": (("-m", "analysis"), 0.15),
    "minimalist --help": (("-m", "analysis.minimalist", "--help"), 0.4),
    "minimalist --eta fast": (("-m", "analysis.minimalist", "--eta", "fast"), 0.4),
    "edge_of_stability --steps 0": (("-m", "analysis.edge_of_stability", "--steps", "0"), 0.4),
    "a simulation by kernels": (("-c", SIMULATE), 1.5),
    "derive '(1 - x*y)**2/2' …": (DERIVE, 2.0),
}
ROUNDS = 3


def processor_seconds(arguments: Sequence[str]) -> float:
    """User and system time of a Python process and of all that it started."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        more = ("--out", folder) if arguments[0] == "-m" and len(arguments) > 2 else ()
        subprocess.run([sys.executable, *arguments, *more], check=False, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


@dataclass(frozen=True)
class Options:
    """What it costs to start."""

    presets: bool = False
    """the quick preset of every study too, once each"""


def main(options: Options) -> None:
    """Measure in turn, and print the ratios beside their goals."""
    commands = dict(STARTS)
    rounds = dict.fromkeys(commands, ROUNDS)
    if options.presets:
        presets = {name: (("-m", f"analysis.{name}", "--json"), 8.0) for name in studies() if name != "derive"}
        commands |= presets
        rounds |= dict.fromkeys(presets, 1)
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    units = []
    for turn in range(ROUNDS):
        units.append(processor_seconds(UNIT))
        for name, (arguments, _) in commands.items():
            if turn < rounds[name]:
                seconds[name].append(processor_seconds(arguments))
    unit = min(units)
    print(f"unit: import torch, {unit:.2f} s of processor time\n")
    for name, (_, goal) in commands.items():
        ratio = min(seconds[name]) / unit
        print(f"{name:32} {ratio:6.2f}   goal {goal:5.2f}   {'' if ratio <= goal else 'missed'}")


if __name__ == "__main__":
    run("python -m benchmarks.startup", Options, main)
