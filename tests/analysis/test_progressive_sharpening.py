import numpy as np
import xarray as xr

from analysis.progressive_sharpening import study
from analysis.study.work import verdicts as verdicts_of

STEPS, EVERY = 1000, 10


def histories(squared, entropy, accuracy=1.0, eta=0.1):
    """Two runs whose sharpness is given as functions of s in [0, 1]; the loss falls in every step."""
    s = np.arange(0, STEPS + 1, EVERY) / STEPS
    steps = np.arange(STEPS + 1)
    one = xr.Dataset(
        {
            "sharpness": (("criterion", "reading"), [squared(s), entropy(s)]),
            "loss": (("criterion", "step"), np.exp(-np.stack([steps, steps]) / 100)),
            "accuracy": (("criterion", "step"), np.full((2, STEPS + 1), accuracy)),
        },
        {"criterion": ["mse", "cross_entropy"], "reading": np.arange(0, STEPS + 1, EVERY), "step": steps},
        {"eta": eta},
    )
    return one.expand_dims(seed=[0, 1])


def rates(sharpness, rate):
    """Snapshots of S(t) and its rate, for both criteria."""
    t = np.linspace(0, 1, 201)
    return xr.Dataset(
        {name: (("criterion", "snapshot"), [f(t), f(t)]) for name, f in (("sharpness", sharpness), ("rate", rate))},
        {"criterion": ["mse", "cross_entropy"], "snapshot": np.arange(201), "snapshot_time": ("snapshot", t)},
    )


def rising(s):
    return 2 + 8 * s


def hump(s):
    return 1 + 4 * np.sin(np.pi * s)


RATES = rates(np.exp, np.exp)


def verdicts(training, rates=RATES):
    return {name: found.status for name, found in verdicts_of(study, training=training, rates=rates).items()}


def test_a_rising_and_a_humped_sharpness_support_every_claim():
    assert set(verdicts(histories(rising, hump)).values()) == {"supported"}


def test_a_falling_sharpness_refutes_progressive_sharpening():
    assert verdicts(histories(lambda s: 10 - 8 * s, hump))["rises_with_squared_error"] == "refuted"


def test_a_cross_entropy_run_that_never_falls_refutes_the_fall():
    assert verdicts(histories(rising, rising))["rises_then_falls_with_cross_entropy"] == "refuted"


def test_a_run_that_still_learns_decides_nothing_about_its_end():
    assert verdicts(histories(rising, hump, accuracy=0.9))["rises_then_falls_with_cross_entropy"] == "undecided"


def test_a_sharpness_beyond_the_edge_refutes_descent_below_it():
    assert verdicts(histories(rising, hump, eta=0.3))["descent_below_the_edge"] == "refuted"


def test_a_rate_that_does_not_add_up_is_refuted():
    found = verdicts(histories(rising, hump), rates(np.exp, lambda t: 1.1 * np.exp(t)))
    assert found["rate_is_the_third_derivative_mse"] == "refuted"


def test_a_rate_of_zero_is_refuted():
    found = verdicts(histories(rising, hump), rates(hump, lambda t: 0 * t))
    assert found["rate_is_the_third_derivative_mse"] == "refuted"
