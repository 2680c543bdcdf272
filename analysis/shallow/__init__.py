"""Degree 2 beside degree 4: theory of ½(1 − xy)², measurements on both losses, torch networks and the figure."""
