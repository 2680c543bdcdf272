"""Many of anything, and results on disk: sweeps in local processes or on a Dask cluster, none twice.

`sweep` works runs off, `combine` makes one dataset of many, `configuration` identifies a run. `save` writes files whole
or not at all, sealed by a checksum, with what produced them, and `load` reads no other.
"""

from numeric.files import NoSpace, locked, make_folder, write_atomically
from numeric.runs.attempt import RunFailed
from numeric.runs.combine import combine
from numeric.runs.configuration import configuration, differences, identifier
from numeric.runs.origin import provenance, versions
from numeric.runs.store import load, save
from numeric.runs.sweep import Failure, SweepResult, sweep
from numeric.runs.threads import one_thread

__all__ = [
    "Failure",
    "NoSpace",
    "RunFailed",
    "SweepResult",
    "combine",
    "configuration",
    "differences",
    "identifier",
    "load",
    "locked",
    "make_folder",
    "one_thread",
    "provenance",
    "save",
    "sweep",
    "versions",
    "write_atomically",
]
