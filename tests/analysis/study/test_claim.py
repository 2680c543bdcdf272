"""A claim's status follows from its evidence, part by part; what cannot be decided says so, and bugs are not hidden."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.study import Claim, Evidence, about, combine, decide
from eos_sym import Undecided

STATUSES = ["refuted", "undecided", "proved", "supported"]
WEAKEST_FIRST = ["refuted", "undecided", "supported", "proved"]
TWO_PARTS = "the minimum loses its stability at 2/η; a two-cycle is born there"


def evidence(status):
    return Evidence("simulation", "value", status, None, None)


def give_up():
    raise Undecided("no closed form")


def claim(*pieces, statement="statement", **more):
    return Claim("id", statement, "source", lambda: iter(pieces), **more)


@settings(derandomize=True)
@given(st.lists(st.sampled_from(STATUSES), min_size=1, max_size=6))
def test_the_status_of_a_part_is_that_of_its_gravest_evidence(statuses):
    assert combine([evidence(status) for status in statuses]) == min(statuses, key=STATUSES.index)


def test_a_claim_without_evidence_is_undecided():
    assert combine([]) == "undecided"
    assert decide(claim()).status == "undecided"


@settings(derandomize=True)
@given(st.sampled_from(STATUSES), st.sampled_from(STATUSES))
def test_a_statement_is_the_weakest_of_its_parts(first, second):
    pieces = [*about("2/η", evidence(first)), *about("two-cycle", evidence(second))]
    verdict = decide(claim(*pieces, statement=TWO_PARTS))
    assert [part.status for part in verdict.parts] == [first, second]
    assert verdict.status == min([first, second], key=WEAKEST_FIRST.index)


def test_a_proof_of_one_part_proves_no_other():
    pieces = [*about("2/η", evidence("proved")), *about("two-cycle", evidence("supported"))]
    assert decide(claim(*pieces, statement=TWO_PARTS)).status == "supported"


def test_a_part_of_which_nothing_is_said_is_undecided():
    verdict = decide(claim(*about("2/η", evidence("proved")), statement=TWO_PARTS))
    assert [part.status for part in verdict.parts] == ["proved", "undecided"]
    assert verdict.status == "undecided"


def test_evidence_carries_the_part_of_which_it_speaks():
    first, second = TWO_PARTS.split("; ")
    pieces = [*about("born", evidence("proved")), *about("2/η", evidence("proved"))]
    assert [one.part for one in decide(claim(*pieces, statement=TWO_PARTS)).evidence] == [second, first]
    assert [one.part for one in decide(claim(evidence("proved"))).evidence] == ["statement"]


@pytest.mark.parametrize("words", [None, "the", "a four-cycle"])
def test_evidence_that_names_no_part_or_two_is_a_mistake(words):
    pieces = [evidence("proved")] if words is None else about(words, evidence("proved"))
    with pytest.raises(ValueError, match="must name one part"):
        decide(claim(*pieces, statement=TWO_PARTS if words != "the" else "the one; the other"))


def test_a_series_about_one_part_that_gives_up_leaves_the_other_alone():
    def series():
        yield evidence("supported")
        raise Undecided("the run ended early")

    pieces = [*about("2/η", series()), *about("two-cycle", evidence("proved"))]
    verdict = decide(claim(*pieces, statement=TWO_PARTS))
    assert [part.status for part in verdict.parts] == ["undecided", "proved"]
    assert [one.status for one in verdict.evidence] == ["supported", "undecided", "proved"]


def test_a_claim_that_gives_up_leaves_no_part_decided():
    def pieces():
        yield from about("2/η", evidence("proved"))
        yield from about("two-cycle", evidence("proved"))
        raise Undecided("the run ended early")

    verdict = decide(Claim("id", TWO_PARTS, "source", pieces))
    assert [part.status for part in verdict.parts] == ["undecided", "undecided"]


def test_a_claim_whose_measurement_is_undecided_is_undecided_for_that_reason():
    def asked():
        raise Undecided("3 windows; 5 tell something")

    verdict = decide(Claim("id", "one; another", "here", asked))
    assert verdict.status == "undecided"
    assert [one.observed for one in verdict.evidence] == ["3 windows; 5 tell something"]


def test_a_check_that_cannot_decide_gives_its_reason_and_no_channel():
    verdict = decide(claim(give_up))
    assert verdict.status == "undecided"
    assert verdict.evidence[0].observed == "no closed form"
    assert verdict.evidence[0].channel is None


def test_a_bug_in_a_check_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        decide(claim(lambda: 1 / 0))


def test_only_a_refuted_claim_that_is_not_open_fails():
    def refute():
        return evidence("refuted")

    assert decide(claim(refute)).fails
    assert not decide(claim(refute, open=True)).fails


def test_an_undecided_piece_silences_none_of_those_after_it():
    verdict = decide(claim(evidence("supported"), give_up, evidence("proved")))
    assert [piece.status for piece in verdict.evidence] == ["supported", "undecided", "proved"]
    assert verdict.status == "undecided"


def test_what_was_yielded_before_a_claim_gave_up_is_kept():
    def pieces():
        yield evidence("supported")
        raise Undecided("the run ended early")

    verdict = decide(Claim("id", "statement", "source", pieces))
    assert [piece.status for piece in verdict.evidence] == ["supported", "undecided"]
    assert verdict.evidence[1].observed == "the run ended early"


def test_the_channels_of_a_part_are_those_that_decided_something_of_it():
    pieces = [evidence("supported"), Evidence("network", "value", "undecided", 1.0, None), give_up]
    (part,) = decide(claim(*pieces)).parts
    assert part.channels == ("simulation",)
