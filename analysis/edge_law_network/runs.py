"""The training runs of the study: which, by preset, how they are kept, and what is recorded of them all."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from analysis.edge_law_network.batch import Descents
from analysis.study import CommonOptions, expect
from numeric.runs import NoSpace, combine, sweep

QUICK = (("digits_12", "tanh"), ("digits_12", "gelu"))
FULL = tuple((f"digits_{n}", activation) for n in (12, 16, 24) for activation in ("tanh", "gelu", "softplus")) + tuple(
    (f"chebyshev_{k}", activation) for k in (3, 4) for activation in ("tanh", "gelu", "softplus")
)
SEEDS = {"quick": 4, "full": 6}
MULTIPLES = {"quick": (1.05, 1.2), "full": (1.05, 1.15, 1.3, 1.5, 1.8)}
STEPS = {"quick": 2000, "full": 20_000}
READINGS = {"quick": 6, "full": 12}


def planned(options: CommonOptions) -> tuple[Descents, ...]:
    """The batches of the preset."""
    chosen = QUICK if options.preset == "quick" else FULL
    seeds = tuple(range(options.seed, options.seed + SEEDS[options.preset]))
    preset = options.preset
    return tuple(
        Descents(data, activation, seeds, MULTIPLES[preset], STEPS[preset], READINGS[preset])
        for data, activation in chosen
    )


def train(planned: tuple[Descents, ...], folder: Path, workers: int | None) -> Mapping[Descents, xr.Dataset]:
    """The histories of the batches; those that were finished before are only read."""
    expect(sum(one.steps for one in planned))
    result = sweep(planned, folder / "runs", workers=workers)
    if result.failures:
        first = result.failures[0]
        where = f"; traceback in {first.traceback}" if first.traceback else ""
        raise (
            first.error
            if isinstance(first.error, NoSpace)
            else type(first.error)(f"a batch of runs failed: {first.reason}{where}")
        )
    histories = [history for history in result.histories if history is not None]
    return dict(zip(planned, histories, strict=True))


def combined(histories: Mapping[Descents, xr.Dataset]) -> xr.Dataset:
    """What was recorded of all runs, along the batches and their runs, without the weights."""
    along: dict[str, Any] = {"batch": [f"{one.data} {one.activation}" for one in histories]}
    weights = ("weights", "end")
    return combine([history.drop_vars(weights).drop_attrs() for history in histories.values()], along)
