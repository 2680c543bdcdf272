"""Many of anything, and results on disk: sweeps in local processes or on a Dask cluster, none twice.

`sweep` works runs off, `combine` makes one dataset of many, `configuration` identifies a run, `store` writes files
whole or not at all, with what produced them.
"""

from numeric.runs.combine import combine
from numeric.runs.configuration import configuration, differences, identifier
from numeric.runs.store import load, make_folder, provenance, save, versions, write_atomically
from numeric.runs.sweep import Failure, SweepResult, sweep
from numeric.runs.threads import one_thread

__all__ = [
    "Failure",
    "SweepResult",
    "combine",
    "configuration",
    "differences",
    "identifier",
    "load",
    "make_folder",
    "one_thread",
    "provenance",
    "save",
    "sweep",
    "versions",
    "write_atomically",
]
