"""The look of every figure, and how it is saved: for a page of two columns, 7 inches wide, and colour-blind safe."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from sympy import Add, Basic
from sympy.printing.latex import LatexPrinter

from numeric.runs import write_atomically

# Okabe and Ito's palette: distinguishable with every common colour vision deficiency, and in grey.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
THEORY_COLOR = "black"
PAGE_WIDTH, SMALLEST_FONT = 7.0, 7.0  # inches; points
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


class _Formula(LatexPrinter):  # type: ignore[misc]
    """LaTeX as matplotlib sets it best: no sum begins with a minus that need not, and functions stand apart."""

    def _print_Add(self, expr: Add, order: str | None = None) -> str:  # noqa: N802 - SymPy's dispatch by class name
        terms = self._as_ordered_terms(expr, order=order)
        if terms[0].could_extract_minus_sign():
            terms = sorted(terms, key=lambda term: bool(term.could_extract_minus_sign()))
        return str(super()._print_Add(Add(*terms, evaluate=False), order="none"))


def typeset(expression: Basic) -> str:
    """The expression between dollars, for a text of a figure; quotients of one line, and brackets of its height."""
    text = _Formula({"fold_short_frac": True, "mul_symbol": r"\,"}).doprint(expression)
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


def draw_and_save(draw: Callable[[], Figure], folder: Path) -> None:
    """Draw in the common style, whatever the user's own is, and write figure.png and figure.pdf."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        figure = draw()
        check_page(figure)
        _lay_out(figure)
        for name in ("figure.png", "figure.pdf"):
            write_atomically(folder / name, figure.savefig)


def _lay_out(figure: Figure) -> None:
    """Find the places of everything, once for all files: with a layout to be found matplotlib draws each file twice."""
    figure.set_dpi(mpl.rcParams["savefig.dpi"])
    engine = figure.get_layout_engine()
    if engine is not None and figure.axes:  # without axes there is nothing to place, and matplotlib warns
        engine.execute(figure)
    figure.set_layout_engine(None)
