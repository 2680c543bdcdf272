"""How far progressive sharpening goes along the gradient flow, as one factor varies: what five studies share.

Networks are trained along the gradient flow θ̇ = −∇L(θ), where no step size limits the sharpness S, from several random
starts for each value of the factor, up to a goal: an accuracy, or a loss. There

    sharpening    S(end)/S(0): by how much the sharpness at the goal exceeds the one at the start
    change        |log S(end)/S(0)|: how far it has moved, in either direction
    final         S(end) itself

The same seed stands for the same random numbers at every value of the factor, so the runs of one seed make a series,
and trends are tested within series. One run of each factor is repeated by gradient descent with a step size far below
2/S: another method of integration, which has to find the same sharpness at the same time.

A study says what it varies, and what it claims of that:

    @along_the_flow(study)
    def factors(options):                   the experiments that the values of each factor stand for
        return [Factor("depth", …)]

    @study.claim("sharpening rises with the depth")
    def depth(training):                    by name, the runs of each factor, and those by descent
        yield from trend(training, "depth", rising=True)

Imported as it is used (``__init__.pyi``).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
