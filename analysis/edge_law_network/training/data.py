"""What the networks of the study learn, by name, and how wide they are: few examples of few numbers.

    digits_n       n handwritten digits in their 16 principal components, divided by their root mean square over all
                   digits, with labels ±1 drawn at random: 16–14–14–1, 463 weights
    chebyshev_k    T_k at 8 points of [−1, 1]: 1–12–12–1, 193 weights

The seed chooses the digits and their labels; Chebyshev's polynomials are the same for every seed.
"""

from collections.abc import Callable, Mapping
from functools import cache, partial
from types import MappingProxyType

import torch
from torch import Tensor

from numeric.networks.data import Chebyshev, Digits, Examples, principal_axes

COMPONENTS = 16
POINTS = 8


@cache
def principal_components() -> Tensor:
    """Every digit's leading principal components, (1797, 16), of mean square 1."""
    pixels = Digits().load().inputs.flatten(1)
    components = (pixels - pixels.mean(0)) @ principal_axes(pixels, COMPONENTS)
    scaled: Tensor = components / components.square().mean().sqrt()
    return scaled


def random_labels(examples: int, seed: int) -> Examples:
    """So many digits, and their labels."""
    generator = torch.Generator().manual_seed(seed)
    components = principal_components()
    chosen = torch.randperm(len(components), generator=generator)[:examples]
    labels = 2.0 * torch.randint(2, (examples, 1), generator=generator).double() - 1
    return Examples(components[chosen], labels, classes=False)


def chebyshev(degree: int, seed: int) -> Examples:
    """The polynomial, whatever the seed."""
    return Chebyshev(degree, POINTS).load()


DATA: Mapping[str, tuple[Callable[[int], Examples], tuple[int, ...]]] = MappingProxyType(
    {f"digits_{n}": (partial(random_labels, n), (14, 14)) for n in (12, 16, 24)}
    | {f"chebyshev_{k}": (partial(chebyshev, k), (12, 12)) for k in (3, 4)}
)
