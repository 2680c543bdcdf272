"""Checkpoints: the state of a run in one file, written whole or not at all, and never trusted without its checksum.

    folder/checkpoint-STEP-SHA256.safetensors

A state is a tree of dictionaries, lists and tuples whose leaves are tensors, numbers, texts and None. The tensors are
the file's tensors, the rest is JSON in its header; nothing is pickled, so reading a file runs no code. Its name holds
the SHA-256 of its content. The two latest are kept: where the last was cut off or edited, the one before is used.

A tensor comes back on the CPU, with the strides it had, and in memory of its own, aligned as torch aligns: the last
bits of a product depend on both.

Errors: `BadInput` for a folder that cannot be written. A checkpoint that is not used is said in a warning.
"""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from numeric.runs import write_atomically

_NAME = re.compile(r"checkpoint-(\d+)-([0-9a-f]{64})\.safetensors")


class Checkpoints:
    """The checkpoints of one run, in a folder that nobody else writes to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._previous: Path | None = None  # the latest that is known to be whole

    def write(self, step: int, state: Mapping[str, Any]) -> None:
        """Write the state after so many steps, and remove all checkpoints but this one and the one before."""
        content = to_bytes(state)
        path = self.folder / f"checkpoint-{step}-{hashlib.sha256(content).hexdigest()}.safetensors"
        write_atomically(path, lambda file: file.write_bytes(content))
        self._remove_all_but({path, self._previous})
        self._previous = path

    def latest(self) -> Any:
        """The state in the latest checkpoint that is whole; None if there is none."""
        files = [path for path in self.folder.iterdir() if path.is_file()]  # and no pipe, which would be waited for
        named = {path: match for path in files if (match := _NAME.fullmatch(path.name))}
        for path, match in sorted(named.items(), key=lambda item: int(item[1][1]), reverse=True):
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() != match[2]:
                warnings.warn(f"{path}: cut off or edited, not used; an earlier state of the run is", stacklevel=2)
                continue
            try:
                state = from_bytes(content)
            except (
                SafetensorError,
                RuntimeError,
                ValueError,
                LookupError,
                TypeError,
                AttributeError,
            ):  # an older form, or not ours
                warnings.warn(f"{path}: of another form, not used; an earlier state of the run is", stacklevel=2)
                continue
            self._previous = path
            return state
        return None

    def remove(self) -> None:
        """Remove all checkpoints: the run is finished."""
        self._remove_all_but(set())

    def _remove_all_but(self, kept: set[Path | None]) -> None:
        for path in {path for path in self.folder.iterdir() if _NAME.fullmatch(path.name)} - kept:
            path.unlink(missing_ok=True)


def to_bytes(state: Any) -> bytes:
    """The state as the content of a safetensors file."""
    tensors: dict[str, Tensor] = {}
    tree = json.dumps(_pack(state, tensors))
    return save(tensors, {"state": tree})


def from_bytes(content: bytes) -> Any:
    """The state that `to_bytes` was given."""
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return _unpack(json.loads(header["__metadata__"]["state"]), load(content))


def _pack(value: Any, tensors: dict[str, Tensor]) -> Any:
    """The value as JSON, its tensors set aside under the numbers that stand for them."""
    if isinstance(value, Tensor):
        own, name = value.detach().cpu(), str(len(tensors))
        tensors[name] = own.clone(memory_format=torch.contiguous_format)  # the format knows no shared memory
        return {"tensor": name, "strides": own.stride()}
    if isinstance(value, Mapping):
        return {"mapping": [[_pack(key, tensors), _pack(item, tensors)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [_pack(item, tensors) for item in value]}
    if isinstance(value, list):
        return [_pack(item, tensors) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__}: not part of a state")


def _unpack(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_unpack(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if "mapping" in value:
        return {_unpack(key, tensors): _unpack(item, tensors) for key, item in value["mapping"]}
    if "tuple" in value:
        return tuple(_unpack(item, tensors) for item in value["tuple"])
    stored = tensors[value["tensor"]]
    return torch.empty_strided(stored.shape, value["strides"], dtype=stored.dtype).copy_(stored)
