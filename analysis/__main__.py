"""List the studies."""

import sys
from textwrap import fill

from analysis.study.endings import plain_endings
from analysis.study.index import no_such_study, studies
from eos_sym.errors import BadInput

WIDTH = 100

if __name__ == "__main__":
    with plain_endings():
        found = studies()
        for asked in {*sys.argv[1:]} - {"-h", "--help"}:
            raise BadInput(f"write python -m analysis.{asked}" if asked in found else no_such_study(asked))
        width = max(map(len, found)) + 2
        for name, line in found.items():
            print(fill(line, WIDTH, initial_indent=f"  {name:{width}}", subsequent_indent=" " * (width + 2)))
        print("\npython -m analysis.NAME runs one; --help shows its options; python -m analysis.verify runs all,")
        print("python -m analysis.report makes a page of what they found, analysis.explorer one to play with")
