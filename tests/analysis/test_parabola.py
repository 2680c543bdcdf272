"""The parabola at the end of training: its parts on problems where the answer is known.

Wrong programs these catch: a fit that takes the oscillation for its square, or forces the parabola through 0; a folded
network that is another network; a local trajectory in coordinates that are not those of the plane; a model that is not
followed as the network is.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

from analysis.parabola.__main__ import Options, descent
from analysis.parabola.descent import PRECISION, Descent, last_crossing, local_window, train
from analysis.parabola.laws import decay_of
from analysis.parabola.local import at_iterates, at_midpoints, inner, parabola
from analysis.parabola.problem import InSpan, OnSpan, Signed
from eos_sym import BadInput, Undecided
from numeric.networks.architectures import FullyConnected
from numeric.networks.data import Examples
from numeric.progress import unheard

WIDE = Examples(
    torch.randn(4, 9, generator=torch.Generator().manual_seed(1)).double(), torch.eye(2).double()[[0, 1, 0, 1]], True
)


def test_a_planted_parabola_is_found_and_what_is_none_is_seen():
    x = np.geomspace(1, 0.01, 50) * (-1) ** np.arange(50)
    found = parabola(x, 3 * x**2 - 0.2)
    assert (found.coefficient, found.offset) == pytest.approx((3, -0.2))
    assert found.residual == pytest.approx(0, abs=1e-12)
    assert parabola(x, np.abs(x)).residual > 0.1
    with pytest.raises(Undecided, match="takes 10"):
        parabola(x[:9], x[:9])


def test_the_rate_of_a_decaying_oscillation_is_the_gap():
    # x⁺ = (1 − ηS)x with S = 2/η − gap
    steps, eta, gap = np.arange(0, 300, 3), 0.1, 0.4
    assert decay_of((-1 + eta * gap) ** steps, steps, eta) == pytest.approx(gap)


def test_labels_are_one_for_the_first_class_and_minus_one_for_the_second():
    assert Signed(WIDE).load().targets[:, 0].tolist() == [1, -1, 1, -1]


def test_in_the_span_of_the_images_the_network_trains_as_on_the_images():
    data, network = InSpan(Signed(WIDE)), FullyConnected((5, 5), "elu")
    assert data.load().inputs.shape == (4, 4)
    folded = Descent(data, OnSpan(network, data), 0.1, 30, 3).loss()
    whole = Descent(Signed(WIDE), network, 0.1, 30, 3).loss()
    one, other = (train(loss, 0.1, 30, unheard).recorded for loss in (folded, whole))
    assert one.loss.values == pytest.approx(other.loss.values, rel=1e-10)
    assert one.sharpness.values == pytest.approx(other.sharpness.values, rel=2 * PRECISION)  # that of a reading
    assert len(folded.parameters) < len(whole.parameters)


def test_the_last_crossing_is_the_last_rise():
    recorded = xr.Dataset({"sharpness": ("reading", [1.0, 3.0, 1.0, 3.0, 3.0])}, {"reading": [1, 26, 51, 76, 101]})
    assert last_crossing(recorded, 2.0) == 76
    assert last_crossing(recorded, 4.0) is None


def test_the_window_is_two_decades_of_the_swing_and_ends_where_it_is_gone():
    swing = np.array([np.nan, *10.0 ** -np.arange(0, 12), np.nan])
    assert local_window(swing, 1.0, 1) == (6, 8)  # 10⁻⁵ to 10⁻⁷ of the weights
    assert local_window(swing, 1.0, 7) == (7, 8)
    assert local_window(swing[:5], 1.0, 1) == (1, 3)


def quick(**changes):
    return replace(descent(Options(preset="quick"), "elu", 1), **changes)


@pytest.fixture(scope="module")
def run():
    """A run of the quick preset, cut short where it comes to its end."""
    return quick(steps=500).run(None, unheard).assign_coords(activation="elu", seed=1)


def test_the_local_trajectory_is_the_run_itself_in_the_plane(run):
    """By plain steps to the middle of the trajectory, with the plane taken from two of its own points."""
    problem = quick()
    loss = problem.loss()
    place = int(run.point[len(run.point) // 2])
    path = [loss.parameters]
    for _ in range(place + 1):
        path.append(path[-1] - problem.eta * loss.value_and_gradient(path[-1])[1])
    before, now, after = path[place - 1 :]
    one = run.isel(point=len(run.point) // 2)
    turn = (2 * now - before - after) / 4
    assert abs(float(one.x)) == pytest.approx(float(turn.norm()), rel=1e-2)
    last = torch.from_numpy(run.end.values)
    middle = (before + 2 * now + after) / 4 - (last[0] + 2 * last[1] + last[2]) / 4
    size = float(middle @ middle) - float(middle @ turn / turn.norm()) ** 2
    assert float(one.along) ** 2 + float(one.out_of_plane) ** 2 == pytest.approx(size, rel=1e-2)


def test_midpoints_and_iterates_have_parabolas_of_their_own(run):
    found = [at_midpoints(run), at_iterates(run, odd=True), at_iterates(run, odd=False), inner(run)]
    assert all(np.isfinite(one.coefficient) for one in found)
    assert np.sign(run.iterate_x[run.point % 2 == 0]).std() == 0  # one side of the valley each


def test_a_run_without_a_crossing_has_no_trajectory_and_says_why():
    small = quick(eta=0.01, steps=60).run(None, unheard).assign_coords(activation="elu", seed=1)
    with pytest.raises(Undecided, match="never rises to 2/η"):
        at_midpoints(small)
    gone = quick(eta=30.0, steps=60).run(None, unheard).assign_coords(activation="elu", seed=1)
    with pytest.raises(Undecided, match="diverged"):
        at_midpoints(gone)


def test_what_options_refuse():
    with pytest.raises(BadInput, match="--width 0"):
        Options(width=0)
    with pytest.raises(BadInput, match="add --preset full"):
        Options(data_root="somewhere")
    assert isinstance(descent(Options(), "elu", 0).data, Signed)
