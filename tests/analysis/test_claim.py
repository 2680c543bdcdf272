import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Integer, cos, pi, sin, symbols

from analysis.claim import Claim, Evidence, agreement, bounded, combine, decide, identity, same, supported, theorem
from eos_sym import Undecided

x = symbols("x", real=True)
STATUSES = ["refuted", "undecided", "proved", "supported"]


def evidence(status):
    return Evidence("simulation", status, None, None)


@settings(derandomize=True)
@given(st.lists(st.sampled_from(STATUSES), min_size=1, max_size=6))
def test_the_status_of_a_claim_is_that_of_its_gravest_evidence(statuses):
    assert combine([evidence(status) for status in statuses]) == min(statuses, key=STATUSES.index)


def test_a_claim_without_evidence_is_undecided():
    assert combine([]) == "undecided"


def test_an_identity_is_proved_and_a_false_one_refuted():
    assert identity(Integer(1), sin(x) ** 2 + cos(x) ** 2).status == "proved"
    assert identity(x, x + 1).status == "refuted"
    assert identity([x, x], [x, 2 * x]).status == "refuted"


def test_a_formal_argument_supports_and_does_not_prove():
    assert supported(x, x).status == "supported"
    assert supported(x, 2 * x).status == "refuted"


def test_numbers_agree_within_their_tolerance_and_not_beyond():
    assert agreement("simulation", 2.0, 2.1, absolute=0.2).status == "supported"
    assert agreement("simulation", 2.0, 2.3, absolute=0.2).status == "refuted"
    assert agreement("simulation", -4.0, -4.3, relative=0.1).tolerance == pytest.approx(0.4)
    assert agreement("simulation", 2.0, float("nan"), absolute=1).status == "refuted"


def test_an_error_must_be_below_its_bound():
    assert bounded("simulation", 1e-13, below=1e-12).status == "supported"
    assert bounded("simulation", 1e-11, below=1e-12).status == "refuted"
    assert bounded("simulation", float("nan"), below=1e-12).status == "refuted"


def test_words_must_be_the_same():
    assert same("network", "grows", "grows").status == "supported"
    assert same("network", "grows", "shrinks").status == "refuted"


def test_a_decision_procedure_that_does_not_decide_leaves_the_claim_undecided():
    assert theorem("stable", "stable").status == "proved"
    assert theorem("stable", "unstable").status == "refuted"
    assert theorem("stable", "undecided").status == "undecided"


def test_a_check_that_cannot_decide_gives_its_reason():
    def check():
        raise Undecided("no closed form")

    verdict = decide(Claim("id", "statement", "source", [check]))
    assert verdict.status == "undecided"
    assert verdict.evidence[0].observed == "no closed form"


def test_a_bug_in_a_check_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        decide(Claim("id", "statement", "source", [lambda: 1 / 0]))


def test_only_a_refuted_claim_that_is_not_open_fails():
    def refute():
        return evidence("refuted")

    assert decide(Claim("id", "statement", "source", [refute])).fails
    assert not decide(Claim("id", "statement", "source", [refute], open=True)).fails


def test_an_identity_between_algebraic_numbers_that_simplify_misses_is_proved():
    assert identity(Integer(1) / 2, cos(pi / 7) - cos(2 * pi / 7) + cos(3 * pi / 7)).status == "proved"


def test_a_run_that_did_not_end_decides_nothing():
    assert same("simulation", "converged", "undecided").status == "undecided"
