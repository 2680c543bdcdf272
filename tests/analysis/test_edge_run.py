import numpy as np
import pytest
import xarray as xr

from analysis.training import combined
from analysis.training.edge_run import EdgeRun, level_exponent
from eos_sym import Undecided

STEPS = np.arange(0, 50, 10)


def run(values=(1.0, 4.0, 6.0, 4.0, 5.0), eta=0.4, ending="steps", fewest=2):
    """Readings every 10 steps; with the values given the edge, 5, is crossed at step 20."""
    history = xr.Dataset({"sharpness": ("reading", list(values))}, {"reading": STEPS}, {"ending": ending})
    return EdgeRun("a run", history, eta, 2 / eta, fewest)


def refusal(ask):
    with pytest.raises(Undecided) as refused:
        ask()
    return str(refused.value)


def test_a_run_hovers_from_its_crossing_on_and_its_level_is_that_of_the_second_half():
    assert (run().crossing, run().crossed, run().settled, run().last) == (20, 20, 30, 40)
    assert run().hovering_from(run().crossed).mean == pytest.approx(1.0)
    assert run().level == pytest.approx(0.9)
    assert run().hovering_from(0).mean == pytest.approx(0.8)
    assert run().reaches_edge


def test_a_run_that_diverged_tells_nothing():
    diverged = run(ending="diverged")
    for ask in (lambda: diverged.crossed, lambda: diverged.reaches_edge, lambda: diverged.hovering_from(0)):
        assert refusal(ask) == "a run: diverged"


def test_a_run_below_its_edge_says_how_far_it_got():
    below = run((1.0, 2.0, 3.0, 4.0, 4.0))
    for ask in (lambda: below.level, lambda: below.reaches_edge):
        assert refusal(ask) == "a run: ended by its steps at 0.80 of the edge"


def test_a_run_that_is_trained_below_its_edge_does_not_reach_it():
    assert not run((1.0, 2.0, 3.0, 4.0, 4.0), ending="accuracy").reaches_edge


def test_a_run_that_starts_above_its_edge_does_not_rise_to_it():
    for values in ((6.0, 5.0, 5.0, 5.0, 5.0), (6.0, 4.0, 6.0, 5.0, 5.0), (5.0, 5.0, 5.0, 5.0, 5.0)):
        for ask in (lambda above: above.reaches_edge, lambda above: above.crossed, lambda above: above.level):
            assert "starts at the edge or above it" in refusal(lambda values=values, ask=ask: ask(run(values)))


def test_too_few_readings_do_not_tell_a_level():
    assert "2 readings from step 30 on; 3 tell" in refusal(lambda: run(fewest=3).level)
    assert "3 readings from step 20 on; 4 tell" in refusal(lambda: run(fewest=4).level)


@pytest.mark.parametrize("power", [-1.0, -0.7, 0.0])
def test_the_exponent_is_the_one_planted(power):
    runs = [run(np.array([0.1, 1.0, 1.0, 1.0, 1.0]) * 6 * (eta / 0.4) ** power, eta) for eta in (0.4, 0.6, 0.9)]
    assert level_exponent(runs) == pytest.approx(power)


def test_one_run_has_no_exponent():
    assert "give two or more" in refusal(lambda: level_exponent([run()]))


def test_runs_are_combined_by_their_labels_without_weights_and_with_gaps():
    full = xr.Dataset(
        {"loss": ("step", [2.0, 1.0]), "weights": (("snapshot", "parameter"), [[1.0]])},
        {"step": [0, 1], "snapshot": [0]},
        {"eta": 0.1, "ending": "steps"},
    )
    batches = xr.Dataset({"batch_loss": ("step", [3.0])}, {"step": [0]}, {"eta": 0.2, "ending": "diverged"})
    found = combined({("a", 1): full, ("b", 2): batches}, "name", "number")
    assert "weights" not in found
    assert found.loss.sel(name="b", number=2).values == pytest.approx([3.0, np.nan], nan_ok=True)
    assert float(found.eta.sel(name="a", number=1)) == 0.1
    assert found.ending.sel(name="b", number=2) == "diverged"
    assert np.isnan(found.eta.sel(name="a", number=2))
