"""A reading holds no more vectors of the length of the weights than it says: all that torch makes are counted."""

import weakref

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from eos_sym import BadInput
from numeric.networks.curvature.eigen import TopEigenpairs, columns

SIZE = 60_000


class Alive(TorchDispatchMode):
    """The bytes of all storages made under it that are as long as a vector and not yet let go; `most` at a time."""

    def __init__(self, size, given):
        super().__init__()
        self.size, self.given, self.now, self.most, self.seen = size, given, 0, 0, {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in tree_flatten(result)[0]:
            if isinstance(tensor, torch.Tensor):
                self.count(tensor.untyped_storage())
        return result

    def count(self, storage):
        key, size = storage._cdata, storage.nbytes()
        if size >= self.size and key not in self.seen and key not in self.given:
            self.seen[key] = size
            self.now += size
            self.most = max(self.most, self.now)
            weakref.finalize(storage, self.gone, key)

    def gone(self, key):
        self.now -= self.seen.pop(key)


class Diagonal:
    """A diagonal matrix, whose products make one vector a column and nothing else."""

    def __init__(self, entries):
        self.entries, self.evaluations = entries, 0

    def product(self, block):
        self.evaluations += block.shape[1]
        return (self.entries * block.T).T

    def repeated(self, block):
        return torch.zeros(1, block.shape[1]), torch.zeros(1, block.shape[1])


def held(eigenpairs, readings):
    """The most vectors at a time through readings of a matrix that moves, in which a direction comes up; and errors."""
    weights = torch.randn(SIZE, generator=torch.Generator().manual_seed(0))
    points = []
    for t in range(readings):
        entries = torch.linspace(-1.0, 4.0, SIZE)
        entries[:4] = torch.tensor([9.0 + 0.02 * (t % 2), 7.0, 6.0 + 0.3 * t, 5.0])
        points.append((Diagonal(entries), weights * (1 + 0.001 * (-1) ** t)))
    errors = []
    given = {tensor.untyped_storage()._cdata for operator, moved in points for tensor in (operator.entries, moved)}
    with Alive(4 * SIZE, given) as alive:
        for operator, moved in points:
            reading = eigenpairs.read(operator, moved)
            errors.append(reading.eigenvalues[:1])
            del reading
    truth = [float(operator.entries.max()) for operator, _ in points]
    return alive.most / (4 * SIZE), [abs(float(value) / true - 1) for value, true in zip(errors, truth, strict=True)]


@pytest.mark.parametrize(("count", "vectors"), [(1, None), (1, 16), (3, None), (3, 20)])
def test_a_reading_holds_no_more_vectors_than_it_is_given_and_follows_what_comes_up(count, vectors):
    most, errors = held(TopEigenpairs(count, relative=1e-3, vectors=vectors), 14)
    assert most <= ({1: 23, 3: 35}[count] if vectors is None else vectors)
    assert max(errors) <= 1e-3


@pytest.mark.parametrize("vectors", [8, 12, 15])
def test_with_fewer_than_sixteen_vectors_what_comes_up_is_found_by_a_search(vectors):
    most, errors = held(TopEigenpairs(1, relative=1e-3, vectors=vectors), 18)
    assert most <= vectors
    assert max(errors[:11]) <= 1e-3 < errors[12]
    assert errors[17] <= 1e-3


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch):
    """So that the pieces in which vectors are turned are as small beside these vectors as they are beside long ones."""
    monkeypatch.setattr(columns, "PIECE", 4096)


def test_too_few_vectors_are_refused():
    with pytest.raises(BadInput, match="must be 8 or more"):
        TopEigenpairs(1, vectors=7)
