"""Steppers on losses whose steps are known by hand, what is claimed of races that are made up, and a short run."""

import json

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

from analysis.adaptive_step import steppers
from analysis.adaptive_step.__main__ import Options, study
from analysis.adaptive_step.figure import draw
from analysis.adaptive_step.races import CONTESTANTS, FULL, QUICK, raced
from analysis.adaptive_step.scores import Field, cheaper
from analysis.adaptive_step.steppers import CANDIDATES, Chosen, Foreseen, Forward, Stepper, Tracked
from analysis.study.work import verdicts, work_off
from eos_sym import BadInput
from numeric.networks.data import Digits
from numeric.networks.loss import FlatLoss, half_squared_error


class Quadratic(nn.Module):
    """½ Σ λᵢθᵢ², whatever the inputs."""

    def __init__(self, *curvatures):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(len(curvatures), dtype=torch.float64))
        self.register_buffer("curvatures", torch.tensor(curvatures, dtype=torch.float64))

    def forward(self, inputs):
        return (0.5 * (self.curvatures * self.weight.square()).sum()).expand(len(inputs))


def quadratic(*curvatures):
    example = torch.zeros(1, 1, dtype=torch.float64)
    return FlatLoss(Quadratic(*curvatures), example, example, lambda outputs, _: outputs.mean())


def digits():
    examples = Digits(40, classes=3).load()
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    return FlatLoss(module, examples.inputs, examples.targets, half_squared_error)


# --- steppers


def test_forward_passes_are_thirds_and_are_made_when_due():
    loss = quadratic(4.0, 1.0)
    stepper, costs = Forward(loss, 0.5, every=3), []
    for _ in range(4):
        value, gradient = loss.value_and_gradient(stepper.weights)
        costs.append(stepper.advance(float(value), gradient))
    assert costs[1] == costs[2] == 0
    assert 3 * costs[0] == pytest.approx(round(3 * costs[0]))
    assert costs[3] > 0
    assert stepper.taken[1] == stepper.taken[0]


@pytest.mark.parametrize(("name", "step"), [("polyak", 2.5 / 17), ("normalized_0.3", 0.3 / 17**0.5), ("fixed_2", 1.0)])
def test_the_steps_without_readings_are_their_formulas(name, step):
    """At θ = (1, 1) of ½(4x² + y²), with the sharpness 4."""
    loss = quadratic(4.0, 1.0)
    stepper = CONTESTANTS[name].begin(loss, 4.0)
    value, gradient = loss.value_and_gradient(stepper.weights)
    assert stepper.advance(float(value), gradient) == 0
    torch.testing.assert_close(stepper.weights, 1 - step * torch.tensor([4.0, 1.0]).double())


def test_a_tracked_step_is_the_fraction_and_costs_its_readings():
    loss = digits()
    stepper, costs = Tracked(loss, 0.8), []
    for _ in range(steppers.EVERY + 1):
        value, gradient = loss.value_and_gradient(stepper.weights)
        costs.append(stepper.advance(float(value), gradient))
    assert stepper.held == pytest.approx(0.8, rel=0.02)
    assert sum(costs) == pytest.approx(float(stepper.edge_step.tracker.history.evaluations.sum()))
    assert np.count_nonzero(costs) == 2


def test_the_step_that_is_forecast_to_be_fastest_is_among_the_faster_ones(monkeypatch):
    """All candidates are followed. Wrong programs: one that takes the smallest, or the slowest."""
    monkeypatch.setattr(steppers, "AHEAD", 20)
    loss = digits()
    start = loss.parameters
    edge = 2 / float(torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, start))[-1])
    stepper = Foreseen(loss)
    stepper.eta = edge / 2  # a forecast reaches as far as the step size that it is made with
    value, gradient = loss.value_and_gradient(start)
    assert stepper.advance(float(value), gradient) > 20
    ends = {}
    for share in CANDIDATES:
        weights = start
        for _ in range(20):
            weights = weights - share * edge * loss.value_and_gradient(weights)[1]
        ends[share] = float(loss(weights).detach())
    chosen = min(CANDIDATES, key=lambda share: abs(share * edge - stepper.taken[0]))
    assert chosen > CANDIDATES[0]
    assert ends[chosen] <= np.median(list(ends.values()))


# --- what a race records


class Costly(Stepper):
    """A step that halves a weight of curvature one, for half an evaluation."""

    def choose(self, value, gradient):
        return 0.5, 0.5


def test_a_loss_is_known_when_its_gradient_is_paid_for():
    """Spent 1, 2.5, 4, 5.5. Wrong program: one that forgets what choosing costs."""
    found = raced(Costly(quadratic(1.0)), 6)
    np.testing.assert_allclose(found.loss, 0.5 * np.array([1, 1, 0.25, 0.25**2, 0.25**2, 0.25**3]))
    assert found.step.values.tolist() == [0, 0, 1, 2, 2, 3]
    assert float(found.choosing) == 2.0
    assert float(found.sharpness) == pytest.approx(1.0)
    assert not found.diverged


def test_a_run_that_leaves_the_numbers_has_diverged_and_one_at_rest_has_not():
    assert raced(Chosen(quadratic(1.0), lambda *_: 1e200), 9).diverged
    assert raced(Chosen(quadratic(1.0), lambda *_: 2.5), 9).diverged
    still = raced(Chosen(quadratic(1.0), lambda *_: 1.0), 9)
    assert still.loss[-1] == 0
    assert not still.diverged


# --- what is claimed


SEEDS, BUDGET = 5, 400


def made_up(costs, diverging=(), sharpness=None):
    """Races in which the loss falls to the far share when so much is spent, a little later with every seed."""
    names, spent = [*CONTESTANTS], np.arange(1, BUDGET + 1)
    when = np.array([[costs.get(name, 200) + seed for name in names] for seed in range(SEEDS)])
    loss = np.where(spent >= when[..., None], 1e-9, np.where(spent >= when[..., None] / 2, 0.09, 1.0))
    loss[..., 0] = 1.0
    held = [float(name.removeprefix("tracked_")) if name.startswith("tracked") else np.nan for name in names]
    ended = [(sharpness or {}).get(name, 5.0) for name in names]
    return xr.Dataset(
        {
            "loss": (("seed", "contestant", "evaluations"), loss),
            "step": (("seed", "contestant", "evaluations"), np.broadcast_to(spent / 2, loss.shape)),
            "sharpness": (("seed", "contestant"), np.array(ended) + 0.01 * np.arange(SEEDS)[:, None]),
            "held": (("seed", "contestant"), np.broadcast_to(held, (SEEDS, len(names)))),
            "choosing": (("seed", "contestant"), np.full((SEEDS, len(names)), 7.0)),
            "diverged": (
                ("seed", "contestant"),
                np.broadcast_to([float(name in diverging) for name in names], (SEEDS, len(names))),
            ),
        },
        {"seed": np.arange(SEEDS), "contestant": names, "evaluations": spent},
    )


def field(*of_the_races, **more):
    return Field(FULL["mse"], made_up(*of_the_races, **more))


def statuses(*of_the_races, **more):
    found = verdicts(study, fields=[field(*of_the_races, **more)])
    return {part.statement: part.status for claim in found.values() for part in claim.parts}


def said(found, words):
    (status,) = [status for statement, status in found.items() if words in statement]
    return status


def test_costs_are_read_off_the_races_and_the_best_in_hindsight_is_the_cheapest():
    one = field({"fixed_1.4": 60, "tracked_0.8": BUDGET + 100})
    assert one.cost("fixed_1.4", one.course.far).tolist() == [60, 61, 62, 63, 64]
    assert one.cost("fixed_1.4", one.course.near).tolist() == [30, 31, 31, 32, 32]
    assert one.steps("fixed_1.4", one.course.far).tolist() == [30, 30.5, 31, 31.5, 32]
    assert np.isinf(one.cost("tracked_0.8", one.course.far)).all()
    assert one.counted("tracked_0.8", one.course.far).tolist() == [BUDGET] * SEEDS
    assert one.best("fixed", one.course.far) == "fixed_1.4"


def test_whoever_is_cheaper_than_the_best_fixed_step_is_said_to_be():
    found = statuses({"fixed_1.4": 100, "tracked_0.95": 60, "tracked_1.05": 50, "polyak": 150, "forecast": 70})
    assert said(found, "in fewer evaluations, readings counted") == "supported"
    assert said(found, "at 1.05 they reach the far loss") == "supported"
    assert said(found, "Polyak's step does") == "refuted"
    assert said(found, "forecast to be fastest reaches the far loss") == "supported"


def test_one_that_does_not_arrive_counts_as_the_budget():
    found = statuses({"fixed_1.4": 100, "tracked_0.95": 2 * BUDGET})
    assert said(found, "in fewer evaluations, readings counted") == "refuted"


NEVER = 2 * BUDGET


@pytest.mark.parametrize(
    ("fixed", "tracked", "misses", "status"),
    [
        (NEVER, 300, "fixed", "supported"),
        (NEVER, 300, "tracked", "undecided"),
        (300, NEVER, "tracked", "refuted"),
        (300, NEVER, "fixed", "undecided"),
    ],
)
def test_a_budget_that_was_spent_in_vain_is_a_bound(fixed, tracked, misses, status):
    """Against "cheaper" of one that misses the loss, and "dearer" than one that does, from the last of five starts."""
    costs = {name: fixed if name.startswith("fixed") else tracked for name in CONTESTANTS}
    races = made_up(costs)
    late = (races.seed == SEEDS - 1) & races.contestant.str.startswith(misses)
    found = cheaper(Field(FULL["mse"], races.assign(loss=races.loss.where(~late, 1.0))), "tracked_0.95", "fixed_1")
    assert found.status == status
    assert f"{SEEDS} of {SEEDS} do not reach it" in found.quantity


def test_divergence_is_counted_apart_below_and_beyond_the_edge():
    found = statuses({}, diverging=("tracked_1.2", "forward_0.5_10"))
    assert said(found, "no run with a tracked fraction below one") == "supported"
    assert said(found, "none with a fraction above one") == "refuted"
    assert said(found, "found at every step") == "supported"
    assert said(found, "found at every tenth") == "refuted"


@pytest.mark.parametrize(("beyond", "status"), [(3.0, "supported"), (7.0, "refuted")])
def test_flatter_ends_are_a_smaller_sharpness(beyond, status):
    assert said(statuses({}, sharpness={"tracked_1.2": beyond}), "networks end flatter") == status


def test_a_fraction_that_is_not_kept_is_found():
    races = made_up({})
    races["held"] = races.held.where(races.contestant != "tracked_0.8", 0.83)
    found = verdicts(study, fields=[Field(FULL["mse"], races)])["fraction_is_kept"]
    assert found.status == "refuted"


def test_the_figure_says_of_whom_only_some_arrive():
    races = made_up({"tracked_0.5": BUDGET - 1})
    texts = [
        text.get_text() for text in draw([Field(FULL["mse"], races)]).findobj(lambda one: hasattr(one, "get_text"))
    ]
    assert "2 of 5" in texts


# --- as its users see it


@pytest.mark.usefixtures("in_pixels")
def test_a_short_run(tmp_path, capsys):
    options = Options(out=tmp_path, json=True, seeds=1, steps=30, workers=1)
    assert work_off(study, options) == 0
    written = json.loads(capsys.readouterr().out)
    assert {*written["simulation"]} == {course.words for course in QUICK.values()}
    assert (tmp_path / "figure.png").stat().st_size > 10_000
    claims = {claim["id"]: claim for claim in written["claims"]}
    assert claims["fraction_is_kept"]["status"] == "supported"
    assert claims["without_curvature"]["status"] == "undecided"


def test_no_starts_are_refused():
    with pytest.raises(BadInput, match="--seeds 0: must be 1 or more"):
        Options(seeds=0)
