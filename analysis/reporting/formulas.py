r"""A line of mathematics, as essays have it, as LaTeX.

    S∞ = 2/η − ½η + O(η³)          S_{\infty} = 2/\eta -\tfrac{1}{2}\eta +O(\eta ^{3})
    x⁺ = −(1 + ηy)x,   ẏ = ∇S·v     x^{+} = -(1 +\eta y)x,\quad \dot{y} = \nabla S\cdot v

Read from left to right: raised and lowered characters, x_name and e^{…} become exponents and indices; √(…), √2 and
√x roots; a letter and a combining mark an accent; a name of three letters or more, unless it is a function's, a word;
two spaces and more a wide one. Quotients stay on their line. Nothing is taken to mean anything: what is set is what
was written, character by character.

Errors: `ValueError` for a character that is not known.
"""

import re
import unicodedata

RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁱᵐⁿᵗᵀ", "0123456789+-imntT", strict=True))
LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ᵢⱼₖₘₙᵣₛₜ", "0123456789+-ijkmnrst", strict=True))
FRACTIONS = {one: unicodedata.normalize("NFKD", one).split("⁄") for one in "½⅓⅔¼¾⅕⅙⅛⅜⅝⅞"}
ACCENTS = {"\u0304": "bar", "\u0307": "dot", "\u0308": "ddot", "\u0302": "hat", "\u0303": "tilde"}
COMMANDS = """
    α alpha  β beta  γ gamma  δ delta  ε varepsilon  ζ zeta  η eta  θ theta  ι iota  κ kappa  λ lambda  μ mu  ν nu
    ξ xi  π pi  ρ rho  σ sigma  τ tau  υ upsilon  φ varphi  χ chi  ψ psi  ω omega  Γ Gamma  Δ Delta  Θ Theta
    Λ Lambda  Ξ Xi  Π Pi  Σ sum  Φ Phi  Ψ Psi  Ω Omega  ℓ ell
    ∞ infty  ∇ nabla  ∂ partial  ∫ int  ∏ prod  ∑ sum  · cdot  × times  ± pm  ∓ mp  ∘ circ  ⊙ odot
    ≈ approx  ≤ leq  ≥ geq  ≠ neq  ≪ ll  ≫ gg  ∝ propto  ~ sim  ∼ sim  ∈ in  ⊂ subset  ∪ cup  ∩ cap  ∀ forall  ∃ exists
    ↦ mapsto  → rightarrow  ← leftarrow  ↔ leftrightarrow  ⊥ perp  ⟂ perp  ‖ |  ⟨ langle  ⟩ rangle  … ldots
"""
SIGNS = {sign: rf"\{name} " for sign, name in re.findall(r"(\S) (\S+)", COMMANDS)}
SIGNS |= {"−": "-", "°": r"{}^{\circ}", "′": "'"}
FUNCTIONS = ("ln", "log", "exp", "sin", "cos", "tan", "sinh", "cosh", "tanh", "min", "max", "det", "arg", "lim", "sup")
SHORT_WORDS = ("GD", "as", "if", "is", "of", "or", "in", "to", "by", "on", "at", "it")
CLOSING = {"(": ")", "{": "}", "[": "]"}


class _Reader:
    """A text, and how far it is read."""

    def __init__(self, text: str) -> None:
        self.text, self.at = unicodedata.normalize("NFC", text), 0

    def all(self) -> str:
        """What the rest of the text is in LaTeX."""
        parts = []
        while self.at < len(self.text):
            parts.append(self.one())
        return "".join(parts).replace(r" } \text{ ", " ").strip()

    def matched(self, pattern: str) -> str:
        """What matches here, which is passed; else an empty text."""
        found = re.compile(pattern).match(self.text, self.at)
        self.at += len(found[0]) if found else 0
        return found[0] if found else ""

    def one(self) -> str:
        """The next piece, with what is raised, lowered or set above it."""
        if space := self.matched(r"\s+"):
            return r"\quad " if len(space) > 1 else " "
        if self.matched("√"):
            inside = self.bracketed() or self.matched(r"\d+") or self.one()
            return rf"\sqrt{{{inside}}}"
        body = self.name() or self.sign()
        if accent := self.matched(f"[{''.join(ACCENTS)}]"):
            body = rf"\{ACCENTS[accent]}{{{body}}}"
        return body + self.scripts()

    def name(self) -> str:
        """A word, a function or a letter; an empty text if there is none here."""
        word = self.matched(r"[A-Za-z](?:[A-Za-z]|-(?=[a-z]{2}))*")
        if word in FUNCTIONS:
            return rf"\{word} "
        if word in SHORT_WORDS or (len(word) > 2 and is_word(word)):
            return rf"\text{{ {word} }}" if self.in_words(word) else rf"\mathrm{{{word}}}"
        if word:
            self.at -= len(word) - 1  # letter by letter: a product
            return word[0]
        return ""

    def in_words(self, word: str) -> bool:
        """Whether the word stands by itself, as words of a sentence do."""
        before, after = self.text[: self.at - len(word)], self.text[self.at :]
        return bool(re.search(r"(^|[\s(])$", before) and re.match(r"[\s,.:;)]|$", after))

    def sign(self) -> str:
        """One character that is no Latin letter."""
        one = self.text[self.at]
        self.at += 1
        decomposed = unicodedata.normalize("NFD", one)
        if decomposed[0] != one and one not in SIGNS:
            return rf"\{ACCENTS[decomposed[1]]}{{{_Reader(decomposed[0]).all()}}}" if decomposed[1] in ACCENTS else one
        if one in FRACTIONS:
            above, below = FRACTIONS[one]
            return rf"\tfrac{{{above}}}{{{below}}}"
        if one in SIGNS:
            return SIGNS[one]
        if one in "{}%#&$":
            return rf"\{one}"
        if re.match(r"[\w+/=<>()\[\],.;:!'|-]", one, re.ASCII):
            return one
        raise ValueError(f"{self.text}: {one!r} is not known")

    def scripts(self) -> str:
        """Indices and exponents of what was read."""
        found = {"_": "", "^": ""}
        while True:
            if lowered := self.matched(f"[{''.join(LOWERED)}]+"):
                found["_"] += "".join(LOWERED[one] for one in lowered)
            elif raised := self.matched(f"[{''.join(RAISED)}]+"):
                found["^"] += "".join(RAISED[one] for one in raised)
            elif re.match(r"[A-Za-zΑ-ω]$", self.text[self.at - 1]) and (below := self.matched("[∞⊥]")):
                found["_"] += SIGNS[below]
            elif mark := self.matched(r"[_^](?=\S)"):
                found[mark] += self.script()
            else:
                return "".join(f"{mark}{{{script}}}" for mark, script in found.items() if script)

    def script(self) -> str:
        """What follows _ or ^: something in braces, a name, a number, or a sign and what it stands before."""
        if inside := self.bracketed():
            return inside
        if word := self.matched(r"[A-Za-z]{2,}"):
            return rf"\mathrm{{{word}}}"
        if number := self.matched(r"\d+"):
            return number
        return "-" + self.script() if self.matched("[−-]") else self.name() or self.sign()

    def bracketed(self) -> str:
        """The inside of the bracket that opens here; an empty text if none does."""
        opening = self.text[self.at : self.at + 1]
        if opening not in CLOSING or not opening:
            return ""
        depth = 0
        for place in range(self.at, len(self.text)):
            depth += (self.text[place] == opening) - (self.text[place] == CLOSING[opening])
            if not depth:
                inside, self.at = self.text[self.at + 1 : place], place + 1
                return _Reader(inside).all()
        return ""


def is_word(letters: str) -> bool:
    """Whether letters are a word and not a product: it has a vowel, and no capitals behind a small letter."""
    return bool(re.search("[aeiouAEIOU]|^[A-Z]+$", letters)) and not re.match("[a-z]+[A-Z]", letters)


def latex(line: str) -> str:
    """The line of mathematics as LaTeX."""
    return _Reader(line).all()


def is_formula(text: str) -> bool:
    """Whether this text is mathematics: it says so by its signs, and has no words."""
    words = [word for word in re.findall(r"[A-Za-z]{3,}", text) if word not in FUNCTIONS and is_word(word)]
    try:
        latex(text)
    except ValueError:
        return False
    return not words and bool(re.search(r"[=≈≤≥<>↦→√²³⁴½/∞−+]", text))
