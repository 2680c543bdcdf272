"""Gradients and Hessian products of a loss whose data are spread over the processes of a torch.distributed group.

    L(θ) = Σ_r s_r L_r(θ),     ∇²L v = Σ_r s_r ∇²L_r v,     s_r = n_r/Σ n_r, or 1 where the loss is a sum

Every process, a *rank*, has the module with the same θ, as DistributedDataParallel keeps it, and its own part of the
data, of which L_r is the loss and n_r what that takes the mean over. The first rank leads: it alone decides at which
weights and of which vectors something is computed, tells the others, and adds up what they find. These `serve`
meanwhile, and hold no vectors but those that they are sent. So the ranks need not come to the same decisions by the
same rounding, and may be different machines.

Nobody is left waiting: a rank on which the computation fails says so in the place of its result, and then all of them
fail, with its number and its reason. A process that is killed closes its connections, which the others' communication
notices with gloo; other backends wait for their own timeout.

Shapes: θ (p,), block (p, m). Units: `evaluations` are those of the first rank, in gradients of its own part: all ranks
compute at the same time. Errors: what the ranks' own parts raise, `BadInput` as it is, anything else as `RunFailed`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from typing import Any, Literal, TypeVar, cast

import numpy as np
import torch
from torch import Tensor, distributed

from eos_sym import BadInput
from numeric.networks.curvature.passes import GradientAt
from numeric.networks.curvature.products import HessianAt
from numeric.networks.loss import BatchedLoss
from numeric.runs import RunFailed

Task = Literal["gradient", "value", "product", "repeated"]
Kind = type[HessianAt] | type[GradientAt]
Found = TypeVar("Found")
SAME = 1e-9  # relative: of float32 the sum is in float64


class Ranks:
    """The processes of a group: what they agree on, and how the first of them leads."""

    def __init__(self, group: distributed.ProcessGroup) -> None:
        self.group = group
        self.rank = distributed.get_rank(group)
        self.size = distributed.get_world_size(group)
        self.first = distributed.get_global_rank(group, 0)
        self._failed = False  # and all ranks know

    @property
    def leads(self) -> bool:
        """Whether this is the first rank."""
        return self.rank == 0

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is done inside fails on all ranks if it fails on one of them."""
        failure: Exception | None = None
        try:
            yield
        except Exception as error:  # whatever it is, the others are waiting
            failure = error
        self.agree(failure)

    def agree(self, failure: Exception | None) -> None:
        """Raise this rank's failure, or that of the first rank that has one."""
        said = self.all_of(None if failure is None else (isinstance(failure, BadInput), _reason(failure)))
        if any(one is not None for one in said):
            self._failed = True
        if failure is not None:
            raise failure
        for rank, one in enumerate(said):
            if one is not None:
                raise _failure(rank, *one)

    def all_of(self, own: Any) -> list[Any]:
        """What every rank has, by rank."""
        found: list[Any] = [None] * self.size
        distributed.all_gather_object(found, own, self.group)
        return found

    def share(self, count: float | None) -> float:
        """s_r of a part whose mean is over so many; 1 for a sum, which has no count."""
        counts = self.all_of(count)
        if len({one is None for one in counts}) > 1:
            raise BadInput("weight: a number on some ranks and none on others: give all of them the same")
        return 1.0 if count is None else count / sum(counts)

    def check_same(self, weights: Tensor) -> None:
        """Refuse ranks with other weights: the losses of their parts do not add up to one."""
        signs = torch.randint(2, weights.shape, generator=torch.Generator().manual_seed(0)).to(weights) * 2 - 1
        values = weights.double()
        sums = self.all_of((len(weights), float(values.norm()), float(values @ signs.double())))
        if not np.allclose(sums, sums[0], rtol=SAME, atol=SAME * sums[0][1]):
            raise BadInput(f"the ranks' weights differ, of {self.size} processes: begin with the same, as DDP does")

    def tell(self, message: Any = None) -> Any:
        """What the first rank says, on every rank."""
        told = [message]
        distributed.broadcast_object_list(told, self.first, self.group)
        return told[0]

    def send(self, tensor: Tensor) -> Tensor:
        """The first rank's tensor, in the place of those of the others."""
        distributed.broadcast(tensor, self.first, self.group)
        return tensor

    def total(self, compute: Callable[[], Sequence[Tensor]], device: torch.device) -> list[Tensor]:
        """The sums over the ranks of the tensors that each computes."""
        found: Sequence[Tensor] = ()
        failure: Exception | None = None
        try:
            found = compute()
        except Exception as error:
            failure = error
        failed = torch.tensor(float(failure is not None), device=device)
        distributed.all_reduce(failed, distributed.ReduceOp.MAX, self.group)
        if failed:
            self.agree(failure)
        summed = [one.contiguous().clone() for one in found]
        for one in summed:
            distributed.all_reduce(one, distributed.ReduceOp.SUM, self.group)
        return summed

    def led(
        self,
        loss: BatchedLoss,
        share: float,
        work: Callable[[Callable[[BatchedLoss, Tensor], Any]], Found],
        kind: Kind = HessianAt,
    ) -> Found:
        """What the first rank works out, with Hessians or gradients of all ranks' data, on every rank."""
        found: Found | None = None
        if self.leads:
            with self.leading():
                found = work(partial(HessianOverRanks, self, share, kind=kind))
        else:
            serve(self, loss, share, kind)
        return cast(Found, self.tell(found))

    @contextmanager
    def leading(self) -> Iterator[None]:
        """The first rank asks the others inside, who are let go at its end, whatever that is."""
        self._failed = False
        try:
            yield
        except BaseException as error:
            if not self._failed:
                self.tell(("failed", isinstance(error, BadInput), _reason(error)))
            raise
        self.tell(("done",))


class HessianOverRanks:
    """On the first rank the loss of all ranks' data, its gradient and, if of that kind, its Hessian's products."""

    def __init__(
        self, ranks: Ranks, share: float, loss: BatchedLoss, parameters: Tensor, kind: Kind = HessianAt
    ) -> None:
        self.ranks, self.share = ranks, share
        self.part = kind(loss, parameters)
        self.point = self.part.point
        self.products = 0
        ranks.tell(("at",))
        ranks.send(parameters.clone())

    @property
    def evaluations(self) -> float:
        """What this rank has computed so far, in gradients of its own part."""
        return self.part.evaluations

    @property
    def value(self) -> Tensor:
        """L(θ), a scalar tensor."""
        return self._value_and_gradient[0]

    @property
    def gradient(self) -> Tensor:
        """∇L(θ), (p,)."""
        return self._value_and_gradient[1]

    @cached_property
    def _value_and_gradient(self) -> tuple[Tensor, Tensor]:
        self.ranks.tell(("gradient", 0))
        value, gradient = carried_out(self.ranks, self.part, self.share, "gradient")
        return value, gradient

    def value_at(self, other: Tensor) -> Tensor:
        """L(θ'), a scalar tensor in float64, by a forward pass."""
        (value,) = self._of("value", other[:, None])
        return value

    def product(self, block: Tensor) -> Tensor:
        """∇²L(θ) times every column of the block (p, m)."""
        (image,) = self._of("product", block)
        self.products += block.shape[1]
        return image

    def repeated(self, block: Tensor) -> tuple[Tensor, Tensor]:
        """The products of a block (p, m) as computed here and in another arithmetic, each rank of its own sample."""
        one, other = self._of("repeated", block)
        return one, other

    def _of(self, task: Task, block: Tensor) -> list[Tensor]:
        self.ranks.tell((task, block.shape[1]))
        self.ranks.send(block.T.contiguous())
        return carried_out(self.ranks, self.part, self.share, task, block)


def serve(ranks: Ranks, loss: BatchedLoss, share: float, kind: Kind = HessianAt) -> None:
    """Compute this rank's part of what the first rank asks for, until that is done."""
    here = loss.parameters
    part = kind(loss, here)
    while True:
        match ranks.tell():
            case ("done",):
                return
            case ("failed", bad, reason):
                raise _failure(0, bad, reason)
            case ("at",):
                here = ranks.send(here.clone())
                part = kind(loss, here)
            case (task, columns):
                block = ranks.send(here.new_empty(columns, len(here))).T if columns else None
                carried_out(ranks, part, share, task, block)


def carried_out(
    ranks: Ranks, part: HessianAt | GradientAt, share: float, task: Task, block: Tensor | None = None
) -> list[Tensor]:
    """One task, on every rank of its part: what they add up to."""

    def own() -> Sequence[Tensor]:
        if task == "gradient":
            return share * part.value, share * part.gradient
        assert block is not None
        if task == "value":
            return (share * part.value_at(block[:, 0]),)
        assert isinstance(part, HessianAt)
        if task == "product":
            return (share * part.product(block),)
        one, other = part.repeated(block)
        return share * one, share * other.double()

    device = next(iter(part.loss.trainable.values())).device
    return ranks.total(own, device)


def _reason(error: BaseException) -> str:
    return f"{error}" or type(error).__name__


def _failure(rank: int, bad: bool, reason: str) -> Exception:
    return (BadInput if bad else RunFailed)(f"rank {rank}: {reason}")
