"""What `analysis.explorer` lets people play with: models whose formulas the page computes with, and the page.

models       the models, in their order
model        a model as values: map, loss, Hessian, sliders, what is predicted and what it is compared with
products     the minimalist example and degree 2
valley       self-stabilization, the reduced model
normalized   normalized gradient descent
network      a linear network with two examples
unit         a nonlinear unit that learns a line
page         the page, from `templates/`: `dynamics.js` computes, `measures.js` measures, `plots.js` draws
"""
