"""``python -m analysis.descent_lemma``: the options of the training in the figure, and the study put together."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING

import xarray as xr

from analysis.study.claim import Claim
from analysis.cli import CommonOptions, Number, Study, check_step_sizes, main
from analysis.descent_lemma.claims import Context, all_claims
from analysis.descent_lemma.experiments import Catalogue, Progress
from analysis.descent_lemma.figures import draw
from analysis.descent_lemma.theory import Lemma

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analysis.descent_lemma.network import Network

WIDTH = {"quick": 20, "full": 100}
STEPS = {"quick": 2000, "full": 20_000}


@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    """The descent lemma along gradient descent on ½(1 − xyzw)² and on a tanh network."""

    eta: Number = Fraction(2, 5)
    """step size of the network; the edge of stability is at 2/η"""


def analyse(options: Options) -> Study:
    """Check the options and set up the study."""
    check_step_sizes([options.eta])
    lemma, catalogue = Lemma(), Catalogue()
    found: dict[str, xr.Dataset] = {}

    @cache
    def network() -> Network:
        from analysis.descent_lemma.network import Network  # loads torch

        return Network(WIDTH[options.preset], float(options.eta), STEPS[options.preset], options.seed)

    def along_catalogue(progress: Progress) -> xr.Dataset:
        found["catalogue"] = catalogue.along(progress)
        return found["catalogue"]

    def along_network(progress: Progress) -> xr.Dataset:
        found["network"] = network().along(progress)
        return found["network"]

    def claims(data: Mapping[str, xr.Dataset]) -> list[Claim]:
        return all_claims(Context(lemma, catalogue, data))

    return Study(
        theory=lemma.as_report(),
        experiments={
            "catalogue": along_catalogue,
            "catalogue_models": lambda progress: catalogue.model(found["catalogue"]),
            "network": along_network,
            "network_models": lambda progress: network().models(found["network"]),
        },
        claims=claims,
        figure=draw,
    )


if __name__ == "__main__":
    main("descent_lemma", Options, analyse)
