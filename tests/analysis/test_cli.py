import contextlib
import json
import signal
import subprocess
import sys
import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import cli, quadratic
from analysis.__main__ import analyses
from analysis.arguments import assignments, number
from analysis.minimalist import __main__ as minimalist
from eos_sym import BadInput
from numeric.runs import load


def python(*arguments, **options):
    return subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True, check=False, **options)


@settings(derandomize=True)
@given(st.fractions(min_value=-1000, max_value=1000, max_denominator=10**6))
def test_a_ratio_is_read_exactly(value):
    assert number(str(value)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.2", Fraction(1, 5)), ("1e-3", Fraction(1, 1000)), (".5", Fraction(1, 2)), ("2/8", Fraction(1, 4))],
)
def test_a_decimal_is_read_exactly(text, value):
    assert number(text) == value


@pytest.mark.parametrize(
    "text", ["", "x", "nan", "inf", "1/0", "1e999999999", "1_0", "0x10", "٣", "9" * 50, "1 2", "--1"]
)
def test_what_is_no_number_is_refused_at_once(text):
    with pytest.raises(ValueError, match=r"number|zero"):
        number(text)


def test_assignments_name_every_value_once():
    assert assignments("--start", ["y=2/3", "x=1"], ["x", "y"]) == {"x": 1, "y": Fraction(2, 3)}


@pytest.mark.parametrize(
    ("texts", "fault"),
    [
        (["x=1"], "y missing"),
        (["x=1", "y=2", "z=3"], "not one of them"),
        (["x=1", "x=2"], "given twice"),
        (["x", "y=2"], "NAME=VALUE"),
        (["x=one", "y=2"], "not a number"),
    ],
)
def test_wrong_assignments_are_refused_by_name(texts, fault):
    with pytest.raises(BadInput, match=fault):
        assignments("--start", texts, ["x", "y"])


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--stepz", "3"], "--stepz"),
        (["--eta", "fast"], "fast"),
        (["--preset", "big"], "big"),
        (["--steps"], "--steps"),
        (["--seed", "1.5"], "1.5"),
    ],
)
def test_a_command_line_that_cannot_be_read_is_explained_in_one_line(arguments, named):
    with pytest.raises(BadInput) as refusal:
        cli.read_options("quadratic", quadratic.Options, arguments)
    assert named in str(refusal.value)
    assert "\n" not in str(refusal.value)


BAD_COMMANDS = [
    ("minimalist", ["--eta", "-0.1"], "positive"),
    ("minimalist", ["--eta", "0.5"], "below 1/2"),
    ("minimalist", ["--eta", "0.1", "1/10"], "once"),
    ("minimalist", ["--steps", "0"], "1 or more"),
    ("minimalist", ["--start", "x=2", "q=3"], "q=3"),
    ("quadratic", ["--eta", "0"], "positive"),
    ("quadratic", ["--eigenvalues", "1", "2"], "falling"),
    ("quadratic", ["--steps", "-3"], "1 or more"),
    ("quadratic", ["--out", "pyproject.toml/results"], "cannot be made"),
    ("quadratic", ["--eta", "nonsense"], "nonsense"),
]
MODULES = {"minimalist": minimalist, "quadratic": quadratic}


@pytest.mark.parametrize(("name", "arguments", "named"), BAD_COMMANDS)
def test_bad_input_is_one_line_and_exit_code_two(name, arguments, named, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    with pytest.raises(SystemExit) as ending:
        cli.main(name, MODULES[name].Options, MODULES[name].analyse)
    said = capsys.readouterr()
    assert ending.value.code == 2
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert named in said.err


def test_bad_input_on_a_real_command_line():
    result = python("analysis.minimalist", "--eta", "1/2")
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)


def test_the_list_of_analyses_has_a_line_for_each():
    listed = python("analysis").stdout.splitlines()
    expected = [
        "basins",
        "bifurcation",
        "dataset_size",
        "depth",
        "derive",
        "descent_lemma",
        "edge_law",
        "edge_of_stability",
        "gradient_flow",
        "initialization",
        "instability",
        "minimalist",
        "momentum",
        "momentum_network",
        "normalized_gd",
        "progressive_sharpening",
        "quadratic",
        "reasonable_steps",
        "sam",
        "self_stabilization",
        "sgd_batch",
        "sgd_selection",
        "shallow",
        "step_drop",
        "task_complexity",
        "vgg",
        "width",
    ]
    assert list(analyses()) == expected
    assert [line.split()[2] for line in listed] == [f"analysis.{name}" for name in expected]
    assert all(line.rstrip().endswith(".") for line in listed)


def test_help_names_every_option_and_its_default():
    result = python("analysis.quadratic", "--help")
    assert result.returncode == 0
    for option in ("--eigenvalues", "--eta", "--steps", "--preset", "--seed", "--json", "--out"):
        assert option in result.stdout


def test_json_is_one_document_and_the_files_are_written_all_the_same(tmp_path):
    result = python("analysis.quadratic", "--json", "--out", str(tmp_path))
    assert result.returncode == 0
    assert result.stderr == ""
    document = json.loads(result.stdout, parse_constant=pytest.fail)
    assert document.keys() == {"analysis", "parameters", "theory", "claims", "files", "versions"}
    assert {claim["status"] for claim in document["claims"]} == {"proved"}
    assert all(len({evidence["channel"] for evidence in claim["evidence"]}) >= 2 for claim in document["claims"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["claims.json", "data.nc", "figure.pdf", "figure.png"]
    assert document["files"] == [
        str(tmp_path / name) for name in ("figure.png", "figure.pdf", "data.nc", "claims.json")
    ]


def test_a_diverging_run_is_an_outcome_and_not_a_warning(tmp_path):
    result = python("analysis.quadratic", "--eta", "5", "--steps", "400", "--out", str(tmp_path))
    assert (result.returncode, result.stderr) == (0, "")
    assert load(tmp_path / "data.nc")["runs"].outcome.values.tolist() == ["diverged"]


def listen_to_interrupts():
    """A shell that runs the tests in the background has them, and all they start, ignore interrupts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
def test_an_interrupted_analysis_keeps_what_was_finished(tmp_path):
    command = [sys.executable, "-m", "analysis.minimalist", "--out", str(tmp_path), "--preset", "full"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, preexec_fn=listen_to_interrupts, **pipes) as process:
        deadline = time.monotonic() + 60
        while not (tmp_path / "data.nc").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        while process.poll() is None:  # an interrupt that arrives in a finalizer is lost, by Python's rules
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
        errors = process.stderr.read()
    assert process.returncode == 130
    assert errors == "interrupted; the files that were finished are kept\n"
    assert "trajectories" in load(tmp_path / "data.nc").children
    assert [path.name for path in tmp_path.iterdir()] == ["data.nc"]


@pytest.mark.parametrize("eigenvalues", [["100", "10", "1"], ["20", "8", "7", "6", "5", "4", "3", "2"]])
def test_no_spectrum_refutes_the_theory_of_quadratics(eigenvalues, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["quadratic", "--eigenvalues", *eigenvalues, "--out", str(tmp_path)])
    with pytest.raises(SystemExit) as ending:
        cli.main("quadratic", quadratic.Options, quadratic.analyse)
    assert ending.value.code == 0
