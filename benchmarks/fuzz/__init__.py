"""Random input of every kind, and whether what becomes of it is right.

    python -m benchmarks.fuzz                  random losses and rules: is what the theory says of them true?
    python -m benchmarks.fuzz.guided           texts, by a fuzzer that the parser's branches guide: read or refused?
    python -m benchmarks.fuzz.command_lines    options: understood, or refused in one line?

For the first, `losses` draws, `numbers` finds critical points, fixed points and two-cycles in floating point, from many
starts, `checks` compares, and `__main__` runs it all in processes of their own. For the second, `texts` says what may
be asked of any text, and has the corpus, which the tests read.
"""
