"""Timings beside named alternatives; they print ratios and gate nothing."""
