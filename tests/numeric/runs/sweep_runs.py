"""Runs for the tests of sweeps, in a module of their own so that other processes can import them."""

import os
import resource
import signal
import time
from dataclasses import dataclass

import numpy as np
import xarray as xr

from eos_sym import BadInput
from numeric.runs import locked, save


def note(folder):
    """One more line for every time that a run was begun, with the process that did it."""
    with (folder / "begun").open("a") as file:
        file.write(f"{os.getpid()}\n")


def begun(folder):
    return [int(line) for path in folder.glob("*/begun") for line in path.read_text().split()]


@dataclass(frozen=True)
class Products:
    """Random matrices multiplied, so that the last bits depend on the number of threads."""

    steps: int
    eta: float = 0.5
    seed: int = 0
    names: tuple[str, ...] = ()

    def run(self, folder, progress):
        note(folder)
        generator = np.random.default_rng(self.seed)
        matrix = generator.standard_normal((150, 150)) / 25
        state, losses = np.eye(150), []
        for _ in range(self.steps + 1):
            losses.append(np.sum(state**2))
            state = state - self.eta * (matrix.T @ (matrix @ state))
            progress(int(len(losses) <= self.steps))
        step = np.arange(self.steps + 1)
        return xr.Dataset(
            {"loss": ("step", losses), "sharpness": ("reading", [1.0, 2.0])},
            {"step": step, "time": ("step", self.eta * step), "reading": [0, 1]},
            {"ending": "steps", "eta": self.eta},
        )


@dataclass(frozen=True)
class Failing:
    """A run that raises what it is told to, as long as nobody mends it."""

    error: str
    bad_input: bool = False
    steps: int = 10

    def run(self, folder, progress):
        note(folder)
        if (folder / "mended").exists():
            return xr.Dataset({"loss": 0.0})
        raise BadInput(self.error) if self.bad_input else RuntimeError(self.error)


@dataclass(frozen=True)
class Full:
    """A run whose results are longer than any file may be."""

    steps: int = 10

    def run(self, folder, progress):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
        try:
            save({"history": xr.Dataset({"loss": ("step", np.zeros(1000))})}, folder / "history.nc", {})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)


@dataclass(frozen=True)
class Killed:
    """A run whose process is killed in the middle of it."""

    steps: int = 10

    def run(self, folder, progress):
        note(folder)
        progress(3)
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)
        return xr.Dataset()


@dataclass(frozen=True)
class KilledOnce:
    """A run whose process is killed when it is begun for the first time, after it has written where it is."""

    steps: int = 10

    def run(self, folder, progress):
        note(folder)
        if not (folder / "half").exists():
            (folder / "half").write_text("5")
            os.kill(os.getpid(), signal.SIGKILL)
        return xr.Dataset({"begun_at": int((folder / "half").read_text())})


@dataclass(frozen=True)
class Locking:
    """A run that needs its folder for itself."""

    steps: int = 10

    def run(self, folder, progress):
        with locked(folder):
            return xr.Dataset({"loss": 0.0})


@dataclass(frozen=True)
class Hungry:
    """A run for which there is no memory."""

    steps: int = 10

    def run(self, folder, progress):
        return xr.Dataset({"loss": ("step", np.ones(1 << 45))})


@dataclass(frozen=True)
class Exiting:
    """A run that ends its process."""

    steps: int = 10

    def run(self, folder, progress):
        os._exit(3)


@dataclass(frozen=True)
class Endless:
    """A run that neither ends nor says anything."""

    seed: int = 0
    steps: int = 10

    def run(self, folder, progress):
        note(folder)
        while True:
            time.sleep(0.05)


@dataclass(frozen=True)
class Stepping:
    """A run that does not end and says so at every step."""

    steps: int = 10

    def run(self, folder, progress):
        note(folder)
        while True:
            time.sleep(0.02)
            progress(1)
            (folder / "alive").write_text(str(time.monotonic()))


@dataclass(frozen=True)
class Threads:
    """How many threads linear algebra may use, and which process it was."""

    seed: int = 0
    steps: int = 1

    def run(self, folder, progress):
        from threadpoolctl import threadpool_info

        return xr.Dataset({"threads": max(pool["num_threads"] for pool in threadpool_info()), "process": os.getpid()})
