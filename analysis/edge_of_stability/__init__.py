"""The edge of stability: the sharpness of a network in training rises to 2/η, and stays there.

Gradient descent with the step size η multiplies the distance to the minimum of ½λx² by 1 − ηλ in every step, so it is
stable up to λ = 2/η. Nothing keeps a network from places where its sharpness S = λ₁(∇²L) is larger. Yet whatever the
architecture, the criterion and the step size,

    S rises to 2/η                    progressive sharpening: until then the loss falls in every step
    and hovers right at, or just      the loss rises and falls from step to step, and nevertheless falls
    above, 2/η                        over long times

for the rest of training. So the step size decides how sharp the minimum is, not the loss alone: the level is close to
proportional to 1/η. Against the time ηt all step sizes share one curve S(t), that of gradient flow, which each of them
leaves where it meets its own edge.

Measured in the quick preset, on scikit-learn's digits with three to ten labels in ten drawn at random (with the true
labels alone the small networks are done before anything happens), in the mean over the time at the edge:

    S/(2/η)                           squared error 1.04 to 1.22, cross-entropy 0.99 to 1.39: the larger the step size
                                      the higher, and highest for the transformer, whose sharpness has spikes
    level ~ η^a                       a from −0.76 to −0.99
    steps in which the loss rises     none before the crossing, 4 % to 45 % after it
    mean loss of each third of that   below that of the third before, in every run; over an eighth a spike can hide it
    S at equal times before           the same within 5 %, but for the transformer with squared error: 8 %

With the cross-entropy S falls in the end, when all examples are learnt and softmax saturates: here, as in the paper,
runs stop at an accuracy of 99 %, which is before. The full preset trains the paper's fully connected and convolutional
networks on CIFAR-10, and a small transformer on image patches where the paper has one for text.

Source: Cohen, Kaur, Li, Kolter, Talwalkar 2021, Figures 1 and 5.
"""
