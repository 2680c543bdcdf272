"""Runs that another program recorded, trained again from the same weights: ``python -m analysis.recorded_runs``."""
