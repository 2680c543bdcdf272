import numpy as np
import pytest
import xarray as xr

from analysis.momentum_network import RULES, step_size, study
from analysis.study.work import verdicts as verdicts_of
from numeric.networks.training.optimizers import HeavyBall, Nesterov

EDGES, MOMENTA = (6.0, 7.0, 8.0), (0.5, 0.9)
HEAVY_BALL, NESTEROV = RULES


def training(level=lambda rule, momentum, edge: edge, readings=100, ending="steps"):
    """Runs that rise to a level within a tenth of their length and stay there."""
    shape = (len(RULES), len(MOMENTA), len(EDGES))
    levels = np.array([level(*where) for where in _all()]).reshape(shape)
    etas = np.array([step_size(*where) for where in _all()]).reshape(shape)
    rise = np.minimum(1.0, np.linspace(0, 10, readings))
    dims = ("rule", "momentum", "edge")
    return xr.Dataset(
        {
            "sharpness": ((*dims, "reading"), levels[..., None] * rise * 1.001),
            "eta": (dims, etas),
            "ending": (dims, np.full(shape, ending)),
        },
        {
            "rule": [rule.name for rule in RULES],
            "momentum": list(MOMENTA),
            "edge": list(EDGES),
            "reading": np.arange(readings),
        },
    )


def _all():
    return [(rule, momentum, edge) for rule in RULES for momentum in MOMENTA for edge in EDGES]


def judged(runs):
    return verdicts_of(study, training=runs)


def verdicts(runs):
    return {name: verdict.status for name, verdict in judged(runs).items()}


def test_step_sizes_are_those_of_the_closed_formulas():
    assert step_size(HEAVY_BALL, 0.9, 380) == pytest.approx(0.01)
    assert step_size(NESTEROV, 0.9, 3.8 / (0.01 * 2.8)) == pytest.approx(0.01)
    for optimizer, rule in ((HeavyBall, HEAVY_BALL), (Nesterov, NESTEROV)):
        assert optimizer(step_size(rule, 0.7, 5.0), 0.7).critical_sharpness == pytest.approx(5.0)


def test_hovering_at_the_own_edge_supports_every_claim():
    assert {*verdicts(training()).values()} == {"proved", "supported"}


def test_hovering_far_above_the_own_edge_is_refuted():
    found = verdicts(training(lambda rule, momentum, edge: 1.3 * edge))
    assert found["heavy_ball_hovers_at_its_own_edge"] == found["nesterov_hovers_at_its_own_edge"] == "refuted"


def test_a_heavy_ball_that_hovers_where_gradient_descent_does_is_told_apart():
    at_gradient_descents = training(lambda rule, momentum, edge: 2 / step_size(rule, momentum, edge))
    nearest = judged(at_gradient_descents)["the_sharpness_tells_the_rule"]
    assert "refuted" in {piece.status for piece in nearest.evidence[len(MOMENTA) * len(EDGES) :]}


def test_levels_that_scatter_about_a_bound_decide_nothing():
    found = verdicts(training(lambda rule, momentum, edge: edge * (1.22 + 0.03 * (edge - 6))))
    assert found["heavy_ball_hovers_at_its_own_edge"] == "undecided"


@pytest.mark.parametrize("runs", [training(readings=8), training(ending="diverged")], ids=["short", "diverged"])
def test_short_and_diverged_runs_decide_nothing(runs):
    found = verdicts(runs)
    assert found["heavy_ball_hovers_at_its_own_edge"] == found["the_sharpness_tells_the_rule"] == "undecided"
    assert found["threshold_of_heavy_ball"] == "proved"
