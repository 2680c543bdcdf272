"""The text of a study, its module's docstring, as HTML.

It is reStructuredText, in which what is indented is set by what it is: lines of which every one has the same columns
are a table, lines of mathematics are formulas (`analysis.reporting.formulas`), and anything else stays as it is
written. `analysis.NAME` leads to that study, and :cite:t:`cohen2021edge` is the name and year of an entry of
``references.bib``, which leads to the paper.

Errors: `ValueError` for a text that docutils remarks on, or a key that is not there.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.core import publish_parts
from docutils.parsers.rst import roles
from docutils.utils import SystemMessage
from docutils.writers.html5_polyglot import HTMLTranslator, Writer
from pybtex.database import Entry, parse_file

from analysis.reporting.formulas import is_formula, latex
from analysis.reporting.mathml import mathml

REFERENCES = Path(__file__).parents[1] / "references.bib"
SETTINGS = {
    "raw_enabled": False,
    "file_insertion_enabled": False,
    "initial_header_level": 3,
    "report_level": 2,
    "halt_level": 2,
    "warning_stream": False,
    "doctitle_xform": False,
    "syntax_highlight": "none",
    "smart_quotes": False,
    "input_encoding": "unicode",
    "output_encoding": "unicode",
    "_disable_config": True,
}
BEGINNING = ".. default-role:: named\n\n"


def essay_html(text: str) -> str:
    """The text as HTML, without a heading."""
    roles.register_local_role("named", _named)
    roles.register_local_role("cite:t", _cited)
    roles.register_local_role("cite:p", _cited)
    try:
        written = publish_parts(BEGINNING + restructured(text), writer=_Writer(), settings_overrides=SETTINGS)["body"]
    except SystemMessage as error:
        raise ValueError(f"{text.partition(chr(10))[0]}: {error}") from error
    return str(written)


class _Translator(HTMLTranslator):  # type: ignore[misc]  # docutils has no types
    """HTML with formulas as everywhere."""

    def visit_math(self, node: nodes.math) -> None:
        self.body.append(mathml(node.astext()))
        raise nodes.SkipNode

    def visit_math_block(self, node: nodes.math_block) -> None:
        self.body.append(f"<div>{mathml(node.astext(), block=True)}</div>\n")
        raise nodes.SkipNode


class _Writer(Writer):  # type: ignore[misc]
    """The writer of that."""

    def __init__(self) -> None:
        super().__init__()
        self.translator_class = _Translator


def restructured(text: str) -> str:
    """The text with the blocks that are indented made tables, formulas or literal."""
    parts = re.split(r"(?:(?<=\n\n)|^)((?:    .*(?:\n|$)|\n(?=    ))+)", text)
    return "".join(_block(part.rstrip().split("\n")) if place % 2 else _plain(part) for place, part in enumerate(parts))


def sentence(text: str) -> str:
    """A text as one paragraph, whatever it begins with: (a) begins no list."""
    return rf"\ {_plain(text)}"


def _plain(text: str) -> str:
    """A text in which | stands for itself, but for what is literal anyway."""
    return re.sub(r"``.*?``|\|", lambda found: r"\|" if found[0] == "|" else found[0], text, flags=re.DOTALL)


def _block(lines: Sequence[str]) -> str:
    """An indented block as reStructuredText."""
    lines = [line.strip() for line in lines] if len(lines) == 1 else [line[4:] for line in lines]
    if len(lines) > 1 and (columns := _columns([line for line in lines if line.strip()])):
        return f"\n.. list-table::\n   :class: plain\n\n{''.join(_rows(columns))}\n"
    try:
        formulas = [latex(line) for line in lines if line.strip()]
    except ValueError:
        formulas = []
    if not formulas or lines[0].startswith("python ") or not any(re.search("[=≈≤<↦→−/]", line) for line in lines):
        return "\n::\n\n" + "".join(f"    {line}\n" for line in lines) + "\n"
    return "".join(f"\n.. math:: {one}\n" for one in formulas) + "\n"


def _columns(lines: Sequence[str]) -> list[list[str]]:
    """The lines cut where all of them have two blanks or more, a list for each; none if they have no such place."""
    width = max(map(len, lines))
    padded = [line.ljust(width) for line in lines]
    blank = "".join(" " if all(line[place] == " " for line in padded) else "x" for place in range(width))
    cuts = [found.span() for found in re.finditer("  +", blank)]
    if not cuts:
        return []
    edges = [0, *(place for cut in cuts for place in cut), width]
    return [[line[a:b].strip() for a, b in zip(edges[::2], edges[1::2], strict=True)] for line in padded]


def _rows(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The rows of a table; a row without a first cell goes on with the one before."""
    joined: list[list[str]] = []
    for row in rows:
        if joined and not row[0]:
            joined[-1] = [f"{above} {below}".strip() for above, below in zip(joined[-1], row, strict=True)]
        else:
            joined.append([*row])
    for row in joined:
        for number, cell in enumerate(row):
            yield f"   {'* -' if number == 0 else '  -'} {_cell(cell)}\n"


def _cell(text: str) -> str:
    """A cell: a formula, or a text."""
    if is_formula(text):
        return f":math:`{latex(text)}`"
    return sentence(text) if text else ""


def _named(name: str, raw: str, text: str, *_: Any) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """What stands between single backquotes: code, and of a study of this page its place."""
    shown = nodes.literal(raw, text)
    study = re.fullmatch(r"analysis\.(\w+)", text)
    return [nodes.reference(raw, "", shown, refuri=f"#{study[1]}") if study else shown], []


def _cited(name: str, raw: str, text: str, *_: Any) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """The papers with these keys."""
    cited: list[nodes.Node] = []
    for key in map(str.strip, text.split(",")):
        if key not in references():
            raise ValueError(f"{key}: not in {REFERENCES.name}")
        entry = references()[key]
        title = re.sub("[{}]", "", entry.fields["title"])
        shown = nodes.inline(raw, author_and_year(entry), title=title)
        cited += [nodes.Text(", ")] if cited else []
        cited.append(nodes.reference(raw, "", shown, refuri=url) if (url := address(entry)) else shown)
    return cited, []


@cache
def references() -> Mapping[str, Entry]:
    """The entries of the bibliography by their keys."""
    entries: Mapping[str, Entry] = parse_file(str(REFERENCES), bib_format="bibtex").entries
    return entries


def author_and_year(entry: Entry) -> str:
    """Zhu et al. (2023)."""
    people = [" ".join(person.prelast_names + person.last_names) for person in entry.persons["author"]]
    shown = " and ".join(people) if len(people) < 3 else f"{people[0]} et al."
    return f"{re.sub('[{}]', '', shown)} ({entry.fields['year']})"


def address(entry: Entry) -> str | None:
    """Where the paper is read."""
    fields = entry.fields
    if "eprint" in fields:
        return f"https://arxiv.org/abs/{fields['eprint']}"
    return f"https://doi.org/{fields['doi']}" if "doi" in fields else fields.get("url")
