"""Every analysis that trains networks runs at the paper's scale, but for the number of images and steps, on files in
CIFAR-10's binary format."""

import importlib
import json

import numpy as np
import pytest

from analysis.cli import run

pytestmark = pytest.mark.slow

EXAMPLES = {"vgg": 8}  # of which its steps are slow; 40 elsewhere
STEPS = 20
ANALYSES = [
    "dataset_size",
    "depth",
    "edge_of_stability",
    "gradient_flow",
    "initialization",
    "instability",
    "momentum_network",
    "progressive_sharpening",
    "reasonable_steps",
    "sgd_batch",
    "step_drop",
    "vgg",
    "width",
]


@pytest.fixture(scope="module")
def cifar(tmp_path_factory):
    """A folder of random images in CIFAR-10's format."""
    folder = tmp_path_factory.mktemp("cifar")
    for number in range(1, 6):
        records = np.random.default_rng(number).integers(0, 256, (10_000, 3073), np.uint8)
        records[:, 0] %= 10
        records.tofile(folder / f"data_batch_{number}.bin")
    return folder


def main_module(name):
    package = importlib.import_module(f"analysis.{name}")
    return importlib.import_module(f"analysis.{name}.__main__") if hasattr(package, "__path__") else package


@pytest.mark.parametrize("name", ANALYSES)
def test_twenty_steps_at_the_papers_scale_run_and_refute_nothing(name, cifar, tmp_path, capsys):
    module = main_module(name)
    options = module.Options(
        out=tmp_path, json=True, preset="full", data_root=cifar, examples=EXAMPLES.get(name, 40), steps=STEPS, workers=1
    )
    assert run(name, options, module.analyse) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["claims"]
    assert "refuted" not in {claim["status"] for claim in document["claims"]}
    assert (tmp_path / "figure.png").stat().st_size > 10_000
