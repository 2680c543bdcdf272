"""The decorators: what functions ask for by name, when it is worked out, and how claims are filled in."""

from dataclasses import dataclass
from fractions import Fraction

import pytest
import xarray as xr
from sympy import Symbol

from analysis.study import CommonOptions, Number, Study, about, agreement, decide, identity, new_figure
from analysis.study.figure import FILES
from analysis.study.parts import Known
from analysis.study.work import work_off
from eos_sym import BadInput
from numeric.progress import listener, unheard
from numeric.runs import load

x = Symbol("x")


@dataclass(frozen=True, kw_only=True)
class Options(CommonOptions):
    size: int = 3


@dataclass(frozen=True, kw_only=True)
class NumberOptions(Options):
    step: Number = Fraction(1, 5)
    steps: tuple[Number, ...] = (Fraction(1, 2), Fraction(2))


def small_study():
    """A study that counts how often each of its functions is called."""
    study, calls = Study("analysis.small", source="a paper"), []

    @study.theory
    def derived(options):
        calls.append("derived")
        return {"edge": 2 * x * options.size}

    @study.measurement
    def total(runs):
        calls.append("total")
        return float(runs.y.sum())

    @study.experiment
    def runs(options):
        calls.append("runs")
        return xr.Dataset({"y": ("i", [1.0] * options.size)})

    @study.claim("the edge is {derived[edge]}, for {word}s", id="edge_of_{word}", word=["cat", "dog"])
    def edge(derived, options, word):
        yield identity(f"edge of a {word}", 2 * x * options.size, derived["edge"])

    @study.claim("the sum of {options.size} ones is their number", "arithmetic", open=True)
    def number(total, options):
        yield agreement("simulation", "sum of the ones", options.size, total)

    @study.figure
    def figure(runs):
        return new_figure(2, 2)

    return study, calls


def made(study, **given):
    return study.all_claims(Known(study, {"options": Options(**given)}))


def test_a_study_is_named_by_its_module_or_folder():
    assert Study("analysis.depth", source="").name == "depth"
    assert Study("analysis.minimalist.__main__", source="").name == "minimalist"


def test_statements_sources_and_ids_are_filled_in_with_a_claim_for_every_value():
    claims = made(small_study()[0])
    assert [claim.id for claim in claims] == ["edge_of_cat", "edge_of_dog", "number"]
    assert claims[1].statement == "the edge is 6*x, for dogs"
    assert claims[2].statement == "the sum of 3 ones is their number"
    assert [claim.source for claim in claims] == ["a paper", "a paper", "arithmetic"]
    assert [claim.open for claim in claims] == [False, False, True]


def test_what_several_functions_ask_for_is_worked_out_once():
    study, calls = small_study()
    verdicts = [decide(claim) for claim in made(study, size=4)]
    assert [verdict.status for verdict in verdicts] == ["proved", "proved", "supported"]
    assert sorted(calls) == ["derived", "runs", "total"]


def test_a_study_worked_off_leaves_its_files_and_its_exit_code(tmp_path, capsys):
    study, _ = small_study()
    assert work_off(study, Options(out=tmp_path, json=True)) == 0
    assert load(tmp_path / "data.nc")["runs"].y.sum() == 3
    assert {path.name for path in tmp_path.glob("[!.]*")} == {"claims.json", "data.nc", *FILES}
    assert '"quantity": "sum of the ones"' in capsys.readouterr().out


def test_only_a_refuted_claim_that_is_not_open_changes_the_exit_code(tmp_path, capsys):
    for is_open, code in ((True, 0), (False, 1)):
        study, _ = small_study()

        @study.claim("one is two", open=is_open)
        def wrong():
            yield agreement("simulation", "one", 2.0, 1.0)

        assert work_off(study, Options(out=tmp_path)) == code
    assert "simulation: one: 1 (expected 2)" in capsys.readouterr().out


@pytest.mark.parametrize("wanted", [False, True])
def test_a_summary_comes_first_and_evidence_on_demand(tmp_path, capsys, wanted):
    study, _ = small_study()
    work_off(study, Options(out=tmp_path, evidence=wanted))
    said = capsys.readouterr().out
    assert said.splitlines()[:2] == ["small", "3 claims: 2 proved, 1 supported"]
    assert ("symbolic: edge of a cat: 6·x, as expected" in said) == wanted
    assert "one channel: simulation" in said


def test_each_part_says_on_which_channel_alone_it_rests(tmp_path, capsys):
    study, _ = small_study()

    @study.claim("one is one; two is two; three is three")
    def numbers():
        yield from about("one is one", identity("one", x, x))
        yield from about("two is two", agreement("simulation", "two", 2.0, 2.0), agreement("network", "two", 2.0, 2.0))
        yield from about("three is three", agreement("simulation", "three", 3.0, 3.0))

    work_off(study, Options(out=tmp_path))
    said = capsys.readouterr().out
    assert "proved; one channel: symbolic: one is one" in said
    assert "supported: two is two" in said
    assert "supported; one channel: simulation: three is three" in said


def test_a_parameter_that_names_nothing_is_a_fault_of_the_study():
    study, _ = small_study()

    @study.claim("there is a ghost")
    def ghost(spectre):
        yield spectre

    with pytest.raises(TypeError, match="small: spectre is neither"):
        decide(made(study)[-1])


def test_an_option_is_asked_for_by_its_name_its_numbers_in_floating_point():
    study, _ = small_study()
    known = Known(study, {"options": NumberOptions()})
    asked = known.call(lambda size, step, steps, preset: (size, step, steps, preset))
    assert asked == (3, 0.2, [0.5, 2.0], "quick")
    assert {type(value) for value in (asked[1], *asked[2])} == {float}
    assert Known(study, {"options": NumberOptions(), "step": 7}).call(lambda step: step) == 7


def test_the_experiment_that_runs_hears_of_progress(tmp_path):
    study, heard = Study("analysis.small", source=""), []

    @study.experiment
    def runs():
        heard.append(listener())
        return xr.Dataset()

    study.figure(lambda: new_figure(2, 2))
    work_off(study, Options(out=tmp_path))
    assert heard[0] is not unheard
    assert listener() is unheard


def test_experiments_that_depend_on_options_are_datasets_by_name(tmp_path):
    study = Study("analysis.small", source="")

    @study.experiments
    def several(options):
        return {f"of_{i}": lambda i=i: xr.Dataset({"i": i}) for i in range(options.size)}

    @study.summary
    def came(several, of_1):
        return {"names": [*several], "one": int(of_1.i)}

    study.figure(lambda: new_figure(2, 2))
    assert work_off(study, Options(out=tmp_path)) == 0
    assert int(load(tmp_path / "data.nc")["of_2"].i) == 2


def test_a_negative_seed_is_refused(tmp_path):
    with pytest.raises(BadInput, match="--seed -1: must be 0 or more"):
        work_off(small_study()[0], Options(out=tmp_path, seed=-1))
