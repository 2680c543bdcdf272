"""SGD stays below 2/η: the smaller the batch, the farther below; and what it does instead.

A network is trained with batches of several sizes, and with the full one, at the same step sizes. With the full batch
the sharpness S, of the loss of all examples, rises to 2/η. With a small batch it comes to rest far below, although it
would rise further at a smaller step size: also SGD is limited by a kind of instability, but by another one.

*The second moment.* Near a point that fits all examples SGD multiplies the weights by I − ηH_B, and E[θθᵀ] can only
shrink if it does along every direction; along the top eigenvector that takes

    S ≤ 2/(η(1 + ν²(n − B)/(B(n − 1)))),

B of n examples in a batch, ν the standard deviation over the examples of the curvature uᵀHᵢu, over its mean
(`theory`). The bound is below 2/η as soon as B < n, and falls with B. It is necessary, not sufficient: many directions
together are less stable than one. Measured on the digits ν is about 1, and the bound for batches of 32 is 0.96 to 0.98
of 2/η, where S ends at 0.93 to 0.95; for batches of 8 it is 0.9, and S ends at 0.35 to 0.43, far below. So one
direction explains why no mini-batch brings S to where the full batch does, and not why the smallest ones stay so far
away.

*The batch sharpness* E_B[g_BᵀH_Bg_B/‖g_B‖²] is the curvature of a batch's loss along its own gradient g_B. A step on a
quadratic changes that loss by −η‖g_B‖²(1 − ½ηg_BᵀH_Bg_B/‖g_B‖²): beyond 2/η the steps overshoot on the very batches
they are taken on. Andreyev and Beneventano (2024) find that it is what SGD brings to 2/η, whatever the batch size. It
is no theorem: with one weight the batch sharpness is the mean curvature a, and the second moment is stable only up to
the bound above, where a is still below 2/η.

*How long it takes.* In the 1,200 steps of the quick preset S has nearly come to rest, with every batch size; the batch
sharpness has not: with batches of 8 it is at 0.37 to 0.55 of 2/η, and rising. With ``--eta 0.4 --batch-size 8 16 32
--steps 6000`` it ends at 0.88, 1.06 and 1.15 of 2/η for batches of 8, 16 and 32, while S ends at 0.56, 0.81 and 1.01:
what is at the edge then is indeed the batch sharpness. S passes the bound of the second moment there, by 5 % with
batches of 32. It can: the bound is that of a quadratic, and the loss is none.

The quick preset learns scikit-learn's digits, three labels in ten drawn at random, which keeps the sharpness rising
for longer. Sources: Cohen et al. 2021, Figure 29; Andreyev, Beneventano 2024 (arXiv 2412.20553); the second moment:
Wu, Ma, E 2018 and Ma, Ying 2021, in `analysis.sgd_selection` and `analysis.momentum` on losses of one weight.
"""
