"""The font of formulas."""

import re
from html import unescape
from io import BytesIO
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from analysis.reporting.essay import essay_html
from analysis.reporting.font import ITALIC, font
from analysis.reporting.mathml import mathml
from analysis.study.index import essay, programs

THEORY = Path(__file__).parents[3] / "docs/theory"


@pytest.fixture(scope="module")
def stix():
    return TTFont(BytesIO(font()))


def test_it_says_how_large_brackets_and_roots_are(stix):
    """What a browser has no other source for: sizes of a bracket, of a root, of the sum."""
    grown = stix["MATH"].table.MathVariants
    names = stix.getBestCmap()
    assert {names[ord(sign)] for sign in "(|√"} <= set(grown.VertGlyphCoverage.glyphs)


def test_it_has_every_sign_of_essays_and_of_the_theory(stix):
    """A sign that it lacks is set in another font, of another size."""
    essays = "".join(essay_html(essay(path)) for path in programs().values())
    pages = "".join(page.read_text(encoding="utf-8") for page in THEORY.glob("*.md"))
    latex = re.findall(r"\$\$?([^$]+)\$\$?", re.sub("```.*?```|`[^`]*`", "", pages, flags=re.DOTALL))
    formulas = re.findall(r"<math.*?</math>", essays, re.DOTALL) + [mathml(one) for one in latex]
    assert len(formulas) > 500
    shown = unescape("".join(re.sub("<[^>]*>", "", formula) for formula in formulas))
    assert {sign for sign in shown if sign.isprintable()} - {chr(code) for code in stix.getBestCmap()} == set()


def test_a_name_of_one_letter_is_italic(stix):
    assert {ord(sign) for sign in ITALIC} <= set(stix.getBestCmap())
    assert len(ITALIC) == 2 * 26 + 58


def test_it_is_the_same_whenever_it_is_made():
    assert font() == font()
