"""Studies of the edge of stability: each an essay, claims tested through independent channels, and a figure."""

import sys
from importlib.abc import MetaPathFinder
from types import ModuleType, TracebackType
from typing import Any

PREFIX = f"{__name__}."


def _plain_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What says an exception before the program's own ways of ending are there."""
    from analysis.study.endings import plain_exception

    plain_exception(kind, error, trace)


class _NearestStudy(MetaPathFinder):
    """Asked last for a module: says which study is meant when ``python -m analysis.NAME`` names none."""

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> None:
        """Nothing is found here; a program that is not there ends with one line and exit code 2."""
        if fullname.startswith(PREFIX) and sys.argv[0] == "-m" and sys.orig_argv[-len(sys.argv) :][:1] == [fullname]:
            from analysis.study.index import no_such_study

            print(f"error: {no_such_study(fullname.removeprefix(PREFIX))}", file=sys.stderr)
            sys.exit(2)


sys.meta_path.append(_NearestStudy())
if sys.argv[0] == "-m" and sys.orig_argv[-len(sys.argv)].partition(".")[0] == __name__:  # a study is to be run
    sys.excepthook = _plain_exception
