"""The loops around a kernel, compiled once on a machine for all maps.

engine       runs shared out among threads
lanes        every run to its own end: what is done next, with nursery, flight and queues
nursery      the first 128 iterations, 64 runs together, every step recorded
flight       the later ones, each run in a lane until it may have ended
looks        who is near where it was
queues       where a run is, and what is known of it there
escapes, counting, endings      how runs ended, each by the iterations in which they did
cycles       whether a run has settled
recording    trajectories and last states, of runs that are not brought to an end
"""
