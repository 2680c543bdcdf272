"""What is asked in a process of its own, which has imported, compiled and remembered nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def printed_by(module: str, call: str, **environment: str) -> str:
    """What a call of a function of a module prints; an error with all it said if it failed."""
    finished = subprocess.run(
        [sys.executable, "-c", f"from {module} import {call.partition('(')[0]}; {call}"],
        cwd=Path(__file__).parents[1],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        raise RuntimeError(f"{call} in a fresh process: {finished.stderr}")
    return finished.stdout
