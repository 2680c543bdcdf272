"""Training loops of other people's kind, with the sharpness tracker in each: is what it reads right, or refused?

    loop.py        a loop: what the tracker is given, and the loss that the user trains with, in their own words
    outcome.py     the reading against the top eigenvalue of that loss's dense Hessian in float64
    classifiers.py language.py physics.py others.py running.py own.py: the loops

``python -m benchmarks.loops`` goes through all of them, and writes the table of `docs/tracking.md`.
"""
