"""SGD is more picky than GD: at the same step size it leaves a minimum where GD stays, with a burst of the loss.

Wu, Ma and E (2018) took two losses with common minima at 0 and 1,

    f₁ = min{x², (x−1)²/10},   f₂ = min{x², 19(x−1)²/10},   L = (f₁ + f₂)/2,

and started next to 1 with the step size 0.7. GD sees the mean curvature a = 2 and multiplies the distance from 1 by
1 − ηa = −0.4: it stays. SGD draws one of the two losses at every step, and multiplies the distance by 1 − η/5 = 0.86 or
by 1 − 19η/5 = −1.66. The mean of the logarithm decides: E log|·| = 0.178 > 0, so almost every run leaves 1, climbs over
the barrier in a burst of the loss, and ends at 0, where both losses have the same curvature.

*Two thresholds.* The second moment of the distance is multiplied by (1 − ηa)² + η²s² at every step, with s = 9/5 the
standard deviation of the two curvatures, and grows beyond η = 2a/(a² + s²) = 0.5525. The typical distance grows beyond
the zero of E log|1 − ηa_b|, which is η = 0.5595: later, because E log|m| ≤ ½ log E m² (Jensen). In between almost every
run converges to 1 although the second moment diverges: it is carried by ever fewer runs that are ever farther away.

*What it does not show.* The noise vanishes at both minima, as it does where every example can be fitted. And stability
is local: a run that starts farther away crosses the barrier now and then at a step size that is stable.

Both thresholds are derived by `eos_sym.rules.stochastic` from the losses, and tested by runs on both sides of each.
"""
