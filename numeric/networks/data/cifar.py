"""CIFAR-10 from its standard binary files, or as many of them as there are: the first images, of all classes or of two.

    Cifar10     x ← (x − mean)/std, mean and std of every pixel over all images that are there
    CifarPair   x ← x/255: of two classes, neither centred nor scaled

Inputs (n, 3, 32, 32), targets one-hot (n, 10) or (n, 2). A file holds up to 10,000 records of 3,073 bytes: the label,
then 1,024 pixels of red, green and blue, row by row. There are the images of ``data_batch_1.bin``, ``data_batch_2.bin``
and so on, to the first file that is missing; the last one may be shorter. With five whole files mean and std are the
papers'. In a configuration the number of these images and a digest of their files stand for the folder: runs with other
images are other runs. Files are mapped, not read, and a pixel's sums are integers: mean and variance are exact, and the
memory needed is that of the images taken.

Errors: `BadInput` for a folder without the first file, with a file that is cut off in a record, holds none, or is short
and not the last; for more images than there are; for a label that is none, a pixel that is the same in all images, a
class that there is not or twice. Source: :cite:t:`krizhevsky2009learning`; standardized as in :cite:t:`cohen2021edge`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from eos_sym import BadInput
from numeric.networks.data.examples import Examples, one_hot
from numeric.networks.data.images import check_examples

FILES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
ADDRESS = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
RECORDS = 10_000  # in a file
SHAPE = (3, 32, 32)
RECORD = 1 + 3 * 32 * 32  # bytes
CLASSES = 10
ROWS_AT_A_TIME = 100  # of the sums over all images: few enough to stay in the cache, and within 32 bits


@dataclass(frozen=True)
class Cifar10:
    """The first `examples` training images in the folder `root`."""

    root: str
    examples: int = 5000

    def __post_init__(self) -> None:
        check_examples(self.examples, RECORDS * len(FILES))

    def check_files(self) -> None:
        """Refuse a folder with fewer images."""
        files = _files(self.root)
        if self.examples > (there := sum(file.records for file in files)):
            raise BadInput(
                f"{self.root}: {there} images in {_named(files)}, and {self.examples} are asked for; take at most "
                f"{there} examples, or unpack all of {ADDRESS} there"
            )

    def configuration(self) -> dict[str, Any]:
        """What stands for it where a run is described: how many of which images."""
        return {"kind": "Cifar10", "examples": self.examples, **_content(_files(self.root))}

    def load(self) -> Examples:
        """Images (n, 3, 32, 32) and one-hot targets (n, 10)."""
        self.check_files()
        files = _files(self.root)
        mean, deviation = _mean_and_deviation(files)
        taken = np.concatenate([_mapped(file)[: max(0, self.examples - RECORDS * i)] for i, file in enumerate(files)])
        images = taken[:, 1:] - mean
        images /= deviation
        targets = one_hot(torch.from_numpy(taken[:, 0].astype(np.int64)), CLASSES)
        return Examples(torch.from_numpy(images).view(-1, *SHAPE), targets, classes=True)


@dataclass(frozen=True)
class CifarPair:
    """The first `examples` training images of two classes, of each in turn, with pixels from 0 to 1."""

    root: str
    examples: int = 50
    classes: tuple[int, int] = (0, 1)

    def __post_init__(self) -> None:
        if len(set(self.classes)) != 2 or not all(0 <= label < CLASSES for label in self.classes):
            raise BadInput(f"classes = {self.classes}: give two different ones from 0 to {CLASSES - 1}")
        check_examples(self.examples, RECORDS)

    def configuration(self) -> dict[str, Any]:
        """What stands for it where a run is described: how many of two classes, of which images."""
        chosen = {"examples": self.examples, "classes": list(self.classes)}
        return {"kind": "CifarPair", **chosen, **_content(_files(self.root))}

    def load(self) -> Examples:
        """Images (n, 3, 32, 32) and one-hot targets (n, 2)."""
        each, files = -(-self.examples // 2), _files(self.root)
        found: list[list[NDArray[np.uint8]]] = [[], []]
        for file in files:
            records = _mapped(file)
            for some, label in zip(found, self.classes, strict=True):
                some.extend(records[np.flatnonzero(records[:, 0] == label)[: each - len(some)], 1:])
        for some, label in zip(found, self.classes, strict=True):
            if len(some) < each:
                raise BadInput(
                    f"{self.root}: {len(some)} images of class {label} in {_named(files)}, and {each} are asked for; "
                    f"take fewer examples, or unpack all of {ADDRESS} there"
                )
        images = np.stack(found, axis=1).reshape(-1, *SHAPE)[: self.examples] / 255
        labels = torch.arange(self.examples) % 2
        return Examples(torch.from_numpy(images), one_hot(labels, 2), classes=True)


@dataclass(frozen=True)
class _File:
    """A file, how many records it has, and when it was changed, in nanoseconds."""

    path: Path
    records: int
    changed: int


def _files(root: str) -> tuple[_File, ...]:
    """The files that are there, up to the first that is missing."""
    folder = Path(root).expanduser()
    paths = [*takewhile(Path.is_file, (folder / name for name in FILES))]
    if not paths:
        raise BadInput(f"{root}: lacks {FILES[0]}; unpack {ADDRESS} and give the folder of its files")
    files = []
    for path in paths:
        facts = path.stat()
        records, rest = divmod(facts.st_size, RECORD)
        if rest or not 1 <= records <= RECORDS:
            raise BadInput(
                f"{path}: {facts.st_size} bytes, which are not 1 to {RECORDS} records of {RECORD}; unpack {ADDRESS} "
                "again"
            )
        files.append(_File(path, records, facts.st_mtime_ns))
    for short, following in pairwise(files):
        if short.records < RECORDS:
            raise BadInput(
                f"{short.path}: {short.records} of {RECORDS} images, and {following.path.name} follows; only the last "
                f"file may be short: unpack {ADDRESS} again"
            )
    return tuple(files)


def _named(files: tuple[_File, ...]) -> str:
    first, last = files[0].path.name, files[-1].path.name
    return first if first == last else f"{first} to {last}"


@lru_cache(maxsize=1)  # every run of a sweep is asked what it is, more than once
def _content(files: tuple[_File, ...]) -> dict[str, Any]:
    """The number of all images, and SHA-256 of the files' names, sizes and contents."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.path.name} {file.records}\n".encode())
        digest.update(_mapped(file).data)
    return {"images": sum(file.records for file in files), "sha256": digest.hexdigest()}


def _mapped(file: _File) -> NDArray[np.uint8]:
    """The records, (records, 3073), as a map of the file."""
    return np.memmap(file.path, np.uint8, "r", shape=(file.records, RECORD))


@lru_cache(maxsize=1)  # a sweep loads the same images for every run
def _mean_and_deviation(files: tuple[_File, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of every pixel over all images, (3072,)."""
    total = np.zeros(RECORD - 1, np.int64)
    squares = np.zeros(RECORD - 1, np.int64)
    for file in files:
        records = _mapped(file)
        for start in range(0, file.records, ROWS_AT_A_TIME):
            pixels = records[start : start + ROWS_AT_A_TIME, 1:].astype(np.uint32)
            total += pixels.sum(0, dtype=np.uint32)
            squares += np.square(pixels).sum(0, dtype=np.uint32)
    count = sum(file.records for file in files)
    variance = count * squares - total**2  # times count²
    if not variance.all():
        raise BadInput(
            f"pixel {int((variance == 0).argmax())} is the same in all images: these are not CIFAR-10's files"
        )
    return total / count, np.sqrt(variance) / count
