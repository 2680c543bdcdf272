"""Forecasts at the edge, held against training: the runs, what is measured of them, contestants, scores, figure."""
