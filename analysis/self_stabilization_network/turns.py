"""What is measured of a network's turns beside the prediction.

A turn is the time in which εt grows by √2 π, with the ε of every step. Errors are ‖v − v*‖ over the δ of the start.
Errors: `Undecided` for runs that did not come to the edge or not far enough, and where an assumption has failed before.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from analysis.self_stabilization_network.runs import CRITERIA, NETWORKS, TURN
from eos_sym import Undecided
from numeric.compile import Array
from numeric.runs import combine


@dataclass(frozen=True)
class Order:
    """An order of the prediction, in words."""

    name: str
    words: str


ORDERS = (
    Order("cubic", "the paper's"),
    Order("quartic", "with the term of the fourth derivative"),
    Order("complete", "with both terms along u"),
)


@dataclass(frozen=True, eq=False)
class Run:
    """A run by its labels, and what was recorded of it."""

    network: str
    criterion: str
    place: int
    seed: int
    eta: float
    long: bool
    told: xr.Dataset

    def __str__(self) -> str:
        return f"{NETWORKS[self.network]}, {CRITERIA[self.criterion]}, η = {self.eta:g}, seed {self.seed}"

    @property
    def begun(self) -> bool:
        """Whether it came to the edge, and the sharpness rose there."""
        return "x" in self.told

    @property
    def path(self) -> xr.Dataset:
        """What was recorded from the edge on; `Undecided` where nothing was."""
        if not self.begun:
            raise Undecided(f"{self}: {self.told.attrs['ending']}")
        return self.told

    @property
    def epsilon(self) -> float:
        """ε at the start."""
        return float(self.told.epsilon[0])

    @property
    def turned(self) -> Array:
        """The turns before each step, (step,)."""
        epsilon: Array = self.path.epsilon.values / TURN
        return np.cumsum(epsilon) - epsilon

    def until(self, turns: float) -> int:
        """The steps of so many turns; `Undecided` where the run has fewer."""
        turned = self.turned
        if not (enough := turned >= turns).any():
            most, ending = np.nanmax(turned), self.told.attrs["ending"]
            why = "out of steps" if ending == "steps" else ending
            raise Undecided(f"{self}: ends after {most:.1f} turns: {why}")
        return int(enough.argmax())

    def failing_from(self, order: str) -> int:
        """The step at which an assumption of this order fails; one behind the last, if none does."""
        return int(self.told.failing_from.sel(order=order))

    def held(self, order: str, turns: float) -> slice:
        """The steps of so many turns, if the assumptions hold until their end."""
        end, since = self.until(turns), self.failing_from(order)
        if since <= end:
            name = str(self.told.failing.sel(order=order).values)
            value = float(self.told.reach.sel(assumption=name)[since])
            done = self.turned[since]
            raise Undecided(f"{self}: {name} is {value:.2f} from step {since} on, after {done:.1f} turns")
        return slice(0, end + 1)

    def largest_error(self, order: str, turns: float = 1, assuming: str | None = None) -> float:
        """The largest error in so many turns; infinite where the prediction is gone.

        The assumptions that have to hold are those of the order itself, or of another.
        """
        errors = self.path.error.sel(order=order).values[self.held(assuming or order, turns)]
        return float(errors.max()) if np.isfinite(errors).all() else np.inf

    def left_at(self, order: str) -> int | None:
        """The first step with an error of 1 or more."""
        left = ~(self.told.error.sel(order=order).values < 1)
        return int(left.argmax()) if left.any() else None

    def relative_error(self, name: str, order: str, turns: float = 4) -> float:
        """The root mean square error of a predicted series, over that of the part of it that turns.

        Infinite where the prediction is gone while the series is read.
        """
        told = self.path.isel(step=self.held(order, turns))
        rest = {"loss": told.constrained_loss, "sharpness": 2 / self.eta}.get(name, 0.0)
        errors, part = told[name] - told[f"predicted_{name}"].sel(order=order), told[name] - rest
        known = told[name].notnull().values
        if name == "sharpness":  # of midpoints, of which the ends have none
            known &= ~np.isin(told.step, self.path.step[[0, -1]])
        errors, part = errors[known], part[known]
        return float(np.sqrt((errors**2).mean() / (part**2).mean())) if np.isfinite(errors).all() else np.inf

    def mean_of(self, assumption: str) -> float:
        """The mean along the constrained trajectory."""
        return float(self.path.reach.sel(assumption=assumption).mean())


def long_runs(runs: list[Run]) -> Iterator[Run]:
    """Those of several turns, begun or not."""
    return (run for run in runs if run.long)


def first_turns(runs: list[Run], kind: tuple[str, str], order: str) -> list[Run]:
    """The runs of a network with a criterion whose assumptions hold through a turn; `Undecided` if there is none."""

    def holds(run: Run) -> bool:
        try:
            run.held(order, 1)
        except Undecided:
            return False
        return True

    known = [run for run in runs if (run.network, run.criterion) == kind and holds(run)]
    if not known:
        raise Undecided(f"{NETWORKS[kind[0]]}, {CRITERIA[kind[1]]}: no run whose assumptions hold through a turn")
    return known


def recorded(runs: list[Run]) -> xr.Dataset:
    """All runs along the dimension `run`, with their labels, and how and why they end."""
    begun = [run for run in runs if run.begun]
    if not begun:
        raise Undecided("; ".join(f"{run}: {run.told.attrs['ending']}" for run in runs))
    words = ["failing", "failing_from"]
    series = combine([run.told.drop_vars(words).drop_attrs() for run in begun], {"run": range(len(begun))})
    labels = {
        name: ("run", [getattr(run, name) for run in begun]) for name in ("network", "criterion", "eta", "seed", "long")
    }
    ends = {name: ("run", [run.told.attrs[name] for run in begun]) for name in ("ending", "crossing")}
    fails = {name: (("run", "order"), np.stack([run.told[name].values.astype(str) for run in begun])) for name in words}
    not_begun = {
        "not_begun": ("label", [f"{run}: {run.told.attrs['ending']}" for run in runs if not run.begun] or [""])
    }
    return series.assign({**labels, **ends, **fails, **not_begun})
