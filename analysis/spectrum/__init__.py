"""The spectrum of a network at the edge of stability: ``python -m analysis.spectrum``."""
