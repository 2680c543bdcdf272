"""Gradient descent with sliders, beside what theory predicts of it: one file of HTML that loads nothing.

    python -m analysis.explorer                         results/explorer.html
    python -m analysis.explorer --out explorer.html     another place

The page runs six models as its sliders move: the minimalist example, degree 2, self-stabilization, normalized gradient
descent, a linear network with two examples, and a nonlinear unit. It shows the run among the weights, its loss, its
sharpness beside the edge, and what the laws say of it, predicted against measured. What it computes with is JavaScript
that is printed of the formulas that the studies derive and test (`numeric.compile.javascript`), here and now.

Exit code 0: the page is written; others: `analysis.study.endings`.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from analysis.study.endings import plain_endings
from analysis.study.options import make_folder_of, read_command_line, refuse_folder

NAME = "explorer"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Gradient descent with sliders, beside what theory predicts of it."""

    out: Path = Path("results/explorer.html")
    """the file that is written"""

    def __post_init__(self) -> None:
        refuse_folder("--out", self.out, "explorer.html")


if __name__ == "__main__":
    given = read_command_line(NAME, Options)

from analysis.exploring.models import models
from analysis.exploring.page import page
from analysis.reporting.facts import facts
from numeric.runs import write_atomically


def explore(options: Options) -> None:
    """The page, written."""
    make_folder_of("--out", options.out.parent)
    written = page(models(), facts(NAME))
    write_atomically(options.out, lambda path: path.write_text(written, encoding="utf-8"))
    print(f"written: {options.out} ({len(written.encode()) / 1e3:.0f} kB)")


if __name__ == "__main__":
    with plain_endings():
        explore(given)
    sys.exit(0)
