"""The explorer's page: one HTML file of the models, the code that is printed of them, and the scripts of `templates/`.

It loads nothing, and a content security policy in its head forbids it to; see `analysis.reporting.page`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from analysis.exploring.model import Compared, Model, Prediction
from analysis.reporting.exact import Formula
from analysis.reporting.facts import Facts
from analysis.reporting.formulas import latex as latex_of_line
from analysis.reporting.page import environment, hash_of, styles, texts
from analysis.study.mathematics import latex

SCRIPTS = ("theme.js", "scrolled.js", "dynamics.js", "measures.js", "plots.js", "explorer.js")


@dataclass(frozen=True)
class Row:
    """A prediction as a row of the table: its words, and its formula if it is short."""

    words: str
    formula: Formula | None


def page(models: Sequence[Model], facts: Facts) -> str:
    """The HTML of the explorer."""
    templates = environment("analysis.exploring", "analysis.reporting")
    script = Markup("\n").join([printed(models), texts(templates, *SCRIPTS)])
    return templates.get_template("explorer.html").render(
        models=models,
        rows={one.name: rows(one) for one in models},
        derived={one.name: derived(one) for one in models},
        symbol=lambda slider: Formula(latex(slider.symbol), slider.symbol.name),
        facts=facts,
        script=script,
        style=styles(templates, "base.css", "explorer.css"),
        script_hash=hash_of(script),
    )


def printed(models: Sequence[Model]) -> Markup:
    """The models as a script: what the others need to know of them, and their code."""
    written = (f"Object.assign({_facts(one)}, {{ code: {one.code()} }})" for one in models)
    return Markup("const MODELS = [\n" + ",\n".join(written) + "\n];")


def rows(model: Model) -> list[Row]:
    """What is predicted of a model, in the order in which the page fills it in."""
    lines: tuple[Prediction | Compared, ...] = (*model.predictions, *model.compared)
    return [Row(one.words, Formula(latex_of_line(one.said), one.said) if one.said else None) for one in lines]


def derived(model: Model) -> list[Formula]:
    """The map, as it was derived and printed."""
    steps = model.dynamics.substitution.items()
    return [Formula(rf"{latex(name)} \mapsto {latex(step)}", f"{name} -> {step}") for name, step in steps]


def _facts(model: Model) -> str:
    """What a script is told of a model, as it may stand in a page."""
    return json.dumps(model.facts(), ensure_ascii=False, allow_nan=False).replace("</", "<\\/")
