"""Continuous models of training at the edge, beside training itself: the problems, the contestants, scores, figure."""
