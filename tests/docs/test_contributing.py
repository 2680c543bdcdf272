"""What CONTRIBUTING shows runs as printed, in a few lines, and does what it says."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sympy import simplify

from analysis.study import verdicts
from eos_sym import STEP_SIZE

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"## An? (\w+)\n.*?```python\n(.*?)```", TEXT, flags=re.DOTALL))


def namespace_of(section):
    names = {"__name__": "contributing"}
    exec(SECTIONS[section], names)
    return names


@pytest.mark.parametrize("section", SECTIONS)
def test_adding_something_takes_few_lines(section):
    lines = [line for line in SECTIONS[section].splitlines() if line and not line.startswith(("from ", "import "))]
    assert len(lines) <= 10


def test_a_typed_loss_has_its_edge_law(capsys):
    form = namespace_of("loss")
    assert capsys.readouterr().out.strip() in {"self_stabilizing", "overshooting", "subcritical"}
    x, y = form["loss"].weights
    at = {weight: float(value) for weight, value in form["point"].weights.items()}
    assert at[x] * at[y] ** 2 == pytest.approx(1)


def test_an_own_rule_has_its_critical_sharpness():
    """θ' = (1 − ηλ + η²λ²)θ on a quadratic: stable iff ηλ < 1, which a rule without the look ahead would not be."""
    critical = namespace_of("rule")["critical_sharpness"](namespace_of("rule")["Extragradient"]())
    assert simplify(critical * STEP_SIZE) == 1


def test_a_study_of_its_own_proves_its_claim():
    study = namespace_of("study")["study"]
    assert {name: found.status for name, found in verdicts(study).items()} == {"threshold": "proved"}


def test_a_study_of_its_own_is_a_program(tmp_path):
    script = tmp_path / "threshold.py"
    script.write_text(SECTIONS["study"], encoding="utf-8")
    command = [sys.executable, str(script), "--json", "--out", str(tmp_path)]
    said = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    document = json.loads(said.stdout)
    assert (document["analysis"], document["claims"][0]["status"]) == ("threshold", "proved")
    refused = subprocess.run([*command, "--bogus"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)


def test_a_network_of_its_own_is_trained():
    loss = namespace_of("network")["history"].loss
    assert float(loss[-1]) < float(loss[0])
