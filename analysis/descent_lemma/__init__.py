"""The descent lemma: its identities, what a step meets, intervals, the two losses that it is tested on, the figure."""
