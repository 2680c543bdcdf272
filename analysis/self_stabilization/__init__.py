"""Why gradient descent hovers at the edge of stability: the study is `__main__`."""
