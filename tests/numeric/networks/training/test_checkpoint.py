"""Checkpoints come back bit for bit, are known when damaged; a run killed at any moment ends as an undisturbed one."""

import hashlib
import multiprocessing
import os
import random
import resource
import signal
import time
from dataclasses import replace
from multiprocessing import forkserver

import pytest
import torch
import xarray as xr
from safetensors.torch import save

from eos_sym import BadInput
from numeric.networks.tracker import reader
from numeric.networks.training.checkpoints import checkpoint, run_folder
from numeric.networks.training.checkpoints.checkpoint import Checkpoints, from_bytes, to_bytes
from numeric.networks.training.flow.flow_training import FlowTraining
from numeric.networks.training.loop import train
from numeric.networks.training.optimizers import HeavyBall
from numeric.runs import NoSpace
from tests.numeric.networks.training.killed_runs import EVERYTHING, FULL_BATCH, RUNS

PRELOADED = ["tests.numeric.networks.training.killed_runs", "torch._dynamo", "h5netcdf", "dask.array", "pytest"]
STATE = {
    "weights": torch.arange(6.0).reshape(2, 3),
    "columns": torch.arange(6.0, dtype=torch.float64).reshape(3, 2).T,
    "nothing": None,
    "numbers": [1, 0.1, True, float("inf"), "text"],
    "betas": (0.9, 0.999),
    "by_number": {0: {"step": torch.tensor(3.0), "bytes": torch.tensor([1, 255], dtype=torch.uint8)}},
    "empty": torch.empty(0, 4),
}


def same(one, other):
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and one.stride() == other.stride() and torch.equal(one, other)
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def test_a_state_comes_back_as_it_was():
    back = from_bytes(to_bytes(STATE))
    assert same(STATE, back)
    assert not back["columns"].is_contiguous()


def test_tensors_come_back_in_memory_aligned_as_torch_aligns():
    state = {"byte": torch.zeros(1, dtype=torch.uint8), "odd": torch.zeros(3), "matrix": torch.zeros(5, 7)}
    assert all(tensor.data_ptr() % 64 == 0 for tensor in from_bytes(to_bytes(state)).values())


def test_tensors_that_share_memory_come_back_equal():
    whole = torch.arange(6.0)
    assert same([whole, whole[2:4]], from_bytes(to_bytes([whole, whole[2:4]])))


def test_nothing_in_a_checkpoint_is_pickled(tmp_path):
    with pytest.raises(TypeError, match="object"):
        Checkpoints(tmp_path).write(1, {"something": object()})
    assert list(tmp_path.iterdir()) == []


def test_the_two_latest_checkpoints_are_kept(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.latest() is None
    for step in (9, 10, 11):
        checkpoints.write(step, {"step": step})
        assert checkpoints.latest() == {"step": step}
    assert sorted(path.name.split("-")[1] for path in tmp_path.iterdir()) == ["10", "11"]
    checkpoints.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault("no room", "a checkpoint", "one line; the checkpoint before is left and is whole")
def test_a_checkpoint_without_room_leaves_those_before(tmp_path):
    checkpoints, limit = Checkpoints(tmp_path), resource.getrlimit(resource.RLIMIT_FSIZE)
    checkpoints.write(1, STATE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limit[1]))
    try:
        with pytest.raises(NoSpace, match="File too large; make room and run it again"):
            checkpoints.write(2, STATE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert len(list(tmp_path.iterdir())) == 1
    assert same(Checkpoints(tmp_path).latest(), STATE)


def newest(folder):
    return max(folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))


def damages():
    yield "cut off", lambda content: content[:-1]
    yield "empty", lambda content: b""
    yield "edited", lambda content: content[:-1] + bytes([content[-1] ^ 1])
    yield "header edited", lambda content: content.replace(b"step", b"stop", 1)


@pytest.mark.parametrize("damage", [pytest.param(damage, id=name) for name, damage in damages()])
def test_a_damaged_checkpoint_is_known_and_the_one_before_is_used(tmp_path, damage):
    checkpoints = Checkpoints(tmp_path)
    for step in (1, 2):
        checkpoints.write(step, {"step": step})
    broken = newest(tmp_path)
    broken.write_bytes(damage(broken.read_bytes()))
    with pytest.warns(UserWarning, match=r"checkpoint-2-.* cut off or edited"):
        assert Checkpoints(tmp_path).latest() == {"step": 1}


OLDER = {
    "no header": b"",
    "pickled": b"\x80\x04N.",
    "no tree": save({"weights": torch.zeros(2)}),
    "another tree": save({"0": torch.zeros(2)}, {"state": '{"tensor": "7", "strides": [1]}'}),
    "strides of no tensor": save({"0": torch.zeros(2)}, {"state": '{"tensor": "0", "strides": [-1]}'}),
    "no tree at all": save({"0": torch.zeros(2)}, {"state": "weights"}),
}


@pytest.mark.parametrize("content", OLDER.values(), ids=OLDER)
@pytest.mark.fault("another program", "a checkpoint of another form", "a warning; the one before is used")
def test_a_checkpoint_of_another_form_is_not_used(tmp_path, content):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.write(1, {"step": 1})
    (tmp_path / f"checkpoint-2-{hashlib.sha256(content).hexdigest()}.safetensors").write_bytes(content)
    with pytest.warns(UserWarning, match=r"checkpoint-2-.* of another form, not used"):
        assert Checkpoints(tmp_path).latest() == {"step": 1}


@pytest.mark.parametrize("state", [{"step": 1}, [1], {"configuration": {"kind": "Run"}, "state": {}}], ids=str)
@pytest.mark.fault("another program", "a checkpoint of another program or run", "refused in one line")
def test_a_checkpoint_of_another_program_is_refused_in_one_line(tmp_path, state):
    Checkpoints(tmp_path).write(1, state)
    with pytest.raises(BadInput, match=r"another (program|run)"):
        FULL_BATCH.run(tmp_path)


def die(*_arguments, **_named):
    os.kill(os.getpid(), signal.SIGKILL)


def dying_at_call(number, function, instead=die):
    """The function, but its call of this number kills the process."""
    calls = iter(range(1, number))

    def mortal(*arguments, **named):
        if next(calls, None) is None:
            instead(*arguments, **named)
        return function(*arguments, **named)

    return mortal


def write_half(path, write):
    """What is on disk when the process is killed halfway through a file."""
    write(path)
    content = path.read_bytes()
    path.with_name(f".{path.stem}-0123456789abcdef{path.suffix}").write_bytes(content[: len(content) // 2])
    path.unlink()
    die()


def die_in_a_step():
    train._loss_and_outputs = dying_at_call(9, train._loss_and_outputs)
    FlowTraining._advance = dying_at_call(9, FlowTraining._advance)


def die_in_a_reading():
    reader.HessianAt = dying_at_call(2, reader.HessianAt)


def die_writing_a_checkpoint():
    checkpoint.write_atomically = dying_at_call(6, checkpoint.write_atomically, write_half)


def die_beside_three_checkpoints():
    Checkpoints._remove_all_but = dying_at_call(6, Checkpoints._remove_all_but)


def die_before_the_history():
    run_folder.write_history = die


def die_after_the_history():
    Checkpoints.remove = die


MOMENTS = [
    die_in_a_step,
    die_in_a_reading,
    die_writing_a_checkpoint,
    die_beside_three_checkpoints,
    die_before_the_history,
    die_after_the_history,
]


def run_until(moment, experiment, folder):
    """In a process of its own: run, with a checkpoint after every step, and be killed at the moment.

    The moment changes the code, by which a run is known: that has been read before, with `killed_runs`.
    """
    if moment is not None:
        moment()
    experiment.run(folder, checkpoint_seconds=0.0)


@pytest.fixture(scope="module")
def process():
    """Starts processes that have loaded already what takes seconds to load."""
    forkserver._forkserver._stop()  # that of other tests has loaded other modules, and so has this one for them
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)

    def start(moment, experiment, folder):
        child = context.Process(target=run_until, args=(moment, experiment, folder))
        child.start()
        return child

    yield start
    forkserver._forkserver._stop()


@pytest.fixture(scope="module")
def undisturbed():
    return {name: experiment.run() for name, experiment in RUNS.items()}


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.__name__)
@pytest.mark.parametrize("name", RUNS)
@pytest.mark.fault(
    "killed",
    "a training run: in a step, in a reading, halfway through a checkpoint, before its history and after",
    "run again it goes on from its latest checkpoint, to the bits of an undisturbed run",
)
def test_a_run_killed_and_resumed_gives_the_bits_of_an_undisturbed_one(tmp_path, process, undisturbed, name, moment):
    child = process(moment, RUNS[name], tmp_path)
    child.join(timeout=60)
    assert child.exitcode == -signal.SIGKILL
    left = {path.name for path in tmp_path.iterdir()}
    assert any(name.startswith("checkpoint-") for name in left)
    assert ("history.nc" in left) == (moment is die_after_the_history)
    assert any(name.startswith(".checkpoint-") for name in left) == (moment is die_writing_a_checkpoint)
    xr.testing.assert_identical(RUNS[name].run(tmp_path), undisturbed[name])
    assert {path.name for path in tmp_path.iterdir()} == {".lock", "history.nc"}


@pytest.mark.slow
@pytest.mark.fault("killed", "a training run, again and again at random moments", "the bits of an undisturbed run")
def test_a_run_killed_at_random_again_and_again_gives_the_bits_of_an_undisturbed_one(tmp_path, process, undisturbed):
    moments, experiment, kills = random.Random(7), RUNS["mini-batches"], 0
    while True:
        before, child = set(tmp_path.glob("checkpoint-*")), process(None, experiment, tmp_path)
        while child.is_alive() and set(tmp_path.glob("checkpoint-*")) == before:
            time.sleep(0.001)
        child.join(timeout=moments.uniform(0.0, 0.03))
        child.kill()
        child.join()
        if child.exitcode == 0:
            break
        assert child.exitcode == -signal.SIGKILL
        kills += 1
    assert kills >= 3
    xr.testing.assert_identical(experiment.run(tmp_path), undisturbed["mini-batches"])


def test_a_resumed_run_begins_where_the_checkpoint_was_written(tmp_path, process):
    process(die_beside_three_checkpoints, EVERYTHING, tmp_path).join(timeout=60)
    assert len(list(tmp_path.glob("checkpoint-*"))) == 3
    reported = []
    EVERYTHING.run(tmp_path, progress=reported.append)
    assert reported[0] == 6
    assert sum(reported) == EVERYTHING.steps


@pytest.mark.fault(
    "damaged",
    "the latest checkpoint of a run, cut off",
    "a warning; the run goes on from the one before, to the same bits",
)
def test_a_damaged_checkpoint_costs_only_the_steps_since_the_one_before(tmp_path, process, undisturbed):
    process(die_in_a_step, FULL_BATCH, tmp_path).join(timeout=60)
    broken = newest(tmp_path)
    broken.write_bytes(broken.read_bytes()[:-5])
    reported = []
    with pytest.warns(UserWarning, match="cut off or edited"):
        resumed = FULL_BATCH.run(tmp_path, progress=reported.append)
    assert reported[0] == int(broken.name.split("-")[1]) - 1
    xr.testing.assert_identical(resumed, undisturbed["full batch"])


@pytest.mark.fault("damaged", "all checkpoints of a run", "a warning for each; the run begins again, to the same bits")
def test_without_a_whole_checkpoint_a_run_begins_again(tmp_path, process, undisturbed):
    process(die_in_a_step, FULL_BATCH, tmp_path).join(timeout=60)
    for broken in tmp_path.glob("checkpoint-*"):
        broken.write_bytes(b"")
    with pytest.warns(UserWarning, match="cut off or edited") as said:
        resumed = FULL_BATCH.run(tmp_path)
    assert len(said) == 2
    xr.testing.assert_identical(resumed, undisturbed["full batch"])


def test_a_folder_with_the_checkpoint_of_another_run_is_refused_and_left_as_it_was(tmp_path, process):
    process(die_in_a_step, FULL_BATCH, tmp_path).join(timeout=60)
    there = sorted(tmp_path.iterdir())
    other = replace(FULL_BATCH, rule=HeavyBall(0.05, 0.8), seed=1)
    with pytest.raises(BadInput, match=r"another run \(other rule.momentum, seed\)"):
        other.run(tmp_path)
    assert sorted(tmp_path.iterdir()) == there


@pytest.mark.fault(
    "another program",
    "a run that goes on with another number of threads",
    "a warning that its last bits may differ",
)
def test_going_on_with_another_number_of_threads_is_said(tmp_path, process):
    process(die_in_a_step, FULL_BATCH, tmp_path).join(timeout=60)
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        with pytest.warns(UserWarning, match=f"threads {before} before and {before + 1} now"):
            FULL_BATCH.run(tmp_path)
    finally:
        torch.set_num_threads(before)


def interrupted_run(experiment, folder, said):
    """In a process of its own: run until Ctrl-C, and say what came of it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        experiment.run(folder, progress=lambda steps: said.put(steps), checkpoint_seconds=1e9)
    except KeyboardInterrupt:
        said.put("interrupted")


@pytest.mark.fault("interrupted", "a training run, in the middle of a step", "the step is finished, and kept")
def test_ctrl_c_keeps_the_last_step(tmp_path):
    experiment = replace(FULL_BATCH, steps=10**6, measure=None)
    context = multiprocessing.get_context("forkserver")
    said = context.Queue()
    child = context.Process(target=interrupted_run, args=(experiment, tmp_path, said))
    child.start()
    seen = 0
    while seen < 2:
        seen += said.get(timeout=60)
    os.kill(child.pid, signal.SIGINT)
    while (word := said.get(timeout=60)) != "interrupted":
        seen += word
    child.join(timeout=60)
    (kept,) = tmp_path.glob("checkpoint-*")
    assert int(kept.name.split("-")[1]) >= seen
