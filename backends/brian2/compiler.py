"""Compiling a generated program with few invocations of the compiler.

Brian2 writes two to four small files for every object and compiles each with all headers. Here they are
included into two translation units, which takes a quarter of the time.
"""

from __future__ import annotations

import logging
import os
import platform
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from pycosim.errors import BackendError

logger = logging.getLogger(__name__)

# No -ffast-math, Brian2's default: it changes roundings, and with them spike times, against other backends.
# Multiply-add is not contracted for the same reason. Cost in the Vogels-Abbott networks: none with currents
# (4,000 and 20,000 neurons), 4 % with conductances (4,000).
KERNEL_FLAGS = ("-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math")
NATIVE_FLAG = "-march=native"
OPENMP_FLAG = "-fopenmp"
# The random numbers of all targets are C++20.
DRAWING_FLAGS = (*KERNEL_FLAGS, "-std=c++20")
DRAWING_UNIT = "poisson_source.cpp"
# Runs once: time is better spent on running than on optimising it.
FRAME_FLAGS = ("-O1",)
COMMON_FLAGS = ("-std=c++17", "-w", "-I.")

Unit = tuple[str, tuple[str, ...]]
"""Name of a translation unit, and its flags."""

_KERNELS_PER_UNIT = 60
_FRAME = ("objects.cpp", "network.cpp", "synapses_classes.cpp", "run.cpp", "main.cpp")
_LIBRARY = ("brianlib/spikequeue.cpp",)  # Brian2 2.9 has all of it in the header
_FUNCTION = re.compile(r"^void (_(?:run|before_run|after_run)_\w+)\(\)", re.MULTILINE)
_INCLUDE = re.compile(r"^\s*#include\s*([<\"].+[>\"])", re.MULTILINE)


def find_compiler() -> list[str] | None:
    """Return the command of the C++ compiler; None if there is none.

    Arguments given in ``$CXX`` come after those of this module, and so hold against them.

    Raises
    ------
    BackendError
        If ``$CXX`` names a program that is not there.
    """
    if os.name != "posix":
        return None
    named = shlex.split(os.environ.get("CXX", ""))
    if named and not shutil.which(named[0]):
        raise BackendError(
            f"Brian2: the environment variable CXX names the compiler {named[0]!r}, which is not there. "
            "Correct it, unset it, or use codegen='numpy'."
        )
    for command in [named] if named else [["c++"], ["g++"], ["clang++"]]:
        path = shutil.which(command[0])
        if path:
            return [path, *command[1:]]
    return None


def compiler_identity(compiler: list[str]) -> list[str]:
    """Return what, besides the program, determines the compiled code: compiler, flags, processor."""
    program = Path(compiler[0]).resolve()
    status = program.stat()
    flags = " ".join((*compiler[1:], *COMMON_FLAGS, *DRAWING_FLAGS, NATIVE_FLAG, *FRAME_FLAGS, OPENMP_FLAG))
    return [str(program), str(status.st_size), str(status.st_mtime_ns), flags, _processor()]


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    lines = re.findall(r"^(?:flags|Features|model name)\s*:.*", text, re.MULTILINE)
    return f"{platform.machine()} {' '.join(sorted(set(lines)))}"


def compile_program(folder: Path, compiler: list[str], threads: int = 1) -> None:
    """Compile the program that Brian2 wrote to `folder`, for some threads, to ``folder/main``.

    Raises
    ------
    BackendError
        If the compiler fails; the message has the end of its output.
    """
    started = time.perf_counter()
    units = _write_units(folder)
    openmp = (OPENMP_FLAG,) if threads > 1 else ()
    common = [*COMMON_FLAGS, *openmp]
    failed = _compile(folder, units, compiler, (*common, NATIVE_FLAG))
    if failed:
        failed = _compile(folder, units, compiler, common)
    objects = [f"{Path(unit).stem}.o" for unit, _ in units]
    failed = failed or _run([[*compiler, *openmp, *objects, "-o", "main"]], folder)
    if failed:
        raise BackendError(
            "Brian2: compiling the generated program failed. The end of the compiler's output:\n"
            + failed[-3000:]
        )
    logger.info("Brian2: compiled in %.1f s", time.perf_counter() - started)


def _compile(folder: Path, units: list[Unit], compiler: list[str], common: Sequence[str]) -> str:
    """Compile units side by side and return the output of the compilers that failed."""
    n_words = next((i for i, word in enumerate(compiler) if word.startswith("-")), len(compiler))
    command, given = compiler[:n_words], compiler[n_words:]
    commands = [[*command, *common, *flags, *given, "-c", name] for name, flags in units]
    jobs = os.cpu_count() or 1
    return "".join(_run(commands[i : i + jobs], folder) for i in range(0, len(commands), jobs))


def _run(commands: list[list[str]], folder: Path) -> str:
    """Run commands side by side and return the output of those that failed."""
    running = [
        subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for command in commands
    ]
    failed = ""
    for process in running:
        output, _ = process.communicate()
        if process.returncode:
            failed += output or f"{process.args[0]} ended with status {process.returncode}\n"
    return failed


def _write_units(folder: Path) -> list[Unit]:
    """Write the translation units and return their names with their flags."""
    files = sorted((folder / "code_objects").glob("*.cpp"))
    texts = {file.name: file.read_text() for file in files}
    headers = sorted({header for text in texts.values() for header in _INCLUDE.findall(text)})
    # Headers first: inside the namespaces below their guards then make them empty.
    top = ["#include <algorithm>", "#include <map>", "#include <random>", "#include <tuple>"]
    top += [f"#include {header}" for header in headers if "code_objects/" not in header]
    units: list[Unit] = []
    names = list(texts)
    for start in range(0, len(names), _KERNELS_PER_UNIT):
        lines = list(top)
        for number, name in enumerate(names[start : start + _KERNELS_PER_UNIT]):
            lines += _in_namespace(f"unit_{number}", name, texts[name])
        units.append((f"kernels_{len(units)}.cpp", KERNEL_FLAGS))
        (folder / units[-1][0]).write_text("\n".join(lines) + "\n")
    library = [name for name in _LIBRARY if (folder / name).exists()]
    frame = [f'#include "{name}"' for name in ("objects.h", "checkpoint.hpp", *library, *_FRAME)]
    (folder / "frame.cpp").write_text("\n".join(frame) + "\n")
    if (folder / DRAWING_UNIT).exists():
        units.append((DRAWING_UNIT, DRAWING_FLAGS))
    return [*units, ("frame.cpp", FRAME_FLAGS)]


def _in_namespace(namespace: str, name: str, text: str) -> list[str]:
    """Return the lines that include a code object; helper functions have the same names in all of them."""
    function = _FUNCTION.search(text)
    if not function:
        raise BackendError(
            f"Brian2: the generated file {name} has no function that pycosim knows how to call."
        )
    return [
        f"namespace {namespace} {{",
        f'#include "code_objects/{name}"',
        "}",
        f"void {function[1]}() {{ {namespace}::{function[1]}(); }}",
    ]
