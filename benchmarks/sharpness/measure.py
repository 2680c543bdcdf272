"""Everybody reads every point in turn; processor time counts in units of a gradient's, timed in the same turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from benchmarks.sharpness.contenders import Absent, Contender
from numeric.networks.curvature import HessianAt
from numeric.networks.loss import FlatLoss


@dataclass
class Record:
    """What a contender did: one entry a reading, the first reading, which starts cold, left out."""

    seconds: list[float] = field(default_factory=list)
    products: list[int] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Row:
    """A contender's line of the table: `counted` is a gradient and the products alone, at what one of ours costs."""

    name: str
    evaluations: float
    counted: float
    products: float
    worst_error: float
    missed: int


@dataclass(frozen=True)
class Comparison:
    """What came of one tolerance."""

    relative: float
    readings: int
    product: float
    rows: tuple[Row, ...]
    absent: Mapping[str, str]


def compare(
    loss: FlatLoss,
    points: Iterable[tuple[Tensor, float]],
    contenders: Mapping[str, Contender],
    relative: float,
    progress: Callable[[str], object],
) -> Comparison:
    """All contenders at points with their true sharpness; their order changes from point to point."""
    readers, absent = {}, {}
    for name, contender in contenders.items():
        try:
            readers[name] = contender(loss, relative)
        except Absent as reason:
            absent[name] = str(reason)
    records = {name: Record() for name in readers}
    gradients: list[float] = []
    products: list[float] = []
    for index, (weights, truth) in enumerate(points):
        progress(f"relative {relative:g}, reading {index}")
        hessian = HessianAt(loss, weights)
        direction = hessian.gradient[:, None]
        products.append(seconds(lambda: hessian.product(direction)))  # noqa: B023 — called at once
        gradients.append(seconds(lambda: loss.value_and_gradient(weights)))  # noqa: B023
        names = list(readers)
        for name in names[index % len(names) :] + names[: index % len(names)]:
            start = time.process_time()
            value, count = readers[name](weights)
            spent = time.process_time() - start
            if index:
                records[name].seconds.append(spent)
                records[name].products.append(count)
                records[name].errors.append(abs(value - truth) / abs(truth))
    unit = statistics.median(gradients)
    product = statistics.median(products) / unit
    rows = tuple(row(name, record, unit, product, relative) for name, record in records.items())
    return Comparison(relative, len(gradients) - 1, product, rows, absent)


def row(name: str, record: Record, gradient: float, product: float, relative: float) -> Row:
    """The medians, the worst error, and how many errors are above the tolerance."""
    return Row(
        name,
        statistics.median(record.seconds) / gradient,
        1 + product * statistics.median(record.products),
        statistics.median(record.products),
        max(record.errors),
        sum(not error <= relative for error in record.errors),
    )


def seconds(work: Callable[[], object]) -> float:
    """Processor time of some work."""
    start = time.process_time()
    work()
    return time.process_time() - start


def named(rows: Sequence[Row], name: str) -> Row:
    """The row of a contender."""
    return next(row for row in rows if row.name == name)
