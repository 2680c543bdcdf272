"""Larger steps, SAM and smaller batches all end at flatter minima; whether these generalize better is another matter.

It is often said that flat minima generalize. Three ways of training are known to end at flatter ones:

    larger steps       gradient descent cannot rest where the sharpness S is above 2/η
    SAM                takes the gradient a step ρ uphill, and so has an edge below 2/η (`analysis.sam`)
    smaller batches    are limited by another kind of instability, below 2/η as well (`analysis.sgd_batch`)

Here one network is trained in all these ways, with everything else alike: the same data, the same loss at the end, and
five starts of each setting, each with its own initialization. At the end the sharpness and the trace of the Hessian are
measured, and the accuracy on a thousand images that were held out.

*Two questions, which are often taken for one.* Does the *setting* whose end is flatter test better? That is what one
wants to know who chooses a step size; but a setting that tests better may owe it to something else that it does. Does,
of several *starts* of one setting, the one whose end is flatter test better? There flatness is all that differs. Each
is a rank correlation, computed anew for every start, or for every setting, so that it has a standard error
(`relations`). A network that computes the same function with other weights can have any sharpness, so no theorem says
that either is negative.

Measured in the quick preset, digits: every way ends flatter than gradient descent with the first step size, S from 6.5
down to 2.7, the trace from 246 down to 174. The test accuracy knows little of it: it is .777 to .790 with standard
errors of .004 to .006. Across the settings its rank correlation with S is .15 ± .07, with the trace .17 ± .10: if
anything the sharper end tests *better*. Within a setting it is −.25 ± .16 and −.04 ± .23. These runs cannot tell
whether flatness helps; they can tell that these ways to it move the accuracy by .013 at most,
twice its standard error.

The full preset with 500 images of CIFAR-10 (``--examples 500 --eta .03 .06 .09``, 26 minutes of one core; with the
preset's η = .12 not all come to the loss, so .09 was taken in its place): S from 73 to 26 with larger steps, to 43
with smaller batches, to 5.2 with SAM, the trace from 3,980 to 1,050. There the flatter setting does test better, with
rank correlations of −.33 ± .09 (S) and −.25 ± .07 (trace), and by .274 ± .003 against .263 ± .009 at most: it is SAM
that does, for among step sizes it is −.10 ± .37, among batch sizes .37 ± .36, and among the starts of one setting −.08
± .20. So on digits flatness foretold nothing or the opposite, and here it goes with SAM.

All end at one loss, and not after one time, because a network that has been trained for longer is sharper and tests
better, whatever the way. The full preset does the same on CIFAR-10 with a larger network.

Sources: :cite:t:`foret2021sharpness` for SAM; :cite:t:`hutchinson1989stochastic` for the trace.
"""

from dataclasses import dataclass

from analysis.study import Number, Study, check_step_sizes
from analysis.training import ImageOptions, check_seeds
from eos_sym.errors import BadInput

study = Study(__name__, source="the open end of the slides; Foret et al. 2021 for SAM")


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(ImageOptions):
    """Sharpness, trace and test accuracy at the end of training to one loss: step sizes, radii of SAM, batch sizes."""

    eta: tuple[Number, ...] = ()
    """step sizes of gradient descent; SAM and small batches are trained with the first; the preset's if not given"""
    rho: tuple[Number, ...] = ()
    """radii of SAM; the preset's if not given"""
    batch_size: tuple[int, ...] = ()
    """sizes of the batches, beside all examples; the preset's if not given"""
    seeds: int = 5
    """random starts of every setting"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.eta:
            check_step_sizes(self.eta)
        check_seeds(self.seeds)
        for name, values in (("rho", self.rho), ("batch-size", self.batch_size)):
            if any(value <= 0 for value in values) or len(set(values)) < len(values):
                raise BadInput(f"--{name} {' '.join(map(str, values))}: give positive numbers, each once")


from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from analysis.flatter.ends import end
from analysis.flatter.figure import draw
from analysis.flatter.relations import Ends
from analysis.flatter.settings import BY_SAM, LARGER_STEPS, SMALLER_BATCHES, WAYS, Setting, Way, settings
from analysis.study import Evidence, Pieces, about, bounded, counted
from analysis.training import runs_along
from analysis.training.estimate import mean, power, within
from eos_sym import Undecided
from numeric.networks.architectures import FullyConnected
from numeric.networks.data import Digits, held_out
from numeric.networks.training import Experiment, GradientDescent, Measure, Stop
from numeric.runs import combine, one_thread

QUICK = Experiment(
    Digits(200),
    FullyConnected((30,)),
    GradientDescent(0.2),
    6000,
    stop=Stop(loss=0.03),
    measure=Measure(6000, relative=1e-2, last_weights=True),
)
FULL = replace(QUICK, network=FullyConnected((200, 200)), steps=100_000, micro_batch=1000)
ETAS = {"quick": (0.2, 0.35, 0.6), "full": (0.03, 0.06, 0.12)}
RADII = {"quick": (0.03, 0.1), "full": (0.1, 0.3)}
BATCH_SIZES = {"quick": (16, 4), "full": (32, 8)}
HELD_OUT = 1000
MEASURES = {"sharpness": "the sharpness", "trace": "the trace of the Hessian"}
SHOWN = ("sharpness", "trace", "test_accuracy", "loss")
FALLS = (-2.0, 0.0)
NEGATIVE = (-1.0, 0.0)
BY_DIFFERENCES = 1e-3


@study.measurement
def compared(options: Options) -> Sequence[Setting]:
    """The settings."""
    chosen = {
        name: getattr(options, name) or presets[options.preset]
        for name, presets in (("eta", ETAS), ("rho", RADII), ("batch_size", BATCH_SIZES))
    }
    return settings([*map(float, chosen["eta"])], [*map(float, chosen["rho"])], [*map(int, chosen["batch_size"])])


@runs_along(study, "setting", "start")
def planned(options: Options, compared: Sequence[Setting]) -> Mapping[tuple[str, int], Experiment]:
    """Every run begins at a start of its own."""
    base = options.base(QUICK, FULL)
    examples = len(base.data.load())
    if any(size >= examples for size in options.batch_size):
        raise BadInput(f"--batch-size {' '.join(map(str, options.batch_size))}: give sizes below {examples}")
    return {
        (one.name, start): replace(
            base, rule=one.rule, batch_size=one.batch_size, seed=options.seed + number * options.seeds + start
        )
        for number, one in enumerate(compared)
        for start in range(options.seeds)
    }


@study.experiment
def ends(
    planned: Mapping[tuple[str, int], Experiment], histories: Mapping[tuple[str, int], xr.Dataset], training: xr.Dataset
) -> xr.Dataset:
    """What is measured where the runs end."""
    test = held_out(next(iter(planned.values())).data, HELD_OUT)
    with one_thread():
        found = [end(planned[label], histories[label], test) for label in counted(planned)]
    return combine(found, {name: training[name].values for name in ("setting", "start")})


@study.measurement
def ended(ends: xr.Dataset, compared: Sequence[Setting]) -> Ends:
    """The ends by their settings."""
    return Ends(ends, compared)


@study.claim(
    "trained to the same loss with larger step sizes, the network ends at a smaller sharpness; and at a smaller trace "
    "of the Hessian; second differences of the loss give the same sharpness and trace"
)
def larger_steps_end_flatter(ended: Ends) -> Pieces:
    """The exponents in η over all runs of gradient descent; the last check is at the ends of all runs."""
    for words, name in (("smaller sharpness", "sharpness"), ("smaller trace", "trace")):
        yield from about(words, partial(exponent_in_eta, ended, name))
    yield from about("second differences", partial(differences_agree, ended))


def exponent_in_eta(ended: Ends, name: str) -> Evidence:
    """The exponent a of the measure ~ η^a."""
    chosen = ended.of(LARGER_STEPS)
    etas = [one.rule.eta for one in ended.compared if one.name in chosen.setting]
    runs = [(eta, value) for eta, row in zip(etas, chosen[name].values, strict=True) for value in row]
    quantity = f"exponent in η of {MEASURES[name]} at the end, over {len(runs)} runs of gradient descent"
    return within(quantity, power(*zip(*runs, strict=True)), *FALLS)


def differences_agree(ended: Ends) -> Evidence:
    """The largest difference over all runs that came to their end."""
    largest = float(ended.measured.by_differences.max())
    if np.isnan(largest):
        raise Undecided("no run came to the loss at which all end")
    quantity = "largest relative difference of uᵀHu and of vᵀHv, v of random signs, from second differences of the loss"
    return bounded("simulation", quantity, largest, below=BY_DIFFERENCES)


@study.claim(
    "with {way.words}, at the same step size and to the same loss, the network ends at a smaller sharpness than with "
    "gradient descent; and at a smaller trace",
    id="flatter_with_{way}",
    way=(BY_SAM, SMALLER_BATCHES),
)
def other_ways_end_flatter(ended: Ends, way: Way) -> Pieces:
    """The ratios to gradient descent, of as many starts."""
    for words, name in (("sharpness", "sharpness"), ("trace", "trace")):
        yield from about(words, ratios_to_the_first(ended, way, name))


def ratios_to_the_first(ended: Ends, way: Way, name: str) -> Pieces:
    """The mean over the starts of the ratio of the measure to that of gradient descent."""
    chosen = ended.of(way)[name]
    first = ended.compared[0].name
    for setting in chosen.setting.values[1:]:
        found = mean([*(chosen.sel(setting=setting) / chosen.sel(setting=first)).values])
        quantity = f"ratio of {MEASURES[name]} at the end with {setting} to that with {first}, mean over starts"
        yield within(quantity, found, 0, 1)


@study.claim(
    "the smaller {measure} at the end, the higher the test accuracy: across all settings; among step sizes; among "
    "radii of SAM; among batch sizes; among the starts of one setting",
    id="flatter_by_{measure}_tests_better",
    measure=MEASURES,
    open=True,
)
def flatter_tests_better(ended: Ends, measure: str) -> Pieces:
    """Rank correlations of the measure with the test accuracy, beside −1 to 0."""

    def across(way: Way | None, what: str) -> Evidence:
        quantity = f"rank correlation of {MEASURES[measure]} with the test accuracy, {what}, mean over starts"
        return within(quantity, ended.across(measure, way), *NEGATIVE)

    yield from about("across all settings", partial(across, None, "of all settings"))
    for words, way in zip(("among step sizes", "among radii of SAM", "among batch sizes"), WAYS, strict=True):
        yield from about(words, partial(across, way, words))
    quantity = f"rank correlation of {MEASURES[measure]} with the test accuracy, of starts, mean over settings"
    yield from about("starts of one setting", lambda: within(quantity, ended.within(measure), *NEGATIVE))


@study.summary
def summary(ended: Ends) -> Mapping[str, Mapping[str, object]]:
    """Means over the starts; null for a setting that has a run without an end."""
    means = ended.measured.mean("start", skipna=False)
    return {one.name: {name: float(means[name].sel(setting=one.name)) for name in SHOWN} for one in ended.compared}


@study.figure
def figure(ended: Ends) -> Figure:
    """Flatness, test accuracy, and the one against the other."""
    return draw(ended)


if __name__ == "__main__":
    study.main()
