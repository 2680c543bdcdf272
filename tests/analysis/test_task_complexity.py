import json
from fractions import Fraction

import numpy as np
import pytest
from analysis.cli import run

from analysis.task_complexity import Options, analyse, degree_factor, noise_factor
from eos_sym import BadInput


def test_the_tasks_of_a_row_have_the_same_inputs_and_others_targets():
    for factor in (degree_factor(Options()), noise_factor(Options())):
        easy, hard = (factor.experiment(value, 0).data.load() for value in (factor.values[0], factor.values[-1]))
        assert (easy.inputs == hard.inputs).all()
        assert not (easy.targets == hard.targets).all()


def test_the_targets_of_a_degree_change_their_sign_as_often():
    factor = degree_factor(Options())
    for degree in factor.values:
        targets = factor.experiment(degree, 0).data.load().targets[:, 0].numpy()
        assert (np.diff(np.sign(targets)) != 0).sum() == degree


@pytest.mark.slow
def test_a_few_steps_decide_nothing(tmp_path, capsys):
    options = Options(
        noise=(Fraction(0), Fraction(1, 5), Fraction(1, 2)), seeds=2, steps=2, workers=1, out=tmp_path, json=True
    )
    assert run("task_complexity", options, analyse) == 0
    document = json.loads(capsys.readouterr().out)
    assert [claim["status"] for claim in document["claims"]] == ["undecided", "undecided"]


def test_shares_beyond_one_are_refused():
    with pytest.raises(BadInput, match="--noise"):
        Options(noise=(Fraction(0), Fraction(1), Fraction(2)))


def test_a_degree_of_zero_is_refused():
    with pytest.raises(BadInput, match="--degrees 0 1 2"):
        Options(degrees=(0, 1, 2))
