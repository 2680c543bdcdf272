"""No damage to what is kept gives other values in silence; a reader that looks at nothing would be found out."""

import random

import pytest

from benchmarks import damage
from eos_sym import BadInput


@pytest.mark.parametrize("kind", damage.KINDS)
@pytest.mark.fault(
    "damaged",
    "histories, results, checkpoints, grids, kernels: a bit, a part lost, zeroed or added, cut off, exchanged, gone",
    "refused in one line, or computed again to the same bits; never other values",
)
def test_what_was_damaged_is_refused_or_as_it_was(kind):
    found = list(damage.searched(kind, number=6, seed=7))
    assert len(found) == 6
    assert {outcome for outcome, _ in found} <= {"same", "refused"}, found


def test_a_reader_that_looks_at_nothing_is_found_out(monkeypatch):
    def trusting(folder):
        (folder / "numbers").write_bytes(bytes(range(200)))
        return lambda: (folder / "numbers").read_bytes()[:100]

    monkeypatch.setitem(damage.KINDS, "results", trusting)
    outcomes = {outcome.partition(":")[0] for outcome, _ in damage.searched("results", number=60, seed=0)}
    assert {"silent", "uncaught", "same"} <= outcomes


def test_a_reader_that_waits_without_end_is_found_out(monkeypatch):
    """A wrong program: one whose alarm is an `Exception`, which readers of files take for a damage, and refuse."""
    monkeypatch.setattr(damage, "PATIENCE", 0.2)

    def waiting():
        try:
            while True:
                pass
        except Exception as error:
            raise BadInput("not readable") from error

    assert damage.outcome(waiting, 0) == "hung"


def test_every_damage_changes_something():
    generator, content = random.Random(0), bytes(range(1, 200))
    seen = dict(damage.damaged(content, [b"other"], generator) for _ in range(300))
    assert set(seen) == {"a bit", "cut off", "a part lost", "a part zeroed", "a part added", "exchanged", "gone"}
    assert all(left != content for left in seen.values())
