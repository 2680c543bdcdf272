"""Every analysis that trains networks runs as at the paper's scale, but for numbers of images, steps and runs, and for
networks that are much narrower, on files in CIFAR-10's binary format.

So short a run decides nothing but what needs none, or its start alone. Checks of one method of computation by another
are not refuted on random images either, which need not show what the paper's do.
"""

import importlib
import json
from dataclasses import fields, replace
from fractions import Fraction

import pytest

from analysis.edge_of_stability import settings
from analysis.gradient_flow import runs
from analysis.study.index import studies
from analysis.study.options import read_options
from analysis.study.work import work_off
from eos_sym import BadInput
from numeric.networks.architectures import Convolutional, FullyConnected, Transformer, Vgg

pytestmark = pytest.mark.slow

STEPS = 10
FEWER = {  # runs, where there are more than a few
    "dataset_size": {"sizes": (5, 10, 20), "seeds": 2},
    "depth": {"depths": (1, 2, 4), "seeds": 2},
    "edge_of_stability": {"eta": (Fraction(1, 50),)},
    "flatter": {"eta": (Fraction(1, 50),), "rho": (Fraction(1, 10),), "batch_size": (8,)},
    "gradient_flow": {"eta": (Fraction(1, 50),), "steps": 4},
    "initialization": {"scales": (Fraction(1, 2), Fraction(1), Fraction(2)), "seeds": 2},
    "reasonable_steps": {"eta": (Fraction(1, 100), Fraction(1, 20))},
    "sgd_batch": {"eta": (Fraction(1, 100),), "batch_size": (8,)},
    "vgg": {"eta": (Fraction(1, 20),), "examples": 2, "steps": 1},
    "width": {"widths": (4, 6, 8), "seeds": 2},
}
DECIDED = {  # by formulas, and by the weights at the start
    "edge_of_stability": {"edge"},
    "gradient_flow": {"first_order_on_a_quadratic"},
    "momentum_network": {"threshold_of_heavy_ball", "threshold_of_nesterov"},
    "sgd_batch": {"second_moment_along_a_direction"},
    "step_drop": {"oscillation_dies_out"},
    "vgg": {"no_scale"},
}
NARROW = (8, 8)  # units: of wide networks, vectors of weights are what takes the time
NARROW_NETWORKS = {
    "fully_connected": FullyConnected(NARROW),
    "convolutional": Convolutional((4, 4)),
    "transformer": Transformer(8, heads=4, layers=2, patch=8),
}


def main_module(name):
    package = importlib.import_module(f"analysis.{name}")
    return importlib.import_module(f"analysis.{name}.__main__") if hasattr(package, "__path__") else package


def narrow(module, monkeypatch):
    """The study trains a narrower network, with fewer edges; VGG's channels are in proportion to its width."""
    if isinstance(edges := getattr(module, "EDGES", None), dict):
        monkeypatch.setitem(edges, "full", edges["full"][:1])
    monkeypatch.setattr(settings, "FULL_NETWORKS", NARROW_NETWORKS)
    monkeypatch.setitem(runs.WIDTHS, "full", NARROW)
    if isinstance(getattr(module, "UNITS", None), dict):
        monkeypatch.setitem(module.UNITS, "full", NARROW)
    elif isinstance(getattr(module, "WIDTH", None), dict):
        monkeypatch.setitem(module.WIDTH, "full", NARROW[0])
    elif isinstance(network := getattr(getattr(module, "FULL", None), "network", None), Vgg):
        monkeypatch.setattr(module, "FULL", replace(module.FULL, network=replace(network, width=8)))
    elif isinstance(network, FullyConnected):
        monkeypatch.setattr(module, "FULL", replace(module.FULL, network=replace(network, widths=NARROW)))


ON_IMAGES = [name for name in studies() if getattr(main_module(name).Options, "needs_images", False)]


@pytest.mark.parametrize("name", ON_IMAGES)
def test_a_few_steps_at_the_papers_scale_are_judged_and_drawn(name, cifar, tmp_path, capsys, monkeypatch, in_pixels):
    module = main_module(name)
    narrow(module, monkeypatch)
    given = {"examples": 20, "steps": STEPS, "workers": 1} | FEWER.get(name, {})
    if "seeds" in {field.name for field in fields(module.Options)}:
        given = {"seeds": 1} | given
    options = module.Options(out=tmp_path, json=True, preset="full", data_root=cifar, **given)
    assert work_off(module.study, options) in (0, 1)
    claims = json.loads(capsys.readouterr().out)["claims"]
    assert claims
    decided = {claim["id"] for claim in claims if claim["status"] != "undecided"}
    assert decided == DECIDED.get(name, set())
    refuted = {e["channel"] for claim in claims for e in claim["evidence"] if e["status"] == "refuted"}
    assert refuted <= {"network"}
    assert (tmp_path / "figure.png").stat().st_size > 10_000


@pytest.mark.parametrize("name", ["adaptive_step", "central_flow", "self_stabilization_network", "task_complexity"])
def test_studies_that_train_on_no_images_refuse_the_options_for_them(name):
    with pytest.raises(BadInput, match="Unrecognized options: --data-root"):
        read_options(name, main_module(name).Options, ["--preset", "full", "--data-root", "images"])
