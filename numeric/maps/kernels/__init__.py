"""The compiled loops around a kernel: lanes of runs, nursery and flight, endings, cycles, recording. Once a machine."""
