"""The vocabulary of typed expressions, and the judgement of a text by its characters.

A name is a letter A–Z or a–z followed by letters, digits and ``_``; it may be lambda, but no other reserved word of
Python, and no function or constant of the language. `ParseError` is how a text is refused. The grammar stands in
`eos_sym.reading.parse`.

Besides the elementary functions there are |u| (Abs or abs), Max, Min (max, min) of any number of arguments, cases
(Piecewise), and what is defined by these, exactly so:

    relu(u) = max(0, u)          sigmoid(u) = 1/(1 + e⁻ᵘ)         softplus(u) = log(1 + eᵘ)
    silu(u) = swish(u) = u sigmoid(u)                             gelu(u) = u (1 + erf(u/√2))/2, not its tanh form
    sign(u), Heaviside(u)        −1 or 0 for u < 0, 1 for u > 0, and undefined at u = 0

Python's own grammar folds look-alike letters together and ends lines at comments; so the characters are judged first,
and only ASCII tokens of the language, in matched parentheses, are let through to it.
"""

from __future__ import annotations

import difflib
import keyword
import re
import unicodedata
from collections.abc import Callable, Iterable

import sympy
from sympy import Abs, Basic, E, Eq, Expr, Max, Min, Ne, Symbol, pi

from eos_sym.errors import BadInput

_NAMES = "exp log sqrt sin cos tan sinh cosh tanh asin acos atan asinh acosh atanh erf"
FUNCTIONS: dict[str, Callable[[Expr], Expr]] = {name: getattr(sympy, name) for name in _NAMES.split()}
CONSTANTS: dict[str, Expr] = {"pi": pi, "E": E}
KINKED: dict[str, Callable[..., Expr]] = {"Abs": Abs, "abs": Abs, "Max": Max, "max": Max, "Min": Min, "min": Min}
DEFINITIONS = {  # of u, in the language itself
    "relu": "Max(0, u)",
    "sigmoid": "1/(1 + exp(-u))",
    "softplus": "log(1 + exp(u))",
    "silu": "u/(1 + exp(-u))",
    "swish": "u/(1 + exp(-u))",
    "gelu": "u*(1 + erf(u/sqrt(2)))/2",
    "sign": "Piecewise((1, u > 0), (-1, u < 0))",
    "Heaviside": "Piecewise((1, u > 0), (0, u < 0))",
}
CONDITIONS: dict[str, Callable[..., Basic]] = {"Eq": Eq, "Ne": Ne}
CASES = "Piecewise"
WORDS = (*FUNCTIONS, *KINKED, *DEFINITIONS, *CONDITIONS, CASES)

LONGEST_TEXT, LONGEST_NAME, LONGEST_QUOTE = 2000, 32, 20
DEEPEST = 50  # parentheses in the text, and levels of the expression

ALLOWED = f"functions: {', '.join((*FUNCTIONS, *KINKED, *DEFINITIONS, CASES))}; constants: {', '.join(CONSTANTS)}"
SPACE = " \t\r\n"
_TOKEN = re.compile(
    r"(?P<number>(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)(?P<glued>[\w.]?)|(?P<word>[A-Za-z_]\w*)"
    r"|\*\*|/(?!/)|[<>]=?(?![<>=])|[-+*(), \t&|]",
    re.ASCII,
)
_REMEDIES = {
    "^": "powers are written **",
    "/%@": "the operators are + - * / **",
    "=!": "there are no assignments or keyword arguments; equality is Eq(a, b) or Ne(a, b), in a condition",
    "<>": "comparisons are < <= > >=, Eq(a, b) and Ne(a, b), and stand in conditions",
    ":": "there are no assignments, slices or functions to be defined",
    "~": "conditions are joined by & and |, and not negated",
    "\"'`": "there are no strings",
    "[]{}": "there are no subscripts, lists or sets; group with ( )",
    ".": "there are no attributes; a point belongs inside a number",
    "#\n\r": "the expression is one line without comments",
}


class ParseError(BadInput):
    """Why a text is not an expression: one line that names the place, quotes it and says what is allowed.

    Attributes:
        problem: What is wrong, and what is allowed.
        text: What was to be read.
        position: The character of the text it concerns, counted from 1; None if there is no single one.
    """

    def __init__(self, problem: str, text: str, position: int | None = None) -> None:
        super().__init__(problem, text, position)
        self.problem, self.text, self.position = problem, text, position

    def __str__(self) -> str:
        if self.position is None:
            return self.problem
        return f"at character {self.position}, {quote(self.text[self.position - 1 :])}: {self.problem}"


def quote(text: str) -> str:
    """The beginning of a text, in ASCII and on one line."""
    length = LONGEST_QUOTE
    while len(quoted := ascii(text[:length])) > LONGEST_QUOTE + 2:
        length -= 1
    return quoted


def declare(name: str, **assumptions: bool) -> Symbol:
    """The symbol of that name under those assumptions, provided that `parse` can read the name."""
    if len(name) > LONGEST_NAME:
        raise ParseError(f"the name {quote(name)}... is longer than {LONGEST_NAME} characters", name)
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise ParseError(f"{quote(name)} is no name: those are a letter A-Z or a-z, then letters, digits, _", name)
    if is_reserved(name):
        raise ParseError(f"{quote(name)} cannot be a name: it is a reserved word of Python", name)
    if name in WORDS or name in CONSTANTS:
        raise ParseError(f"{quote(name)} cannot be a name: it already has a meaning; {ALLOWED}", name)
    return Symbol(name, **assumptions)


def is_reserved(name: str) -> bool:
    """Whether a word of Python's cannot be a name; lambda can."""
    return keyword.iskeyword(name) and name != "lambda"


def names_in(text: str) -> list[str]:
    """The names in a text, in order of appearance: words that are no function, constant or call of something."""
    found: dict[str, None] = {}
    place = 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        place = token.end() if token else place + 1
        word = token["word"] if token else None
        called = text[place:].lstrip(SPACE).startswith("(")
        if word and not called and word not in WORDS and word not in CONSTANTS and not is_reserved(word):
            found[word] = None
    return list(found)


def check_characters(text: str, declared: Iterable[str]) -> None:
    """Let only tokens of the language and matched parentheses pass."""

    def error(problem: str) -> ParseError:
        return ParseError(problem, text, place + 1)

    if len(text) > LONGEST_TEXT:
        raise ParseError(f"the text has {len(text)} characters; at most {LONGEST_TEXT} are read", text)
    place, end = len(text) - len(text.lstrip(SPACE)), len(text.rstrip(SPACE))
    if place >= end:
        raise ParseError("the text is empty; an expression was expected", text)
    known = [*declared, *WORDS, *CONSTANTS]
    opened: list[int] = []
    while place < end:
        token, character = _TOKEN.match(text, place, end), text[place]
        if not character.isascii():
            title = unicodedata.name(character, "unnamed")
            raise error(f"U+{ord(character):04X} ({title}) is not an ASCII character, and only those are read")
        if token is None:
            remedies = (remedy for characters, remedy in _REMEDIES.items() if character in characters)
            raise error(next(remedies, "this character means nothing here; the operators are + - * / **"))
        word = token["word"]
        if token["glued"]:
            raise error("a number is written like 12, 0.5 or 1e-3 (not 0x10, 1_000 or 2j), and followed by an operator")
        if word and keyword.iskeyword(word) and word not in (*declared, "True"):
            raise error("this is a reserved word of Python, which means nothing here")
        if word and word not in (*known, "True"):
            folded = {name.lower(): name for name in known}
            close = difflib.get_close_matches(word[:LONGEST_NAME].lower(), folded, 1)
            question = f"did you mean {folded[close[0]]}? " if close else ""
            names = ", ".join(declared) or "none"
            raise error(f"{quote(word)} is not known; {question}declared names: {names}; {ALLOWED}")
        if token[0] == "(":
            opened.append(place)
            if len(opened) > DEEPEST:
                raise error(f"parentheses are nested deeper than {DEEPEST} levels")
        if token[0] == ")" and not opened:
            raise error("this parenthesis was never opened")
        if token[0] == ")":
            opened.pop()
        place = token.end()
    if opened:
        place = opened[-1]
        raise error("this parenthesis is never closed")
