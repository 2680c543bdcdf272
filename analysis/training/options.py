"""The options that all analyses with networks share, and where their runs are kept.

The quick preset trains on data that come with the libraries; the full preset is the paper's scale, on CIFAR-10, whose
files the user has, or as many of them as its images are in. Every run is kept in the folder ``runs`` of the results:
finished ones are not repeated, one that
was interrupted goes on where it stopped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from analysis.study import CommonOptions, Number, check_step_sizes, check_steps
from eos_sym.errors import BadInput

if TYPE_CHECKING:
    from numeric.networks.data import Cifar10
    from numeric.networks.training import Experiment

NO_IMAGES = "--preset full trains on CIFAR-10: give the folder of its binary files as --data-root FOLDER"


@dataclass(frozen=True, kw_only=True)
class TrainingOptions(CommonOptions):
    """The options of every analysis that trains networks."""

    device: str = "cpu"
    """where torch computes: cpu, cuda, cuda:1"""
    steps: int | None = None
    """end every run after as many steps; the preset's number if not given"""
    workers: int | None = None
    """how many runs are trained at a time; as many as there are cores if not given"""
    cluster: str | None = None
    """address of a running Dask cluster to train on, such as tcp://host:8786"""

    def __post_init__(self) -> None:
        if self.steps is not None:
            check_steps(self.steps)
        if self.workers is not None and self.workers < 1:
            raise BadInput(f"--workers {self.workers}: must be 1 or more")
        if self.workers is not None and self.cluster is not None:
            raise BadInput(f"--workers {self.workers} --cluster {self.cluster}: give one of the two")


@dataclass(frozen=True, kw_only=True)
class ImageOptions(TrainingOptions):
    """The options of every analysis whose full preset trains on CIFAR-10."""

    needs_images: ClassVar[bool] = True  # there, or goes without where it has none

    data_root: Path | None = None
    """folder of CIFAR-10's binary files, for the full preset: data_batch_1.bin, or as many of the five as needed"""
    examples: int = 5000
    """how many of CIFAR-10's first images the full preset trains on; the paper's number if not given"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.data_root is not None and self.preset == "quick":
            raise BadInput(f"--data-root {self.data_root}: the quick preset has data of its own; add --preset full")
        if self.needs_images and self.data_root is None and self.preset == "full":
            raise BadInput(NO_IMAGES)

    def cifar(self) -> Cifar10:
        """The first images of CIFAR-10."""
        from numeric.networks.data import Cifar10  # loads torch, which options do without

        if self.data_root is None:
            raise BadInput(NO_IMAGES)
        images = Cifar10(root=str(self.data_root), examples=self.examples)
        images.check_files()
        return images

    def base(self, quick: Experiment, full: Experiment) -> Experiment:
        """The preset's experiment, from the random start of the seed; the full preset's learns CIFAR-10."""
        chosen = quick if self.preset == "quick" else replace(full, data=self.cifar())
        return replace(chosen, seed=self.seed)


def check_seeds(seeds: int | None) -> None:
    """Refuse a number of random starts below 1."""
    if seeds is not None and seeds < 1:
        raise BadInput(f"--seeds {seeds}: must be 1 or more")


@dataclass(frozen=True, kw_only=True)
class SeedsOptions(TrainingOptions):
    """The options of analyses that train from several random starts."""

    seeds: int | None = None
    """random starts; the preset's number if not given"""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_seeds(self.seeds)


@dataclass(frozen=True, kw_only=True)
class OneStepSizeOptions(SeedsOptions, ImageOptions):
    """The options of analyses that train with one step size, from several random starts."""

    eta: Number | None = None
    """step size; the preset's if not given"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.eta is not None:
            check_step_sizes([self.eta])


@dataclass(frozen=True, kw_only=True)
class StepSizeOptions(ImageOptions):
    """The options of analyses that train with several step sizes."""

    eta: tuple[Number, ...] = ()
    """step sizes; the preset's if not given"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.eta:
            check_step_sizes(self.eta)
