"""What the theory of self-stabilization says of networks, step by step: the study is `__main__`."""
