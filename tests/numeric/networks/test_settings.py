"""Descriptions of networks, data and measurements with settings that are of another type: refused in one line each.

Text counts as true in Python, and a run described by it would be kept under another name than the one it stands for.
"""

import pytest

from eos_sym import BadInput
from numeric.networks.architectures import Convolutional, FullyConnected, Residual, Vgg
from numeric.networks.data import Digits, Spectrum
from numeric.networks.training import GradientFlow, Measure


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: FullyConnected(bias="no"), "bias = 'no': must be True or False"),
        (lambda: FullyConnected(output_bias=0), "output_bias = 0: must be True or False"),
        (lambda: Convolutional(bias=None), "bias = None: must be True or False"),
        (lambda: Vgg(batch_norm="false"), "batch_norm = 'false': must be True or False"),
        (lambda: Residual(batch_norm=1), "batch_norm = 1: must be True or False"),
        (lambda: Measure(every=1, midpoint="yes"), "midpoint = 'yes': must be True or False"),
        (lambda: Measure(every=1, last_weights=1), "last_weights = 1: must be True or False"),
        (lambda: Spectrum(5, ("one",)), "eigenvalues = 'one': must be a number"),
        (lambda: Spectrum(5, (1.0,), noise="none"), "noise = 'none': must be a number"),
        (lambda: Spectrum(5, (1.0,), outputs=1.5), "outputs = 1.5: must be an integer"),
        (lambda: Spectrum(5, (1.0,), outputs=0), "outputs = 0: must be 1 or more"),
        (lambda: Digits(100, noise="none").load(), "noise = 'none': must be a number"),
        (lambda: Digits(10.5).load(), "examples = 10.5: must be an integer"),
        (lambda: GradientFlow(weights_at=("now",)), "weights_at = 'now': must be a number"),
    ],
)
def test_settings_of_another_type_are_refused(made, said):
    with pytest.raises(BadInput, match=said):
        made()
