"""SGD leaves a minimum where GD stays: the study is `__main__`."""
