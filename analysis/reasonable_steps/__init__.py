"""The edge is reached at step sizes people use: where in the range of step sizes that train the edge begins.

One network is trained from one start with many step sizes, evenly spaced on a logarithmic scale. A step size *trains*
if the accuracy reaches 99 % within a budget of steps. Those that do form a range: below its lower end the budget runs
out, since the time ηt that training takes hardly depends on η; beyond its upper end training diverges. A run *reaches
the edge* if its sharpness is at 2/η some time before the accuracy is at 99 %.

    share = ln(η_last/η_edge) / ln(η_last/η_first),

with η_first and η_last the ends of the range and η_edge where in it the edge begins, each half-way, on the logarithmic
scale, between two neighbours among the step sizes that were tried: the part of the range in which training takes place
at the edge of stability.

Whoever stays clear of the edge pays: the fewest steps are needed well inside the part at the edge. Classical advice, a
step size below 2/S for the largest S on the way, is therefore not followed by anybody who wants to be done soon.

Measured in the quick preset: with the squared error every step size that trains is at the edge, with the cross-entropy
57 % of the range; the fewest steps are needed at the edge with both, with the cross-entropy at six times the step size
at which it begins.

The quick preset learns scikit-learn's digits, three labels in ten drawn at random. Source: Cohen et al. 2021, Figure 5
and the paper's section on reasonable step sizes.
"""
