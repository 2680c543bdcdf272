"""Which studies are asked, and how: the options that `analysis.verify` and `analysis.report` share."""

from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Annotated

import tyro

from analysis.study.index import no_such_study, programs
from analysis.study.options import CommonOptions, Conditions
from analysis.study.parts import Parts
from eos_sym.errors import BadInput

PASSED_ON = ("preset", "seed", "data_root", "device")  # to those studies that have these options


@dataclass(frozen=True, kw_only=True)
class Asked(Conditions):
    """Which studies, and what they may take."""

    only: tuple[str, ...] = ()
    """studies, by name; all if not given"""
    except_: Annotated[tuple[str, ...], tyro.conf.arg(name="except")] = ()
    """studies to be left out, by name"""
    workers: int | None = None
    """how many processes compute at a time; as many as there are cores if not given"""
    timeout: float | None = None
    """seconds that one study may take; if not given, 600 with the quick preset, and no limit with the full one"""
    data_root: Path | None = None
    """folder of CIFAR-10's binary files, for the full preset: data_batch_1.bin, or as many of the five as needed"""
    device: str = "cpu"
    """where torch computes: cpu, cuda, cuda:1"""

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise BadInput(f"--workers {self.workers}: must be 1 or more")
        if self.timeout is not None and not 0 < self.timeout < float("inf"):
            raise BadInput(f"--timeout {self.timeout:g}: give seconds above 0")
        there = programs()
        for option, names in ("--only", self.only), ("--except", self.except_):
            for name in names:
                if name not in there:
                    raise BadInput(f"{option} {no_such_study(name)}")
        if not self.names:
            raise BadInput(f"--except {' '.join(self.except_)}: leaves no study; name fewer")

    @cached_property
    def names(self) -> list[str]:
        """The studies that are asked for."""
        there = sorted(programs())
        return [name for name in there if name in (self.only or there) and name not in self.except_]

    @property
    def processes(self) -> int:
        """How many may compute at a time."""
        from dask.system import CPU_COUNT  # those that this process may use

        return self.workers or CPU_COUNT


def arguments(study: Parts, options: Asked) -> tuple[str, ...]:
    """What the study is asked; `BadInput` where it would refuse that."""
    kind = study.kind or CommonOptions
    there = {field.name: field.default for field in fields(kind)}
    given = {name: getattr(options, name) for name in PASSED_ON if name in there}
    if not study.example:
        kind(**given)
    asked = ((f"--{name.replace('_', '-')}", f"{value}") for name, value in given.items() if value != there[name])
    return (*study.example, *(text for both in asked for text in both))
