"""The options that the studies of how far sharpening goes share, and what a factor's values have to be."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.training.options import TrainingOptions
from eos_sym.errors import BadInput

LEAST_VALUES, LEAST_SEEDS = 3, 2  # what a test for a trend needs


@dataclass(frozen=True, kw_only=True)
class SharpeningOptions(TrainingOptions):
    """The options of every analysis of how far sharpening goes."""

    seeds: int = 5
    """random starts for each value"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.seeds < LEAST_SEEDS:
            raise BadInput(f"--seeds {self.seeds}: give {LEAST_SEEDS} or more; 5 tell a trend")


def check_rising(option: str, values: Sequence[float], *, least: int | None = None) -> None:
    """Refuse values, given as this option, in which no trend can be seen, and those below the least there is."""
    shown = f"{option} {' '.join(f'{value:g}' for value in values)}".strip()
    if least is not None and min(values, default=least) < least:
        raise BadInput(f"{shown}: each must be {least} or more")
    if len(values) < LEAST_VALUES:
        raise BadInput(f"{shown}: a trend takes {LEAST_VALUES} values or more")
    if sorted(set(values)) != list(values):
        raise BadInput(f"{shown}: give rising values, each once")
