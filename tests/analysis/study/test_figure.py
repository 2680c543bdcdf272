"""Figures fit a page of two columns, and can be read on it."""

import pytest

from analysis.study import new_figure
from analysis.study.figure import draw_and_save


def drawn(width=7.0, fontsize=7.0):
    figure = new_figure(width, 2.0)
    figure.subplots().set_title("sharpness", fontsize=fontsize)
    return figure


def test_a_figure_is_written_in_both_formats(tmp_path):
    draw_and_save(drawn, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"figure.png", "figure.pdf"}


@pytest.mark.parametrize(
    ("given", "said"), [({"width": 7.1}, "7.1 inches wide"), ({"fontsize": 6.5}, "'sharpness': less than 7 points")]
)
def test_what_a_page_cannot_show_is_a_fault_of_the_study(tmp_path, given, said):
    with pytest.raises(ValueError, match=said):
        draw_and_save(lambda: drawn(**given), tmp_path)
    assert not list(tmp_path.iterdir())
