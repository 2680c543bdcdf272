"""How many gradient evaluations a reading of the sharpness costs, through training at the edge: ours and others'."""
