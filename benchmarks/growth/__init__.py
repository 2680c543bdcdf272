"""How time and memory grow with the work: with runs, with the weights of a formula and of a network, with processes."""
