"""Mutants: programs with one small change each. Which of them do the tests notice?

`mutants` makes them by mutmut's operators, `trials` runs tests on one in a process of its own, `reach` knows by
coverage which tests come to a line, and how long they take, `scores` counts, and `__main__` draws a sample and tries
it.
"""
