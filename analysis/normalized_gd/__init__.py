"""Normalized gradient descent and GD on √L: the study is `__main__`."""
