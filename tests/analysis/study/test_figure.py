"""Figures fit a page of two columns, and can be read on it."""

import pytest

from analysis.study import new_figure
from analysis.study.figure import MOST_POINTS, caption_of, draw_and_save, points


def drawn(width=7.0, fontsize=7.0):
    figure = new_figure(width, 2.0)
    figure.subplots().set_title("sharpness", fontsize=fontsize)
    return figure


def test_a_figure_is_written_in_three_formats(tmp_path):
    draw_and_save(drawn, tmp_path, "Sharpness.")
    assert {path.name for path in tmp_path.iterdir()} == {"figure.png", "figure.pdf", "figure.svg"}


@pytest.mark.parametrize(
    ("given", "said"), [({"width": 7.1}, "7.1 inches wide"), ({"fontsize": 6.5}, "'sharpness': less than 7 points")]
)
def test_what_a_page_cannot_show_is_a_fault_of_the_study(tmp_path, given, said):
    with pytest.raises(ValueError, match=said):
        draw_and_save(lambda: drawn(**given), tmp_path, "")
    assert not list(tmp_path.iterdir())


def test_what_has_many_points_is_drawn_in_pixels_and_all_else_in_lines():
    axes = new_figure(7.0, 2.0).subplots()
    few, many = (axes.plot(range(number))[0] for number in (10, 5000))
    cloud, band = axes.scatter(range(5000), range(5000)), axes.fill_between(range(3000), 0, 1)
    colours = axes.pcolormesh([[0.0] * 100] * 50)
    assert [points(one) > MOST_POINTS for one in (few, many, cloud, band, colours, axes)] == [
        False,
        True,
        True,
        True,
        True,
        False,
    ]


def test_the_same_figure_is_the_same_file(tmp_path):
    """Against dates and random names in what is kept and compared."""
    written = []
    for _ in range(2):
        draw_and_save(drawn, tmp_path, "Sharpness.")
        written.append((tmp_path / "figure.svg").read_bytes())
    assert written[0] == written[1]


def test_a_caption_is_what_the_figures_module_says_or_its_function():
    from analysis.quadratic import figure
    from analysis.sam.figure import draw

    assert caption_of(draw).startswith("SAM beside GD")
    assert caption_of(figure).startswith("|θᵢ| along the runs")
