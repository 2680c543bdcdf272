"""Descriptions of runs as JSON: what they say, how they are named, and where two differ."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from eos_sym import BadInput
from numeric.runs import configuration, differences
from numeric.runs.code import code
from numeric.runs.configuration import identifier


@dataclass(frozen=True)
class Rule:
    eta: float
    betas: tuple[float, ...] = (0.9, 0.99)


@dataclass(frozen=True)
class Other:
    eta: float


@dataclass(frozen=True)
class Run:
    rule: object
    steps: int = 3
    root: object = None


def test_a_description_is_its_kind_and_its_fields():
    assert configuration(Run(Rule(0.1), root=Path("a") / "b")) == {
        "kind": "Run",
        "code": code(Run),
        "rule": {"kind": "Rule", "code": code(Rule), "eta": 0.1, "betas": [0.9, 0.99]},
        "steps": 3,
        "root": str(Path("a") / "b"),
    }


def test_a_description_read_back_from_json_is_the_same():
    described = configuration(Run(Rule(0.1 + 0.2)))
    assert json.loads(json.dumps(described)) == described


def test_two_runs_share_an_identifier_only_if_they_are_the_same():
    runs = [Run(Rule(1.0)), Run(Rule(1)), Run(Rule(1 + 1e-15)), Run(Other(1.0)), Run(Rule(1.0), steps=4)]
    assert identifier(runs[0]) == identifier(runs[1])
    assert len({identifier(run) for run in runs}) == 4


def test_an_identifier_is_the_same_in_every_process():
    code = "import tests.numeric.runs.test_configuration as t; print(t.identifier(t.Run(t.Rule(0.1))))"
    root = Path(__file__).parents[3]
    said = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True).stdout
    assert said.strip() == identifier(Run(Rule(0.1)))


def test_differences_are_named_down_to_the_field():
    first = configuration(Run(Rule(0.1)))
    assert list(differences(first, first)) == []
    assert list(differences(first, configuration(Run(Rule(0.2), steps=4)))) == ["rule.eta", "steps"]
    assert list(differences(first, configuration(Run(Other(0.1))))) == ["rule"]
    assert list(differences(first, configuration(Rule(0.1)))) == ["kind"]


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), [1], {"a": 1}, object(), Rule, 1j], ids=lambda value: type(value).__name__
)
def test_what_cannot_be_compared_is_refused_with_the_field_named(value):
    with pytest.raises(BadInput, match="steps = "):
        configuration(Run(Rule(0.1), steps=value))


@pytest.mark.parametrize("value", [3, "text", None, Rule], ids=repr)
def test_what_is_no_description_is_refused(value):
    with pytest.raises(BadInput, match="not a description"):
        configuration(value)
