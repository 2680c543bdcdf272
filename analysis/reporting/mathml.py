r"""LaTeX as MathML, which browsers set themselves: pages with it load nothing.

    \tfrac{1}{2}(1 - xy)^2      <math …><mstyle …><mfrac>…</mfrac></mstyle><mo>(</mo>…</math>

docutils converts, of LaTeX what it knows; primes are raised here, f'' as f^{\prime\prime}, and brackets and bars grow
by \left and \right, or, if docutils leaves them so, at the ends of a row: ‖ in \frac{\|x\|}{y}. What it writes for
readers of the source is left out, blanks between elements and names of signs, which XML does not know.

Errors: `ValueError` for LaTeX with a sign or command that docutils does not know.
"""

import re

from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml

BARE = re.compile(
    r"(?<!<mrow>)<mo( class=\"mathopen\")?>([‖|∣⟨⟩⌊⌋⌈⌉{}])</mo>(?!</mrow>)"
)  # \left begins and \right ends a row
PRIMES = re.compile(r"\\text\{[^}]*\}|'+")  # and words, in which ' is an apostrophe


def mathml(latex: str, *, block: bool = False) -> str:
    """The formula, by itself on a line if it is a block."""
    try:
        written: str = tex2mathml(PRIMES.sub(_raised, latex), as_block=block)
    except MathError as error:
        raise ValueError(f"{latex}: {' '.join(str(error).split())}") from error
    dense = re.sub(r">\s+<", "><", written).replace("&ApplyFunction;", "\u2061")
    return BARE.sub(r'<mo\1 stretchy="false">\2</mo>', dense)


def _raised(found: re.Match[str]) -> str:
    return "^{" + r"\prime" * len(found[0]) + "}" if found[0][0] == "'" else found[0]
