"""The page: one HTML file with everything in it, made of the contents of studies by `templates/`.

It loads nothing. A content security policy in its head forbids it to, and lets no script run but the page's own, known
by its hash; what studies say is escaped where it is written.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from analysis.reporting.content import Content, Picture
from analysis.reporting.essay import compact, essay_html
from analysis.reporting.exact import Formula, Named, formulas
from analysis.study.evidence import Channel, Status
from analysis.study.report import counted

STATUSES: tuple[Status, ...] = get_args(Status)
CHANNELS: tuple[Channel, ...] = get_args(Channel)
MARKS = {"proved": "∎", "supported": "✓", "refuted": "✗", "undecided": "?"}


@dataclass(frozen=True)
class Facts:
    """What holds for all studies of a page."""

    made: str  # date and time
    command: str
    sources: str  # SHA-256 of the program
    commit: str | None
    versions: Mapping[str, str]


def page(contents: Sequence[Content], facts: Facts) -> str:
    """The HTML of a report on these studies."""
    templates = PackageLoader("analysis.reporting")
    environment = Environment(
        loader=templates,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "essay": lambda text: Markup(essay_html(text)),
        "mathematics": mathematics,
        "measured": measured,
        "address": address,
        "counted": counted,
    }
    environment.tests |= {
        "formula": lambda value: isinstance(value, Formula),
        "named": lambda value: isinstance(value, Named),
    }
    script, style = (Markup(templates.get_source(environment, name)[0]) for name in ("report.js", "report.css"))
    claims = [(one, claim) for one in contents for claim in one.claims]
    return environment.get_template("report.html").render(
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
        style=style,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def mathematics(shown: Formula, *, block: bool = False) -> Markup:
    """A formula as MathML; as the text that a program reads, where docutils does not know a sign of it."""
    try:
        return Markup(compact(tex2mathml(shown.latex, as_block=block)))
    except MathError:
        return Markup("<code>{}</code>").format(shown.text)


def measured(value: str) -> Markup:
    """A value of a piece of evidence: formulas as mathematics, one below the other, numbers as people write them."""
    if not value:
        return Markup('<span class="none">—</span>')
    if found := formulas(value) if any(sign in value for sign in "*/(") else ():
        return Markup("").join(Markup('<div class="line">{}</div>').format(mathematics(one)) for one in found)
    signed = re.sub(r"(?<![\w.])-(?=[\d.])", "−", str(escape(value)))
    powers = re.sub(r"(?<=\d)e([+-]?)0*(\d+)\b", lambda one: f" × 10<sup>{'−' * (one[1] == '-')}{one[2]}</sup>", signed)
    return Markup(powers)


def address(picture: Picture) -> str:
    """A picture as an address that holds all of it."""
    return f"data:image/{picture.kind};base64,{base64.b64encode(picture.content).decode()}"
