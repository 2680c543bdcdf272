"""When and by what a page was made."""

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from analysis.verification.reports import sources
from numeric.runs import versions
from numeric.runs.origin import commit


@dataclass(frozen=True)
class Facts:
    """What holds for all of a page."""

    made: str  # date and time
    command: str
    sources: str  # SHA-256 of the program
    commit: str | None
    versions: Mapping[str, str]


def facts(name: str) -> Facts:
    """Of a page that `analysis.NAME` makes now."""
    return Facts(
        made=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        command=f"python -m analysis.{name} {shlex.join(sys.argv[1:])}".strip(),
        sources=sources(),
        commit=commit(),
        versions=versions(),
    )
