from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from analysis.initialization import DISTRIBUTIONS, Options, factors
from eos_sym import BadInput


def initial_weights(experiment):
    module = experiment.network.build(experiment.data.load(), torch.Generator().manual_seed(experiment.seed))
    return torch.nn.utils.parameters_to_vector(module.parameters()).detach()


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_the_scale_multiplies_the_same_random_weights(distribution):
    (factor,) = (one for one in factors(Options()) if one.name == f"{distribution}_scale")
    weights = {
        (scale, seed): initial_weights(replace(experiment, seed=seed))
        for scale, experiment in factor.experiments.items()
        for seed in (3, 4)
    }
    assert torch.allclose(weights[0.25, 3], 0.25 * weights[1.0, 3], rtol=1e-12)
    assert not torch.allclose(weights[1.0, 4], weights[1.0, 3])


def test_a_scale_of_zero_is_refused():
    with pytest.raises(BadInput, match="--scales 0 1 2"):
        Options(scales=(Fraction(0), Fraction(1), Fraction(2)))
