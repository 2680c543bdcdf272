"""Examples of a data set that were not trained on, to test on: those that come next, with the labels they really have.

The sets of images are nested: the first n examples are the same, and standardized by the same numbers, whatever n. So
the first n + m, without noise in the labels, are those trained on and m others.

Errors: `BadInput` for a data set that is not a part of a larger one, or has not that many more examples, and for a
number of them below 1.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch

from eos_sym import BadInput
from numeric.networks.data.examples import DataSet, Examples
from numeric.values import whole_number


def held_out(data: DataSet, examples: int) -> Examples:
    """As many examples as asked for, of those that follow the data's own."""
    whole_number("examples", examples, least=1)
    own: set[str] = {field.name for field in fields(data)} if is_dataclass(data) else set()
    if isinstance(data, type) or "examples" not in own or not (trained := data.load()).classes:
        raise BadInput(f"{type(data).__name__}: nothing is held out of it; give a part of a set of images, Digits(300)")
    larger: dict[str, Any] = {"examples": len(trained) + examples} | ({"noise": 0.0} if "noise" in own else {})
    whole = replace(data, **larger).load()  # type: ignore[type-var]  # a dataclass, as of the check above
    if not torch.equal(whole.inputs[: len(trained)], trained.inputs):
        raise BadInput(f"{data}: its examples are not the first of a larger set, so that none are known to be held out")
    return Examples(whole.inputs[len(trained) :], whole.targets[len(trained) :], classes=True)
