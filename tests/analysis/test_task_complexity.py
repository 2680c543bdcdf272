import json
from fractions import Fraction

import numpy as np
import pytest

from analysis.study.work import work_off
from analysis.task_complexity import Options, factors, study
from eos_sym import BadInput


def test_the_tasks_of_a_row_have_the_same_inputs_and_others_targets():
    for factor in factors(Options()):
        easy, *_, hard = (experiment.data.load() for experiment in factor.experiments.values())
        assert (easy.inputs == hard.inputs).all()
        assert not (easy.targets == hard.targets).all()


def test_the_targets_of_a_degree_change_their_sign_as_often():
    degrees, _ = factors(Options())
    for degree, experiment in degrees.experiments.items():
        targets = experiment.data.load().targets[:, 0].numpy()
        assert (np.diff(np.sign(targets)) != 0).sum() == degree


@pytest.mark.slow
@pytest.mark.usefixtures("in_pixels")
def test_a_few_steps_decide_nothing(tmp_path, capsys):
    options = Options(
        noise=(Fraction(0), Fraction(1, 5), Fraction(1, 2)), seeds=2, steps=2, workers=1, out=tmp_path, json=True
    )
    assert work_off(study, options) == 0
    document = json.loads(capsys.readouterr().out)
    assert [claim["status"] for claim in document["claims"]] == ["undecided", "undecided"]


def test_shares_beyond_one_are_refused():
    with pytest.raises(BadInput, match="--noise"):
        Options(noise=(Fraction(0), Fraction(1), Fraction(2)))


def test_a_degree_of_zero_is_refused():
    with pytest.raises(BadInput, match="--degrees 0 1 2"):
        Options(degrees=(0, 1, 2))
