"""The parabola at the end of training: problems, runs, their local trajectories, what is foretold, and the figure."""
