"""What a network will do at the edge of stability is forecast from its weights at one moment, and held against it.

Where training crosses the edge, the weights begin to oscillate along the eigenvectors there, and the oscillation rises
to a first spike before it drives the sharpness down. When, how high, and how does it go on? `numeric.networks.forecast`
computes that from the weights at one moment before, by gradient descent on a model of the loss with a few dozen
coordinates. It asks the loss for some hundreds of gradients at other weights too, of its own choice, as far as the
spike that it predicts, but makes no more than two steps of training. Here its forecasts are held against what networks
then do, in runs that it was not tuned on.

*The runs* are listed in `analysis.forecast.trials`: four smooth activations, fully connected and convolutional, 500 to
50,000 weights, digits, Chebyshev toys and images, squared error and cross-entropy. The list and the claims were fixed
before the first forecast of any of them; none is left out. (The same families have met the program once before, with
other seeds, and it has been bettered on them since: `trials`.) The quick preset has other runs, chosen later, for their
speed. *The moment* of each is where the alternating part of the weights has a thousandth of the height of its first
spike to come: it is found afterwards, and runs that do not spike have none, so that nothing is said of false alarms.
*From there* training goes on with the step size η and with .8, .9, 1.1 and 1.25 η, and so do the forecasts, all of
them from one model.

*Contestants* are the program's two forecasts, which have gates that say beforehand whether to trust them, and, without
gates, their terms of lowest order, the predicted dynamics of Damian, Nichani and Lee, and the linearized network under
its own loss. Gradient descent on the true loss in the same subspace costs as much as training; it is the bound: what it
misses, no model on these directions can have.

All claims are open: predictions under test. Apart from them, as they come: kinked activations, batch normalization,
long horizons.

Measured on the 35 of the full preset's 48 runs that have a moment: the expansion at the cut has 25 of 25 first spikes
within 5 % of their step and 2 % of their height with squared error, and 9 of 10 within 10 % and 5 % with cross-
entropy; all their steps are exact. Its gates let 22 and 8 through, all of them good, with .9999 and .9992 as the
median correlations of the sharpness over 100 steps, .987 and .999 over 300. With the other step sizes 70 of 70 and 28
of 29 are good. With one mode at the edge it cost 261 gradients at most. The expansion of the loss has 16 of 25 and
none of 10, and its gates refuse them all: by itself it is refuted. The predicted dynamics have 4 of 25, the base model
none. The program before had 23 of 27 and 9 of 12, and missed on images: what it expanded was not linear in most of
their weights. Over 1000 steps four of four spikes are good, with a correlation of .96; with kinked activations and
with batch normalization one of two each, and the gates refuse the other.

Source: derived here; :cite:t:`damian2022selfstabilization` for the predicted dynamics.
"""

from dataclasses import dataclass
from typing import ClassVar

from analysis.study import Study
from analysis.training import ImageOptions

study = Study(__name__, source="derived here; cf. Damian, Nichani, Lee 2022")


@study.options
@dataclass(frozen=True, kw_only=True)
class Options(ImageOptions):
    """Forecasts of training at the edge of stability, held against training; on images too with --data-root."""

    needs_images: ClassVar[bool] = False

    examples: int = 128
    """how many of CIFAR-10's first images the runs on images have"""


from collections.abc import Mapping
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import xarray as xr

from analysis.forecast.claims import DEMANDS, Demand, correlation, cost, good_spikes, let_through
from analysis.forecast.contestants import CONTESTANTS
from analysis.forecast.figure import draw
from analysis.forecast.followed import FACTORS, Followed
from analysis.forecast.scores import all_scores, in_one, table
from analysis.forecast.trials import HORIZON, Trial, trials
from analysis.study import Pieces, about
from analysis.training.runs import as_asked, worked_off


@study.measurement
def planned(options: Options) -> Mapping[str, Trial]:
    """The preset's runs, by their names."""
    images = options.cifar() if options.data_root is not None else None
    return {trial.name: trial for trial in trials(options.preset, images, options.seed)}


@study.measurement
def followed(options: Options, planned: Mapping[str, Trial]) -> Mapping[str, Followed]:
    """The runs, each with what is to be recorded from its moment on."""
    horizon = HORIZON[options.preset]
    return {
        name: Followed(as_asked(options, trial.experiment), trial.horizon or horizon) for name, trial in planned.items()
    }


@study.measurement
def recorded(options: Options, folder: Path, followed: Mapping[str, Followed]) -> Mapping[str, xr.Dataset]:
    """What training did from the moments on, by the names of the runs."""
    return worked_off(options, folder, followed)


@study.measurement
def foretold(
    options: Options, folder: Path, followed: Mapping[str, Followed], recorded: Mapping[str, xr.Dataset]
) -> Mapping[tuple[str, str], xr.Dataset]:
    """What every contestant forecasts, by the names of run and contestant."""
    assert followed.keys() == recorded.keys()  # they read what is recorded
    pairs = product(followed, CONTESTANTS)
    return worked_off(options, folder, {(run, who): CONTESTANTS[who](followed[run]) for run, who in pairs})


@study.experiment
def training(recorded: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """What training did, (trial, factor, …); nan where there is no moment."""
    return in_one({(name,): one for name, one in recorded.items()}, "trial")


@study.experiment
def forecasts(foretold: Mapping[tuple[str, str], xr.Dataset]) -> xr.Dataset:
    """What was forecast, (trial, contestant, factor, …); nan where there is no forecast."""
    return in_one(foretold, "trial", "contestant")


@study.experiment
def scores(
    planned: Mapping[str, Trial],
    recorded: Mapping[str, xr.Dataset],
    foretold: Mapping[tuple[str, str], xr.Dataset],
) -> xr.Dataset:
    """How near the forecasts came, (trial, contestant, factor), and what they cost, (trial, contestant)."""
    return all_scores(planned, recorded, foretold)


@study.claim(
    "{demand.words}: the gates let at least 80 % of the runs through; of the first spikes that they let through at "
    "least {demand.share:.0%} are forecast within {demand.step:.0%} of their step and {demand.height:.0%} of their "
    "height; their median correlation of the sharpness is at least {demand.correlated}",
    id="first_spikes_{demand}",
    open=True,
    demand=DEMANDS,
)
def first_spikes(scores: xr.Dataset, demand: Demand) -> Pieces:
    """All runs with this loss, from the moments on, with the step size that they were trained with."""
    yield from about("of the runs through", lambda: let_through(scores, demand))
    yield from about("of the first spikes", lambda: good_spikes(scores, demand))
    for steps, least in demand.correlations:
        yield from about("median correlation", partial(correlation, scores, demand, steps, least))


@study.claim(
    "{demand.words}: with .8, .9, 1.1 and 1.25 times the step size, of the first spikes that the gates let through at "
    "least {demand.share:.0%} are forecast by the same model within {demand.step:.0%} of their step and "
    "{demand.height:.0%} of their height",
    id="other_step_sizes_{demand}",
    open=True,
    demand=DEMANDS,
)
def other_step_sizes(scores: xr.Dataset, demand: Demand) -> Pieces:
    """All of them together."""
    yield lambda: good_spikes(scores, demand, FACTORS[1:])


@study.claim(
    "{demand.words}: with one mode at the edge a forecast costs at most {demand.gradients} gradients, without the "
    "checks of the loss and its steps on the model",
    id="cost_{demand}",
    open=True,
    demand=DEMANDS,
)
def costs(scores: xr.Dataset, demand: Demand) -> Pieces:
    """The dearest of all runs; what the gates cost is in it."""
    yield lambda: cost(scores, demand)


@study.summary
def summary(scores: xr.Dataset) -> Mapping[str, Any]:
    """The contestants in a few numbers, by loss."""
    return table(scores)


study.figure(draw)

if __name__ == "__main__":
    study.main()
