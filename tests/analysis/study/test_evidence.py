"""Evidence: statuses at both sides of a tolerance, and pieces that cannot be decided."""

import pytest
from sympy import Integer, cos, pi, sin, symbols

from analysis.study import Evidence, agreement, bounded, identity, over, same, supported, theorem
from analysis.study.evidence import heard
from eos_sym import Undecided

x = symbols("x", real=True)


def test_an_identity_is_proved_and_a_false_one_refuted():
    assert identity("q", Integer(1), sin(x) ** 2 + cos(x) ** 2).status == "proved"
    assert identity("q", x, x + 1).status == "refuted"
    assert identity("q", [x, x], [x, 2 * x]).status == "refuted"


def test_a_formal_argument_supports_and_does_not_prove():
    assert supported("q", x, x).status == "supported"
    assert supported("q", x, 2 * x).status == "refuted"


@pytest.mark.fault("not a number", "the value that a claim rests on", "it refutes the claim, whatever was expected")
def test_numbers_agree_within_their_tolerance_and_not_beyond():
    assert agreement("simulation", "q", 2.0, 2.1, absolute=0.2).status == "supported"
    assert agreement("simulation", "q", 2.0, 2.3, absolute=0.2).status == "refuted"
    assert agreement("simulation", "q", -4.0, -4.3, relative=0.1).tolerance == pytest.approx(0.4)
    assert agreement("simulation", "q", 2.0, float("nan"), absolute=1).status == "refuted"


def test_an_error_must_be_below_its_bound():
    assert bounded("simulation", "q", 1e-13, below=1e-12).status == "supported"
    assert bounded("simulation", "q", 1e-11, below=1e-12).status == "refuted"
    assert bounded("simulation", "q", float("nan"), below=1e-12).status == "refuted"


def test_words_must_be_the_same():
    assert same("network", "q", "grows", "grows").status == "supported"
    assert same("network", "q", "grows", "shrinks").status == "refuted"


def test_a_decision_procedure_that_does_not_decide_leaves_the_claim_undecided():
    assert theorem("q", "stable", "stable").status == "proved"
    assert theorem("q", "stable", "unstable").status == "refuted"
    assert theorem("q", "stable", "undecided").status == "undecided"


def test_an_identity_between_algebraic_numbers_that_simplify_misses_is_proved():
    assert identity("q", Integer(1) / 2, cos(pi / 7) - cos(2 * pi / 7) + cos(3 * pi / 7)).status == "proved"


def test_a_run_that_did_not_end_decides_nothing():
    assert same("simulation", "q", "converged", "undecided").status == "undecided"


def test_an_item_that_cannot_be_decided_silences_no_other():
    def check(value):
        if value == 2:
            raise Undecided("two is odd")
        return agreement("simulation", "value", 1.0, value)

    found = list(over([1, 2, 3], check))
    assert [piece.status for piece in found] == ["supported", "undecided", "refuted"]
    assert found[1].observed == "two is odd"


def test_a_piece_is_evidence_or_a_function_that_gives_it():
    piece = Evidence("network", "loss", "supported", 1.0, 1.0)
    assert heard(piece) is heard(lambda: piece) is piece


def test_a_bug_in_a_piece_is_not_taken_for_a_failure_to_decide():
    with pytest.raises(ZeroDivisionError):
        list(over([0], lambda value: agreement("simulation", "value", 1.0, 1 / value)))
