"""Numbers for the theory: compiled functions, simulations as labelled arrays, flows, proofs, networks, results on disk.

    compile           an expression as a NumPy function or a kernel at the speed of C
    maps, grids       runs of a map, by the million; grids of them larger than memory
    flows, proofs     flows integrated in time; orbits certified by interval arithmetic
    runs, files       sweeps in processes or on a cluster, and files that say what produced them
    networks          networks in torch, their training and their curvature

What users begin with comes from here, imported as it is used (``__init__.pyi``); only `numeric.networks` loads torch:

>>> from eos_sym import GradientDescent, shallow
>>> from numeric import compile_map, compile_sharpness
>>> run = compile_map(GradientDescent().map(shallow())).run({"x": 3.2, "y": 0.33}, {"eta": 0.2}, steps=5000)
>>> str(run.outcome.values), round(float(compile_sharpness(shallow()).at_end(run)), 3)
('converged', 9.651)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
