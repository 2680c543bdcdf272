import json
from fractions import Fraction

import pytest
import torch
from analysis.cli import run

from analysis.initialization import DISTRIBUTIONS, Options, analyse, scale_factor
from eos_sym import BadInput


def initial_weights(experiment):
    module = experiment.network.build(experiment.data.load(), torch.Generator().manual_seed(experiment.seed))
    return torch.nn.utils.parameters_to_vector(module.parameters()).detach()


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_the_scale_multiplies_the_same_random_weights(distribution):
    factor = scale_factor(Options(), distribution)
    whole = initial_weights(factor.experiment(1.0, 3))
    assert torch.allclose(initial_weights(factor.experiment(0.25, 3)), 0.25 * whole, rtol=1e-12)
    assert not torch.allclose(initial_weights(factor.experiment(1.0, 4)), whole)


@pytest.mark.slow
def test_a_few_steps_decide_nothing_for_either_distribution(tmp_path, capsys):
    options = Options(
        scales=(Fraction(1, 4), Fraction(1, 2), Fraction(1)), seeds=2, steps=2, workers=1, out=tmp_path, json=True
    )
    assert run("initialization", options, analyse) == 0
    document = json.loads(capsys.readouterr().out)
    assert [claim["status"] for claim in document["claims"]] == ["undecided", "undecided"]


def test_a_scale_of_zero_is_refused():
    with pytest.raises(BadInput, match="--scales 0 1 2"):
        Options(scales=(Fraction(0), Fraction(1), Fraction(2)))
