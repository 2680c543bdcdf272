"""Symmetric matrices with a spectrum that is known, as operators."""

import numpy as np
import torch


class Matrix:
    """A symmetric matrix, one evaluation a product."""

    def __init__(self, entries):
        self.entries, self.evaluations = entries, 0.0

    def product(self, block):
        self.evaluations += block.shape[1]
        return self.entries @ block

    def repeated(self, block):
        self.evaluations += block.shape[1]
        return self.entries @ block, self.entries.double() @ block.double()


def spectrum(values, seed=0, dtype=torch.float64):
    q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(values), len(values))))
    return Matrix(torch.tensor(q * values @ q.T, dtype=dtype))
