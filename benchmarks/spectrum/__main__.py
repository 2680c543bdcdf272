"""``python -m benchmarks.spectrum``: errors at equal products and seconds a product, interleaved, and table.json.

A tanh network on digits, trained for a while; the truth is the dense Hessian's. Every contender is asked in turn with
every seed, in an order that changes. The error of a trace is relative to it, and that of a density ∫|φ − φ₀| dt, with
all nodes smoothed alike, `WIDTH` of the sharpness: root mean squares over the seeds. Seconds are processor time, the
median, in units of a product of ours with the same network.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.command_line import check_whole_numbers, run
from benchmarks.sharpness.contenders import Absent
from benchmarks.spectrum.contenders import DENSITIES, OURS, TRACES, smoothed
from numeric.networks.architectures import FullyConnected
from numeric.networks.curvature import HessianAt
from numeric.networks.data import Digits
from numeric.networks.edge.descent import descended
from numeric.networks.loss import FlatLoss, half_squared_error
from numeric.runs import provenance, write_atomically

WIDTH = 0.01
ETA = 0.3


@dataclass(frozen=True, kw_only=True)
class Options:
    """Trace and density of a network's Hessian at equal products, for us and for other tools."""

    hidden: int = 20
    """units of the hidden layer"""
    steps: int = 300
    """steps of gradient descent before"""
    products: int = 60
    """products for a trace, and for a probe of a density"""
    probes: int = 5
    """probes of a density"""
    seeds: int = 10
    """how often everybody is asked"""
    out: Path = Path("results/spectrum_benchmark")
    """folder for table.json"""

    def __post_init__(self) -> None:
        check_whole_numbers(self, 1, "hidden", "steps", "products", "probes", "seeds")


@dataclass(frozen=True)
class Row:
    """A contender's line: the error, over that of ours, and the time of a product."""

    quantity: str
    name: str
    error: float
    time: float


def compare(
    quantity: str, contenders: Mapping[str, Callable[[int], float]], seeds: int, unit: float
) -> tuple[list[Row], dict[str, str]]:
    """The errors of all, with every seed; `unit` is the time of all products at the price of ours."""
    errors: dict[str, list[float]] = {name: [] for name in contenders}
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    absent: dict[str, str] = {}
    names = list(contenders)
    for seed in range(seeds):
        for name in names[seed % len(names) :] + names[: seed % len(names)]:
            if name in absent:
                continue
            start = time.process_time()
            try:
                error = contenders[name](seed)
            except Absent as reason:
                absent[name] = str(reason)
                continue
            seconds[name].append(time.process_time() - start)
            errors[name].append(error)
    rows = [
        Row(quantity, name, float(np.sqrt(np.mean(np.square(one)))), statistics.median(seconds[name]) / unit)
        for name, one in errors.items()
        if name not in absent
    ]
    return rows, absent


def measure(options: Options) -> tuple[list[Row], dict[str, str]]:
    """Both quantities on one network."""
    torch.set_num_threads(1)
    data = Digits(500).load()
    module = FullyConnected((options.hidden,)).build(data, torch.Generator().manual_seed(0))
    loss = FlatLoss(module, data.inputs, data.targets, half_squared_error)
    loss.load(descended(loss, loss.parameters, ETA, options.steps))
    hessian = HessianAt(loss, loss.parameters)
    start = time.process_time()
    matrix = hessian.product(torch.eye(len(loss.parameters), dtype=torch.float64)).numpy()
    product = (time.process_time() - start) / len(matrix)
    values = np.linalg.eigvalsh((matrix + matrix.T) / 2)
    width = WIDTH * values[-1]
    grid = np.arange(values[0] - 4 * width, values[-1] + 4 * width, width / 4)
    truth = smoothed(values[None], np.full((1, len(values)), 1 / len(values)), grid, width)

    def error_of_trace(name: str) -> Callable[[int], float]:
        return lambda seed: TRACES[name](loss, options.products, seed) / values.sum() - 1

    def error_of_density(name: str) -> Callable[[int], float]:
        def error(seed: int) -> float:
            found = smoothed(*DENSITIES[name](loss, options.probes, options.products, seed), grid, width)
            return float(np.abs(found - truth).sum() * (grid[1] - grid[0]))

        return error

    traces, absent = compare(
        "trace", {name: error_of_trace(name) for name in TRACES}, options.seeds, options.products * product
    )
    densities, others = compare(
        "density",
        {name: error_of_density(name) for name in DENSITIES},
        options.seeds,
        options.probes * options.products * product,
    )
    return traces + densities, absent | others


def show(console: Console, rows: list[Row], absent: Mapping[str, str]) -> None:
    """A table for each quantity."""
    for quantity in ("trace", "density"):
        own = [row for row in rows if row.quantity == quantity]
        best = next(row for row in own if row.name.startswith(OURS))
        table = Table(title=quantity, title_justify="left")
        for heading in ("", "error", "of ours", "time", "of ours"):
            table.add_column(heading, justify="right" if heading else "left")
        for row in own:
            numbers = (f"{row.error:.2e}", f"{row.error / best.error:.2f}", f"{row.time:.2f}")
            table.add_row(row.name, *numbers, f"{row.time / best.time:.2f}")
        console.print(table)
    for name, reason in absent.items():
        console.print(f"{name}: {reason}", soft_wrap=True)


def main(options: Options) -> None:
    """Measure, write and print."""
    rows, absent = measure(options)
    configuration: dict[str, Any] = {**asdict(options), "out": str(options.out)}
    document = {"rows": [asdict(row) for row in rows], "absent": absent, "provenance": provenance(configuration)}
    text = json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    write_atomically(options.out / "table.json", lambda path: path.write_text(text, encoding="utf-8"))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    show(console, rows, absent)
    console.print(f"written: {options.out / 'table.json'}", soft_wrap=True)


if __name__ == "__main__":
    run("python -m benchmarks.spectrum", Options, main)
