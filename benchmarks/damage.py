"""Damaged files: does anything that was kept come back as other values, in silence?

    python -m benchmarks.damage [--number 1000] [--seed 0] [--kinds history results checkpoint grid kernel]

Each time one file of a kept artefact is damaged at random: a bit changes, a part is lost, zeroed, added or exchanged
with another file of the artefact, or all of it is gone. Then the artefact is read as a program would read it, which may
give what was kept (*same*: it was computed again, or the damage did not matter), or refuse in one line (*refused*).
Other values (*silent*), other exceptions (*uncaught*) and waiting without end
(*hung*) are findings; each is printed, and the exit code is 1 if there are any.
"""

from __future__ import annotations

import os
import random
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args
from unittest import mock

import numpy as np
import xarray as xr

from benchmarks.command_line import check_whole_numbers, run
from benchmarks.patience import OutOfTime, at_most
from eos_sym import BadInput, GradientDescent, shallow

Kind = Literal["history", "results", "checkpoint", "grid", "kernel"]
PATIENCE = 120  # seconds for one reading


@dataclass(frozen=True)
class Options:
    """Files of every kind, damaged at random and read."""

    number: int = 1000
    """of damages to each kind of file"""
    seed: int = 0
    """of the generator"""
    kinds: tuple[Kind, ...] = get_args(Kind)
    """of files"""

    def __post_init__(self) -> None:
        check_whole_numbers(self, 1, "number")
        check_whole_numbers(self, 0, "seed")


def history(folder: Path) -> Callable[[], Any]:
    """A training run, and its reading."""
    from numeric.networks.architectures import FullyConnected
    from numeric.networks.data import Chebyshev
    from numeric.networks.training import Experiment
    from numeric.networks.training import GradientDescent as Descent

    experiment = Experiment(Chebyshev(3), FullyConnected((3,)), Descent(0.1), steps=20)
    experiment.run(folder)
    return lambda: values(experiment.run(folder))


def results(folder: Path) -> Callable[[], Any]:
    """The results of a study, and their reading."""
    from numeric.runs import load, save

    table = xr.Dataset(
        {"sharpness": ("row", np.linspace(0, 9, 400)), "name": ("row", [f"run {i}" for i in range(400)])}
    )
    save({"table": table, "other": 2 * table[["sharpness"]]}, folder / "data.nc", {"eta": 0.1})
    return lambda: {name: values(group.to_dataset()) for name, group in load(folder / "data.nc").children.items()}


def checkpoint(folder: Path) -> Callable[[], Any]:
    """The latest two states of a run; is what is read one that it had? From each it goes on to the same bits."""
    import torch

    from numeric.networks.training.checkpoints import Checkpoints

    states = {step: torch.linspace(0, step, 500) for step in (1, 2)}
    kept = Checkpoints(folder)
    for step, weights in states.items():
        kept.write(step, {"step": step, "weights": weights})

    def read() -> bool:
        state = Checkpoints(folder).latest()
        return state is None or torch.equal(state["weights"], states[state["step"]])

    return read


def grid(folder: Path) -> Callable[[], Any]:
    """A grid of runs, and its reading."""
    from numeric import compile_map
    from numeric.grids import compute_grid

    starts = xr.DataArray(np.linspace(0.5, 3, 12), dims="start", coords={"start": np.linspace(0.5, 3, 12)})
    x, y = shallow().weights
    simulator = compile_map(GradientDescent().map(shallow()))

    def read() -> Any:
        lazy = simulator.run({x.name: starts.chunk(start=4), y.name: 0.33}, {"eta": 0.2}, steps=50, engine="numpy")
        return values(compute_grid(lazy, folder / "runs.zarr", configuration={}).compute())

    read()
    return read


def kernel(folder: Path) -> Callable[[], Any]:
    """A compiled kernel, and a simulation by it as in another process."""
    from numeric import compile_map
    from numeric.compile.cache import root
    from numeric.compile.kernel import compile_kernel

    x, y = shallow().weights
    simulator = compile_map(GradientDescent().map(shallow()))
    asked: dict[str, Any] = {"steps": 50, "record_every": 1, "engine": "compiled"}
    simulator.run({x.name: 3.0, y.name: 0.33}, {"eta": 0.2}, **asked)  # loads the loops from the user's own cache

    def read() -> Any:
        try:
            compile_kernel.cache_clear()
            root.cache_clear()
            with mock.patch.dict(os.environ, XDG_CACHE_HOME=str(folder)):
                return values(simulator.run({x.name: 3.0, y.name: 0.33}, {"eta": 0.2}, **asked))
        finally:
            compile_kernel.cache_clear()
            root.cache_clear()

    read()
    return read


KINDS: dict[Kind, Callable[[Path], Callable[[], Any]]] = {
    "history": history,
    "results": results,
    "checkpoint": checkpoint,
    "grid": grid,
    "kernel": kernel,
}


def values(dataset: xr.Dataset) -> dict[str, Any]:
    """All bits of a dataset."""
    return {str(name): (one.dims, one.values.tobytes()) for name, one in dataset.variables.items()}


def damaged(content: bytes, others: list[bytes], generator: random.Random) -> tuple[str, bytes | None]:
    """What is done to the content of a file, and what is left; None if the file is gone."""
    place, size = generator.randrange(max(1, len(content))), generator.randrange(1, 100)
    cut = content[:place]
    kinds: dict[str, Callable[[], bytes | None]] = {
        "a bit": lambda: cut + bytes([content[place] ^ 1 << generator.randrange(8)]) + content[place + 1 :],
        "cut off": lambda: cut,
        "a part lost": lambda: cut + content[place + size :],
        "a part zeroed": lambda: cut + bytes(min(size, len(content) - place)) + content[place + size :],
        "a part added": lambda: cut + generator.randbytes(size) + content[place:],
        "exchanged": lambda: generator.choice(others) if others else b"",
        "gone": lambda: None,
    }
    if not content:
        del kinds["a bit"]
    name = generator.choice(["a bit"] * 6 + [*kinds]) if content else generator.choice([*kinds])
    return name, kinds[name]()


def outcome(read: Callable[[], Any], expected: Any) -> str:
    """What becomes of a reading."""
    try:
        with at_most(PATIENCE), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return "same" if read() == expected else "silent"
    except BadInput as error:
        return "refused" if "\n" not in str(error) else "uncaught: a message of several lines"
    except OutOfTime:
        return "hung"
    except Exception as error:
        return f"uncaught: {type(error).__name__}: {error}"


def searched(kind: Kind, number: int, seed: int) -> Iterator[tuple[str, str]]:
    """The outcomes of so many damages to artefacts of a kind, and what was done."""
    generator = random.Random(f"{seed} {kind}")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "kept"
        folder.mkdir()
        read = KINDS[kind](folder)
        expected = read()
        whole = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file() and file.name != ".lock"}
        for _ in range(number):
            file = generator.choice(sorted(whole))
            others = [content for other, content in sorted(whole.items()) if content != whole[file]]
            done, left = damaged(whole[file], others, generator)
            if left is None:
                file.unlink()
            else:
                file.write_bytes(left)
            found = outcome(read, expected)
            yield found, f"{kind}: {file.relative_to(folder)}, {done}"
            restore(folder, whole)


def restore(folder: Path, whole: dict[Path, bytes]) -> None:
    """Put every file back, and take away what came to them."""
    for file in folder.rglob("*"):
        if file.is_file() and file not in whole:
            file.unlink()
    for file, content in whole.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def main(options: Options) -> int:
    """Damage, read, print findings as they come, and count."""
    wrong = 0
    for kind in options.kinds:
        counts: Counter[str] = Counter()
        for found, done in searched(kind, options.number, options.seed):
            counts[found.partition(":")[0]] += 1
            if found not in ("same", "refused"):
                wrong += 1
                print(f"{done}: {found}", flush=True)
        print(f"{kind}: " + ", ".join(f"{count} {name}" for name, count in sorted(counts.items())), flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    run("python -m benchmarks.damage", Options, main)
