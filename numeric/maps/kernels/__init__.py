"""The compiled loops around a kernel: lanes of runs, endings, cycles, recording. Numba compiles them once a machine."""
