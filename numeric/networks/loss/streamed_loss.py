"""A loss of the user's own, of batches of any kind, as a function of θ; one batch in memory at a time.

    L(θ) = Σ_b w_b ℓ(module(θ), b)

over the batches b of a `numeric.networks.data.stream.Stream`, whose weights w_b make it a mean over what is counted in
them, or a sum. ℓ is a function of module and batch that gives a scalar tensor, or something that has one as `.loss` or
under "loss", as Hugging Face's models do; without a function the module is called with the batch itself, the entries of
a dictionary by their names, those of a tuple or list one after the other.

`CriterionOfPairs` is the loss of batches (inputs, targets) that a criterion makes: ℓ = criterion(module(X), Y).

Shapes: θ (p,). Errors: `BadInput` for a module without trainable parameters, for batches that are no pairs, and for the
stream's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from eos_sym import BadInput
from numeric.networks.data import batch as contents
from numeric.networks.data.stream import Stream
from numeric.networks.loss.batched_loss import BatchedLoss, Selection

OwnLoss = Callable[[nn.Module, Any], Any]


@dataclass(frozen=True)
class StreamedLoss(BatchedLoss):
    """The mean, or the sum, of a user's loss over batches, as a function of the flat vector θ."""

    module: nn.Module
    stream: Stream
    function: OwnLoss | None = None
    selected: Selection | None = None
    double: bool = False
    function_name = "loss"

    def __post_init__(self) -> None:
        self._check_trainable()

    @property
    def size(self) -> int:
        """How many batches there are."""
        return self.stream.first.number

    @property
    def in_batches(self) -> bool:
        """Whether there are several."""
        return self.size > 1

    @property
    def count(self) -> float | None:
        """What the mean is over, counted."""
        return self.stream.first.total if self.stream.is_mean else None

    @property
    def of_examples(self) -> bool:
        """Whether it is a mean over what is in the batches; else a sum over these batches as they are."""
        return self.stream.is_mean

    as_they_are = "weight=1/len(data) for the mean over the batches as they are"
    remedy = f"give {as_they_are}"

    @property
    def sources(self) -> tuple[object, ...]:
        """What may hold a generator of random numbers that walking through the data draws from."""
        return self.stream.sources

    def samples(self, most: int) -> list[BatchedLoss]:
        """The loss of one batch, where there are several, and of all of them."""
        return [self.sample(most), self] if self.in_batches else [self]

    def batches(self) -> Iterator[tuple[Any, float]]:
        """Every batch that has any weight, and that weight."""
        for batch, weight in self.stream:
            yield contents.in_double(batch) if self.double else batch, weight

    def evaluate(self, batch: Any) -> Any:
        """The user's loss of a batch."""
        batch = contents.copied(batch)
        if self.function is not None:
            return _loss_in(self.function(self.module, batch))
        if isinstance(batch, Mapping):
            return _loss_in(self.module(**batch))
        return _loss_in(self.module(*batch) if isinstance(batch, tuple | list) else self.module(batch))

    def sample(self, most: int) -> StreamedLoss:
        """The loss of the first batch that counts."""
        for batch, _ in self.stream:
            return self.only(batch)
        raise BadInput("data: a walk through them found no batch that counts")

    def only(self, batch: Any) -> StreamedLoss:
        """The loss of this batch alone."""
        return replace(self, stream=Stream([batch]))

    def in_double(self, module: nn.Module, function: OwnLoss | None) -> StreamedLoss:
        """The same of data in float64, by these module and loss."""
        return replace(self, module=module, function=function, double=True)


class CriterionOfPairs(nn.Module):
    """(module, (X, Y)) ↦ criterion(module(X), Y); what is trained in the criterion is its own."""

    def __init__(self, criterion: Callable[[Any, Any], Any]) -> None:
        super().__init__()
        self.criterion = criterion

    def forward(self, module: nn.Module, batch: Any) -> Any:
        """The loss of a batch."""
        inputs, targets = self.pair(batch)
        return self.criterion(module(inputs), targets)

    @staticmethod
    def pair(batch: Any) -> tuple[Any, Any]:
        """Inputs and targets."""
        if not isinstance(batch, tuple | list) or len(batch) != 2:
            kind = f"a {type(batch).__name__}" + (f" of {len(batch)}" if isinstance(batch, tuple | list) else "")
            raise BadInput(
                f"a criterion is of batches (inputs, targets), not {kind}: give loss, a function of module and batch"
            )
        inputs, targets = batch
        return inputs, targets


def _loss_in(found: Any) -> Any:
    """The loss that a module's output holds; what is given, where it holds none."""
    if isinstance(found, Tensor):
        return found
    return found.get("loss", found) if isinstance(found, Mapping) else getattr(found, "loss", found)
