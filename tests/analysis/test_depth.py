import json

import pytest

from analysis.depth import Options, study
from analysis.study.work import work_off
from eos_sym import BadInput


@pytest.mark.slow
def test_a_few_steps_decide_nothing(tmp_path, capsys):
    options = Options(depths=(1, 2, 3), seeds=2, steps=2, workers=1, out=tmp_path, json=True)
    assert work_off(study, options) == 0
    document = json.loads(capsys.readouterr().out)
    assert [claim["status"] for claim in document["claims"]] == ["undecided", "undecided"]
    assert [row["depth"] for row in document["simulation"]["depth"]] == [1, 2, 3]


def test_a_network_without_hidden_layers_is_refused():
    with pytest.raises(BadInput, match="--depths 0 1 2"):
        Options(depths=(0, 1, 2))
