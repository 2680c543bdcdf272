"""One thread for a while, and then as many as before."""

import torch

from numeric.runs import one_thread


def test_torch_is_told_to_have_the_threads_back_that_it_had(monkeypatch):
    """Its MKL goes by what it was told last, whatever the number that it answers."""
    before, tell, told = torch.get_num_threads(), torch.set_num_threads, []
    tell(2)
    monkeypatch.setattr(torch, "set_num_threads", lambda number: (told.append(number), tell(number)))
    try:
        with one_thread():
            assert torch.get_num_threads() == 1
        assert (torch.get_num_threads(), told) == (2, [1, 2])
    finally:
        tell(before)
