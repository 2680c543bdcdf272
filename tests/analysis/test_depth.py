import pytest

from analysis.depth import Options
from eos_sym import BadInput


def test_a_network_without_hidden_layers_is_refused():
    with pytest.raises(BadInput, match="--depths 0 1 2"):
        Options(depths=(0, 1, 2))
