"""Proofs in interval arithmetic: that an orbit exists, is the only one in a box, and is stable or unstable."""

from numeric.proofs.certify import Certificate, certify

__all__ = ["Certificate", "certify"]
