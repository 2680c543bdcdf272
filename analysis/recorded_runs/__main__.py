"""Training that another program recorded is trained here, its losses to the last digit, until rounding decides its way.

A program can be right about formulas and wrong about training, and no test that it writes itself will tell. Seven runs
of gradient descent were recorded by a program that shares nothing with this one: deep linear networks, and small ones
with tanh and ReLU on Chebyshev polynomials, with data, weights at the start, every loss and the top of the Hessian's
spectrum at every step. Here they are trained again, from the same weights, and their sharpness is read with bounds.

*How long two programs can agree.* At the edge of stability training can be chaotic: then two programs that add in
another order agree for a while, and afterwards as little as two runs of one program of which one begins a unit in the
last place beside the other. Such *shadows* say how long: a recorded run is to part where its shadows do, and not at
all if they do not. And they say what remains comparable: what scatters among them is no property of the training.

*Whose eigenvalues.* The recorded eigenvalues come from finite differences of the gradient, those here from products
with the Hessian, with a bound on each; where the two disagree the whole Hessian decides. A finite difference that
reaches over a kink of a ReLU sees the jump of the gradient there, divided by its step, as curvature.

Measured of all seven runs, 29,485 steps with a reading at every fifth. Before rounding is seen the recorded losses are
those here to half a unit of their last digit, or to 2e-11 where all digits are recorded, and the sharpness with smooth
activations to as much, or to 4e-7. Three runs part, at the steps 608, 615 and 227, and their shadows at 601 to 612,
612 to 623 and 226 to 228; four never do, nor do their shadows. Beyond, the mean sharpness agrees to .2 ± .3 % with the
largest step and to .01 % with the others. With the largest step the loss of the second half is 1.8 times what it is
here, and that is no disagreement: among six runs here it differs by 2.2, as it hangs on which way the catapult throws.

What the description of the data says of each run is under test. The loss of the ReLU network is off by 2e-12 where it
says 1e-12; and the sharpness of the tanh network by up to 4e-7 where it says 1e-10, at a median of 2e-11: these are
finite differences.

Refuted is that recorded eigenvalues are right: of the ReLU network 13 of 803 are too large, up to 120 times, where a
kink is within 7e-6, and the whole Hessian agrees with the readings here to 3e-10; the recorded mean sharpness of the
second half is 58 % too large by them. None is too small, and none of a smooth network is wrong.

Source: :cite:t:`cohen2021edge` for such networks; the runs are those of the repository
rfangit/edge-of-stability-browser. The quick preset has an extract of two of them, every hundredth value.
"""

from dataclasses import dataclass
from pathlib import Path

from analysis.study import CommonOptions, Study, check_steps
from eos_sym.errors import BadInput

study = Study(__name__, source="rfangit/edge-of-stability-browser")


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """Runs of gradient descent that another program recorded, trained again here: loss and sharpness beside theirs."""

    recorded: Path | None = None
    """folder of recorded runs, files NAME.npz; if not given, an extract of two of them that comes with the program"""
    steps: int | None = None
    """end every run after as many steps; 700 in the quick preset, all in the full one if not given"""
    workers: int | None = None
    """how many runs are trained at a time; as many as there are cores if not given"""

    def __post_init__(self) -> None:
        if self.steps is not None:
            check_steps(self.steps)
        if self.workers is not None and self.workers < 1:
            raise BadInput(f"--workers {self.workers}: must be 1 or more")


from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from analysis.recorded_runs.figure import draw
from analysis.recorded_runs.pairs import CALM, Pair, resolution
from analysis.recorded_runs.replay import OFF, Replay
from analysis.study import Evidence, Pieces, about, between, bounded, exceeds, over, same
from analysis.training.estimate import within
from analysis.training.recorded import recorded_in
from analysis.training.runs import swept
from eos_sym import Undecided
from numeric.compile import Array
from numeric.runs import combine

EXTRACT = Path(__file__).parent / "extract"
QUICK_STEPS, EVERY, READING = 700, 5, 1e-9
SHADOWS = {"quick": 1, "full": 5}
STATED = {  # relative, of loss and sharpness before the chaos, by the description of the data
    "relu_chebyshev": (1e-12, 1e-11),
    "tanh_chebyshev": (1e-10, 1e-10),
    "step_size_default": (1e-10, 1e-10),
    "step_size_catapult": (1e-10, 1e-10),
    "chebyshev_depth_2": (5e-6, 5e-6),
    "deep_linear_at_the_edge": (5e-6, 5e-6),
    "deep_linear_below_the_edge": (5e-6, 5e-6),
}
AT_ONE_TIME = (0.95, 1.05)
SAME_SHARPNESS = (0.99, 1.01)
NEARER = 0.9
STATISTICS: Mapping[str, Any] = {
    "mean": lambda loss: float(loss.mean()),
    **{
        f"{share:.0%} quantile": partial(lambda share, loss: float(np.quantile(loss, share)), share)
        for share in (0.1, 0.5, 0.9)
    },
}


@study.measurement
def planned(options: Options) -> Mapping[str, Replay]:
    """The runs by their names."""
    runs = {}
    for record in recorded_in(options.recorded or EXTRACT):
        steps = options.steps or (QUICK_STEPS if options.preset == "quick" else record.steps)
        every = EVERY if record.every == 1 else record.every
        runs[record.name] = Replay(record, min(steps, record.steps), every, SHADOWS[options.preset], READING)
    return runs


@study.measurement
def pairs(options: Options, folder: Path, planned: Mapping[str, Replay]) -> list[Pair]:
    """What came of them."""
    told = swept(planned, folder, options.workers)
    return [Pair(plan.record, told[name]) for name, plan in planned.items()]


@study.experiment
def replayed(pairs: list[Pair]) -> xr.Dataset:
    """What was recorded and what was trained here; nan beyond the end of a run."""
    return combine([one.told for one in pairs], {"run": [one.record.name for one in pairs]})


@study.claim(
    f"while rounding moves the loss of a run's shadows by less than {CALM:g}, it moves the recorded loss by no more "
    "from that here, to all digits recorded"
)
def same_until_rounding_is_seen(pairs: list[Pair]) -> Pieces:
    """The recorded run is one shadow more: the limit is that of the shadows, and half a unit of the last digit."""
    yield from over(pairs, calm_loss)


@study.claim(
    "over the same steps a run agrees as the description of the recorded runs says: the loss; the sharpness",
    "the README of the data: to 1e-12 and 1e-11 (ReLU), 1e-10 (tanh, before the chaos), 5e-6 (the others)",
    open=True,
)
def as_described(pairs: list[Pair]) -> Pieces:
    """What was said of them before this study was written, beside half a unit of the last digit recorded."""
    yield from about("the loss", over(pairs, described_loss))
    yield from about("the sharpness", over(pairs, described_sharpness))


def calm_loss(pair: Pair) -> Evidence:
    """Of one run."""
    steps = pair.told.step.values[pair.calm]
    quantity = f"largest relative difference of the loss in {steps[-1]} steps, {pair}"
    below = resolution(pair.record.loss) + CALM
    return bounded("network", quantity, float(pair.difference[pair.calm].max()), below=below)


def described_loss(pair: Pair) -> Evidence:
    """Of one run."""
    quantity = f"largest relative difference of the loss, {pair}"
    below = resolution(pair.record.loss) + stated(pair)[0]
    return bounded("network", quantity, float(pair.difference[pair.calm].max()), below=below)


def described_sharpness(pair: Pair) -> Evidence:
    """Of one run."""
    apart = np.abs(pair.sharpness_difference[pair.calm_readings])
    below = resolution(pair.record.eigenvalues) + stated(pair)[1]
    median = f"median {np.median(apart):.1g}, above at {(apart >= below).sum()} of {len(apart)} readings"
    return bounded(
        "network", f"largest relative difference of the sharpness, {median}, {pair}", float(apart.max()), below=below
    )


def stated(pair: Pair) -> tuple[float, float]:
    """What the description says of its loss and of its sharpness."""
    if (name := pair.record.file.stem) not in STATED:
        raise Undecided(f"{pair}: nothing is said of it")
    return STATED[name]


@study.claim("a recorded run parts from the one here if its shadows do, and not if they do not; and at their time")
def parts_with_its_shadows(pairs: list[Pair]) -> Pieces:
    """The first steps, and their ratio."""
    yield from about("if its shadows do", over(pairs, parts))
    yield from about("at their time", over([one for one in pairs if one.parted is not None], parting_time))


def parts(pair: Pair) -> Evidence:
    """Whether the recorded run does, beside its shadows."""
    words = {True: "all part", False: "none parts"}
    apart = [step is not None for step in pair.shadows_parted]
    expected = words.get(apart[0], "") if len(set(apart)) == 1 else "some part"
    if expected == "some part":
        raise Undecided(f"{pair}: {sum(apart)} of {len(apart)} shadows part in {pair.told.step.values[-1]} steps")
    quantity = f"whether it parts in {pair.told.step.values[-1]} steps, {pair}, beside its shadows"
    return same("network", quantity, expected, words[pair.parted is not None])


def parting_time(pair: Pair) -> Evidence:
    """Over the mean of its shadows."""
    shadows = [step for step in pair.shadows_parted if step is not None]
    if not shadows or pair.parted is None:
        raise Undecided(f"{pair}: no shadow parts")
    quantity = f"step of the parting, {pair.parted}, over that of its shadows, {min(shadows)} to {max(shadows)}, {pair}"
    return between("network", quantity, pair.parted / float(np.mean(shadows)), *AT_ONE_TIME)


@study.claim(
    "beyond the parting, the mean sharpness of the recorded run is that here; the mean and the deciles of its loss are "
    "where those of the run here and its shadows say that those of one more run are"
)
def statistics_agree(pairs: list[Pair]) -> Pieces:
    """Over the second half of the steps."""
    chosen = [one for one in pairs if one.parted is not None]
    if not chosen:
        raise Undecided("no run parts: take --preset full --recorded FOLDER")
    yield from about("mean sharpness", over(chosen, late_sharpness))
    for words, statistic in STATISTICS.items():
        yield from about("of its loss", over(chosen, partial(late_loss, words, statistic)))


def late_sharpness(pair: Pair) -> Evidence:
    """The mean of the ratios of blocks."""
    quantity = f"mean sharpness recorded over that here, second half, mean over blocks of time, {pair}"
    return within(quantity, pair.sharpness_ratio(), *SAME_SHARPNESS)


def late_loss(words: str, statistic: Any, pair: Pair) -> Evidence:
    """Within the bounds that the shadows foretell."""
    found, least, largest = pair.loss_beyond(statistic)
    return between("network", f"{words} of the recorded loss, second half, {pair}", found, least, largest)


@study.claim(
    f"the recorded eigenvalues, finite differences, are right to {OFF:g}: none is too small; none is too large",
    open=True,
)
def differences_are_right(pairs: list[Pair]) -> Pieces:
    """The readings while rounding is not seen; the whole Hessian confirms what is read here."""
    for words, sign in (("too small", -1), ("too large", 1)):
        yield from about(words, over(pairs, partial(wrong, words, sign)))


def wrong(words: str, sign: int, pair: Pair) -> Evidence:
    """How many are, and by how much at most."""
    apart = sign * pair.sharpness_difference[pair.calm_readings]
    many, most = int((apart > OFF).sum()), float(apart.max())
    far = f", by a factor of {1 + sign * most:.3g} at most" if many else ""
    return bounded("network", f"recorded eigenvalues that are {words}, of {len(apart)}{far}, {pair}", many, below=1)


@study.claim(
    "where a recorded eigenvalue is too large, the whole Hessian agrees with the reading here; and a kink of a ReLU is "
    "nearer than at other readings"
)
def kinks_are_seen_as_curvature(pairs: list[Pair]) -> Pieces:
    """All such readings, while rounding is not seen."""
    chosen = [one for one in pairs if one.wrong.any()]
    if not chosen:
        raise Undecided("no recorded eigenvalue is too large: take --preset full --recorded FOLDER")
    yield from about("whole Hessian", over(chosen, dense_agrees))
    yield from about("kink of a ReLU", over(chosen, kink_is_near))


def dense_agrees(pair: Pair) -> Evidence:
    """Of those readings that have it."""
    apart = np.abs(pair.told.sharpness / pair.told.dense - 1).values[pair.wrong]
    known = apart[np.isfinite(apart)]
    quantity = f"largest relative difference of the sharpness from the whole Hessian's, {len(known)} readings, {pair}"
    return bounded("autograd", quantity, float(known.max()), below=2 * READING)


def kink_is_near(pair: Pair) -> Evidence:
    """The share of pairs of a wrong and a right reading in which the wrong one is nearer."""
    nearest: Array = pair.told.nearest_kink.values
    off, right = nearest[pair.wrong], nearest[pair.calm_readings & ~pair.wrong]
    share = float((off[:, None] < right[None, :]).mean())
    quantity = f"share of pairs of readings of which the wrong one is nearer to a kink, at most {off.max():.1g}, {pair}"
    return exceeds("network", quantity, share, above=NEARER)


@study.summary
def summary(pairs: list[Pair]) -> Mapping[str, Any]:
    """Of every run: steps, 2/η, the largest differences while rounding is not seen, and where it parts."""
    return {
        str(one): {
            "steps": int(one.told.step.values[-1]),
            "edge": one.edge,
            "calm_steps": int(one.told.step.values[one.calm][-1]),
            "loss_difference": float(one.difference[one.calm].max()),
            "sharpness_difference": float(np.median(np.abs(one.sharpness_difference[one.calm_readings]))),
            "wrong_eigenvalues": int(one.wrong.sum()),
            "parted": one.parted,
            "shadows_parted": [step for step in one.shadows_parted if step is not None],
        }
        for one in pairs
    }


@study.figure
def figure(pairs: list[Pair]) -> Figure:
    """A run a row: loss, sharpness, and how far they are from the recorded ones."""
    return draw(pairs)


if __name__ == "__main__":
    study.main()
