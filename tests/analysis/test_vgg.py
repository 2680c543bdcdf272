import numpy as np
import pytest
import torch
import xarray as xr

from analysis.study.work import verdicts as verdicts_of
from analysis.vgg.__main__ import Options, figure, planned, runs, study
from analysis.vgg.scale import (
    convolution_weights,
    defect_of_the_growth,
    defects_of_the_curvature,
    measured_scale,
    slope_along_the_weights,
)
from eos_sym import BadInput
from numeric.networks.architectures import Vgg
from numeric.networks.data import Digits
from numeric.networks.loss import FlatLoss, half_squared_error

ETAS, STEPS, EVERY = (0.2, 0.25, 0.3, 0.35, 0.4), 100, 5
OF_RUNS = {"reaches_the_edge", "hovers_at_the_edge", "inversely_with_the_step_size", "non_monotone_yet_falling"}


def training(start=0.3, level=1.1, power=1.0, ending="steps", turn=0.0):
    """Sharpness that rises linearly from a share of 2/η, to stay at a level from half of the run on."""
    s = np.arange(0, STEPS + 1, EVERY) / STEPS
    ratio = np.where(s < 0.5, start + (level - start) * 2 * s, level)
    edges = 2 / ETAS[0] * (ETAS[0] / np.array(ETAS)) ** power
    steps = np.arange(STEPS + 1)
    loss = np.exp(-steps / 20) * (1 + 0.1 * (-1.0) ** steps) + turn * np.maximum(0, steps / STEPS - 0.8)
    return xr.Dataset(
        {
            "sharpness": (("eta", "reading"), edges[:, None] * ratio),
            "loss": (("eta", "step"), np.stack([loss] * len(ETAS))),
            "ending": ending,
        },
        {"eta": list(ETAS), "reading": np.arange(0, STEPS + 1, EVERY), "step": steps},
    )


def scale(**changes):
    """Measurements of a loss that is free of scale, at the start and the end."""
    values = {"norm": [5.0, 7.0], "alignment": [1e-6] * 2, "loss_change": [1e-5] * 2, "tracked": 10.0}
    values |= {"curvature": [4.0, 8.0], "curvature_at_twice": [1.0, 2.0], "independent": 10.0}
    known = values | changes
    return xr.Dataset({name: ("snapshot", one) if isinstance(one, list) else one for name, one in known.items()})


def verdicts(histories=None, measured=None):
    given = {
        "training": training() if histories is None else histories,
        "scale": scale() if measured is None else measured,
    }
    return {name: found.status for name, found in verdicts_of(study, **given).items()}


def test_a_sharpness_that_rises_to_the_edge_and_stays_supports_every_claim():
    assert set(verdicts().values()) == {"supported"}


def test_the_formulas_are_parts_of_their_own():
    found = verdicts_of(study, training=training(), scale=scale())
    for claim in ("reaches_the_edge", "no_scale", "weights_grow"):
        assert [part.status for part in found[claim].parts] == ["proved", "supported"]


def test_two_step_sizes_decide_nothing_about_level_and_exponent():
    found = verdicts(training().isel(eta=[0, 4]))
    assert found["hovers_at_the_edge"] == found["inversely_with_the_step_size"] == "undecided"


@pytest.mark.parametrize(
    ("claim", "changes"),
    [
        ("hovers_at_the_edge", {"level": 1.6}),
        ("inversely_with_the_step_size", {"power": 0.6, "level": 1.4}),
        ("non_monotone_yet_falling", {"turn": 5.0}),
    ],
)
def test_runs_that_contradict_a_claim_refute_it(claim, changes):
    assert verdicts(training(**changes))[claim] == "refuted"


@pytest.mark.parametrize(
    ("claim", "changes"),
    [
        ("hovers_at_the_edge", {"independent": 11.0}),
        ("no_scale", {"alignment": [0.1, 0.1]}),
        ("no_scale", {"loss_change": [0.1, 0.1]}),
        ("no_scale", {"curvature_at_twice": [4.0, 8.0]}),
        ("weights_grow", {"norm": [7.0, 5.0]}),
    ],
)
def test_measurements_that_contradict_a_claim_refute_it(claim, changes):
    assert verdicts(measured=scale(**changes))[claim] == "refuted"


@pytest.mark.parametrize("changes", [{"level": 0.8}, {"start": 1.1}, {"ending": "diverged"}])
def test_runs_that_do_not_cross_the_edge_decide_nothing(changes):
    found = verdicts(training(**changes))
    assert found["reaches_the_edge"] == "undecided"


def test_runs_below_the_edge_decide_nothing_about_it():
    found = verdicts(training(level=0.8))
    assert {found[claim] for claim in OF_RUNS} == {"undecided"}


def test_two_weights_of_which_only_the_ratio_counts_obey_what_is_derived():
    assert slope_along_the_weights() == 0
    assert set(defects_of_the_curvature()) == {0}
    assert defect_of_the_growth() == 0


@pytest.fixture(scope="module")
def measure():
    """Measure a tiny VGG network, with or without batch normalization."""

    def measured(batch_norm):
        examples = Digits(6, size=32).load()
        network = Vgg(width=1, pooling="average", batch_norm=batch_norm)
        module = network.build(examples, torch.Generator().manual_seed(0))
        loss = FlatLoss(module, examples.inputs, examples.targets, half_squared_error)
        return measured_scale(loss, loss.parameters), loss

    return measured


def test_the_mask_marks_the_convolutions_weights_alone(measure):
    _, loss = measure(batch_norm=True)
    kernels = [parameter for parameter in loss.trainable.values() if parameter.ndim == 4]
    assert len(kernels) == 8
    mask = convolution_weights(loss)
    chosen = torch.cat([kernel.detach().reshape(-1) for kernel in kernels])
    torch.testing.assert_close(loss.parameters[mask], chosen, rtol=0, atol=0)


def test_batch_normalization_frees_the_loss_of_scale(measure):
    found, _ = measure(batch_norm=True)
    assert found["alignment"] < 1e-2
    assert found["loss_change"] < 1e-2
    assert found["curvature_at_twice"] == pytest.approx(found["curvature"] / 4, rel=0.02)


def test_without_batch_normalization_the_scale_matters(measure):
    found, _ = measure(batch_norm=False)
    assert found["loss_change"] > 1e-2
    assert found["alignment"] > 1e-2


def test_the_figure_shows_the_sharpness_over_its_edge_and_the_levels_beside_it():
    _, ratio, levels = figure(runs(training())).axes
    assert [line.get_ydata()[0] for line in ratio.lines if line.get_linestyle() == "--"] == [1]
    dots = [line for line in levels.lines if line.get_marker() == "o"]
    assert [float(line.get_ydata()[0]) for line in dots] == pytest.approx([2.2 / eta for eta in ETAS])


def test_a_step_size_of_zero_is_refused():
    with pytest.raises(BadInput, match="--eta 0"):
        Options(eta=(0,))


def test_the_full_preset_without_a_data_root_is_refused():
    with pytest.raises(BadInput, match="--data-root"):
        planned(Options(preset="full"))
