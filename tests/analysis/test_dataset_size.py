import json

import pytest

from analysis.dataset_size import Options, study
from analysis.study.work import work_off
from eos_sym import BadInput


@pytest.mark.slow
@pytest.mark.usefixtures("in_pixels")
def test_a_few_steps_on_a_few_digits_decide_nothing_and_are_not_repeated(tmp_path, capsys):
    options = Options(sizes=(10, 20, 30), seeds=2, steps=2, workers=1, out=tmp_path, json=True)
    documents = []
    for _ in range(2):
        assert work_off(study, options) == 0
        documents.append(json.loads(capsys.readouterr().out))
        (claim,) = documents[-1]["claims"]
        assert claim["status"] == "undecided"
        assert len(documents[-1]["simulation"]["examples"]) == 3
        written = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/history.nc")}
        assert len(written) == 7  # 3 sizes, 2 seeds, and one repeated by descent
        assert documents[0]["claims"] == documents[-1]["claims"]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/history.nc")} == written


@pytest.mark.parametrize("sizes", [(100,), (100, 200), (200, 100, 400), (100, 100, 200)])
def test_sizes_in_which_no_trend_can_be_seen_are_refused(sizes):
    with pytest.raises(BadInput, match="--sizes"):
        Options(sizes=sizes)


def test_sizes_beyond_the_number_of_images_are_refused(cifar):
    with pytest.raises(BadInput, match="there are 1000 images; give more --examples"):
        Options(preset="full", data_root=cifar, examples=1000)


def test_a_folder_of_images_that_the_quick_preset_would_not_look_at_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"--data-root .*: the quick preset has data of its own; add --preset full"):
        Options(data_root=tmp_path)
