"""The theory of a loss that you type: the study is `__main__`."""
