"""Random losses and rules, and whether what the theory says of them is true; see `python -m benchmarks.fuzz --help`.

`losses` draws, `numbers` finds critical points, fixed points and two-cycles in floating point, from many starts,
`checks` compares, and `__main__` runs it all in processes of their own.
"""
