"""Period doubling at the edge of stability: one cubic map, three ways to meet it, and its thresholds.

Freeze the imbalance D = x² − y² of the minimalist example ½(1 − xyzw)² and let η → 0 at fixed K = ηD, which is the
sharpness of the minimum ahead in units of 2/η. One step of gradient descent then takes the product P = xy to

    P ↦ P(1 + K − KP²).

The same map is gradient descent on ¼(x² − μ)², with z = x/√μ and K = ημ. And it is, once more, the reduced map of
*two* steps near the edge, b'' = b(1 + 8A − 16b²) with A = aκ, in z = b/√(A/2) and K = 8A. So one list of thresholds
serves all three:

    K           A           what happens there
    1           1/8         the minimum z = 1 loses its stability (S = 2/η) and a two-cycle is born
    3/√2 − 1                the two-cycle, with the multiplier 9 − 2(1 + K)², is superstable
    √5 − 1      (√5−1)/8    it loses its stability, and a four-cycle is born
    1.3022…                 the doublings accumulate, geometrically with Feigenbaum's ratio 4.669…: the onset of chaos
    1.4504…                 three-cycles are born, at a zero of a polynomial of degree 8, and double in their turn
    3√3/2 − 1               the orbits about z = 1 and z = −1 merge
    2           1/4         the orbit escapes (S = 4/η); there the map is Chebyshev's −T₃, its Lyapunov exponent ln 3

The second column is the reduced map's second level, not another scale for the first: there A = √K − 1 to leading order,
and the reduced map's first doubling at A = 1/8 is the first level's *second*, at √(√5 − 1) − 1 = 0.112, as a series in
small A has it.

Gradient descent itself does not stand still. D falls slowly, by a part of order η² a step, so an orbit that starts far
above the edge runs through the diagram backwards: chaos, eight, four, two, and then the minimum just below K = 1. On
its way its neighbours part at the rate of the frozen map, the Lyapunov exponent at the same K: above K = 1.3022…,
windows aside, gradient descent on this loss of four weights is chaotic, and only below does it settle.

Sources: Chen, Bruna 2022 for ¼(x² − μ)²; Zhu, Wang, Wang, Zhou, Ge 2022 for the minimalist example and its bifurcating
trajectories; Feigenbaum 1978 for the cascade; Huberman, Rudnick 1980 for the exponent beyond it. The thresholds are
derived in `analysis.bifurcation.theory`, the birth of period three in `analysis.bifurcation.period_three`.
"""
