"""Whether flatter minima generalize better, on one network: ``python -m analysis.flatter``."""
