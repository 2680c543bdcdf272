"""The origin of a result, its provenance: what produced it, as texts that are written with it.

These are the configuration and the command as JSON, the versions of the libraries, the commit of the checkout that ran
(absent outside a checkout of this project), and the time.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RECORDED_PACKAGES = ("dask", "edge-of-stability", "llvmlite", "mpmath", "numpy", "sympy", "torch", "xarray", "zarr")
PROJECT = Path(__file__).parents[2]


@cache
def versions() -> dict[str, str]:
    """The versions of Python and of the libraries that results depend on, as far as they are installed."""
    found = {"python": platform.python_version()}
    for package in RECORDED_PACKAGES:
        with suppress(PackageNotFoundError):  # torch where there are no networks
            found[package] = version(package)
    return found


def provenance(configuration: Mapping[str, Any]) -> dict[str, str]:
    """What produced a result: its configuration and everything else that is needed to obtain it again."""
    facts = {
        "configuration": json.dumps(configuration, sort_keys=True),
        "command": json.dumps(sys.argv),
        "versions": json.dumps(versions()),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    found = commit()
    return facts | ({"commit": found} if found else {})


@cache
def commit() -> str | None:
    """The commit of the checkout that this process runs, marked if files had changed since.

    The project's own repository is asked, and no other: neither one that the project lies in, as an installed package
    lies in the repository around its environment, nor one that the variables of git name.
    """
    repository = PROJECT / ".git"
    if not repository.exists():
        return None
    place = [f"--git-dir={repository}", f"--work-tree={PROJECT}"]
    try:
        described = subprocess.run(
            ["git", *place, "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"],
            cwd=PROJECT,
            env={name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip()
