"""The ensemble benchmark on a handful of runs: everybody computes the same map, and who is missing is said to be.

The maps written by hand in C are held against SymPy's own evaluation of the formula, escape times against a loop in
Python. Nothing here looks at how long anything takes.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console
from sympy import Float

from analysis.study.figure import FILES
from analysis.study.options import read_options
from benchmarks.ensemble import contenders as everybody
from benchmarks.ensemble import fresh
from benchmarks.ensemble.__main__ import Options, main, read_problems
from benchmarks.ensemble.contenders import CONTENDERS, OURS, OUTCOMES, VECTOR_C, WIDE_C, C
from benchmarks.ensemble.converge import compare_converging
from benchmarks.ensemble.escape import compare_escape
from benchmarks.ensemble.native import Absent, build, compiler
from benchmarks.ensemble.problems import MAPS, Problem, known_problem, typed_problem
from benchmarks.ensemble.report import draw, print_tables
from benchmarks.ensemble.results import ESCAPE, Results
from benchmarks.ensemble.timing import check, compare
from eos_sym import BadInput
from numeric.compile.cache import root

RUNS = 70  # a full block of 64 lanes, and one that is not
BY_C = {C, WIDE_C, VECTOR_C, "C, scalar"}


def compiled(problem: Problem, **options):
    try:
        compiler()
    except Absent as reason:
        pytest.skip(str(reason))
    return build(problem, **options)


def exact_step(problem: Problem, run: int):
    symbols = (*problem.map.state, *problem.map.parameters)
    point = {
        symbol: Float(value, 30)
        for symbol, value in zip(symbols, [*problem.state[:, run], *problem.values[:, run]], strict=True)
    }
    return [float(step.subs(point)) for step in problem.map.step]


def nothing(text: str) -> None:
    """Progress that nobody watches."""


@pytest.mark.parametrize("lanes", [64, 1])
@pytest.mark.parametrize("name", MAPS)
def test_the_c_by_hand_or_printed_is_one_step_of_the_formula(name, lanes):
    problem = known_problem(name, RUNS)
    final = compiled(problem, lanes=lanes).advance(problem.state, problem.values, 1)
    for run in (0, 63, 64, RUNS - 1):
        np.testing.assert_allclose(final[:, run], exact_step(problem, run), rtol=1e-14)


def test_printed_c_takes_any_names_powers_and_functions():
    problem = typed_problem(
        "(1 - lane*point**3)**2/(2 + lane**2) + step*exp(-lane)*tanh(point)/lane**2",
        ["lane", "point"],
        ["eta=0.1", "step=1/3"],
        ["lane=1", "point=0.5"],
        RUNS,
    )
    final = compiled(problem).advance(problem.state, problem.values, 1)
    for run in (0, RUNS - 1):
        np.testing.assert_allclose(final[:, run], exact_step(problem, run), rtol=1e-13)


@pytest.mark.parametrize("contender", [one for one in CONTENDERS if one.name in BY_C], ids=lambda one: one.name)
def test_c_leaves_denormal_numbers_what_they_are(contender):
    """What GCC links with -ffast-math makes them 0 in all of the process."""
    with contextlib.suppress(Absent):
        contender.prepare(known_problem("softplus", RUNS))
    assert float("1e-310") > 0
    assert np.float64(1e-300) * 1e-20 > 0


def test_c_leaves_a_run_at_the_first_iteration_beyond_the_bound():
    problem = typed_problem("-x**2/2", ["x"], ["eta=1"], ["x=1"], RUNS)  # x doubles in every step
    state = problem.state.copy()
    state[0, :4] = 1, -3, 1000, 0
    final, escaped = compiled(problem).escape(state, problem.values, 30, 100.0)
    assert escaped[:4].tolist() == [7, 6, 0, 30]
    assert final[0, :4].tolist() == [64, -96, 1000, 0]
    np.testing.assert_array_equal(np.abs(final[0, 4:]) * 2 > 100, np.full(RUNS - 4, True))


def test_c_leaves_a_block_at_the_first_look_at_which_all_its_runs_are_still():
    """x halves: from 2ᵏ it moves by less than 2⁻²⁰ from step k + 20 on, that of the slowest run at step 37."""
    problem = typed_problem("x**2/4", ["x"], ["eta=1"], ["x=1"], RUNS)
    state = problem.state.copy()
    state[0] = 1.0
    state[0, 5], state[0, 64:] = 2.0**17, 2.0**-30
    final = compiled(problem).settle(2.0**-20)(state, problem.values, 1000)
    np.testing.assert_array_equal(final[0, :64], state[0, :64] / 2.0**48)
    np.testing.assert_array_equal(final[0, 64:], state[0, 64:] / 2.0**16)


def test_runs_that_converge_are_timed_with_their_outcomes():
    comparison, share = compare_converging("minimalist", RUNS, rounds=1, progress=nothing)
    assert share == 1
    assert {OUTCOMES, C, WIDE_C} <= {*comparison.timings, *comparison.absent}
    assert "disagrees" not in "".join(comparison.absent.values())


def test_numbers_that_are_none_leave_the_bound_too():
    problem = typed_problem("log(x)", ["x"], ["eta=1"], ["x=0.5"], 1)  # 1/2 → −3/2 → −5/6 → 11/30 → …
    state = np.array([[0.5, np.nan]])
    _, escaped = compiled(problem).escape(state, np.ones((1, 2)), 5, 1e8)
    assert escaped.tolist() == [5, 0]


@pytest.mark.slow
def test_all_who_are_installed_take_part_and_agree():
    problem = known_problem("minimalist", RUNS)
    comparison = compare(problem, CONTENDERS, steps=64, rounds=1, progress=nothing)
    needed = {"JAX": "jax", "Numba lambdify": "numba"}
    missing = {name for name, module in needed.items() if importlib.util.find_spec(module) is None}
    try:
        compiler()
    except Absent:
        missing |= BY_C
    assert set(comparison.absent) - {WIDE_C} == missing - {WIDE_C}  # 512-bit vectors are the processor's to have
    assert {*comparison.timings, *comparison.absent} == {contender.name for contender in CONTENDERS}


def test_without_a_compiler_the_benchmark_says_so_and_goes_on(monkeypatch):
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "")
    few = [contender for contender in CONTENDERS if contender.name in {OURS, OUTCOMES, *BY_C}]
    comparison = compare(known_problem("minimalist", RUNS), few, steps=64, rounds=2, progress=nothing)
    escape, share = compare_escape(side=10, rounds=1, progress=nothing)
    assert {*comparison.timings} == {OURS, OUTCOMES}
    assert {*comparison.absent} == BY_C
    assert C in escape.absent
    assert 0.5 < share < 1
    seconds = {"empty cache": 1.0, "new map": 1.0}
    results = Results({"minimalist": comparison, ESCAPE: escape}, {"minimalist": 0, ESCAPE: share}, seconds, None)
    console = Console(record=True, width=160)
    print_tables(console, results)
    assert "no C compiler: none of cc, gcc, clang is found; install one or set CC" in console.export_text()
    assert {name: part["relative_to"] for name, part in results.as_json()["workloads"].items()} == {
        "minimalist": OURS,
        ESCAPE: OUTCOMES,
    }
    assert draw(results.comparisons).axes


def test_a_compiler_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("CC", "nonexistent-compiler")
    with pytest.raises(Absent, match="CC is nonexistent-compiler, which is not found"):
        build(known_problem("minimalist", 1))


def test_a_contender_that_disagrees_is_not_timed():
    def wrong(problem):
        return lambda state, values, steps: state + 1e-6

    pair = [CONTENDERS[0], everybody.Contender("wrong", wrong)]
    comparison = compare(known_problem("minimalist", RUNS), pair, steps=1, rounds=1, progress=nothing)
    assert "wrong" not in comparison.timings
    assert comparison.absent["wrong"].startswith("disagrees with ours by")


def test_nan_is_no_agreement():
    with pytest.raises(Absent):
        check(np.array([[np.nan]]), np.array([[1.0]]))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--rounds", "0"], "--rounds 0: must be 1 or more"),
        (["--maps", "nosuch"], "nosuch"),
        (["--weights", "x"], "add --loss"),
        (["--loss", "x**2"], "--weights: name the symbols"),
        (["--loss", "x**2", "--weights", "x"], "--at: eta missing"),
        (["--loss", "x**2", "--weights", "x", "--at", "eta=1"], "--start: x missing"),
        (["--loss", "x**2 +", "--weights", "x", "--at", "eta=1", "--start", "x=1"], "missing or out of place"),
    ],
)
def test_bad_input_is_one_line_that_names_it(arguments, words):
    with pytest.raises(BadInput, match=words.replace("*", r"\*")) as caught:
        read_problems(read_options("python -m benchmarks.ensemble", Options, arguments))
    assert "\n" not in str(caught.value)


def test_a_typed_loss_that_diverges_at_once_is_bad_input():
    problem = typed_problem("x**4", ["x"], ["eta=100"], ["x=10"], RUNS)
    with pytest.raises(BadInput, match="lower eta"):
        compare(problem, CONTENDERS[:1], steps=1, rounds=1, progress=nothing)


def test_all_maps_are_what_is_timed_unless_told_otherwise():
    assert [problem.name for problem in read_problems(Options(runs=1))] == list(MAPS)


@pytest.mark.slow
def test_the_command_writes_its_table_and_its_picture(tmp_path, monkeypatch):
    """The first call finds what was compiled before; that it is compiled where nothing is, the kernel's tests say."""
    filled = SimpleNamespace(TemporaryDirectory=lambda: contextlib.nullcontext(str(root().parent)))
    monkeypatch.setattr(fresh, "tempfile", filled)
    main(Options(maps=("reduced_minimalist",), runs=200, steps=64, side=20, rounds=1, out=tmp_path))
    table = json.loads((tmp_path / "table.json").read_text(encoding="utf-8"))
    assert set(table["workloads"]) == {"reduced_minimalist", "reduced_minimalist, converging", ESCAPE}
    assert OURS in table["workloads"]["reduced_minimalist"]["contenders"]
    assert set(table["first_call_seconds"]) == {"empty cache", "new map", "known map", "imports"}
    assert {path.name for path in tmp_path.iterdir()} == {"table.json", *FILES}


@pytest.mark.slow
def test_bad_input_ends_the_command_with_code_2(tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.ensemble", "--side", "0", "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert run.stderr == "error: --side 0: must be 1 or more\n"
