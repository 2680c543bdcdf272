"""SGD with batches of several sizes: ``python -m analysis.sgd_batch``."""
