"""What the image sets share: which examples are taken, how images are enlarged, and how pixels are standardized.

Images are tensors (n, channels, height, width). Two standardizations are in use. Both centre every pixel over the set.

    common     x ← (x − mean)/s, one s for all pixels: the mean square over all pixels and examples becomes 1
    per pixel  x ← (x − mean)/std of that pixel, as CIFAR-10 has it (see `cifar`)

Sets whose border pixels hardly ever change need the first: the second would make single examples enormous there.

Errors: `BadInput` for a number of examples, a number of classes or an image size that the set does not have, and for a
share of labels beyond 0 … 1.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from eos_sym import BadInput
from numeric.networks.data.examples import Examples, one_hot
from numeric.values import real_number, whole_number


def class_examples(
    images: Tensor, labels: Tensor, *, examples: int | None, classes: int, size: int | None, noise: float
) -> Examples:
    """The examples of the first `classes` classes, enlarged, standardized together, and a balanced part of them."""
    available = int(labels.max()) + 1
    if not 2 <= classes <= available:
        raise BadInput(f"classes = {classes}: must be from 2 to {available}")
    of_these = labels < classes
    images, labels = standardized(enlarged(images[of_these], size)), labels[of_these]
    chosen = balanced(labels, examples)
    return Examples(images[chosen], one_hot(redrawn(labels, noise, classes)[chosen], classes), classes=True)


def redrawn(labels: Tensor, noise: float, classes: int) -> Tensor:
    """The labels, of which about the share `noise` is drawn anew from all classes: always the same ones, nested."""
    if not 0 <= real_number("noise", noise) <= 1:
        raise BadInput(f"noise = {noise}: the share of the labels that are drawn anew, from 0 to 1")
    generator = torch.Generator().manual_seed(0)
    chance = torch.rand(len(labels), generator=generator, dtype=torch.float64)
    anew = torch.randint(classes, labels.shape, generator=generator)
    return torch.where(chance < noise, anew, labels)


def balanced(labels: Tensor, examples: int | None) -> Tensor:
    """Indices of the first example of each class in turn, then the second of each, …: subsets are nested."""
    check_examples(examples, len(labels))
    rank = (functional.one_hot(labels).cumsum(0).gather(1, labels[:, None]) - 1)[:, 0]
    return torch.argsort(rank * (labels.max() + 1) + labels, stable=True)[:examples]


def check_examples(examples: int | None, available: int) -> None:
    """Refuse a number of examples that the set does not have; None stands for all of them."""
    if examples is not None and whole_number("examples", examples, least=1) > available:
        raise BadInput(f"examples = {examples}: must be from 1 to {available}")


def enlarged(images: Tensor, size: int | None) -> Tensor:
    """The images at size × size pixels, interpolated bilinearly; None leaves them as they are."""
    if size is None:
        return images
    if size < images.shape[-1]:
        raise BadInput(f"size = {size}: images are only enlarged, and these have {images.shape[-1]} pixels a side")
    return functional.interpolate(images, size=(size, size), mode="bilinear", align_corners=False)


def standardized(images: Tensor) -> Tensor:
    """The images, every pixel centred, all divided by one number so that their mean square is 1."""
    centred = images - images.mean(0)
    return centred / centred.square().mean().sqrt()
