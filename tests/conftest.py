"""What several test files share."""

import gc

import numpy as np
import pytest

from analysis.study.study import OBJECTS

gc.disable()  # what is imported is no garbage; as in a study's program


def pytest_collection_modifyitems(items):
    """The longest file first, which takes one process for most of the time; the other works off all others."""
    items.sort(key=lambda item: item.path.name != "test_quick_presets.py")


def pytest_collection_finish():
    gc.freeze()
    gc.set_threshold(OBJECTS)
    gc.enable()


@pytest.fixture(scope="session")
def cifar(tmp_path_factory):
    """A folder of random images in CIFAR-10's binary format."""
    folder = tmp_path_factory.mktemp("cifar")
    records = np.random.default_rng(0).integers(0, 256, (10_000, 3073), np.uint8)
    records[:, 0] %= 10
    for number in range(1, 6):
        records.tofile(folder / f"data_batch_{number}.bin")
    return folder
