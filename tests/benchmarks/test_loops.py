"""The tracker in training loops of other people's kind: right, or refused in the line that the documentation gives."""

import pytest
import torch

from benchmarks.loops.__main__ import BEGIN, PAGE
from benchmarks.loops.loop import Loop, everything, labels, network, numbers
from benchmarks.loops.outcome import outcome, sharpness

ROWS = [row.strip("|\n").split(" | ") for row in PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].splitlines()]
TOLD = {title.strip(): reading.strip() for _, title, reading in (row for row in ROWS if len(row) == 3)}
COMPILES = pytest.mark.slow  # torch's compiler takes seconds to load


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")  # torch's own forward mode calls it
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # and its compiler looks
@pytest.mark.parametrize(
    "title", [pytest.param(title, marks=COMPILES if "compile" in title else ()) for title in everything()]
)
def test_a_loop_is_read_rightly_or_refused_as_the_documentation_says(title):
    _, make = everything()[title]
    torch.manual_seed(0)
    found = outcome(make())
    assert found.word in ("right", "refused"), found.line
    assert "\n" not in found.line
    assert found.cell == TOLD[title]


def test_every_loop_is_in_the_table_once():
    assert [title for title in TOLD if title in everything()] == [*everything()]
    assert len(everything()) > 60


def test_the_truth_is_the_curvature_of_the_loss():
    line = torch.nn.Linear(1, 1, bias=False)
    examples = torch.tensor([[1.0], [3.0]])
    assert sharpness(Loop(line, torch.nn.MSELoss(), examples, 0 * examples)) == pytest.approx(10)  # 2 mean x²


def test_a_reading_outside_its_bound_is_told_to_be_wrong():
    other = lambda module, inputs, targets: 2 * torch.nn.functional.cross_entropy(module(inputs), targets)  # noqa: E731
    loop = Loop(network(), torch.nn.CrossEntropyLoss(), numbers(9, 4), labels(9), full=other)
    assert outcome(loop).word == "wrong"
