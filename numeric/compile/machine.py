"""Machine code from LLVM's text: optimized for this processor, kept in the cache, and loaded.

What is kept is an object file under the checksum of all that it was made from: the text or what stands for it, the
processor with what it can do, and the version of LLVM. It is sealed and says of what it is, so one that is damaged, or
another one under its name, is not loaded but made again; where nothing can be written, every process makes its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Any

import llvmlite
from llvmlite import binding

from eos_sym import BadInput
from numeric.compile.cache import fingerprint, root, sources
from numeric.files import read_sealed, write_sealed

LOADING = Lock()  # LLVM's list of what is loaded belongs to all threads
LOADED = count()
FUSED = """
declare double @llvm.fma.f64(double, double, double)
define double @once(double %x, double %y, double %z) {
  %value = call double @llvm.fma.f64(double %x, double %y, double %z)
  ret double %value
}
"""


@dataclass(frozen=True)
class MachineCode:
    """A function in memory, for as long as this object lives."""

    address: int
    made: bool
    """whether it was compiled, and not found in the cache"""
    library: Any = field(repr=False, compare=False)


def processor() -> tuple[str, str]:
    """The name of this processor, and its features as LLVM writes them."""
    return binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()


@cache
def _target() -> tuple[binding.TargetMachine, binding.LLJIT, bytes]:
    """This processor, what loads code for it, and its description."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    name, features = processor()
    target = binding.Target.from_default_triple()
    machine = target.create_target_machine(cpu=name, features=features, opt=3, jit=True, reloc="pic")
    description = f"{target.triple} {name} {features} {llvmlite.__version__} {binding.llvm_version_info}"
    own = sources(("compile/machine.py",))
    return machine, binding.create_lljit_compiler(machine), b"\0".join([description.encode(), *own])


@cache
def has_fused_multiply_adds() -> bool:
    """Whether the processor rounds a product and a sum once, in one instruction; else LLVM calls a function for it."""
    machine, _, _ = _target()
    return re.search(r"\bfma\b", machine.emit_assembly(binding.parse_assembly(FUSED))) is None


def machine_code(text: str, function: str) -> MachineCode:
    """The function of a module, from the cache if it is there."""
    return kept_code(text.encode(), lambda: text, function)


def kept_code(key: bytes, text: Callable[[], str], function: str, *, unrolled: bool = True) -> MachineCode:
    """The function of a module, whose text is asked for if it is not in the cache under the key.

    Long functions take half the time to compile if their loops are not `unrolled`, and are no slower.
    """
    with LOADING:
        _, loader, description = _target()
        name = fingerprint(key, description)
        path = root() / "code" / f"{name}.o"
        code = _kept(path, name.encode())
        made = code is None
        if code is None:
            code = _compiled(text(), unrolled=unrolled)
            with suppress(OSError, BadInput):  # what is not kept is made again
                write_sealed(path, name.encode() + code)
        builder = binding.JITLibraryBuilder().add_object_img(code).add_current_process().export_symbol(function)
        library = builder.link(loader, f"{name} {next(LOADED)}")
        return MachineCode(library[function], made, library)


def _kept(path: Path, name: bytes) -> bytes | None:
    """The object file of that name; None if it is not there, or damaged, or another one."""
    try:
        content = bytes(read_sealed(path))
    except BadInput:
        return None
    return content[len(name) :] if content.startswith(name) else None


def _compiled(text: str, *, unrolled: bool) -> bytes:
    """The object file of a module."""
    machine, _, _ = _target()
    return bytes(machine.emit_object(optimized(text, unrolled=unrolled)))


def optimized(text: str, *, unrolled: bool = True) -> binding.ModuleRef:
    """A module as LLVM compiles it for this processor."""
    machine, _, _ = _target()
    module = binding.parse_assembly(text)
    module.verify()
    settings = binding.create_pipeline_tuning_options(speed_level=3)
    settings.loop_unrolling = unrolled
    passes = binding.create_pass_builder(machine, settings)
    passes.getModulePassManager().run(module, passes)
    return module
