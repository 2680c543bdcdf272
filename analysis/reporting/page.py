"""The page: one HTML file with everything in it, made of the contents of studies by `templates/`.

It loads nothing. A content security policy in its head forbids it to, and lets no script run but the page's own, known
by its hash; what studies say is escaped where it is written.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from typing import get_args

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from analysis.reporting.content import Content, Picture
from analysis.reporting.essay import essay_html
from analysis.reporting.exact import Formula, formulas
from analysis.reporting.facts import Facts
from analysis.reporting.font import font_face
from analysis.reporting.mathml import mathml
from analysis.reporting.named import Named, Table
from analysis.study.evidence import Channel, Status
from analysis.study.report import counted

STATUSES: tuple[Status, ...] = get_args(Status)
CHANNELS: tuple[Channel, ...] = get_args(Channel)
MARKS = {"proved": "∎", "supported": "✓", "refuted": "✗", "undecided": "?"}


def page(contents: Sequence[Content], facts: Facts) -> str:
    """The HTML of a report on these studies."""
    templates = environment("analysis.reporting")
    script = texts(templates, "theme.js", "scrolled.js", "report.js")
    claims = [(one, claim) for one in contents for claim in one.claims]
    return templates.get_template("report.html").render(
        contents=contents,
        claims=claims,
        counts=counted(claim.verdict for _, claim in claims),
        opened=sum(claim.verdict.open and claim.verdict.status == "refuted" for _, claim in claims),
        sources=sorted({claim.verdict.source for _, claim in claims}),
        statuses=STATUSES,
        channels=CHANNELS,
        marks=MARKS,
        facts=facts,
        script=script,
        style=styles(templates, "base.css", "parts.css", "report.css"),
        script_hash=hash_of(script),
    )


def environment(*packages: str) -> Environment:
    """The templates of packages, and what is said in them of formulas, values and studies."""
    made = Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in packages]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "essay": lambda text: Markup(essay_html(text)),
        "mathematics": mathematics,
        "measured": measured,
        "typeset": typeset,
        "address": address,
        "counted": counted,
    }
    made.tests |= {
        "formula": lambda value: isinstance(value, Formula),
        "named": lambda value: isinstance(value, Named),
        "table": lambda value: isinstance(value, Table),
        "all": all,
    }
    return made


def texts(templates: Environment, *names: str) -> Markup:
    """The texts of files, one after the other, as they are."""
    loader = templates.loader
    assert loader is not None
    return Markup("\n").join(Markup(loader.get_source(templates, name)[0]) for name in names)


def styles(templates: Environment, *names: str) -> Markup:
    """The style sheet of a page: the font of formulas, what pages share, and these files."""
    return font_face() + Markup("\n") + texts(templates, "look.css", *names)


def hash_of(script: str) -> str:
    """By which a content security policy knows a script."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def mathematics(shown: Formula, *, block: bool = False) -> Markup:
    """A formula as MathML; as the text that a program reads, where a sign of it is not known."""
    try:
        return Markup(mathml(shown.latex, block=block))
    except ValueError:
        return Markup("<code>{}</code>").format(shown.text)


def measured(value: str) -> Markup:
    """A value of a piece of evidence: formulas as mathematics, one below the other, numbers as people write them."""
    if not value:
        return Markup('<span class="none">—</span>')
    if found := formulas(value) if any(sign in value for sign in "*/(") else ():
        return Markup("").join(Markup('<div class="line">{}</div>').format(mathematics(one)) for one in found)
    return typeset(value)


def typeset(value: str) -> Markup:
    """A text in which numbers are as people write them, −3 × 10⁻⁴."""
    signed = re.sub(r"(?<![\w.])-(?=[\d.])", "−", str(escape(value)))
    powers = re.sub(r"(?<=\d)e([+-]?)0*(\d+)\b", lambda one: f" × 10<sup>{'−' * (one[1] == '-')}{one[2]}</sup>", signed)
    return Markup(powers)


def address(picture: Picture) -> str:
    """A picture as an address that holds all of it."""
    return f"data:image/{picture.kind};base64,{base64.b64encode(picture.content).decode()}"
