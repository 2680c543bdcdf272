"""With momentum, training sharpens to an edge of its own, which the rule's formula predicts.

Gradient descent with momentum β is linear on a quadratic, so that its stability is decided by the roots of a polynomial
in the multiplier. The Jury test gives the largest stable curvature in closed form, for each way to use momentum:

    heavy ball (Polyak)    v' = βv − ηg,  θ' = θ + v'             (2 + 2β)/η
    Nesterov               the gradient taken at θ + βv           (2 + 2β)/(η(1 + 2β))

`eos_sym.stability.critical_sharpness` derives both from the rules' formulas alone. At the same step size heavy ball can
stand up to twice the curvature that gradient descent can, Nesterov's rule up to a third less. Networks are no
quadratics; and yet they sharpen until they are at these thresholds, and hover there, whatever β and η. So a network at
the edge measures the stability of its optimizer: from the sharpness alone one can tell which of the three rules trained
it.

torch's SGD keeps Nesterov's iterates at the points θ + βv, where the gradients are taken; the sharpness is read there.

Source: Cohen, Kaur, Li, Kolter, Talwalkar 2021, appendix B. The theory on formulas: `analysis.momentum`.
"""
