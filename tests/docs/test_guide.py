"""The Python of the guide's pages runs as printed, and says what is true; what the README leads to is there."""

import re
from pathlib import Path

import numpy as np
import pytest
from sympy import Rational

ROOT = Path(__file__).parents[2]


def blocks(page):
    """The blocks of Python on a page of docs/."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


def namespace_of(*texts):
    """The names that there are when these have run, one after the other."""
    names = {}
    for text in texts:
        exec(text, names)
    return names


def test_every_file_that_the_readme_leads_to_is_there():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    places = [place for place in re.findall(r"\]\(([^)\s]+)\)", text) if not place.startswith("http")]
    assert len(places) > 10
    assert [place for place in places if not (ROOT / place).exists()] == []


def test_pages_with_python_are_known_here():
    """Against a block that is added to a page of which nothing runs."""
    known = {"losses.md", "simulations.md", "training.md", "tracking.md", "report.md", "explorer.md"}
    assert {path.name for path in (ROOT / "docs").glob("*.md") if blocks(path.name)} == known


def test_the_derivation_of_the_minimalist_example_runs_as_printed():
    names = namespace_of(blocks("losses.md")[1])
    assert names["condition"].neutral == 3
    x, y, z, w = names["x"], names["y"], names["z"], names["w"]
    assert names["loss"].minima.equations == (w * x * y * z - 1,)
    assert names["vanishes_on_two_cycles"](names["reduced"], x**2 - y**2) is True


def test_the_theory_of_a_loss_says_what_the_comments_say():
    names = namespace_of(blocks("losses.md")[0])
    assert names["found"].complete
    assert sorted(cycle.multipliers[0] for cycle in names["found"].orbits) == [Rational(9, 50)] * 2 + [
        Rational(1296, 25)
    ]
    certificate = names["certify"](names["dynamics"], names["found"].orbits[-1].points, names["at"])
    assert certificate.status == "proved"
    assert names["form"].kind == "self_stabilizing"
    assert float(names["form"].terminal_sharpness) == pytest.approx(39.925, abs=5e-4)


def test_a_loss_of_one_s_own_ends_near_the_edge():
    names = namespace_of(blocks("simulations.md")[0])
    assert set(np.unique(names["runs"].outcome)) == {"converged"}
    scaled = names["compile_sharpness"](names["loss"]).at_end(names["runs"]) * names["eta"]
    assert float(scaled.max()) < 2
    assert float(scaled.max()) > 1.9


def test_a_million_runs_end_and_averages_are_of_the_minimum_that_is_reached():
    grid, few = re.split(r"\n(?=loss = )", blocks("simulations.md")[1])
    block = namespace_of(grid)
    assert block["runs"].outcome.shape == (1000, 1000)
    assert {"converged", "diverged"} <= set(np.unique(block["runs"].outcome)) <= {"converged", "diverged", "undecided"}
    exec(few, block)
    assert block["runs"].outcome.item() == "converged"
    assert float(block["runs"].lyapunov_exponent) < 0
    assert float(block["runs"].mean_loss) == pytest.approx(0, abs=1e-9)


def test_the_grid_in_chunks_is_the_grid_in_memory(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    _, runs, grid = blocks("simulations.md")
    names = namespace_of(runs.replace("np.linspace(-4, 4, 1000)", "np.linspace(-4, 4, 100)"))
    whole = names["simulator"].run({"x": names["across"], "y": names["along"]}, {"eta": 0.2}, steps=5000)
    exec(grid.replace("x0=250", "x0=25"), names)
    np.testing.assert_array_equal(names["runs"].outcome, whole.outcome)
    assert (tmp_path / "basins.zarr").is_dir()


def test_the_training_loop_rises_to_the_edge_and_hovers_there():
    loop, edge_step = blocks("tracking.md")
    names = namespace_of(loop)
    scaled = names["history"].sharpness / names["history"].edge
    assert float(scaled[1]) == pytest.approx(0.75, abs=0.05)
    assert float(abs(scaled[-15:] - 1).max()) < 0.1
    assert bool((names["history"].bound <= 1e-3 * names["history"].eigenvalue).all())
    exec(edge_step, names)
    history = names["edge_step"].history
    kept = history.step_size.sel(step=history.reading) * history.sharpness / (2 + 2 * 0.9)
    np.testing.assert_allclose(kept[0], 0.9, rtol=1e-6)  # later ones are of midpoints, between two steps


def test_a_rule_of_one_s_own_has_a_map_and_an_optimizer():
    names = namespace_of(blocks("training.md")[1])
    (group,) = names["optimizer"].param_groups
    before = [parameter.detach().clone() for parameter in group["params"]]
    for parameter in group["params"]:
        parameter.grad = parameter.detach().clone()
    names["optimizer"].step()
    for old, new in zip(before, group["params"], strict=True):
        np.testing.assert_array_equal(new.detach(), old - 0.01 * old.sign())


def test_a_step_is_printed_as_javascript(capsys):
    namespace_of(*blocks("explorer.md"))
    assert "return" in capsys.readouterr().out


@pytest.mark.slow
def test_a_sweep_passes_the_edge_and_repeats_nothing(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    block = blocks("training.md")[0]
    names = namespace_of(block)
    finished = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("history.nc")}
    assert len(finished) == 2
    assert float(names["histories"].sharpness.sel(eta=0.6).max()) > 2 / 0.6
    namespace_of(block)
    assert finished == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("history.nc")}


def test_a_study_without_results_is_asked_for_as_values(monkeypatch, tmp_path, capsys):
    """The page's example prints nothing where nothing is kept, and does not end with an error."""
    monkeypatch.chdir(tmp_path)
    assert isinstance(namespace_of(*blocks("report.md"))["kept"], str)
    assert capsys.readouterr().out == ""
