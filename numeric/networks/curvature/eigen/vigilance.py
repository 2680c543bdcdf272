"""When a reading looks beyond the eigenvalues that are asked for: with a guard, with a scout, by a search.

    guard     the next eigenpair: with it, c of `certificate` is a value of this reading. Where a reading scouts, or the
              guard may have come near, see `Distance`, or the largest value has moved by more than `MOVED` since the
              last; after `UNGUARDED` without one at the latest. Between them c is halfway between what the guard was
              and the k-th; where the bound is not met so, the guard is taken.
    scout     three products more: of the next vector that is known beyond the guard, of a fresh one, and of the
              Davidson correction of what Ritz makes of them. One reading in `SCOUTED`, by chance, so that nothing that
              comes and goes keeps step with it; one in two where what is beyond the guard may have come near: there a
              guard is none; and each of the `CALM` after one that has begun again.
    search    of all directions, see `search`: at the first reading; `SEARCHED` readings after the last,
              `SEARCHED_IN_MOTION` if this one begins again, the last has left more than `UNLIKELY` open, or the
              memory is too small for guards or scouts; and at once if the largest value has moved by more than `JUMP`.

A reading begins again, from the scout and a fresh vector, if its block is not the predicted one or its largest value
has moved by more than `STEADY` since the last.

All changes are relative to the value itself. What comes up within a few readings, from where it was last seen to above
the k-th, is missed until the next look, and the bounds of those readings do not hold: that is their assumption. In 1000
dimensions, a direction of curvature 12 beside 9, 8 and a bulk up to 5, which comes from nothing, is found by the random
share of the fresh vectors alone within some 40 readings in half of the trials, and by the search after 64 in all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import astuple, dataclass, field, fields
from itertools import islice

from numeric.networks.curvature.eigen.search import UNLIKELY

SCOUTED = 8
UNGUARDED = 16
SEARCHED = 64
SEARCHED_IN_MOTION = 16
MOVED = 0.05
STEADY = 0.1
CALM = 2  # readings that have to be as expected before scouts are fewer
JUMP = 0.5
PREDICTED = 0.95  # overlap of a predicted block with the one found, below which a newcomer may have entered
SWINGS = 2.0
FORGOTTEN = 0.8  # what is left of a change at the next look


@dataclass
class Distance:
    """How far a value is below the k-th, relative to that: when last seen, and how it changes.

    `swing` is the change from one look to the next, `fastest` the change a reading: the largest there were, forgotten
    by and by. It may have come near where the distance is less than `SWINGS` swings and the way since.
    """

    gap: float = 0.0
    swing: float = math.inf
    fastest: float = 0.0

    def seen(self, gap: float, readings: float) -> None:
        """So many readings after the last look."""
        change = abs(self.gap - gap)
        if readings:
            known = not math.isinf(self.swing)
            self.swing = max(FORGOTTEN * self.swing, change) if known else change
            self.fastest = max(FORGOTTEN * self.fastest, change / readings)
        self.gap = gap

    def near(self, readings: float) -> bool:
        """Whether it may have come near so many readings after the last look."""
        return self.gap <= SWINGS * self.swing + self.fastest * readings


@dataclass
class Vigilance:
    """What is remembered from reading to reading: the largest value, now and when the last guard was, and counts."""

    top: float = 0.0
    guarded_top: float = 0.0
    unguarded: float = 0  # readings since the last with a guard
    unscouted: float = 0
    unsearched: float = 0
    unsurprised: float = 0  # readings since the last that began again
    overlooked: float = 0.0  # by the last search
    guard: Distance = field(default_factory=Distance)
    beyond: Distance = field(default_factory=Distance)

    def scouts(self, chance: float) -> bool:
        """Whether the reading to come scouts, with a number that is uniform in [0, 1)."""
        return self.unsurprised <= CALM or chance < 1 / (2 if self.beyond.near(self.unscouted) else SCOUTED)

    def guards(self) -> bool:
        """Whether it begins with a guard where it does not scout."""
        return self.unguarded >= UNGUARDED or self.guard.near(self.unguarded)

    def moved(self, top: float) -> bool:
        """Whether the largest value is another than the guard was seen with."""
        return abs(top - self.guarded_top) > MOVED * abs(self.guarded_top)

    def guard_value(self, last: float) -> float:
        """What the guard's value is taken to be beside a k-th value."""
        return last - abs(last) * self.guard.gap

    def level(self, last: float) -> float:
        """What the rest is taken to be below where no guard is."""
        return (last + self.guard_value(last)) / 2

    def patience(self, top: float, overlap: float) -> int:
        """How many readings there may be from one search to the next, after what this one has found."""
        moved = abs(top - self.top)
        if moved > JUMP * abs(self.top):
            return 0
        if moved > STEADY * abs(self.top) or overlap < PREDICTED:
            return SEARCHED_IN_MOTION
        return SEARCHED

    def begins_again(self, top: float, overlap: float) -> bool:
        """Whether what was found is not what was expected."""
        return self.patience(top, overlap) < SEARCHED

    def searches(self, top: float, overlap: float, *, blind: bool) -> bool:
        """Whether it is time for a search; oftener without guards and scouts."""
        patience = self.patience(top, overlap)
        often = self.overlooked > UNLIKELY or blind
        return self.unsearched >= (min(patience, SEARCHED_IN_MOTION) if often else patience)

    def learn(self, values: list[float], count: int, *, guarded: bool, searched: float | None, surprised: bool) -> None:
        """Take notice of a reading: its Ritz values, descending, as many as are known, and its search."""
        if guarded:
            self.notice(values, count)
        self.top = values[0]
        self.unguarded = 1 if guarded else self.unguarded + 1
        self.unscouted = 1 if len(values) > count + 1 else self.unscouted + 1
        self.unsearched = 1 if searched is not None else self.unsearched + 1
        self.unsurprised = 1 if surprised else self.unsurprised + 1
        self.overlooked = self.overlooked if searched is None else searched

    def notice(self, values: list[float], count: int) -> None:
        """Take notice of what is beyond the wanted."""
        self.guarded_top, last = values[0], values[count - 1]
        scale = abs(last) or 1.0
        for distance, place, readings in (
            (self.guard, count, self.unguarded),
            (self.beyond, count + 1, self.unscouted),
        ):
            if len(values) > place:
                distance.seen((last - values[place]) / scale, readings)

    def numbers(self) -> list[float]:
        """All of it, in order."""
        *own, guard, beyond = astuple(self)
        return [float(number) for number in (*own, *guard, *beyond)]

    @classmethod
    def of(cls, numbers: Iterable[float]) -> Vigilance:
        """From all of it."""
        values = iter(numbers)
        own = {name.name: next(values) for name in fields(cls) if name.name not in ("guard", "beyond")}
        return cls(**own, guard=Distance(*islice(values, 3)), beyond=Distance(*values))
