"""The edge-of-stability theory of a loss that you type.

    python -m analysis.derive "(1 - x*y*z*w)**2/2" --weights x y z w --at eta=0.2 \
        --near x=2 y=0.5 z=2 w=0.5 --start x=2.6 y=0.4 z=2.6 w=0.4 --steps 100000

From the formula alone come the gradient, the Hessian, the minima, what gradient flow conserves, and for every rule of
``--rule`` its map and its critical sharpness, the curvature beyond which it is unstable on a quadratic. With values for
the parameters (``--at``) come fixed points and two-cycles with their multipliers; those found numerically are proved by
interval arithmetic where that succeeds. With a point near the edge (``--near``), or a start, comes the edge law: the
minimum with the sharpness 2/η nearest to that point, its normal form, and where gradient descent ends. With ``--start``
all of it is put to the test of a simulation.

What cannot be derived is `undecided`, with the reason. The derivation runs in a child process: what is not finished
within ``--timeout`` is undecided as well, and the rest still comes.
"""
