import numpy as np
import pytest
import torch

from analysis.width import Options, factors
from eos_sym import BadInput
from numeric.networks.loss import FlatLoss, half_squared_error


def loss_of(experiment):
    examples = experiment.data.load()
    module = experiment.network.build(examples, torch.Generator().manual_seed(experiment.seed))
    return FlatLoss(module, examples.inputs, examples.targets, half_squared_error)


def kernel_trace(experiment):
    """The mean over examples of ‖∂f/∂θ‖², summed over outputs: the trace of the tangent kernel over n."""
    loss = loss_of(experiment)
    parameters = loss.parameters

    def outputs(theta):
        return torch.func.functional_call(loss.module, loss.split(theta), (loss.inputs[:5],))

    jacobian = torch.func.jacrev(outputs)(parameters)
    return float(jacobian.square().sum() / len(jacobian))


def test_the_kernel_grows_with_the_width_in_the_standard_parameterization_and_not_in_the_other():
    traces = {
        factor.name: np.array([kernel_trace(factor.experiments[width]) for width in (16, 128)])
        for factor in factors(Options(widths=(16, 64, 128)))
    }
    assert traces["standard_width"][1] > 2.5 * traces["standard_width"][0]
    assert 0.6 < traces["ntk_width"][1] / traces["ntk_width"][0] < 1.6


def test_a_width_of_zero_is_refused():
    with pytest.raises(BadInput, match="--widths 0 8 16"):
        Options(widths=(0, 8, 16))
