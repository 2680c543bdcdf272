"""Recorded runs: what a file says of a run, and which files are none."""

import numpy as np
import pytest
import torch
from torch import nn

from analysis.training.recorded import Recorded, half_mean_squares, recorded_in
from eos_sym import BadInput
from numeric.runs import configuration
from tests.analysis.records import recorded


@pytest.mark.parametrize("activation", ["tanh", "linear", "gelu"])
def test_a_recorded_run_begins_with_its_weights(tmp_path, activation):
    """The recorded loss at them; against exact gelu, transposed matrices, and a sum over outputs."""
    loss = recorded(tmp_path / "a_run.npz", activation)
    (run,) = recorded_in(tmp_path)
    examples = run.load()
    module = run.build(examples, torch.Generator())
    assert float(half_mean_squares(module(examples.inputs), examples.targets).detach()) == pytest.approx(loss, 1e-14)
    assert (run.name, run.eta, run.every, run.steps) == ("a run", 0.1, 1, 2)


def test_a_run_begins_with_its_weights_again_after_it_was_trained(tmp_path):
    """Against parameters that share the memory of the record."""
    recorded(tmp_path / "a_run.npz")
    run = Recorded(tmp_path / "a_run.npz")
    first = run.build(run.load(), torch.Generator())
    known = nn.utils.parameters_to_vector(first.parameters()).detach().clone()
    with torch.no_grad():
        for weights in first.parameters():
            weights += 1
    again = nn.utils.parameters_to_vector(run.build(run.load(), torch.Generator()).parameters())
    torch.testing.assert_close(again.detach(), known, rtol=0, atol=0)


def test_of_a_run_that_was_recorded_now_and_then_the_steps_are_counted(tmp_path):
    """Against as many steps as there are losses."""
    recorded(tmp_path / "a_run.npz", every=100)
    assert Recorded(tmp_path / "a_run.npz").steps == 200


def test_a_kept_result_is_of_the_values_and_not_of_the_place(tmp_path):
    """Against results that are read again for a file of the same name with other values."""
    for folder, eta in (("here", 0.1), ("there", 0.1), ("elsewhere", 0.2)):
        (tmp_path / folder).mkdir()
        recorded(tmp_path / folder / "a_run.npz", eta=eta)
    here, there, elsewhere = (
        configuration(Recorded(file))
        for file in (tmp_path / folder / "a_run.npz" for folder in ("here", "there", "elsewhere"))
    )
    assert here == there
    assert here != elsewhere


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"eigenvalues": None}, "without eigenvalues"),
        ({"loss": [0.5, np.nan, 0.5]}, "loss must be finite"),
        ({"weights": np.zeros(16)}, r"weights of shape \(16,\): \(17,\) fits layers of \[2, 3, 2\]"),
        ({"targets": np.zeros((5, 3))}, r"targets of shape \(5, 3\)"),
        ({"eigenvalues": np.zeros((2, 3))}, r"eigenvalues of shape \(2, 3\)"),
        ({"eta": np.array([0.1, 0.2])}, "eta of shape"),
    ],
)
@pytest.mark.fault("not a number", "a run that another program recorded", "refused, with the name of the quantity")
def test_a_file_that_lacks_something_or_does_not_fit_is_bad_input(tmp_path, changed, said):
    recorded(tmp_path / "a_run.npz", **changed)
    with pytest.raises(BadInput, match=said):
        Recorded(tmp_path / "a_run.npz").load()


def test_a_folder_without_recorded_runs_is_bad_input(tmp_path):
    """One line, and what to do."""
    with pytest.raises(BadInput, match="no file"):
        recorded_in(tmp_path)
    for content in (b"PK", b"", b"text"):
        (tmp_path / "torn.npz").write_bytes(content)
        with pytest.raises(BadInput, match="not a recorded run"):
            Recorded(tmp_path / "torn.npz").load()
