"""A loss as a function of one vector θ, the flat view of what is trained, summed over batches of the data.

    L(θ) = Σ_b w_b ℓ(b; θ)

at the memory of one batch. θ holds the parameters that require a gradient, or those of them that are `selected`: of the
module, in the order of ``module.parameters()``, and behind them those of its criterion, if that is a module itself. ℓ
is the user's own code, computed with θ in the place of the parameters wherever module and criterion hold them, so that
a penalty of the weights is differentiated like anything else; buffers, and parameters that θ does not hold, stay as
they are. A module under `torch.utils.checkpoint` is computed anew on the way back with its own weights: evaluate it
where θ is `loaded`.

Shapes: θ (p,). Errors: `BadInput` for nothing to train, and for two parameters of one name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

import torch
from torch import Tensor, nn

from eos_sym import BadInput

Selection = Callable[[str, nn.Parameter], bool]


class BatchedLoss(ABC):
    """The weighted sum of a user's loss on batches, as a function of θ; differentiable as often as torch can."""

    module: nn.Module
    selected: Selection | None
    function_name: str  # what the user calls what is evaluated beside the module

    @property
    @abstractmethod
    def function(self) -> object:
        """The user's criterion or loss; it may be a module with parameters of its own."""

    @property
    @abstractmethod
    def size(self) -> int:
        """How many examples there are, or of a stream how many batches: what `samples` are a part of."""

    @property
    @abstractmethod
    def in_batches(self) -> bool:
        """Whether there is more than is in memory at a time."""

    @property
    @abstractmethod
    def count(self) -> float | None:
        """What the mean is over, counted: examples, tokens; None of a sum."""

    @abstractmethod
    def batches(self) -> Iterator[tuple[Any, float]]:
        """Every batch that has any weight, and that weight w_b."""

    @abstractmethod
    def evaluate(self, batch: Any) -> Any:
        """ℓ(b) with the parameters as they are; a scalar tensor, if the user's code is right."""

    @abstractmethod
    def sample(self, most: int) -> BatchedLoss:
        """The loss of one batch at once: of up to so many examples spread over the data, or one of the stream's."""

    @abstractmethod
    def only(self, batch: Any) -> Self:
        """The loss of this batch alone."""

    @property
    @abstractmethod
    def of_examples(self) -> bool:
        """Whether it is the same however the examples are put together in batches."""

    @property
    @abstractmethod
    def remedy(self) -> str:
        """What to do with examples that belong together."""

    @abstractmethod
    def in_double(self, module: nn.Module, function: Any) -> Self:
        """The same of data in float64, by these module and criterion."""

    @property
    def sources(self) -> tuple[object, ...]:
        """What may hold a generator of random numbers that walking through the data draws from."""
        return ()

    def samples(self, most: int) -> list[BatchedLoss]:
        """A smaller loss, where there is one, and this one."""
        return [self.sample(most), self] if self.size > most else [self]

    @property
    def roots(self) -> dict[str, nn.Module]:
        """The modules that the loss is made of, by what the names of their parts begin with."""
        function = self.function
        return {"": self.module} | ({f"{self.function_name}.": function} if isinstance(function, nn.Module) else {})

    @property
    def whole(self) -> nn.Module:
        """They as one module, whose forward pass is the loss of a batch."""
        return _Whole(self.roots.values(), self.evaluate)

    def named_modules(self) -> Iterator[tuple[str, nn.Module]]:
        """Every part of them once, by its name."""
        for prefix, part in self._parts():
            yield prefix.removesuffix("."), part

    def _parts(self) -> Iterator[tuple[str, nn.Module]]:
        """Every part of them once, in torch's order, by what the names in it begin with."""
        seen = set[nn.Module]()
        for prefix, root in self.roots.items():
            ahead: list[tuple[str, nn.Module]] = [(prefix, root)]
            while ahead:
                name, part = ahead.pop()
                if part not in seen:
                    seen.add(part)
                    yield name, part
                    ahead += reversed([(f"{name}{own}.", one) for own, one in part._modules.items() if one is not None])

    @property
    def named_parameters(self) -> dict[str, nn.Parameter]:
        """Every parameter of them once, by its name, trained or not."""
        found: dict[str, nn.Parameter] = {}
        held = set[int]()
        for prefix, part in self._parts():
            for name, own in part._parameters.items():
                if own is None or id(own) in held:
                    continue
                held.add(id(own))
                if found.setdefault(prefix + name, own) is not own:
                    raise BadInput(
                        f"module and {self.function_name} both have a '{prefix + name}': rename the module's"
                    )
        return found

    @property
    def trainable(self) -> dict[str, nn.Parameter]:
        """The parameters that θ is made of, by name."""
        chosen = self.selected or (lambda _name, _own: True)
        return {name: own for name, own in self.named_parameters.items() if own.requires_grad and chosen(name, own)}

    @property
    def parameters(self) -> Tensor:
        """A copy of the present parameters, flattened, (p,)."""
        return nn.utils.parameters_to_vector(self.trainable.values()).detach().clone()

    def load(self, parameters: Tensor) -> None:
        """Write the flat vector into the module."""
        owns = [*self.trainable.values()]
        with torch.no_grad():
            for own, piece in zip(owns, pieces(parameters, owns), strict=True):
                own.copy_(piece)

    @contextmanager
    def loaded(self, parameters: Tensor) -> Iterator[None]:
        """The module has these parameters inside the context; a graph that waits for its backward does not notice."""
        owns = [*self.trainable.values()]
        kept = [own.data for own in owns]
        try:
            for own, piece in zip(owns, pieces(parameters.detach(), owns), strict=True):
                own.data = piece
            yield
        finally:
            for own, data in zip(owns, kept, strict=True):
                own.data = data

    def split(self, parameters: Tensor) -> dict[str, Tensor]:
        """The flat vector as views of the parameters' shapes, by name."""
        named = self.trainable
        return dict(zip(named, pieces(parameters, [*named.values()]), strict=True))

    def at(self, parameters: Mapping[str, Tensor], batch: Any) -> Any:
        """ℓ(b) with these parameters, by the names of `trainable`."""
        with self.given(parameters):
            return self.evaluate(batch)

    @contextmanager
    def given(self, parameters: Mapping[str, Tensor]) -> Iterator[None]:
        """Every part holds these parameters, by the names of `trainable`, in the place of its own; tied weights, too.

        They stand where torch.func.functional_call puts them, which alone takes as long as a small network.
        """
        given = {id(own): parameters[name] for name, own in self.trainable.items()}
        places: list[tuple[dict[str, Any], str, Tensor]] = [
            (part._parameters, name, own)
            for _, part in self.named_modules()
            for name, own in part._parameters.items()
            if own is not None and id(own) in given
        ]
        try:
            for held, name, own in places:
                held[name] = given[id(own)]
            yield
        finally:
            for held, name, own in places:
                held[name] = own

    def __call__(self, parameters: Tensor) -> Tensor:
        """L(θ), a scalar tensor; its graph holds every batch."""
        named = self.split(parameters)
        terms = [weight * self.at(named, batch) for batch, weight in self.batches()]
        return terms[0] if len(terms) == 1 else torch.stack(terms).sum()

    @torch.enable_grad()
    def terms(self, parameters: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Value and gradient, (p,), of every batch's term of L(θ), without a graph."""
        leaves = {name: piece.requires_grad_() for name, piece in self.split(parameters.detach()).items()}
        for batch, weight in self.batches():
            term = weight * self.at(leaves, batch)
            slopes = torch.autograd.grad(term, list(leaves.values()), allow_unused=True, materialize_grads=True)
            yield term.detach(), torch.cat([slope.reshape(-1) for slope in slopes])

    def value_and_gradient(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """L(θ) and ∇L(θ), (p,), without a graph, a batch at a time."""
        value, gradient = parameters.new_zeros(()), torch.zeros_like(parameters)
        for term, slope in self.terms(parameters):
            gradient += slope
            value += term
        return value, gradient

    @torch.enable_grad()  # for losses that take derivatives themselves
    def value(self, parameters: Tensor) -> Tensor:
        """L(θ) in float64, by a forward pass with θ in the module itself, a batch at a time."""
        with self.loaded(parameters):
            terms = [share * self.evaluate(batch).detach().double() for batch, share in self.batches()]
        return torch.stack(terms).sum()

    def _check_trainable(self) -> None:
        trained = [name for name, own in self.named_parameters.items() if own.requires_grad]
        if not trained:
            raise BadInput("the module has no parameter that requires a gradient")
        try:
            chosen = self.trainable
        except TypeError as error:
            raise BadInput(f"parameters: must be a function of a name and a parameter: {error}") from error
        if not chosen:
            raise BadInput(f"parameters: none of those that are trained is chosen; there are {', '.join(trained)}")


def pieces(vector: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    """The vector (p,) as views of the tensors' shapes."""
    parts = vector.split([one.numel() for one in like])
    return [part.view_as(one) for part, one in zip(parts, like, strict=True)]


class _Whole(nn.Module):
    def __init__(self, roots: Any, evaluate: Callable[[Any], Any]) -> None:
        super().__init__()
        self.roots, self.evaluate = nn.ModuleList(roots), evaluate

    def forward(self, batch: Any) -> Any:
        return self.evaluate(batch)
