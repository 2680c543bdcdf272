"""The README's Python runs as printed, and says what is true."""

import re
from pathlib import Path

import numpy as np
import pytest
from sympy import Rational

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def namespace_of(block):
    names = {}
    exec(re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)[block], names)
    return names


def test_the_derivation_in_the_readme_runs_as_printed():
    names = namespace_of(0)
    assert names["condition"].neutral == 3
    x, y, z, w = names["x"], names["y"], names["z"], names["w"]
    assert names["loss"].minima.equations == (w * x * y * z - 1,)
    assert names["vanishes_on_two_cycles"](names["reduced"], x**2 - y**2) is True


def test_the_loss_of_one_s_own_in_the_readme_ends_near_the_edge():
    names = namespace_of(1)
    assert set(np.unique(names["runs"].outcome)) == {"converged"}
    scaled = names["compile_sharpness"](names["loss"]).at_end(names["runs"]) * names["eta"]
    assert float(scaled.max()) < 2
    assert float(scaled.max()) > 1.9


def test_the_million_runs_of_the_readme_end_and_its_averages_are_of_the_minimum_it_reaches(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    block = namespace_of(2)
    assert block["runs"].outcome.item() == "converged"
    assert float(block["runs"].lyapunov_exponent) < 0
    assert float(block["runs"].mean_loss) == pytest.approx(0, abs=1e-9)


def test_the_grid_in_chunks_of_the_readme_is_the_grid_in_memory(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    smaller = "np.linspace(-4, 4, 100)"
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names = {}
    exec(blocks[2].replace("np.linspace(-4, 4, 1000)", smaller), names)
    whole = names["simulator"].run({"x": names["across"], "y": names["along"]}, {"eta": 0.2}, steps=5000)
    exec(blocks[3].replace("x0=250", "x0=25"), names)
    np.testing.assert_array_equal(names["runs"].outcome, whole.outcome)
    assert (tmp_path / "basins.zarr").is_dir()


def test_the_theory_of_a_loss_in_the_readme_says_what_the_comments_say():
    names = namespace_of(4)
    assert names["found"].complete
    assert sorted(cycle.multipliers[0] for cycle in names["found"].orbits) == [Rational(9, 50)] * 2 + [
        Rational(1296, 25)
    ]
    certificate = names["certify"](names["dynamics"], names["found"].orbits[-1].points, names["at"])
    assert certificate.status == "proved"
    assert names["form"].kind == "self_stabilizing"
    assert float(names["form"].terminal_sharpness) == pytest.approx(39.925, abs=5e-4)


def test_the_training_loop_in_the_readme_rises_to_the_edge_and_hovers_there():
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names = {}
    exec(next(block for block in blocks if "SharpnessTracker" in block), names)
    scaled = names["history"].sharpness / names["history"].edge
    assert float(scaled[1]) == pytest.approx(0.75, abs=0.05)
    assert float(abs(scaled[-15:] - 1).max()) < 0.1
    assert bool((names["history"].bound <= 1e-3 * names["history"].eigenvalue).all())


def test_the_rule_of_one_s_own_in_the_readme_has_a_map_and_an_optimizer():
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names = {}
    exec(next(block for block in blocks if "WrittenRule" in block), names)
    (group,) = names["optimizer"].param_groups
    before = [parameter.detach().clone() for parameter in group["params"]]
    for parameter in group["params"]:
        parameter.grad = parameter.detach().clone()
    names["optimizer"].step()
    for old, new in zip(before, group["params"], strict=True):
        np.testing.assert_array_equal(new.detach(), old - 0.01 * old.sign())


@pytest.mark.slow
def test_the_sweep_in_the_readme_passes_the_edge_and_repeats_nothing(monkeypatch, tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    block = next(number for number, text in enumerate(blocks) if "sweep(" in text)
    monkeypatch.chdir(tmp_path)
    names = namespace_of(block)
    finished = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("history.nc")}
    assert len(finished) == 2
    assert float(names["histories"].sharpness.sel(eta=0.6).max()) > 2 / 0.6
    namespace_of(block)
    assert finished == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("history.nc")}
