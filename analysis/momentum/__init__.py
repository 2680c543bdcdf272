"""Momentum moves the edge of stability: the critical sharpness of every rule."""
