"""Ways to choose the step size of gradient descent, by what reaching a loss costs."""
