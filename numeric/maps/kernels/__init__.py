"""The compiled loops around a kernel: lanes of runs, endings, cycles, recording. Compiled once a machine."""
