"""Work in a child process: results and reasons come back, what hangs is ended, and the rest goes on."""

import os
import subprocess
import sys
import time

import pytest

from analysis.derive.limited import NotDerived, run_limited
from eos_sym import BadInput, Undecided


def double(number):
    return 2 * number


def hang(number):
    time.sleep(600)


def decline(number):
    raise Undecided("no way is known")


def refuse(number):
    raise BadInput(f"{number}: give another")


def recurse(number):
    return recurse(number + 1)


def break_down(number):
    raise ZeroDivisionError


def test_results_come_back_in_the_order_of_the_tasks():
    assert run_limited({"one": double, "two": decline, "three": double}, 4, 60) == {
        "one": 8,
        "two": NotDerived("no way is known"),
        "three": 8,
    }


def test_a_task_that_hangs_is_undecided_and_the_others_are_done():
    begun = time.monotonic()
    results = run_limited({"before": double, "stuck": hang, "after": double, "last": hang}, 1, 6)
    assert time.monotonic() - begun < 30
    assert list(results) == ["before", "stuck", "after", "last"]
    assert (results["before"], results["after"]) == (2, 2)
    for name in ("stuck", "last"):
        assert "not finished" in str(results[name])
        assert "--timeout" in str(results[name])


def test_what_is_not_begun_in_time_says_so():
    results = run_limited({"one": double, "other": double}, 1, 1e-9)
    assert set(map(type, results.values())) == {NotDerived}
    assert all("not begun within 1e-09 s" in str(result) for result in results.values())


def test_what_follows_a_task_that_hangs_has_only_the_time_that_is_left():
    begun = time.monotonic()
    results = run_limited({"stuck": hang, "after": hang}, 1, 0.2)
    assert set(map(type, results.values())) == {NotDerived}
    assert time.monotonic() - begun < 30  # `hang` takes longer; a child may need seconds to start


def test_what_a_task_is_refused_on_its_way_is_its_reason_and_the_others_are_done():
    results = run_limited({"one": refuse, "two": double}, 7, 60)
    assert results == {"one": NotDerived("7: give another"), "two": 14}


def refuse_it(number):
    return BadInput(f"{number}: give another")


def test_a_task_that_gives_a_refusal_ends_it_all():
    with pytest.raises(BadInput, match="7: give another"):
        run_limited({"before": double, "refusal": refuse_it, "after": hang}, 7, 60)


def write_at_length(number):
    return [f"{place}" for place in range(100_000)]


def test_a_result_that_cannot_be_printed_is_undecided():
    assert "too large to be printed" in str(run_limited({"one": write_at_length}, 1, 60)["one"])


def test_expressions_that_are_too_deep_are_undecided():
    assert "deep" in str(run_limited({"one": recurse}, 0, 60)["one"])


def test_a_fault_in_one_part_is_reported_in_its_place():
    results = run_limited({"one": break_down, "two": double}, 1, 60)
    assert "ZeroDivisionError" in str(results["one"])
    assert results["two"] == 2


KNOWN = []


def learn(number):
    KNOWN.append(number)


def recall(number):
    return list(KNOWN)


def die(number):
    os._exit(1)


@pytest.mark.skipif(sys.platform != "linux", reason="a copy is forked on Linux alone")
@pytest.mark.fault(
    "killed",
    "one part of a derivation; or it hangs",
    "it is undecided, for that reason; the other parts come",
)
def test_what_was_found_before_a_task_that_hangs_or_dies_is_still_known_after_it():
    results = run_limited({"a": learn, "stuck": hang, "b": learn, "lost": die, "all": recall}, 7, 16)
    assert results["all"] == [7, 7]
    assert "died" in str(results["lost"])
    assert "not finished within" in str(results["stuck"])


def test_what_needs_a_task_that_came_to_nothing_is_not_begun():
    results = run_limited({"one": decline, "other": hang, "last": double}, 1, 60, {"other": "one"})
    assert str(results["other"]) == "undecided: needs one; no way is known"
    assert results["last"] == 2


def test_tasks_that_hang_share_the_time():
    results = run_limited({**dict.fromkeys("abcd", hang), "quick": double}, 1, 6)
    assert results["quick"] == 2


PROGRAM = """
from analysis.derive import limited

def whoami(number):
    import os
    return os.getpid()

def hang(number):
    import time
    time.sleep(600)

if __name__ == "__main__":
    limited.prepare()
    forked = [child.process.pid for child in limited._PREPARED]
    found = limited.run_limited({"first": whoami, "stuck": hang, "next": whoami}, 1, 6)
    print(len(forked), found["first"] in forked, "--timeout" in str(found["stuck"]), found["next"] in forked)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a process is forked on Linux alone")
def test_a_program_with_one_thread_forks_its_first_child_and_starts_another_when_that_hangs(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    said = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False)
    assert (said.stdout.split(), said.stderr) == (["1", "True", "True", "False"], "")


@pytest.mark.skipif(sys.platform != "linux", reason="a process is forked on Linux alone")
def test_a_program_with_threads_does_not_fork():
    code = "import threading\nfrom analysis.derive import limited\n"
    code += "threading.Timer(1, print).start()\nlimited.prepare()\nprint(len(limited._PREPARED))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == [
        "0"
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="a process is forked on Linux alone")
def test_a_forked_child_that_gets_no_tasks_ends_with_its_parent():
    code = "from analysis.derive import limited\nimport os\nlimited.prepare()\n"
    code += "print(limited._PREPARED[0].process.pid, flush=True)\nos.kill(os.getpid(), 9)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert said.returncode == -9  # `run` came back: nobody holds the pipe of the output any more
    assert int(said.stdout) > 0


ORPHAN = """
from analysis.derive import limited

def hang(number):
    import os, time
    print(os.getpid(), flush=True)
    time.sleep(600)

if __name__ == "__main__":
    import os, threading
    limited.STARTING = 1
    limited.prepare()
    threading.Timer(2, lambda: os.kill(os.getpid(), 9)).start()
    limited.run_limited({"stuck": hang}, 1, 4)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a process is forked on Linux alone")
@pytest.mark.fault("killed", "a derivation, in the middle of a part", "the process that derives the part ends, too")
def test_a_child_in_the_middle_of_a_task_does_not_outlive_its_parent_for_long(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(ORPHAN)
    said = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False, timeout=60)
    assert said.returncode == -9  # `run` came back, as above
    assert int(said.stdout) > 0
