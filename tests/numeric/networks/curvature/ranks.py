"""Two processes of one group on this machine, each of which runs a function of this file and says what came of it."""

import json
import os
import signal
import time
from contextlib import suppress

import torch
from torch import distributed, multiprocessing, nn
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

from eos_sym import BadInput
from numeric.networks.curvature import TopEigenpairs
from numeric.networks.curvature.over_ranks import HessianOverRanks, Ranks, serve
from numeric.networks.loss import FlatLoss, half_squared_error
from numeric.networks.tracker import SharpnessTracker
from numeric.runs import RunFailed

SIZE = 2
PATIENCE = 60.0  # seconds
POINTS = 3
READ = {"every": 2, "midpoint": True, "critical_step": True}


def examples():
    generator = torch.Generator().manual_seed(0)
    return (torch.randn(11, width, generator=generator, dtype=torch.float64) for width in (3, 2))


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()


def part_of(rank, criterion=half_squared_error, **settings):
    """The loss of the first 7 examples, or of the other 4."""
    inputs, targets = (one[:7] if rank == 0 else one[7:] for one in examples())
    return FlatLoss(network(), inputs, targets, criterion, **settings)


def in_processes(folder, scenarios):
    """What each of the scenarios, (function, arguments) by name, comes to on each rank; None on one that was killed.

    One after the other, in the same processes and group: a failure is to leave them as they were.
    """
    context = multiprocessing.get_context("spawn")
    begun = [context.Process(target=_begin, args=(rank, folder, scenarios)) for rank in range(SIZE)]
    for one in begun:
        one.start()
    last = time.monotonic() + PATIENCE
    for one in begun:
        one.join(max(last - time.monotonic(), 0.0))
    waiting = [one for one in begun if one.is_alive()]
    for one in waiting:
        one.kill()
    assert not waiting, "a rank is left waiting"
    files = [folder / f"{rank}.json" for rank in range(SIZE)]
    told = [json.loads(file.read_text()) if file.exists() else {} for file in files]
    return {name: [one.get(name) for one in told] for name in scenarios}


def _begin(rank, folder, scenarios):
    torch.set_num_threads(1)
    meeting = f"file://{folder / 'meeting'}"
    distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=SIZE)
    ranks, found = Ranks(distributed.group.WORLD), {}
    for name, (function, *arguments) in scenarios.items():
        try:
            found[name] = function(ranks, *arguments)
        except (BadInput, RunFailed, RuntimeError, ZeroDivisionError) as error:
            found[name] = [type(error).__name__, str(error)]
    (folder / f"{rank}.json").write_text(json.dumps(found))


def read(ranks, weight=None):
    """The top eigenpairs at several weights: as a list of numbers on the first rank."""
    loss = part_of(ranks.rank, weight=weight)
    share = ranks.share(None if weight else 7.0 if ranks.leads else 4.0)
    if not ranks.leads:
        return serve(ranks, loss, share)
    eigenpairs, told = TopEigenpairs(2, relative=1e-6), []
    with ranks.leading():
        for step in range(POINTS):
            weights = loss.parameters + 0.1 * step
            at = HessianOverRanks(ranks, share, loss, weights)
            reading = eigenpairs.read(at, weights, at.gradient)
            told.append((float(at.value), at.gradient.tolist(), reading.eigenvalues.tolist(), reading.bounds.tolist()))
    return told


def fail(ranks, which, kind):
    """One rank's criterion fails at its third evaluation, by such an error, or its process is killed there."""
    calls = 0

    def criterion(outputs, targets):
        nonlocal calls
        calls += 1
        if calls == 3 and ranks.rank == which:
            if kind == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            raise kind("it is broken")
        return half_squared_error(outputs, targets)

    loss = part_of(ranks.rank, criterion)
    if not ranks.leads:
        return serve(ranks, loss, 0.5)
    with ranks.leading():
        for _ in range(5):
            HessianOverRanks(ranks, 0.5, loss, loss.parameters).gradient  # noqa: B018
    return None


def interrupt(ranks):
    """The first rank is interrupted between two tasks."""
    loss = part_of(ranks.rank)
    if not ranks.leads:
        return serve(ranks, loss, 0.5)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has what it runs in the background ignore it
    with suppress(KeyboardInterrupt), ranks.leading():
        HessianOverRanks(ranks, 0.5, loss, loss.parameters).gradient  # noqa: B018
        signal.raise_signal(signal.SIGINT)
    return "interrupted"


def disagree(ranks):
    """Only the second rank's check fails."""
    with ranks.together():
        if not ranks.leads:
            raise BadInput("label 12 of example 3")


def mixed(ranks):
    """A sum on one rank and a mean on the other."""
    return ranks.share(None if ranks.leads else 3.0)


def track(ranks):
    """A run by DistributedDataParallel, each rank with five examples, tracked: its history, on every rank."""
    module, some = network(), slice(5 * ranks.rank, 5 * ranks.rank + 5)
    inputs, targets = (one[some] for one in examples())
    parallel = nn.parallel.DistributedDataParallel(module)
    optimizer = torch.optim.RMSprop(module.parameters(), lr=0.01)
    tracker = SharpnessTracker(
        parallel, half_squared_error, inputs, targets, optimizer=optimizer, **READ, group=ranks.group
    )
    return history_of(tracker, parallel, optimizer, inputs, targets)


def history_of(tracker, module, optimizer, inputs, targets):
    """What a tracker has read after some steps, as lists."""
    for _ in range(8):
        tracker.step()
        optimizer.zero_grad()
        half_squared_error(module(inputs), targets).backward()
        optimizer.step()
    tracker.measure()
    return {name: one.values.tolist() for name, one in tracker.history.items()}


def refuse(ranks):
    """A tracker where the second rank has two hidden units exchanged: the same function by other weights."""
    (inputs, targets), module = examples(), network()
    if not ranks.leads:
        with torch.no_grad():
            for own, dim in ((module[0].weight, 0), (module[0].bias, 0), (module[2].weight, 1)):
                own.copy_(own.index_select(dim, torch.tensor([1, 0, 2, 3])))
    SharpnessTracker(module, half_squared_error, inputs, targets, group=ranks.group)


def label(ranks):
    """A tracker where the second rank has a label without an output."""
    inputs, _ = examples()
    labels = torch.zeros(len(inputs), dtype=torch.int64)
    labels[3] = 7 * ranks.rank
    SharpnessTracker(network(), nn.CrossEntropyLoss(), inputs, labels, group=ranks.group)


def padded(ranks):
    """A loader that gives two ranks twelve of eleven examples."""
    data = TensorDataset(*examples())
    sampler = DistributedSampler(data, SIZE, ranks.rank)
    loader = DataLoader(data, 3, sampler=sampler)
    SharpnessTracker(network(), loss=squared, data=loader, group=ranks.group)


def squared(module, batch):
    """The loss of a batch of inputs and targets."""
    return half_squared_error(module(batch[0]), batch[1])
