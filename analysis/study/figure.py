"""The look of every figure, and how it is saved: for a page of two columns, 7 inches wide, and colour-blind safe.

``figure.svg`` carries the figure's text with it: as its title the caption, as its description what every panel shows
against what, which is there for those who do not see it. Of an artist with more than `MOST_POINTS` points it has a
picture in pixels; all else stays lines.
"""

import inspect
import logging
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import Collection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from sympy import Basic, Symbol, pretty

from analysis.study.mathematics import latex
from numeric.runs import write_atomically

# Okabe and Ito's palette: distinguishable with every common colour vision deficiency, and in grey.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
THEORY_COLOR = "black"
PAGE_WIDTH, SMALLEST_FONT = 7.0, 7.0  # inches; points
FILES = ("figure.png", "figure.pdf", "figure.svg")
MOST_POINTS = 4000  # of an artist that is drawn as lines in SVG, some 20 bytes a point
PIXELS = 180  # an inch, of what is not; figures in SVG are read on screens
logging.getLogger("fontTools").setLevel(logging.ERROR)  # it remarks on the dates inside matplotlib's own fonts
STYLE: Any = {
    "axes.grid": True,
    "axes.prop_cycle": cycler(color=COLORS),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": "medium",
    "figure.dpi": 150,
    "font.size": 7.5,
    "grid.alpha": 0.25,
    "legend.borderaxespad": 0.3,
    "legend.fontsize": SMALLEST_FONT,
    "legend.frameon": False,
    "legend.handlelength": 1.5,
    "legend.labelspacing": 0.3,
    "lines.linewidth": 1.1,
    "mathtext.fontset": "cm",
    "pdf.fonttype": 42,
    "savefig.dpi": 300,
    "svg.hashsalt": "figure",
    "xtick.labelsize": SMALLEST_FONT,
    "ytick.labelsize": SMALLEST_FONT,
}


def colors(count: int) -> Sequence[Any]:
    """As many colours: the palette as far as it goes, beyond that evenly spaced along a perceptual scale."""
    return COLORS[:count] if count <= len(COLORS) else list(mpl.colormaps["viridis"](np.linspace(0, 0.9, count)))


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of the given size in inches, laid out so that nothing is cut off."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def typeset(expression: Basic) -> str:
    """The expression between dollars, for a text of a figure; quotients of one line, and brackets of its height."""
    text = latex(expression, fold_short_frac=True, mul_symbol=r"\,")
    if r"\frac" not in text:  # matplotlib makes brackets of growing size smaller than the text, where nothing is tall
        text = text.replace(r"\left", "").replace(r"\right", "").replace(" )", ")")
    return f"${text}$"


def legend_above(axes: Axes, title: str, columns: int = 2) -> None:
    """The title, and between it and the axes the legend, which so hides nothing."""
    rows = -(-len(axes.get_legend_handles_labels()[0]) // columns)
    axes.set_title(title, pad=4 + 1.6 * SMALLEST_FONT * rows)
    if rows:
        place: Any = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2, "borderpad": 0.2}
        axes.legend(ncols=columns, handletextpad=0.4, columnspacing=1.2, **place)


def check_page(figure: Figure) -> None:
    """Refuse what a page of two columns cannot show: `ValueError`, since it is the study's fault."""
    width = figure.get_size_inches()[0]
    if width > PAGE_WIDTH:
        raise ValueError(f"the figure is {width:g} inches wide: a page has {PAGE_WIDTH:g}")
    small = [
        text for text in figure.findobj(Text) if text.get_text().strip() and float(text.get_fontsize()) < SMALLEST_FONT
    ]
    if small:
        raise ValueError(f"{small[0].get_text()!r}: less than {SMALLEST_FONT:g} points cannot be read in print")


def caption_of(draw: Callable[..., Figure]) -> str:
    """What a study's figure shows: what its own module says behind ``The figure:``, or else its function."""
    own, _, _ = (inspect.getdoc(inspect.getmodule(draw)) or "").partition("\n\n")
    title, _, shown = " ".join(own.split()).partition(": ")
    if title.startswith("The figure") and shown:
        return shown[0].upper() + shown[1:]
    return (inspect.getdoc(draw) or "").partition("\n\n")[0]


def draw_and_save(draw: Callable[[], Figure], folder: Path, caption: str) -> None:
    """Draw in the common style, whatever the user's own is, and write the `FILES`."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        figure = draw()
        check_page(figure)
        _lay_out(figure)
        for name in FILES[:2]:
            write_atomically(folder / name, figure.savefig)
        for artist in filter(lambda one: points(one) > MOST_POINTS, figure.findobj()):
            artist.set_rasterized(True)
        said = {"Title": caption, "Description": described(figure), "Date": None}
        write_atomically(folder / FILES[2], lambda path: figure.savefig(path, metadata=said, dpi=PIXELS))


def points(artist: Artist) -> int:
    """How many points a line, a band, a map of colours or a cloud of dots is drawn with."""
    if isinstance(artist, Line2D):
        return int(np.size(artist.get_xdata(orig=False)))
    if isinstance(artist, QuadMesh):
        return int(np.size(np.asarray(artist.get_array())))
    if isinstance(artist, Collection):
        return max(sum(len(path) for path in artist.get_paths()), len(np.asarray(artist.get_offsets())))
    return 0


def described(figure: Figure) -> str:
    """What every panel that has a title or labels shows against what, and which curves it names."""
    panels = []
    for axes in figure.axes:
        title, across, up = (plain(text) for text in (axes.get_title("left"), axes.get_xlabel(), axes.get_ylabel()))
        shown = f"{up or 'curves'} against {across}" if across else up
        said = ": ".join(filter(None, [title, shown]))
        named = ", ".join(dict.fromkeys(plain(str(label)) for label in axes.get_legend_handles_labels()[1]))
        if said:
            panels.append(f"{said} ({named})" if named else said)
    return ". ".join(panels)


def plain(text: str) -> str:
    """A text of the figure in one line, its mathematics without dollars, and with the letters that are named in it."""
    named = re.sub(r"\\([A-Za-z]+)", lambda one: str(pretty(Symbol(one[1]), use_unicode=True)), text)
    return " ".join(re.sub(r"[${}\\]", "", named).split())


def _lay_out(figure: Figure) -> None:
    """Find the places of everything, once for all files: with a layout to be found matplotlib draws each file twice."""
    figure.set_dpi(mpl.rcParams["savefig.dpi"])
    engine = figure.get_layout_engine()
    if engine is not None and figure.axes:  # without axes there is nothing to place, and matplotlib warns
        engine.execute(figure)
    figure.set_layout_engine(None)
