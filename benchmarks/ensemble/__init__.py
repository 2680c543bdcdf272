"""How long an ensemble of trajectories takes, beside what one would write instead: ``python -m benchmarks.ensemble``.

    θ_{t+1} = F(θ_t; p)  for hundreds of thousands of starts θ₀ at once

Time per map-step, that is per run and iteration, on one core. All contenders take turns in one process, so that
whatever else the machine does meets all of them alike; the medians are compared, and the ratio to C says who wins.
Before it is timed, a contender has to agree with our kernel; one that does not is reported and left out.

The C is what an expert writes by hand: blocks of 64 runs that stay in the first cache, products shared, ``-O3
-march=native`` and no flag that changes values beyond contraction (``-fno-math-errno`` lets the square root be a vector
instruction). Activations are printed to C, whose library computes exponentials one by one, unless glibc is asked
for those that take vectors, to a few ulp; our kernel is compared with both. C is compiled when the benchmark starts.
The workloads are such that no run ends early, unless the table says otherwise: the escape times are a workload of their
own, in which most runs leave the bound, and so are runs that converge after some 45 steps. What outcomes cost where
no run ends, the other columns say, beside C that does not look at its runs.
"""
