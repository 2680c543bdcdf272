"""A claim's status follows from its evidence; what cannot be decided says so, and bugs are not hidden."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.study import Claim, Evidence, combine, decide
from eos_sym import Undecided

STATUSES = ["refuted", "undecided", "proved", "supported"]


def evidence(status):
    return Evidence("simulation", "value", status, None, None)


def claim(*pieces, **more):
    return Claim("id", "statement", "source", lambda: iter(pieces), **more)


@settings(derandomize=True)
@given(st.lists(st.sampled_from(STATUSES), min_size=1, max_size=6))
def test_the_status_of_a_claim_is_that_of_its_gravest_evidence(statuses):
    assert combine([evidence(status) for status in statuses]) == min(statuses, key=STATUSES.index)


def test_a_claim_without_evidence_is_undecided():
    assert combine([]) == "undecided"


def test_a_check_that_cannot_decide_gives_its_reason():
    def check():
        raise Undecided("no closed form")

    verdict = decide(claim(check))
    assert verdict.status == "undecided"
    assert verdict.evidence[0].observed == "no closed form"


def test_a_bug_in_a_check_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        decide(claim(lambda: 1 / 0))


def test_only_a_refuted_claim_that_is_not_open_fails():
    def refute():
        return evidence("refuted")

    assert decide(claim(refute)).fails
    assert not decide(claim(refute, open=True)).fails


def test_an_undecided_piece_silences_none_of_those_after_it():
    def cannot():
        raise Undecided("no closed form")

    verdict = decide(claim(evidence("supported"), cannot, evidence("proved")))
    assert [piece.status for piece in verdict.evidence] == ["supported", "undecided", "proved"]
    assert verdict.status == "undecided"


def test_what_was_yielded_before_a_claim_gave_up_is_kept():
    def pieces():
        yield evidence("supported")
        raise Undecided("the run ended early")

    verdict = decide(Claim("id", "statement", "source", pieces))
    assert [piece.status for piece in verdict.evidence] == ["supported", "undecided"]
    assert verdict.evidence[1].observed == "the run ended early"
