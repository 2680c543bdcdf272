"""Runs advanced by kernels: the loops around them, compiled by Numba, and the engine that shares them out."""
