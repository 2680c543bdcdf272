"""Kernels against the NumPy reference bit for bit, exact rational arithmetic, and other processes."""

import ctypes
import os
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fractions import Fraction

import numpy as np
import pytest
from llvmlite import binding
from sympy import Rational, cos, exp, log, sin, sinh, sqrt, symbols

from eos_sym import GradientDescent, Map, Objective, minimalist
from numeric import compile_function
from numeric.compile import machine
from numeric.compile.cache import root
from numeric.compile.kernel import LANES, compile_kernel, compile_program, history_rows, module_text, print_kernel
from numeric.compile.machine import has_fused_multiply_adds, optimized, processor

x, y, z, a, b = symbols("x y z a b", real=True)
ROUNDING = Fraction(1, 2**53)


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory):
    """A cache folder of these tests' own."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        root.cache_clear()
        yield folder
    root.cache_clear()


def iterated(kernel, values, steps=1):
    """The rows of the lanes after so many steps."""
    assert np.shape(values)[1:] == (LANES,)
    return moved(kernel, values, steps)


def moved(kernel, values, steps):
    """The same of a kernel with any number of lanes."""
    lanes = np.array(values, dtype=np.float64, order="C")
    ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(kernel.address)(lanes.ctypes.data, steps)
    return lanes


def uncontracted(function):
    """The kernel of a function, compiled without contraction."""
    return compile_program(function.program, watching=False, contract=False)


def assert_same_bits(found, wanted):
    """Equal to the last bit and in the signs of zeros, apart from what kind of nan it is."""
    found, wanted = np.array(found), np.array(wanted)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
    number = ~np.isnan(wanted)
    np.testing.assert_array_equal(found[number].view(np.int64), wanted[number].view(np.int64))


ALGEBRAIC = [
    x * (1 - a * y**2) + b / (1 + x**2),
    (x - y) * z / (y - 2 * z) - y / 3,
    sqrt(1 + x**2 * y**2) - x / (x**2 + y**2 + z**2) + a * b * x**7,
]
ARGUMENTS = (x, y, z, a, b)
SPECIAL = [0.0, -0.0, 1.0, -1.0, 5e-324, -1e-310, 1e-160, 1e160, -1e300, 1.7e308, np.inf, -np.inf, np.nan]


@pytest.fixture(scope="module")
def algebraic():
    return compile_function(ALGEBRAIC, ARGUMENTS)


def lanes_of_any_size(generator, rows):
    signs = generator.choice([-1.0, 1.0], (rows, LANES))
    return signs * 10.0 ** generator.uniform(-5, 5, (rows, LANES))


def test_a_step_without_contraction_is_that_of_numpy_bit_for_bit(algebraic):
    kernel = uncontracted(algebraic)
    generator = np.random.default_rng(0)
    for _ in range(50):
        ordinary = lanes_of_any_size(generator, len(ARGUMENTS))
        for values in (ordinary, generator.choice(SPECIAL, ordinary.shape)):
            found = iterated(kernel, values)
            assert_same_bits(found[:3], algebraic(*values))
            assert_same_bits(found[3:], values[3:])


def test_many_steps_without_contraction_are_those_of_numpy_bit_for_bit(algebraic):
    values = np.random.default_rng(1).uniform(-1, 1, (len(ARGUMENTS), LANES))
    state = list(values[:3])
    for _ in range(20):
        state = algebraic(*state, *values[3:])
    assert_same_bits(iterated(uncontracted(algebraic), values, 20)[:3], state)


def with_rounding(program, point):
    """Exact values of the results, and bounds of the errors of a computation that rounds every line, or fewer."""
    known = {
        symbol: (Fraction(float(value)), Fraction(0)) for symbol, value in zip(program.arguments, point, strict=True)
    }

    def value_of(part):
        if part.is_Number:
            return Fraction(float(part)), Fraction(0)
        if part.is_Symbol:
            return known[part]
        if part.is_Pow and part.exp == -1:
            value, error = value_of(part.base)
            assert error < abs(value)
            return 1 / value, error / abs(value) / (abs(value) - error)
        if part.is_Pow:
            assert part.exp == 2
            return times(value_of(part.base), value_of(part.base))
        if part.is_Mul:
            return times(*map(value_of, part.args))
        assert part.is_Add
        values, errors = zip(*map(value_of, part.args), strict=True)
        partial_sums = sum(abs(value) + error for value, error in zip(values, errors, strict=True))
        return sum(values), sum(errors) + (len(values) - 2) * ROUNDING * partial_sums

    def times(first, second):
        product = first[0] * second[0]
        return product, abs(first[0]) * second[1] + abs(second[0]) * first[1] + first[1] * second[1]

    for symbol, operation in program.assignments:
        value, error = value_of(operation)
        known[symbol] = value, error + ROUNDING * (abs(value) + error)
    return [known[result] for result in program.results]


@pytest.mark.parametrize(
    ("step", "arguments"),
    [
        (tuple(GradientDescent().map(minimalist()).step), None),
        ((x * (1 - a * y**2) + b / (1 + x**2), (x - y) ** 3 * x / (4 + x * y) - y / 3 + b), (x, y, a, b)),
    ],
    ids=["minimalist", "rational"],
)
def test_a_contracted_step_is_exact_up_to_the_rounding_of_its_operations(step, arguments):
    """The bound is that of the program with every operation rounded once; a fused multiply-add rounds one time less."""
    if arguments is None:
        map_ = GradientDescent().map(minimalist())
        arguments = (*map_.state, *map_.parameters)
    function = compile_function(step, arguments)
    values = np.random.default_rng(2).uniform(-1.5, 1.5, (len(arguments), LANES))
    found = iterated(compile_kernel(function, watching=False), values)
    largest = 0.0
    for lane in range(LANES):
        for row, (exact, bound) in enumerate(with_rounding(function.program, values[:, lane])):
            error = abs(Fraction(found[row, lane]) - exact)
            assert error <= bound
            largest = max(largest, float(error / bound))
    assert largest > 0.05  # the bound means something


def test_a_product_in_a_sum_is_rounded_not_at_all_or_as_in_numpy():
    """x y − z, where z is the rounded product: fused, it is the error of the rounding, which is a float."""
    generator = np.random.default_rng(3)
    values = generator.uniform(1, 2, (3, LANES))
    values[2] = values[0] * values[1]
    function = compile_function([x * y - z, y, z], (x, y, z))
    found = iterated(compile_kernel(function, watching=False), values)[0]
    errors = [float(Fraction(u) * Fraction(v) - Fraction(w)) for u, v, w in values.T]
    assert found.tolist() in (errors, [0.0] * LANES)  # without the instruction, it is not emulated


def test_infinities_and_nan_arise_as_in_numpy():
    arguments = symbols("x:8", real=True)
    u, v, w, p, q, r, s, t = arguments
    step = [1 / u, log(v), sqrt(w), p / q, q**-2, r**3, s * 10**400, t ** Rational(1, 3)]
    function = compile_function(step, arguments)
    kernel = compile_kernel(function, watching=False)
    generator = np.random.default_rng(4)
    for _ in range(10):
        values = generator.choice(SPECIAL, (len(arguments), LANES))
        found, wanted = iterated(kernel, values), np.array(function(*values))
        np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
        np.testing.assert_array_equal(np.where(np.isinf(found), found, 0), np.where(np.isinf(wanted), wanted, 0))
        number = np.isfinite(wanted)
        np.testing.assert_allclose(found[number], wanted[number], rtol=4 * 2.0**-52, atol=0)
        np.testing.assert_array_equal(np.signbit(found[number]), np.signbit(wanted[number]))


def test_denormal_numbers_survive_in_a_kernel_and_beside_it():
    function = compile_function([x / 2, y * z, z], (x, y, z))
    smallest = 5e-324
    values = np.broadcast_to([[2 * smallest], [1e-300], [1e-20]], (3, LANES))
    found = iterated(compile_kernel(function, watching=False), values)
    assert found[0].tolist() == [smallest] * LANES
    assert found[1].tolist() == [1e-300 * 1e-20] * LANES != [0.0] * LANES
    assert (np.full(64, smallest) * 1.0).tolist() == [smallest] * 64
    assert (np.full(64, 4 * smallest) / 2).tolist() == [2 * smallest] * 64


def test_constant_results_and_constant_infinities_fill_their_lanes():
    function = compile_function([x * 0 + 3, -x, y + 10**400, x - 10**400], symbols("x y z w", real=True))
    found = iterated(compile_kernel(function, watching=False), np.full((4, LANES), 0.5))
    assert found[:, 0].tolist() == [3.0, -0.5, np.inf, -np.inf]
    assert (found == found[:, :1]).all()


def test_the_coordinates_of_a_step_change_together():
    """(x, y) ↦ (y, x + y) gives the numbers of Fibonacci."""
    kernel = compile_kernel(compile_function([y, x + y], (x, y)), watching=False)
    found = iterated(kernel, np.ones((2, LANES)), 70)
    assert found[:, 0].tolist() == [308061521170129, 498454011879264]


@pytest.mark.parametrize("lanes", [1, 3, 8, 61, 128])
def test_what_a_lane_becomes_does_not_depend_on_how_many_there_are(lanes, monkeypatch):
    """Nor on whether it is computed by one instruction with others or, of 61, left over."""
    step = [x - a * x * y**2 * (1 - x * y * z), y - a * exp(-x) * log(1 + z**2), z * y - x * a + sin(x) / y]
    program = compile_function(step, (x, y, z, a)).program
    values = np.random.default_rng(6).uniform(0.5, 1.2, (4, 2 * LANES))
    expected = [moved(compile_program(program, watching=False), part, 50) for part in np.split(values, 2, axis=1)]
    monkeypatch.setattr("numeric.compile.kernel.LANES", lanes)
    found = moved(compile_program(program, watching=False), values[:, :lanes], 50)
    assert_same_bits(found, np.concatenate(expected, axis=1)[:, :lanes])


def test_no_steps_change_nothing(algebraic):
    values = lanes_of_any_size(np.random.default_rng(5), len(ARGUMENTS))
    np.testing.assert_array_equal(iterated(compile_kernel(algebraic, watching=False), values, 0), values)


@pytest.mark.parametrize(
    "names", ["lanes lane step", "steps kernel range", "t0 v0 n0", "float64 int64 njit", "sqrt inf p3"]
)
def test_the_names_of_symbols_are_no_part_of_a_kernel(names):
    def text(first, second, third):
        expressions = [first * second**3 + sqrt(1 + third**2), second - first * third, third]
        return print_kernel(compile_function(expressions, (first, second, third)).program, watching=True)

    assert text(*symbols(names, real=True)) == text(x, y, z)


def test_integer_powers_are_printed_as_products():
    function = compile_function([x**7 / y**3 + (x + y) ** -2, x**200 * y], (x, y))
    assert "**" not in "".join(print_kernel(function.program, watching=True))


def test_a_watching_kernel_tells_once_and_for_all_that_a_coordinate_may_have_been_out_of_bounds():
    """2 + 4, squared, are within 8²; so are 4, 2 and 1, and no number is not."""
    function = compile_function([2 * x, y * a], (x, y, a))
    values = np.zeros((4, LANES))
    values[0, 0], values[1, 1], values[1, 2], values[2] = 1.0, 4.0, np.nan, -0.5
    kernel = compile_kernel(function, watching=True)
    told = [(~(iterated(kernel, values, steps)[3, :4] < 8.0**2)).tolist() for steps in (1, 2, 4, 2000)]
    assert told == [[0, 0, 1, 0], [0, 0, 1, 0], [1, 0, 1, 0], [1, 0, 1, 0]]


def test_a_watching_kernel_misses_nothing_beyond_the_bound_by_one_bit():
    kernel = compile_kernel(compile_function([-x], (x,)), watching=True)
    bounds = 10.0 ** np.random.default_rng(0).uniform(-170, 153, (1000, LANES))
    for bound in bounds:
        values = np.stack([np.nextafter(bound, np.inf), np.zeros(LANES)])
        assert not (iterated(kernel, values, 1)[1] < bound * bound).any()


@pytest.mark.parametrize("coordinates", [1, 2, 3])
def test_a_recording_kernel_writes_down_what_a_watching_one_goes_through(coordinates):
    """To the last bit, some lanes with angles that are too large for vectors; a row that is no coordinate's stays."""
    steps_of_all = [x + sin(x * a) * 1e9, y - a * x * y, z * x]
    function = compile_function(steps_of_all[:coordinates], (*(x, y, z)[:coordinates], a))
    rows, steps = history_rows(coordinates), 5
    lanes = np.random.default_rng(0).normal(size=(coordinates + 2, LANES))
    lanes[0, ::7], lanes[-1] = 1e17, 0.0
    watched = [iterated(compile_kernel(function, watching=True), lanes, step) for step in range(steps + 1)]
    history = np.full((steps + 1, rows, LANES), 7.0)
    history[0, :coordinates] = lanes[:coordinates]
    lanes[:coordinates] = np.nan  # these it does not read
    recording = compile_kernel(function, watching=True, recording=True)
    arguments = ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p
    ctypes.CFUNCTYPE(None, *arguments)(recording.address)(lanes.ctypes.data, steps, history.ctypes.data)
    assert_same_bits(history[:, :coordinates], [row[:coordinates] for row in watched])
    assert_same_bits(lanes[coordinates:], watched[-1][coordinates:])
    assert (history[:, coordinates:] == 7.0).all()


def test_a_kernel_is_kept_under_a_name_made_of_what_it_computes(own_cache):
    before = kept(own_cache)
    for symbols_used in (symbols("x y", real=True), symbols("p q", real=True)):
        u, v = symbols_used
        compile_kernel(compile_function([u * v - 17, u], (u, v)), watching=False)
    assert len(kept(own_cache) - before) == 1


def kept(folder):
    return {*(folder / "edge-of-stability" / "code").glob("*")}


def test_what_could_not_be_compiled_is_compiled_later(monkeypatch):
    """A failure, here an interruption, leaves nothing half made behind."""
    function = compile_function([x * y - 19, x], (x, y))
    with monkeypatch.context() as patch:
        patch.setattr("llvmlite.binding.parse_assembly", interrupted)
        with pytest.raises(KeyboardInterrupt):
            compile_kernel(function, watching=False)
    found = iterated(compile_kernel(function, watching=False), np.full((2, LANES), 5.0))
    assert found[:, 0].tolist() == [6.0, 5.0]


def interrupted(*_, **__):
    raise KeyboardInterrupt


def test_threads_that_want_the_same_kernel_at_once_get_it():
    function, other = (compile_function([x * y - number, x], (x, y)) for number in (29, 31))
    together = threading.Barrier(6)

    def compiled(function):
        together.wait()
        return compile_kernel(function, watching=False)

    with ThreadPoolExecutor(6) as pool:
        kernels = list(pool.map(compiled, [function, other] * 3))
    for index, kernel in enumerate(kernels):
        assert iterated(kernel, np.full((2, LANES), 6.0))[0, 0] == (7.0 if index % 2 == 0 else 5.0)


SCRIPT = """
import ctypes, sys
import numpy as np
from sympy import symbols
from numeric import compile_function
from numeric.compile.kernel import compile_kernel
x, y = symbols("x y", real=True)
kernel = compile_kernel(compile_function([x * y - 23, x], (x, y)), watching=False)
print("made" if kernel.made else "found", *{"numba", "numpy.f2py", "dask"} & {*sys.modules})
lanes = np.full(128, 5.0)
ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(kernel.address)(lanes.ctypes.data, 1)
print(lanes[0], lanes[64], np.float64(5e-324) * 1.0)
"""


def start(cache):
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answers(process):
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")
    said, values = output.splitlines()
    assert values == "2.0 5.0 5e-324"
    return said


@pytest.mark.slow
@pytest.mark.fault("shared", "processes that fill the cache of kernels at once", "all have the right kernels")
def test_processes_share_the_cache_even_if_they_fill_it_at_once(tmp_path):
    together = [start(tmp_path), start(tmp_path)]
    for process in together:
        answers(process)
    (file,) = kept(tmp_path)
    before = file.stat().st_mtime_ns
    assert answers(start(tmp_path)) == "found"
    assert file.stat().st_mtime_ns == before


def damages(content):
    yield "cut short", content[: len(content) // 2]
    yield "empty", b""
    for place in (0.05, 0.3, 0.6, 0.95):
        changed = bytearray(content)
        changed[int(place * len(content))] ^= 16
        yield f"a bit at {place}", bytes(changed)


@pytest.mark.fault("damaged", "the cache of compiled kernels", "compiled again")
def test_a_damaged_cache_is_compiled_again(own_cache):
    before = kept(own_cache)
    function = compile_function([x * y + 30 / (1 + x**2)], [x, y])
    expected = iterated(compile_kernel(function, watching=False), np.full((2, LANES), 1.7))
    (file,) = kept(own_cache) - before
    whole = file.read_bytes()
    for damage, content in damages(whole):
        file.write_bytes(content)
        compile_kernel.cache_clear()
        kernel = compile_kernel(function, watching=False)
        assert kernel.made, damage
        np.testing.assert_array_equal(iterated(kernel, np.full((2, LANES), 1.7)), expected, damage)
        assert file.read_bytes() == whole
    compile_kernel.cache_clear()
    assert not compile_kernel(function, watching=False).made


@pytest.mark.fault("read-only", "the cache of compiled kernels", "kernels are compiled all the same, and not kept")
def test_where_no_cache_can_be_written_a_kernel_is_compiled_all_the_same(tmp_path):
    file = tmp_path / "file"
    file.touch()
    assert answers(start(file)) == "made"
    assert file.read_bytes() == b""


ACTIVATIONS = {
    "tanh": GradientDescent().map(Objective.from_text("(1 - a*tanh(b*c))**2/2", "a b c")),
    "log cosh": GradientDescent().map(Objective.from_text("log(cosh(1 - x*y))", "x y")),
    "softplus": GradientDescent().map(Objective.from_text("log(1 + exp(-x*y))", "x y")),
    "sinh, log": Map((x, y), (), (sinh(x * y) / 4 + log(y**2 + 1), log(1 + exp(x)) - y)),
}


@pytest.mark.skipif("+avx" not in processor()[1] or not has_fused_multiply_adds(), reason="other or no vectors")
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_computed_in_vectors_alone(name):
    """Packed instructions, none of one number, and no call of the C library."""
    dynamics = ACTIVATIONS[name]
    program = compile_function(dynamics.step, (*dynamics.state, *dynamics.parameters)).program
    target = binding.Target.from_default_triple().create_target_machine(*processor(), opt=3)
    assembly = target.emit_assembly(optimized(module_text(program, watching=True)))
    assert len(re.findall(r"\bvfn?m\w+pd\b.*%[yz]mm", assembly)) >= 15
    assert not re.findall(r"\bvfn?m\w+sd\b|\bv(?:add|sub|mul|div)sd\b", assembly)
    assert not re.findall(r"\bcall|\bjmpq?\s+\*", assembly)


def test_angles_of_any_size_are_those_of_numpy():
    """Lanes with numbers beyond 2³⁰, infinite ones and ordinary ones side by side, for several steps."""
    function = compile_function([sin(x * y) + x, y * (1 + cos(x) / 2) * a, a], (x, y, a))
    sizes = [1e22, -1e300, 1e17, 3.0, np.inf, np.nan, 2.0**30, 2.0**30 + 1, 1.7e308, 0.0, -0.5, 3e12]
    state = np.random.default_rng(0).choice(sizes, (3, LANES))
    state[2] = np.tile([1.0, 1e9], LANES // 2)
    values = np.concatenate([state, np.full((1, LANES), np.inf), np.zeros((1, LANES))])
    found = iterated(compile_kernel(function, watching=True), values, 3)
    for _ in range(3):
        state = np.array(function(*state))
    large = np.abs(state) > 1e3  # a sine of what was rounded differently is another one
    np.testing.assert_array_equal(np.isnan(found[:3]), np.isnan(state))
    np.testing.assert_allclose(found[:3][~large], state[~large], rtol=1e-12, atol=1e-12)
    one = iterated(compile_kernel(function, watching=False), values[:3])
    np.testing.assert_allclose(one, np.array(function(*values[:3])), rtol=4 * 2.0**-52)


def test_a_lane_with_a_large_angle_is_watched_like_the_others():
    function = compile_function([100 * sin(x) + y, y], (x, y))
    values = np.zeros((3, LANES))
    values[0, :4] = 1e18, 2e18, 3e18, 1e20
    found = iterated(compile_kernel(function, watching=True), values)[2]
    np.testing.assert_allclose(found, (100 * np.sin(values[0])) ** 2, rtol=1e-12)
    assert found[:4].min() > 0


@contextmanager
def on_another_processor(name, features):
    """What is compiled meanwhile is for this one, which has to be of the same kind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "processor", lambda: (name, features))
        forget()
        yield
    forget()


def forget():
    """As in a process of its own."""
    for cached in (machine._target, has_fused_multiply_adds, compile_kernel):
        cached.cache_clear()


@pytest.mark.skipif("x86_64" not in binding.get_default_triple(), reason="another kind of processor")
def test_without_fused_multiply_adds_the_c_library_stays(own_cache):
    dynamics = ACTIVATIONS["tanh"]
    function = compile_function(dynamics.step, (*dynamics.state, *dynamics.parameters))
    values = np.random.default_rng(0).uniform(-1, 1, (4, LANES))
    with on_another_processor("x86-64", ""):
        assert not has_fused_multiply_adds()
        assert '@"tanh"' in module_text(function.program, watching=False)
        found = iterated(compile_kernel(function, watching=False), values)
    np.testing.assert_allclose(found[:3], function(*values), rtol=1e-14, atol=1e-16)
    with on_another_processor("haswell", ""):
        assert has_fused_multiply_adds()
        assert '@"tanh"' not in module_text(function.program, watching=False)


@pytest.mark.fault("another program", "a kernel compiled for another processor", "it is not taken")
def test_what_was_compiled_for_another_processor_is_not_taken(own_cache):
    function = compile_function([x * y - 37, x], (x, y))
    before = kept(own_cache)
    compile_kernel(function, watching=False)
    name, features = processor()
    with on_another_processor(name, f"{features},+sse2"):
        assert compile_kernel(function, watching=False).made
    assert not compile_kernel(function, watching=False).made
    assert len(kept(own_cache) - before) == 2


@pytest.mark.fault("damaged", "a compiled kernel's file, replaced by another kernel's", "it is compiled again")
def test_another_kernel_under_its_name_is_not_loaded(own_cache):
    """Against a file that is known by its checksum alone: what would run is another kernel."""
    programs = [compile_function([x * factor], (x,)).program for factor in (2, 5)]
    files = []
    for program in programs:
        before = {*kept(own_cache)}
        compile_program(program, watching=False)
        files += {*kept(own_cache)} - before
    doubling, fivefold = files
    doubling.write_bytes(fivefold.read_bytes())
    again = compile_program(programs[0], watching=False)
    assert again.made
    assert_same_bits(iterated(again, np.full((1, LANES), 3.0)), np.full((1, LANES), 6.0))
