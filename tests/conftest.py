"""What several test files share, and how much processor time each takes, which is printed of those that take most."""

import gc
import os
from collections import Counter

import numpy as np
import pytest

from analysis.study.study import OBJECTS
from numeric.runs import write_atomically

BEFORE = pytest.StashKey[float]()
SECONDS = "processor seconds"

gc.disable()  # what is imported is no garbage; as in a study's program


def pytest_collection_modifyitems(items):
    """The longest file first, which takes one process for most of the time; the other works off all others."""
    items.sort(key=lambda item: item.path.name != "test_quick_presets.py")


def pytest_collection_finish():
    gc.freeze()
    gc.set_threshold(OBJECTS)
    gc.enable()


def processor_seconds():
    """Of this process and of those that it began and that have ended."""
    return sum(os.times()[:4])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    item.stash[BEFORE] = processor_seconds()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if report.when == "teardown":
        report.user_properties.append((SECONDS, processor_seconds() - item.stash[BEFORE]))
    return report


def pytest_terminal_summary(terminalreporter):
    files = Counter()
    for report in terminalreporter.getreports(""):
        files[report.nodeid.partition("::")[0]] += dict(report.user_properties).get(SECONDS, 0)
    terminalreporter.section("processor seconds of the files that take most")
    for file, seconds in files.most_common(40):
        terminalreporter.line(f"{seconds:7.1f}  {file}")


@pytest.fixture(scope="session")
def cifar(tmp_path_factory):
    """A folder of random images in CIFAR-10's binary format."""
    folder = tmp_path_factory.mktemp("cifar")
    records = np.random.default_rng(0).integers(0, 256, (10_000, 3073), np.uint8)
    records[:, 0] %= 10
    for number in range(1, 6):
        records.tofile(folder / f"data_batch_{number}.bin")
    return folder


@pytest.fixture
def in_pixels(monkeypatch):
    """Studies draw their figure as they do everywhere; of its files those of lines stay empty, which take most time."""

    def write(path, save):
        write_atomically(path, save if path.suffix == ".png" else type(path).touch)

    monkeypatch.setattr("analysis.study.figure.write_atomically", write)
