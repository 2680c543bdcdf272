"""List the studies, a line each."""

import sys

from analysis.study.endings import plain_endings
from analysis.study.index import no_such_study, studies
from eos_sym.errors import BadInput

if __name__ == "__main__":
    with plain_endings():
        found = studies()
        for asked in {*sys.argv[1:]} - {"-h", "--help"}:
            raise BadInput(f"write python -m analysis.{asked}" if asked in found else no_such_study(asked))
        width = max(map(len, found))
        for name, line in found.items():
            print(f"python -m analysis.{name:{width}}  {line}")
