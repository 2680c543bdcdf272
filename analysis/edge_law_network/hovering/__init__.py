"""Networks that hover at the edge: windows along their training, kicks, and what bursts instead."""
