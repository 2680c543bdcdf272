"""Gradient descent beside the gradient flow: the study is `analysis.gradient_flow.__main__`."""
