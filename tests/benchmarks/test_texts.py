"""Texts that lead to all branches of the parser, and changes of them, are read or refused; wrong parsers are found."""

import random

import pytest
from sympy import Symbol, sympify

from benchmarks.fuzz import texts
from benchmarks.fuzz.guided import fewest, passed, vocabulary
from benchmarks.fuzz.texts import corpus, value, wrong_with
from benchmarks.patience import OutOfTime, at_most
from eos_sym.reading import parse

SECONDS = 30.0
X = Symbol("x", real=True)


@pytest.mark.fault(
    "any text", "the texts that lead to all branches that a fuzzer found", "each is read as what it says, or refused"
)
@pytest.mark.parametrize("text", corpus(), ids=lambda text: ascii(text[:30])[1:-1])
def test_a_text_of_the_corpus_is_read_as_what_it_says_or_refused(text):
    assert wrong_with(text, SECONDS) is None


def changed(text, others, draw):
    """The text after one to three changes: a part lost, another text's part or a word of the language put in."""
    for _ in range(draw.randint(1, 3)):
        begin, other = draw.randint(0, len(text)), draw.choice(others)
        end, cut = min(len(text), begin + draw.randint(0, 5)), draw.randint(0, len(other))
        put = draw.choice(("", draw.choice(vocabulary()), other[cut : cut + draw.randint(1, 12)]))
        text = text[:begin] + put + text[end:]
    return text


@pytest.mark.fault("any text", "300 texts changed at random", "each is read as what it says, or refused")
def test_changed_texts_are_read_as_what_they_say_or_refused():
    draw, others = random.Random(0), corpus()
    for _ in range(300):
        text = changed(draw.choice(others), others, draw)
        assert wrong_with(text, SECONDS) is None, text


def test_the_corpus_has_texts_of_both_kinds_and_none_that_could_be_left_out():
    known = corpus()
    kept = fewest(set(known))
    assert set.union(*map(passed, kept)) == set.union(*map(passed, known))
    assert len(kept) >= len(known) - 2
    assert sum(map(parsed, known)) > 10 < sum(not parsed(text) for text in known)


def parsed(text):
    try:
        parse(text, texts.SYMBOLS)
    except texts.ParseError:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0.1*x + 1/3", 0.1 * 0.7 + 1 / 3), ("relu(-x) + lambda", 0.2), ("Piecewise((y, x > 1), (a1, True))", 2.9)],
)
def test_a_text_has_a_value_of_its_own(text, expected):
    assert float(value(text, (0.7, 1.3, 2.9, 0.2), 30)) == pytest.approx(expected, rel=1e-14)


def test_a_text_without_a_real_value_has_none():
    for text in ("log(-x)", "1/(x - x)", "sign(x - x)", "Piecewise((y, x > 1))", "exp(exp(exp(exp(9))))"):
        assert value(text, (0.7, 1.3, 2.9, 0.2), 30) is None


WRONG = {
    "runs it": (lambda text, _: sympify(text), "ran a text"),
    "another value": (lambda text, symbols: parse(text, symbols) + X / 10**15, "read as"),
    "another each time": (
        lambda text, symbols, seen=[]: parse(text, symbols) + len(seen.append(1) or seen),
        "which is read as",
    ),
    "another exception": (lambda text, _: 1 // 0, "ZeroDivisionError"),
    "no end": (lambda text, _: [None for _ in iter(int, 1)], "not ended within"),
}


@pytest.mark.parametrize(("parser", "said"), WRONG.values(), ids=WRONG)
def test_a_wrong_parser_is_found_out(parser, said, monkeypatch):
    monkeypatch.setattr(texts, "parse", parser)
    assert said in wrong_with("x**2/2 + y", 0.5 if said == "not ended within" else SECONDS)


def test_what_takes_too_long_is_ended_though_exceptions_are_caught():
    def patient():
        while True:
            try:
                sum(range(1000))
            except Exception:
                continue

    with pytest.raises(OutOfTime, match=r"not ended within 0\.05 s"), at_most(0.05):
        patient()
