"""Studies as their users see them: command lines, exit codes, files and the JSON document."""

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import matplotlib as mpl
import pytest

from analysis import quadratic
from analysis.study.index import studies
from analysis.study.options import read_options
from eos_sym import BadInput
from numeric.runs import load, locked
from tests.analysis.programs import document_of, run_as_program

ROOT = Path(__file__).parents[3]


def python(*arguments, **options):
    return subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True, check=False, **options)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--stepz", "3"], "--stepz"),
        (["--eta", "fast"], "fast"),
        (["--preset", "big"], "big"),
        (["--steps"], "--steps: give it a value"),
        (["--out", ""], "--out: followed by nothing"),
        (["--eta"], "--eta: followed by nothing"),
        (["--seed", "1", "--eigenvalues", "--eta", "1"], "--eigenvalues: followed by nothing"),
        (["", "--json"], "followed by nothing"),
        (["--out", "a\nb", ""], "not text that can be printed"),
        (["--seed", "1.5"], "1.5"),
        (["--seed", "1", "--steps", "3", "--seed=2"], "--seed: given 2 times"),
        (["--eta", "1e-320"], "1e-3 (to e-99)"),
        (["--eta", "nan"], "nan"),
        (["--steps", "1e9"], "'1e9' is no whole number"),
    ],
)
def test_a_command_line_that_cannot_be_read_is_explained_in_one_line(arguments, named):
    with pytest.raises(BadInput) as refusal:
        read_options("python -m analysis.quadratic", quadratic.Options, arguments)
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
    ("quadratic", ["--out", "pyproject.toml/results"], "cannot be written"),
    ("quadratic", ["--eta", "nonsense"], "nonsense"),
]


@pytest.mark.parametrize(("name", "arguments", "named"), BAD_COMMANDS)
@pytest.mark.fault(
    "read-only",
    "`--out` below something that is no folder; and other bad input",
    "one line that names it, exit code 2",
)
def test_bad_input_is_one_line_and_exit_code_two(name, arguments, named):
    said = run_as_program(name, *arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert named in said.err


def test_bad_input_on_a_real_command_line():
    result = python("analysis.minimalist", "--eta", "1/2")
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)


def test_the_list_has_every_study_with_the_first_line_of_its_essay():
    listed = python("analysis").stdout
    entries = [line for line in listed.splitlines() if line.startswith("  ") and not line.startswith("   ")]
    assert [entry.split()[0] for entry in entries] == [*studies()]
    assert all(line.endswith(".") and " ".join(line.split()) in " ".join(listed.split()) for line in studies().values())
    assert max(map(len, listed.splitlines())) <= 100
    assert {"minimalist", "derive", "edge_of_stability", "width"} <= {*studies()}


@pytest.fixture
def nothing(tmp_path):
    """The command line of a study of nothing, which begins in a fraction of the time of those that are there."""
    script = tmp_path / "study.py"
    script.write_text("'Nothing.'\nfrom analysis.study import Study\nStudy(__name__, source='').main()\n")
    return [str(script), "--out", str(tmp_path / "out")]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("arguments", [["-m", "analysis"], None], ids=["list", "study"])
@pytest.mark.fault("no room", "the standard output, sent to `/dev/full`", "one line, exit code 74")
def test_an_output_without_space_is_said_in_one_line(arguments, nothing):
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, *(arguments or nothing)]
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=ROOT)
    assert (result.returncode, result.stderr.count("\n")) == (os.EX_IOERR, 1)
    assert "No space left on device" in result.stderr


@pytest.mark.fault("no room", "a study, by its figure", "one line, exit code 74; data and claims are kept, whole")
def test_a_study_without_room_for_its_figure_keeps_what_was_finished(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, before[1]))  # more than its data take, and less than its figure
    try:
        said = run_as_program("quadratic", "--out", str(tmp_path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (said.code, said.out, said.err.count("\n")) == (os.EX_IOERR, "", 1)
    assert "figure.png: File too large; make room and run it again" in said.err
    assert sorted(path.name for path in tmp_path.glob("*")) == [".lock", "claims.json", "data.nc"]
    assert json.loads((tmp_path / "claims.json").read_text())["claims"]
    assert load(tmp_path / "data.nc").children


CRAMPED = """
import re, resource, runpy, sys
from pathlib import Path
from numeric.runs import load  # and all that it stands on
import numpy, sympy, matplotlib.pyplot
size = int(re.search(r"VmSize:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) << 10
resource.setrlimit(resource.RLIMIT_AS, (size + (100 << 20), -1))
sys.argv = ["study", "--steps", "1000000", *sys.argv[1:]]
runpy.run_module("analysis.quadratic", run_name="__main__", alter_sys=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux alone")
@pytest.mark.fault("memory", "a study that is allowed too little", "one line, exit code 71; no data are written")
def test_a_study_without_memory_says_so_in_one_line(tmp_path):
    command = [sys.executable, "-c", CRAMPED, "--out", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (result.returncode, result.stdout) == (os.EX_OSERR, "")
    assert result.stderr.startswith("error: memory ran out; ask for less at a time")
    assert result.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


CRASHES = {
    "a fault": ("1 / 0", os.EX_SOFTWARE, "ZeroDivisionError"),
    "a run that failed": (
        "raise RunFailed('a run failed: its process was killed')",
        os.EX_TEMPFAIL,
        "error: a run failed",
    ),
    "a full device": ("raise NoSpace(28, 'data.nc: No space left on device')", os.EX_IOERR, "error: data.nc: No space"),
    "memory": ("raise MemoryError", os.EX_OSERR, "error: memory ran out"),
}


@pytest.mark.parametrize("crash", CRASHES.values(), ids=CRASHES)
def test_exit_code_one_is_left_to_what_is_refuted(crash, tmp_path):
    fault, code, said = crash
    script = tmp_path / "study.py"
    script.write_text(
        "'Nothing.'\nfrom analysis.study import Study\nfrom numeric.runs import NoSpace, RunFailed\n"
        f"study = Study(__name__, source='')\n@study.theory\ndef derived():\n    {fault}\nstudy.main()\n"
    )
    command = [sys.executable, str(script), "--out", str(tmp_path / "out")]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (result.returncode, result.stdout) == (code, "")
    assert said in result.stderr
    assert ("Traceback" in result.stderr) == (code == os.EX_SOFTWARE)
    assert code == os.EX_SOFTWARE or result.stderr.count("\n") == 1


def test_a_program_whose_modules_cannot_be_imported_ends_with_a_code_of_its_own(tmp_path):
    (tmp_path / "sympy.py").write_text("raise ImportError('broken')")
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    result = python("analysis.quadratic", "--out", str(tmp_path / "out"), env=environment)
    assert result.returncode == os.EX_SOFTWARE
    assert "ImportError: broken" in result.stderr


@pytest.mark.fault("interrupted", "a study that is still being loaded", "one line, exit code 130")
def test_an_interruption_while_modules_are_imported_is_one_line(tmp_path):
    (tmp_path / "sympy.py").write_text("raise KeyboardInterrupt")
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    result = python("analysis.quadratic", "--out", str(tmp_path / "out"), env=environment)
    assert (result.returncode, result.stderr.count("\n")) == (130, 1)


@pytest.mark.parametrize("arguments", ["analysis", "analysis.quadratic --help", "analysis.quadratic --out {out}"])
def test_a_closed_output_is_said_in_one_line(arguments, tmp_path):
    command = f"{sys.executable} -m {arguments.format(out=tmp_path)} >&-"
    result = subprocess.run(command, shell=True, stderr=subprocess.PIPE, text=True, check=False)
    assert (result.returncode, result.stderr.count("\n")) == (os.EX_IOERR, 1)
    assert "the standard output is closed" in result.stderr


PLAIN_TERMINALS = {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize("environment", PLAIN_TERMINALS, ids=["ascii", "C"])
@pytest.mark.parametrize("arguments", [["analysis"], ["analysis.quadratic", "--help"]], ids=["list", "help"])
def test_mathematics_is_printed_whatever_the_locale(arguments, environment):
    result = python(*arguments, env=os.environ | environment | {"TERM": "dumb", "COLUMNS": "10"}, encoding="utf-8")
    assert (result.returncode, result.stderr) == (0, "")
    assert {"analysis": "2/η", "analysis.quadratic": "λ"}[arguments[0]] in result.stdout


def test_a_warning_is_one_line(tmp_path):
    script = tmp_path / "study.py"
    script.write_text(
        "'Nothing.'\nimport warnings\nfrom analysis.study import Study\nstudy = Study(__name__, source='')\n"
        "@study.theory\ndef derived():\n    warnings.warn('no worker\\nis left')\n    return {}\nstudy.main()\n"
    )
    command = [sys.executable, str(script), "--out", str(tmp_path / "out")]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (result.returncode, result.stderr) == (0, "warning: no worker is left\n")


@pytest.mark.fault(
    "shared",
    "two studies with one `--out`",
    "the second ends with one line and exit code 2, and writes nothing",
)
def test_two_programs_do_not_write_to_one_folder(tmp_path):
    with locked(tmp_path):
        result = python("analysis.quadratic", "--out", str(tmp_path))
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert "in use by another run" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_folder_whose_name_is_no_text_is_refused(tmp_path):
    command = [sys.executable, "-m", "analysis.quadratic", "--out", os.fsencode(tmp_path) + b"/\xff"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "not text that can be printed" in result.stderr


def test_a_seed_beyond_all_generators_is_refused(tmp_path):
    said = run_as_program("quadratic", "--seed", str(2**64), "--out", str(tmp_path))
    assert said.code == 2
    assert "must be 0 or more, and less than 2**32" in said.err


def test_a_users_style_of_figures_changes_nothing(tmp_path, in_pixels):
    with mpl.rc_context({"text.usetex": True, "font.size": 3}):
        said = run_as_program("quadratic", "--out", str(tmp_path))
    assert (said.code, said.err) == (0, "")


@pytest.mark.parametrize(("typed", "meant"), [("minimalits", "minimalist"), ("edge_of_stabilty", "edge_of_stability")])
def test_a_study_that_is_not_there_is_told_by_its_nearest_name(typed, meant):
    result = python(f"analysis.{typed}", "--json")
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert f"did you mean {meant}?" in result.stderr


def test_a_name_that_is_near_to_none_is_refused_too():
    result = python("analysis.zzzz")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "error: zzzz: no such study; python -m analysis lists them\n"


def test_the_list_takes_no_arguments_and_says_what_was_meant():
    for typed, meant in (
        ("minimalist", "write python -m analysis.minimalist"),
        ("minimalits", "did you mean minimalist?"),
    ):
        result = python("analysis", typed)
        assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
        assert meant in result.stderr


@pytest.mark.parametrize(
    "arguments", [["-m", "analysis"], ["-m", "analysis.quadratic", "--help"], None], ids=["list", "help", "study"]
)
def test_a_reader_that_has_seen_enough_ends_a_program_in_silence(arguments, nothing):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, *(arguments or nothing)]
    result = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False, cwd=ROOT)
    os.close(writing)
    assert (result.returncode, result.stderr) == (128 + signal.SIGPIPE, "")


def test_a_module_of_analysis_that_is_missing_inside_a_program_is_an_ordinary_error():
    result = subprocess.run([sys.executable, "-c", "import analysis.zzzz"], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "ModuleNotFoundError" in result.stderr


ASKED = """
import contextlib, io, json, runpy, sys
said = {}
for name in sys.argv[1:]:
    codes, out, before = [], io.StringIO(), {*sys.modules}
    for option in "--help", "--no-such-option":
        sys.argv = ["x", option]
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
                runpy.run_module(f"analysis.{name}", run_name="__main__", alter_sys=True)
        except SystemExit as ending:
            codes.append(ending.code or 0)
    slow = {"torch", "sympy", "numpy", "scipy", "xarray", "matplotlib", "numba"} & ({*sys.modules} - before)
    said[name] = codes, sorted(slow), out.getvalue()
json.dump(said, sys.stdout)
"""


@pytest.fixture(scope="module")
def asked():
    """What every study says of its options, with its exit codes and what it loads that none before it has."""
    command = [sys.executable, "-c", ASKED, *studies()]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize("name", studies())
def test_help_and_a_wrong_option_load_nothing_that_is_slow_and_help_shows_no_default_that_is_none(name, asked):
    codes, slow, said = asked[name]
    assert (codes, slow) == ([0, 2], [])
    assert "--seed" in said
    for none in ("{None}", "(default: )", "(default: None)"):
        assert none not in said


def test_help_names_every_option_and_its_default():
    result = python("analysis.quadratic", "--help")
    assert result.returncode == 0
    for option in ("--eigenvalues", "--eta", "--steps", "--preset", "--seed", "--json", "--out"):
        assert option in result.stdout


def test_json_is_one_document_and_the_files_are_written_all_the_same(tmp_path, capfd):
    document = document_of("quadratic", tmp_path)
    assert capfd.readouterr() == ("", "")  # of libraries that write past Python
    assert document.keys() == {"analysis", "parameters", "theory", "claims", "files", "versions"}
    assert {claim["status"] for claim in document["claims"]} == {"proved"}
    assert all(len({evidence["channel"] for evidence in claim["evidence"]}) >= 2 for claim in document["claims"])
    assert sorted(path.name for path in tmp_path.glob("[!.]*")) == [
        "claims.json",
        "data.nc",
        "figure.pdf",
        "figure.png",
        "figure.svg",
    ]
    assert document["files"] == [
        str(tmp_path / name) for name in ("figure.png", "figure.pdf", "figure.svg", "data.nc", "claims.json")
    ]


def test_a_diverging_run_is_an_outcome_and_not_a_warning(tmp_path, in_pixels):
    document_of("quadratic", tmp_path, "--eta", "5", "--steps", "400")
    assert load(tmp_path / "data.nc")["runs"].outcome.values.tolist() == ["diverged"]


def listen_to_interrupts():
    """A shell that runs the tests in the background has them, and all they start, ignore interrupts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
@pytest.mark.fault("interrupted", "a study", "one line, exit code 130; the data that are finished are in their file")
def test_an_interrupted_analysis_keeps_what_was_finished(tmp_path):
    command = [sys.executable, "-m", "analysis.minimalist", "--out", str(tmp_path), "--preset", "full"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, preexec_fn=listen_to_interrupts, **pipes) as process:
        while not (tmp_path / "data.nc").exists() and process.poll() is None:
            time.sleep(0.05)
        while process.poll() is None:  # an interrupt that arrives in a finalizer is lost, by Python's rules
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=30)  # a second one while Python ends would kill it
        errors = process.stderr.read()
    assert process.returncode == 130
    assert errors == "interrupted; the files that were finished are kept\n"
    assert "trajectories" in load(tmp_path / "data.nc").children
    assert [path.name for path in tmp_path.glob("[!.]*")] == ["data.nc"]


@pytest.mark.parametrize("eigenvalues", [["100", "10", "1"], ["20", "8", "7", "6", "5", "4", "3", "2"]])
def test_no_spectrum_refutes_the_theory_of_quadratics(eigenvalues, tmp_path, in_pixels):
    assert run_as_program("quadratic", "--eigenvalues", *eigenvalues, "--out", str(tmp_path)).code == 0
