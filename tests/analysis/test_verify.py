"""All studies at once: with programs that say at once what a study says at its end, and one study that is real."""

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from analysis import verify
from analysis.study.index import declared, studies
from analysis.study.parts import Parts
from analysis.study.work import PlainConsole
from analysis.verification import answers, options, programs, reports
from analysis.verification.reports import REPORT, sources
from analysis.verify import Options
from eos_sym import BadInput
from numeric.runs import RunFailed, locked
from tests.analysis.programs import run_as_program

SAY = (
    "import json, pathlib, sys, time; folder = pathlib.Path(sys.argv[-1]); folder.mkdir(parents=True, exist_ok=True); "
)


def claim(status, opened=False, channels=("simulation",)):
    parts = [{"statement": "it is so", "status": status, "channels": channels}]
    evidence = [dict.fromkeys(("expected", "observed", "tolerance")) | {"channel": channels[0], "quantity": "a number"}]
    evidence = [one | {"status": status, "part": "it is so"} for one in evidence]
    return {"id": status, "statement": "it is so", "source": "a paper", "open": opened, "status": status} | {
        "parts": parts,
        "evidence": evidence,
    }


def saying(*claims, code=0):
    """A program that reports these claims, and notes that it was run."""
    said = {"theory": {"edge": "2/eta"}, "claims": claims, "files": []}
    note = "(folder / 'runs').open('a').write('x'); "
    return f"{SAY}{note}print(json.dumps(json.loads({json.dumps(said)!r}))); sys.exit({code})"


@pytest.fixture
def fakes(monkeypatch, tmp_path):
    """Makes studies of names and programs; answers the folder of the results."""

    def made(**scripts):
        monkeypatch.setattr(options, "programs", lambda: scripts)
        monkeypatch.setattr(answers, "declared", lambda name: Parts(name, source=""))
        ending = property(lambda one: [sys.executable, "-S", "-c", scripts[one.study], str(one.folder)])
        monkeypatch.setattr(programs.Program, "command", ending)
        return tmp_path

    return made


def runs(folder, study):
    return len((folder / study / "runs").read_text())


def document(capsys):
    return json.loads(capsys.readouterr().out, parse_constant=pytest.fail)


def test_what_no_claim_refutes_has_exit_code_zero_though_a_prediction_is_refuted(fakes, capsys):
    folder = fakes(one=saying(claim("proved")), two=saying(claim("supported"), claim("refuted", opened=True)))
    assert verify.verify(Options(out=folder, json=True)) == 0
    said = document(capsys)
    assert said.keys() == {"analysis", "parameters", "studies", "theory", "claims", "files", "versions"}
    assert [(one["study"], one["status"]) for one in said["claims"]] == [
        ("one", "proved"),
        ("two", "supported"),
        ("two", "refuted"),
    ]
    assert [(one["study"], one["exit_code"], one["error"]) for one in said["studies"]] == [
        ("one", 0, None),
        ("two", 0, None),
    ]
    assert said["theory"] == {"one": {"edge": "2/eta"}, "two": {"edge": "2/eta"}}
    assert json.loads((folder / "claims.json").read_text()) == said


def test_a_refuted_claim_is_exit_code_one_though_another_study_is_lost(fakes, capsys):
    folder = fakes(one=saying(claim("refuted"), code=1), two="1 / 0")
    assert verify.verify(Options(out=folder)) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out


LOST = {
    "a fault": ("1 / 0", 1, "exit code 1: ZeroDivisionError: division by zero"),
    "bad input": ("import sys; print('error: no', file=sys.stderr); sys.exit(2)", 2, "exit code 2: no"),
    "a signal": ("import os; os.kill(os.getpid(), 9)", -9, "exit code -9: said nothing"),
    "no document": ("print('all is well')", 0, "exit code 0: said nothing"),
    "no end": ("import time; time.sleep(60)", None, "not finished within"),
}


@pytest.mark.parametrize(("script", "code", "reason"), LOST.values(), ids=LOST)
@pytest.mark.fault(
    "killed",
    "one study of a verification; or it fails, hangs or says nothing",
    "it is named with the reason, exit code 75; the others are reported, and only it is tried again",
)
def test_a_study_that_is_lost_silences_no_other_and_is_tried_again(script, code, reason, fakes, capsys):
    folder = fakes(one=script, two=saying(claim("proved")))
    options = Options(out=folder, json=True, timeout=1.0)
    with pytest.raises(RunFailed, match="no report of one"):  # exit code 75
        verify.verify(options)
    lost, found = document(capsys)["studies"]
    assert (lost["exit_code"], found["exit_code"]) == (code, 0)
    assert lost["error"].startswith(reason)
    fakes(one=saying(claim("proved")), two=saying(claim("proved")))
    assert verify.verify(options) == 0
    assert [one["kept"] for one in document(capsys)["studies"]] == [False, True]
    assert runs(folder, "two") == 1


def test_the_traceback_of_a_study_is_kept_in_its_folder(fakes):
    folder = fakes(one=f"{SAY}1 / 0")
    with pytest.raises(RunFailed):
        verify.verify(Options(out=folder))
    assert "Traceback" in (folder / "one" / "errors.txt").read_text()


@pytest.mark.fault("interrupted", "a verification", "what runs is ended, and the reports that are there are kept")
def test_an_interruption_ends_what_runs_and_keeps_what_was_finished(fakes, capsys, monkeypatch):
    waiting = f"{SAY}import os; (folder / 'pid').write_text(str(os.getpid())); time.sleep(600)"
    folder = fakes(one=saying(claim("proved")), two=waiting)
    keep = reports.report_of

    def interrupted(*arguments):
        keep(*arguments)
        while not (folder / "two" / "pid").exists() or not (folder / "two" / "pid").read_text():
            time.sleep(0.02)
        raise KeyboardInterrupt

    monkeypatch.setattr(answers, "report_of", interrupted)
    with pytest.raises(KeyboardInterrupt):
        verify.verify(Options(out=folder, json=True, workers=2))
    with pytest.raises(ProcessLookupError):
        os.kill(int((folder / "two" / "pid").read_text()), 0)
    monkeypatch.setattr(answers, "report_of", keep)
    fakes(one="1 / 0", two=saying(claim("proved")))
    assert verify.verify(Options(out=folder, json=True)) == 0
    assert [one["kept"] for one in document(capsys)["studies"]] == [True, False]


WATCHED = """
import sys; from pathlib import Path; from analysis.verification import programs
code = "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(600)"
programs.Program.command = property(lambda one: [sys.executable, "-S", "-c", code, str(one.folder)])
programs.run_side_by_side([programs.Program("one", (), Path(sys.argv[1]))], 1, None, print, print)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere what is started outlives a process that is killed")
@pytest.mark.fault(
    "killed",
    "a verification or a report whose studies are running",
    "they end with it, and hold no folder against the next",
)
def test_what_runs_ends_with_a_process_that_is_killed(tmp_path):
    """Wrong program: one whose studies go on without it, and hold their folders against the next verification."""
    noted = tmp_path / "pid"
    process = subprocess.Popen([sys.executable, "-c", WATCHED, str(noted)], stdout=subprocess.DEVNULL)
    while not (noted.exists() and noted.read_text()):
        assert process.poll() is None
        time.sleep(0.02)
    study = psutil.Process(int(noted.read_text()))
    process.kill()
    process.wait()
    assert not psutil.wait_procs([study], timeout=20)[1]


@pytest.mark.fault("shared", "two verifications", "the second is refused before anything runs")
def test_a_verification_is_refused_a_folder_in_which_another_one_works(fakes):
    folder = fakes(one=saying(claim("proved")))
    with locked(folder), pytest.raises(BadInput, match="in use by another run"):
        verify.verify(Options(out=folder))
    assert not (folder / "one").exists()


@pytest.mark.fault(
    "another program",
    "a kept report of other sources, versions or arguments, or one that was edited",
    "it is no answer; the study is run again",
)
def test_a_report_is_no_answer_to_another_question(fakes, capsys, monkeypatch):
    folder = fakes(one=saying(claim("proved")))
    options = Options(out=folder, json=True)

    def asked(times, options):
        assert verify.verify(options) == 0
        assert document(capsys)["studies"][0]["kept"] == (runs(folder, "one") < times)

    for kept in (1, 2):  # the second time it is there
        asked(kept, options)
    assert runs(folder, "one") == 1
    asked(2, Options(out=folder, json=True, seed=1))
    with monkeypatch.context() as patch:
        patch.setattr(reports, "versions", lambda: {"torch": "0.1"})
        asked(3, options)
    with monkeypatch.context() as patch:
        patch.setattr(reports, "sources", lambda: "other sources")
        asked(4, options)
    (folder / "one" / REPORT).write_bytes((folder / "one" / REPORT).read_bytes().replace(b"proved", b"qroved"))
    asked(5, options)
    assert runs(folder, "one") == 5


def test_an_answer_does_not_depend_on_how_many_processes_compute_it():
    few, many = (answers.program_of("width", Options(workers=one * len(studies())), Path("results")) for one in (1, 2))
    assert few.command != many.command
    assert reports.question(few) == reports.question(many)


@pytest.mark.fault("another program", "a kept report on other data in the same folder", "it is no answer")
def test_a_report_on_other_files_is_another_report(tmp_path):
    """Against reports that know a folder by its name alone."""
    (tmp_path / "data").mkdir()
    asked = programs.Program("one", ("--data-root", str(tmp_path / "data")), tmp_path)
    questions = []
    for content in (b"a", b"b"):
        (tmp_path / "data" / "data_batch_1.bin").write_bytes(content)
        questions += [reports.question(asked), reports.question(asked)]
    assert questions[0] == questions[1] != questions[2] == questions[3]


@pytest.mark.fault("another program", "sources that change while a study runs", "its report is not kept")
def test_what_was_reported_while_the_sources_changed_is_not_kept(fakes, monkeypatch):
    folder = fakes(one=saying(claim("proved")))
    states = iter("abcdefgh")
    monkeypatch.setattr(reports, "sources", lambda: next(states))
    assert verify.verify(Options(out=folder)) == 0
    assert not (folder / "one" / REPORT).exists()


def test_a_report_whose_files_are_gone_is_made_again(fakes):
    figure = "(folder / 'figure.png').write_text('a figure'); "
    say = saying(claim("proved")).replace("print(", f"{figure}print(").replace('"files": []', '"files": ["FIGURE"]')
    folder = fakes()
    fakes(one=say.replace("FIGURE", str(folder / "one" / "figure.png")))
    for _ in range(2):
        assert verify.verify(Options(out=folder)) == 0
    assert runs(folder, "one") == 1
    (folder / "one" / "figure.png").unlink()
    assert verify.verify(Options(out=folder)) == 0
    assert runs(folder, "one") == 2


def test_a_report_is_one_still_where_its_folder_was_moved(fakes, monkeypatch):
    """Against files that are looked for in the folder in which the study was run."""
    figure = "(folder / 'figure.png').write_text('a figure'); "
    say = saying(claim("proved")).replace("print(", f"{figure}print(").replace('"files": []', '"files": ["FIGURE"]')
    folder = fakes(one=say.replace("FIGURE", "results/one/figure.png"))
    (folder / "here").mkdir()
    monkeypatch.chdir(folder / "here")
    assert verify.verify(Options(out=Path("results"))) == 0
    Path("results").rename(folder / "moved")
    (found,) = answers.all_reports([answers.program_of("one", Options(), folder / "moved")], Options())
    assert found.kept
    assert found.document["files"] == [str(folder / "moved" / "one" / "figure.png")]


def test_the_sources_are_those_of_the_project_byte_for_byte(monkeypatch, tmp_path):
    package = tmp_path / "eos_sym"
    package.mkdir()
    (package / "__init__.py").write_text("a = 1\n")
    monkeypatch.setattr(reports.importlib.util, "find_spec", lambda name: None)
    nothing = sources()
    spec = type("Spec", (), {"submodule_search_locations": [str(package)]})
    monkeypatch.setattr(reports.importlib.util, "find_spec", lambda name: spec if name == "eos_sym" else None)
    found = {nothing, sources()}
    (package / "__init__.py").write_text("a = 2\n")
    found.add(sources())
    (package / "__init__.py").rename(package / "other.py")
    found.add(sources())
    assert len(found) == 4


def test_so_many_run_at_a_time(tmp_path, monkeypatch):
    command = property(lambda one: [sys.executable, "-S", "-c", "import time; time.sleep(.2)"])
    monkeypatch.setattr(programs.Program, "command", command)
    now, most, ended = set(), [], []

    def begun(program):
        now.add(program.study)
        most.append(len(now))

    def end(program, ending):
        now.remove(program.study)
        ended.append(ending.exit_code)

    programs.run_side_by_side([programs.Program(name, (), tmp_path) for name in "abcde"], 2, None, begun, end)
    assert (max(most), ended) == (2, [0] * 5)


def printed(found, **given):
    page = io.StringIO()
    console = PlainConsole(file=page, width=120)
    assert isinstance(console, Console)
    verify.print_reports(console, found, Options(**given))
    return page.getvalue()


def test_the_table_counts_claims_and_names_what_is_refuted_or_undecided():
    claims = [
        claim("proved"),
        claim("refuted", opened=True),
        claim("undecided"),
        claim("supported", channels=("a", "b")),
    ]
    found = [
        reports.Report("width", 0, 2.0, {"claims": claims}),
        reports.Report("depth", 0, 1.0, {"claims": claims[:1]}, kept=True),
        reports.Report("sam", 70, 3.0, error="exit code 70: broken"),
    ]
    lines = [line.split() for line in printed(found).splitlines()]
    assert lines[1] == ["width", "4", "1", "1", "1", "(1", "open)", "1", "2.0"]
    assert lines[2] == ["depth", "1", "1", "·", "·", "·", "1.0", "kept"]
    assert lines[3] == ["sam", "·", "·", "·", "·", "·", "3.0", "exit", "code", "70:", "broken"]
    assert lines[4] == ["all", "5", "2", "1", "1", "(1", "open)", "1", "6.0"]
    beneath = printed(found).partition("all")[2]
    assert "refuted (open)" in beneath
    assert "undecided" in beneath
    assert not {"proved", "supported", "depth"} & {*beneath.split()}
    assert "channels: a, b" in printed(found, claims=True)


def test_only_those_studies_are_asked_that_are_wanted():
    assert Options(only=("sam", "depth")).names == ["depth", "sam"]
    assert Options(except_=("sam", "depth")).names == [name for name in studies() if name not in ("sam", "depth")]
    with pytest.raises(BadInput, match="--only minimalits: no such study; did you mean minimalist"):
        Options(only=("minimalits",))
    with pytest.raises(BadInput, match="--except sam: leaves no study"):
        Options(only=("sam",), except_=("sam",))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--workers", "0"], "--workers 0"),
        (["--timeout", "nan"], "--timeout nan"),
        (["--seed", "-1"], "--seed -1"),
        (["--only"], "--only: followed by nothing"),
        (["--except", "--json"], "--except: followed by nothing"),
        (["--preset", "full", "--only", "width"], "--data-root FOLDER"),
        (["--data-root", "cifar", "--only", "width"], "--preset full"),
    ],
)
def test_bad_input_is_found_before_anything_runs(arguments, named, tmp_path):
    said = run_as_program("verify", *arguments, "--out", str(tmp_path))
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert named in said.err
    assert not [*tmp_path.glob("[!.]*")]


def test_every_study_is_read_as_far_as_its_options_and_given_only_those_that_it_has():
    script = (
        "import sys\nfrom analysis.study.index import declared, studies\n"
        "for name in studies(): declared(name)\n"
        "print({'torch', 'sympy', 'matplotlib', 'numba'} & {*sys.modules})"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said == "set()\n"
    import analysis.width  # noqa: F401, as other tests may have done before

    asked = Options(workers=2 * len(studies()), seed=3)
    width, quadratic = (answers.program_of(name, asked, Path("results")) for name in ("width", "quadratic"))
    assert width.arguments == quadratic.arguments == ("--seed", "3")
    assert width.command[3:7] == ["--seed", "3", "--workers", "2"]
    assert "--workers" not in quadratic.command
    assert options.arguments(declared("derive"), asked)[-2:] == ("--seed", "3")
    assert all(declared(name).kind for name in studies())


def test_it_is_no_study():
    assert "verify" not in studies()


def test_a_study_runs_as_a_program_of_its_own(tmp_path):
    said = run_as_program("verify", "--only", "quadratic", "--json", "--out", str(tmp_path))
    assert (said.code, said.err) == (0, "")
    found = json.loads(said.out, parse_constant=pytest.fail)
    assert {one["status"] for one in found["claims"]} == {"proved"}
    assert all(Path(file).exists() for file in found["files"])
    assert found["studies"][0]["seconds"] > 0
