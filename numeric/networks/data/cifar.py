"""CIFAR-10 from its standard binary files: the first training images, of all classes or of two.

    Cifar10     x ← (x − mean)/std, mean and std of every pixel over all 50,000 training images
    CifarPair   x ← x/255: of two classes, neither centred nor scaled, from the files that they are in

Inputs (n, 3, 32, 32), targets one-hot (n, 10) or (n, 2). A file holds 10,000 records of 3,073 bytes: the label, then
1,024 pixels of red, green and blue, row by row. Files are mapped, not read, and a pixel's sums are integers: mean and
variance are exact, and the memory needed is that of the images taken.

Errors: `BadInput` names the files that are missing and where they come from, a file of another size, a label that is
none, a pixel that is the same in all images, a class that there is not or twice. Source:
:cite:t:`krizhevsky2009learning`; standardized as in :cite:t:`cohen2021edge`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

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
    """The first `examples` training images of the files in the folder `root`."""

    root: str
    examples: int = 5000

    def __post_init__(self) -> None:
        check_examples(self.examples, RECORDS * len(FILES))

    @property
    def folder(self) -> Path:
        """The folder of the files."""
        return Path(self.root).expanduser()

    def check_files(self) -> None:
        """Refuse a folder that lacks a file, or has one of another size."""
        missing = [name for name in FILES if not (self.folder / name).is_file()]
        if missing:
            said = f"lacks {', '.join(missing)}; unpack {ADDRESS} and give the folder of these files"
            raise BadInput(f"{self.folder}: {said}")
        for path in (self.folder / name for name in FILES):
            _check_size(path)

    def load(self) -> Examples:
        """Images (n, 3, 32, 32) and one-hot targets (n, 10)."""
        self.check_files()
        paths = [self.folder / name for name in FILES]
        mean, deviation = _mean_and_deviation(tuple((path, path.stat().st_mtime_ns) for path in paths))
        files = [_mapped(path) for path in paths]
        taken = np.concatenate([file[: max(0, self.examples - RECORDS * i)] for i, file in enumerate(files)])
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

    def load(self) -> Examples:
        """Images (n, 3, 32, 32) and one-hot targets (n, 2); a file is opened if those before it have too few."""
        each = -(-self.examples // 2)
        found: list[list[NDArray[np.uint8]]] = [[], []]
        for name in FILES:
            path = Path(self.root).expanduser() / name
            if not path.is_file():
                raise BadInput(f"{path} is missing; unpack {ADDRESS} and give the folder of its files")
            _check_size(path)
            file = _mapped(path)
            for some, label in zip(found, self.classes, strict=True):
                some.extend(file[np.flatnonzero(file[:, 0] == label)[: each - len(some)], 1:])
            if all(len(some) == each for some in found):
                break
        else:
            raise BadInput(f"{self.root}: fewer than {each} images of a class of {self.classes} in all files")
        images = np.stack(found, axis=1).reshape(-1, *SHAPE)[: self.examples] / 255
        labels = torch.arange(self.examples) % 2
        return Examples(torch.from_numpy(images), one_hot(labels, 2), classes=True)


def _check_size(path: Path) -> None:
    size = path.stat().st_size
    if size != RECORDS * RECORD:
        raise BadInput(f"{path}: {size} bytes instead of {RECORDS * RECORD}; unpack {ADDRESS} again")


def _mapped(path: Path) -> NDArray[np.uint8]:
    """The records of a file, (10000, 3073), as a map of the file."""
    return np.memmap(path, np.uint8, "r", shape=(RECORDS, RECORD))


@lru_cache(maxsize=1)  # a sweep loads the same images for every run
def _mean_and_deviation(files: tuple[tuple[Path, int], ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of every pixel over all images, (3072,), of files with the times of their change."""
    total = np.zeros(RECORD - 1, np.int64)
    squares = np.zeros(RECORD - 1, np.int64)
    for path, _ in files:
        file = _mapped(path)
        for start in range(0, RECORDS, ROWS_AT_A_TIME):
            pixels = file[start : start + ROWS_AT_A_TIME, 1:].astype(np.uint32)
            total += pixels.sum(0, dtype=np.uint32)
            squares += np.square(pixels).sum(0, dtype=np.uint32)
    count = RECORDS * len(files)
    variance = count * squares - total**2  # times count²
    if not variance.all():
        raise BadInput(
            f"pixel {int((variance == 0).argmax())} is the same in all images: these are not CIFAR-10's files"
        )
    return total / count, np.sqrt(variance) / count
