"""The font that formulas are set in, as a rule of a style sheet that holds it and loads nothing.

A browser takes the sizes of brackets, roots and sums from the table MATH of a font; where a system has no font with
one, roots and brackets stand apart from what they enclose. STIX Two Math, which ziamath brings along, has it, under
the SIL Open Font License. Of its 1.5 MB those signs are kept that formulas of ours have, 96 kB.
"""

import base64
from functools import lru_cache
from importlib.metadata import distribution
from io import BytesIO

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from markupsafe import Markup

PLAIN = "".join(map(chr, range(0x20, 0x7F)))
GREEK = "ΓΔΘΛΞΠΣΥΦΨΩαβγδεζηθικλμνξπρςστυφχψωϑϕϖϰϱϵ"
SIGNS = "¬±·×÷′″…‖†‡−∓∗∘√∞∝∂∇∑∏∫∀∃∈∉∋∅∩∪∧∨∼≃≅≈≠≡≤≥≪≫≺≻⊂⊃⊆⊇⊕⊗⊥⋅⋆⋮⋯⋱←↑→↓↔↦⇒⇔⟨⟩⌈⌉⌊⌋ℓℜℑ½¼¾¹²³⁴ℂℕℚℝℤ𝔼𝖳∮∶⊤⟂⪯⪰⏞⏟ˉ"
ACCENTS = "\u0302\u0303\u0304\u0305\u0307\u0308\u20d7¯ˆ˜˙¨"
# A browser shows a name of one letter as one of these.
ITALIC = "ℎ" + "".join(map(chr, (*range(0x1D434, 0x1D455), *range(0x1D456, 0x1D468), *range(0x1D6E2, 0x1D71C))))


@lru_cache
def font_face() -> Markup:
    """The rule of the font STIX Two Math."""
    made = base64.b64encode(font()).decode()
    return Markup(
        f'@font-face {{ font-family: "STIX Two Math"; src: url(data:font/woff;base64,{made}) format("woff"); }}'
    )


def font() -> bytes:
    """STIX Two Math with the signs of formulas and whatever its tables put in their place, in the form WOFF."""
    options = Options(layout_features=["*"], drop_tables=["DSIG", "GPOS"], hinting=False, notdef_outline=True)
    subsetter = Subsetter(options)
    subsetter.populate(text=PLAIN + GREEK + SIGNS + ACCENTS + ITALIC)
    whole = distribution("ziamath").locate_file("ziamath/fonts/STIXTwoMath-Regular.ttf")  # importing it takes longer
    with TTFont(str(whole), recalcTimestamp=False) as stix, BytesIO() as written:
        subsetter.subset(stix)
        stix.flavor = "woff"
        stix.save(written)
        return written.getvalue()
