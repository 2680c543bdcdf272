"""Two processes with a part of the data each: they read what one process reads of all, and nobody waits for ever.

Against a sum that is a mean of means, a rank that decides for itself, and one that fails while the others wait.
"""

import pytest
import torch

from eos_sym import BadInput
from numeric.networks.curvature import HessianAt, TopEigenpairs
from numeric.networks.loss import FlatLoss, half_squared_error
from numeric.networks.tracker import SharpnessTracker
from tests.numeric.networks.curvature import ranks

pytestmark = pytest.mark.slow  # a process begins in some seconds


KINDS = {"BadInput": BadInput, "ZeroDivisionError": ZeroDivisionError}
SCENARIOS = (
    {f"read {weight}": (ranks.read, weight) for weight in (None, 0.1)}
    | {f"{kind} {which}": (ranks.fail, which, error) for kind, error in KINDS.items() for which in (0, 1)}
    | {one.__name__: (one,) for one in (ranks.interrupt, ranks.disagree, ranks.mixed, ranks.track)}
    | {one.__name__: (one,) for one in (ranks.refuse, ranks.label, ranks.padded)}
)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What two processes come to in all of the scenarios."""
    return ranks.in_processes(tmp_path_factory.mktemp("ranks"), SCENARIOS)


@pytest.mark.parametrize("weight", [None, 0.1])
def test_two_processes_read_what_one_does(weight, found):
    told, nothing = found[f"read {weight}"]
    assert nothing is None
    inputs, targets = ranks.examples()
    # the parts' losses are means, so that a number in place of a weight adds these
    parts = [(slice(None), 1.0)] if weight is None else [(slice(7), weight), (slice(7, None), weight)]
    whole = [
        (FlatLoss(ranks.network(), inputs[some], targets[some], half_squared_error), share) for some, share in parts
    ]
    eigenpairs = TopEigenpairs(2, relative=1e-6)
    for step, (value, gradient, eigenvalues, bounds) in enumerate(told):
        weights = whole[0][0].parameters + 0.1 * step
        at = Summed([(HessianAt(loss, weights), share) for loss, share in whole])
        assert value == pytest.approx(float(at.value), rel=1e-12)
        assert gradient == pytest.approx(at.gradient.tolist(), rel=1e-10, abs=1e-12)
        one = eigenpairs.read(at, weights, at.gradient)
        for mine, other, bound in zip(eigenvalues, one.eigenvalues.tolist(), bounds, strict=True):
            assert mine == pytest.approx(other, abs=bound + 1e-6 * other)


class Summed:
    """Operators added up, in one process."""

    def __init__(self, parts):
        self.parts = parts
        self.value = sum(share * one.value for one, share in parts)
        self.gradient = sum(share * one.gradient for one, share in parts)
        self.evaluations = 0.0

    def product(self, block):
        return sum(share * one.product(block) for one, share in self.parts)

    def repeated(self, block):
        return self.product(block), self.product(block)


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(("kind", "of_others"), [("BadInput", "BadInput"), ("ZeroDivisionError", "RunFailed")])
def test_a_failure_is_that_of_all_ranks(which, kind, of_others, found):
    told = found[f"{kind} {which}"]
    assert told[which] == [kind, "it is broken"]
    assert told[1 - which] == [of_others, f"rank {which}: it is broken"]


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.fault(
    "killed",
    "one of two processes that share the data of a tracker",
    "the other one ends by an error of what joins them",
)
def test_a_rank_that_is_killed_leaves_no_other_waiting(which, tmp_path):
    told = ranks.in_processes(tmp_path, {"killed": (ranks.fail, which, "killed")})["killed"]
    assert told[which] is None
    assert told[1 - which][0] in ("RuntimeError", "DistBackendError")


@pytest.mark.fault(
    "interrupted",
    "the first of two processes that share the data of a tracker",
    "the other one ends, too",
)
def test_an_interruption_of_the_first_rank_ends_the_others(found):
    assert found["interrupt"] == ["interrupted", ["RunFailed", "rank 0: KeyboardInterrupt"]]


def test_what_fails_on_one_rank_when_all_check_fails_on_all(found):
    reason = "label 12 of example 3"
    assert found["disagree"] == [["BadInput", f"rank 1: {reason}"], ["BadInput", reason]]


def test_a_sum_on_one_rank_and_a_mean_on_the_other_are_refused(found):
    assert all("a number on some ranks" in reason for _, reason in found["mixed"])


def test_a_tracked_run_of_two_processes_is_that_of_one(found):
    """Readings at midpoints of H and of P⁻¹H, critical steps, the loss and all else that a history has."""
    inputs, targets = (one[:10] for one in ranks.examples())
    module = ranks.network()
    optimizer = torch.optim.RMSprop(module.parameters(), lr=0.01)
    tracker = SharpnessTracker(module, half_squared_error, inputs, targets, optimizer=optimizer, **ranks.READ)
    one = ranks.history_of(tracker, module, optimizer, inputs, targets)
    first, second = found["track"]
    assert first == second
    assert first.keys() == one.keys()
    for name in ("sharpness", "effective_sharpness"):
        assert first[name] == pytest.approx(one[name], rel=2e-3, nan_ok=True)
    assert first["critical_passes"] == one["critical_passes"]
    for name in ("full_loss", "gradient_norm", "critical_lower", "critical_upper"):
        assert first[name] == pytest.approx(one[name], rel=1e-9)


@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        ("refuse", ["the ranks' weights differ"] * 2),
        ("label", ["rank 1: label 7 of example 3", "label 7 of example 3"]),
        ("padded", ["12 examples to the ranks where there are 11"] * 2),
    ],
)
def test_a_tracker_that_is_refused_on_one_rank_is_on_all(name, reasons, found):
    for (kind, said), reason in zip(found[name], reasons, strict=True):
        assert kind == "BadInput"
        assert reason in said
