"""The settings that are compared: three ways to a flatter minimum, all from the same beginning.

larger steps       gradient descent with several η; the first is the beginning of the other ways
SAM                normalized SAM with several radii ρ at the first η; ρ = 0 is gradient descent
smaller batches    SGD with batches of several sizes B at the first η; all examples are gradient descent
"""

from collections.abc import Sequence
from dataclasses import dataclass

from numeric.networks.training.optimizers import SAM, GradientDescent, Rule


@dataclass(frozen=True)
class Way:
    """A way to a flatter minimum: its name for programs, and in words."""

    id: str
    words: str

    def __str__(self) -> str:
        return self.id


WAYS = LARGER_STEPS, BY_SAM, SMALLER_BATCHES = (
    Way("larger_steps", "larger steps"),
    Way("sam", "SAM"),
    Way("smaller_batches", "smaller batches"),
)


@dataclass(frozen=True)
class Setting:
    """How a network is trained: its name, the rule, the size of a batch (None: all), and the ways that it is on."""

    name: str
    rule: Rule
    batch_size: int | None
    ways: tuple[Way, ...]


def settings(etas: Sequence[float], radii: Sequence[float], batch_sizes: Sequence[int]) -> list[Setting]:
    """The first step size alone, with which every way begins, and what differs from it in one number."""
    first, *others = etas
    return [
        Setting(f"η = {first:g}", GradientDescent(first), None, WAYS),
        *(Setting(f"η = {eta:g}", GradientDescent(eta), None, (LARGER_STEPS,)) for eta in others),
        *(Setting(f"ρ = {radius:g}", SAM(first, radius), None, (BY_SAM,)) for radius in radii),
        *(Setting(f"B = {size}", GradientDescent(first), size, (SMALLER_BATCHES,)) for size in batch_sizes),
    ]
