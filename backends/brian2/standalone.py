"""Brian2's C++ standalone mode as a program that can be continued.

Brian2 generates the program from the same objects as everywhere. What is special is that the program gets
all its data from files in ``data`` and leaves its state in ``results`` (see checkpoint.hpp): it can be run
again from there, and is compiled once for all runs and for all networks of the same structure.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import subprocess
import tempfile
import time
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import pycosim
from pycosim.backends.base import Progress
from pycosim.backends.brian2 import cache
from pycosim.backends.brian2.announce import announced
from pycosim.backends.brian2.codegen import (
    Key,
    Operations,
    brian2_session,
    brian2_version,
    closed_error,
)
from pycosim.backends.brian2.compiler import DRAWING_UNIT, compile_program, compiler_identity
from pycosim.backends.brian2.equations import CURRENT
from pycosim.backends.brian2.plan import HELD_UNTIL, Plan, SynapsesPlan
from pycosim.backends.brian2.plastic_equations import INTEGERS
from pycosim.backends.brian2.wiring import ROWS, sources_of_rows
from pycosim.errors import BackendError, NotSupportedError

if TYPE_CHECKING:
    from pycosim.backends.brian2.program import Program

# Types of the variables that are not float64.
_INTEGERS = {
    "_spikespace": np.int32,
    "_timebins": np.int32,
    "_synaptic_pre": np.int32,
    "_synaptic_post": np.int32,
    ROWS: np.int32,
    "_indices": np.int32,
    "neuron_index": np.int32,
    "pending_ahead": np.int32,
    "pending_synapses": np.int32,
    "refractory_steps": np.int32,
    "interval": np.int64,
    "currents_shape": np.int64,
    "poisson_active": np.int64,
    "poisson_key": np.int64,
    CURRENT: np.int32,
    "request": np.int64,
    HELD_UNTIL: np.int32,
} | dict.fromkeys(INTEGERS, np.int32)
_UINT16_MAX = 0xFFFF
_DEVICE_STEP_MS = 0.1
# What the programs share with all targets: random numbers.
_CORE = Path(pycosim.__file__).parent / "csrc"
_DRAWING = [_CORE / name for name in ("philox.hpp", "philox.cpp", "poisson.hpp", "clones.hpp")]


class StandaloneEngine:
    """Generates, compiles and runs C++ programs in a private temporary folder.

    Parameters
    ----------
    dt_ms : float
    compiler : list of str
        Command of the compiler.
    threads : int
        Of the programs.
    """

    draws_poisson = True

    def __init__(self, dt_ms: float, compiler: list[str], threads: int = 1):
        self._dt_s = float(np.float32(dt_ms * 1e-3))
        self._compiler, self._threads = compiler, threads
        self._folder = Path(tempfile.mkdtemp(prefix="pycosim_brian2_"))
        self._finalizer = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        for name in ("data", "results"):
            (self._folder / name).mkdir()
        self._write("network", "dt", np.array([self._dt_s]))
        self._programs: dict[Plan, Path] = {}
        self._types: dict[Key, type[np.generic]] = {}
        self.preparation_s = 0.0

    def set(self, values: Mapping[Key, NDArray[Any]]) -> None:
        """Write values to the files of the program."""
        for (owner, name), value in values.items():
            # Brian2 sends a spike in the step after it, see SCHEDULE.
            self._write(owner, name, (value - 1) * self._dt_s if name == "delay" else value)

    def get(self, owner: str, name: str) -> NDArray[Any]:
        """Return the present values of a variable."""
        path = self._folder / "data" / f"{owner}.{name}"
        if not path.exists():
            return (
                sources_of_rows(self.get(owner, ROWS)) if name == "_synaptic_pre" else np.empty(0, np.int32)
            )
        values = np.fromfile(path, self._types.get((owner, name), _INTEGERS.get(name, np.float64)))
        return np.rint(values / self._dt_s).astype(np.int64) + 1 if name == "delay" else values

    def _write(self, owner: str, name: str, value: NDArray[Any]) -> None:
        dtype = _INTEGERS.get(name, np.float64)
        if name == "_synaptic_post":
            dtype = self._types[owner, name] = np.uint16 if value.max(initial=0) <= _UINT16_MAX else np.int32
        np.asarray(value, dtype).tofile(self._folder / "data" / f"{owner}.{name}")

    def set_operations(self, operations: Operations) -> None:
        """Refuse Python functions, which no program can call."""
        raise NotSupportedError(
            f"Not supported by Brian2's C++ standalone mode: {'; '.join(operations.reasons())}. Python "
            "functions do it in every step, and a standalone program runs none. Use codegen='numpy' from the "
            "start."
        )

    def run(self, plan: Plan, first_step: int, n_steps: int, progress: Progress | None) -> RecordedFiles:
        """Run the program of `plan` for `n_steps` steps; nothing has changed if it fails."""
        if plan not in self._programs:
            started = time.perf_counter()
            self._programs[plan] = _program(plan, self._compiler, self._threads, progress is None)
            self.preparation_s += time.perf_counter() - started
        for synapses in plan.synapses:
            for pathway, name in product(synapses.pathways, ("pending_ahead", "pending_synapses")):
                if not (self._folder / "data" / f"{pathway}.{name}").exists():
                    self._write(pathway, name, np.empty(0))
        self._write("network", "request", np.array([first_step, n_steps]))
        shutil.rmtree(self._folder / "static_arrays", ignore_errors=True)
        shutil.copytree(self._programs[plan] / "static_arrays", self._folder / "static_arrays")
        self._execute(self._programs[plan] / "main", n_steps, progress)
        for owner, name in _state_files(plan):
            (self._folder / "results" / f"{owner}.{name}").replace(self._folder / "data" / f"{owner}.{name}")
        return RecordedFiles(self._folder / "results", plan)

    def _execute(self, program: Path, n_steps: int, progress: Progress | None) -> None:
        errors = self._folder / "errors.txt"
        done = 0
        with (
            open(errors, "w") as log,
            subprocess.Popen(
                [program], cwd=self._folder, stdout=subprocess.PIPE, stderr=log, text=True
            ) as process,
        ):
            try:
                for line in process.stdout or ():
                    if line.startswith("steps "):
                        done += int(line.split()[1])
                        if progress:
                            progress(int(line.split()[1]))
            except BaseException:
                process.kill()
                raise
        if process.returncode or done != n_steps:
            raise BackendError(
                f"Brian2: the compiled program ended with status {process.returncode} after {done} of "
                f"{n_steps} steps. Its last messages:\n{errors.read_text()[-3000:] or '(none)'}"
            )

    def check_open(self) -> None:
        """Raise BackendError if the private folder is deleted."""
        if not self._finalizer.alive:
            raise closed_error()

    def close(self) -> None:
        """Delete the private folder."""
        self._finalizer()


class RecordedFiles:
    """What a program recorded in one run, read at once because the next run writes the same files."""

    def __init__(self, folder: Path, plan: Plan):
        self._arrays: dict[Key, NDArray[Any]] = {}
        for group in plan.groups:
            if group.spikes:
                for name, dtype in (("steps", np.int64), ("i", np.int32)):
                    self._arrays[group.monitor, name] = np.fromfile(folder / f"{group.monitor}.{name}", dtype)
            for sampler in group.samplers:
                for variable in sampler.variables:
                    samples = np.fromfile(folder / f"{sampler.name}.{variable}", np.float64)
                    self._arrays[sampler.name, variable] = samples.reshape(-1, sampler.n_neurons)

    def spikes(self, monitor: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return steps and indices, ordered by (step, index)."""
        return self._arrays[monitor, "steps"], self._arrays[monitor, "i"].astype(np.int64)

    def samples(self, sampler: str, variable: str) -> NDArray[np.float64]:
        """Return samples, (n_samples, n_neurons)."""
        return self._arrays[sampler, variable]


def _state_files(plan: Plan) -> Iterator[Key]:
    """Iterate over the variables that a run changes."""
    for group in plan.groups:
        for name in (*group.states, "_spikespace"):
            yield group.name, name
    for source in plan.sources:
        yield source.name, "_spikespace"
    for synapses in plan.synapses:
        for name in synapses.states:
            yield synapses.name, name
        for pathway in synapses.pathways:
            yield pathway, "pending_ahead"
            yield pathway, "pending_synapses"


def _program(plan: Plan, compiler: list[str], threads: int, is_shown: bool) -> Path:
    """Return the folder of a compiled program, from the cache if it is there.

    `is_shown` if what is done shall be shown in a terminal.
    """
    sources = [*sorted(Path(__file__).parent.glob("*.[cph]*")), *_DRAWING]
    content = hashlib.sha256()
    for source in sources:
        content.update(source.read_bytes())
    identity = [brian2_version(), content.hexdigest(), *compiler_identity(compiler), str(threads)]
    key = hashlib.sha256(json.dumps([asdict(plan), identity]).encode()).hexdigest()[:32]
    found = cache.find(key)
    if found:
        return found
    with tempfile.TemporaryDirectory(prefix="pycosim_brian2_build_") as name, announced(is_shown) as tell:
        folder = Path(name)
        tell("generating the program")
        _generate(plan, folder, threads)
        tell(f"compiling the program with {compiler[0]}")
        compile_program(folder, compiler, threads)
        built = folder / "built"
        built.mkdir()
        shutil.move(folder / "main", built / "main")
        shutil.move(folder / "static_arrays", built / "static_arrays")
        return cache.store(key, built)


def _generate(plan: Plan, folder: Path, threads: int) -> None:
    """Let Brian2 write the program of `plan` to `folder`."""
    # Brian2 warns that its OpenMP code is little tested; here it is, see _queues_in_order.
    logging.getLogger("brian2.devices.cpp_standalone.device.openmp").setLevel(logging.ERROR)
    n_threads = threads if threads > 1 else 0
    with brian2_session("cpp_standalone", devices__cpp_standalone__openmp_threads=n_threads) as brian2:
        device = brian2.get_device()
        device.reinit()
        device.activate(build_on_run=False)
        try:
            _write_program(plan, folder, device)
        finally:
            device.reinit()
    for header in Path(__file__).parent.glob("*.hpp"):
        shutil.copy(header, folder)
    if any(source.is_drawn for source in plan.sources):
        for file in (Path(__file__).with_name(DRAWING_UNIT), *_DRAWING):
            shutil.copy(file, folder)


def _write_program(plan: Plan, folder: Path, device: Any) -> None:
    from pycosim.backends.brian2.program import build_program

    program = build_program(plan, _DEVICE_STEP_MS)
    lines = _Lines(plan, program, device)
    device.insert_code("main", "\n".join(lines.loading()))
    # A run of no length: Brian2 generates everything and lists it in the order of the schedule.
    program.run(0, 0, 0.0)
    device.insert_code("main", "\n".join(lines.running()))
    device.build(directory=str(folder), compile=False, run=False)


class _Lines:
    """The C++ statements that move data between a program's arrays and files."""

    def __init__(self, plan: Plan, program: Program, device: Any):
        self._plan, self._program, self._device = plan, program, device

    def _array(self, owner: str, name: str) -> str:
        return self._device.get_array_name(self._program.variable(owner, name), access_data=False)

    def _fixed(self) -> Iterator[Key]:
        """Iterate over the arrays whose size is part of the program."""
        for group in self._plan.groups:
            for name in (*group.states, *group.constants, "_spikespace"):
                yield group.name, name
            for sampler in group.samplers:
                yield sampler.name, "_indices"
        for source in self._plan.sources:
            yield source.name, "_spikespace"
        for synapses in self._plan.synapses:
            for name in synapses.shared:
                yield synapses.name, name

    def _growing(self) -> Iterator[Key]:
        """Iterate over the arrays whose size is that of their file."""
        for source in self._plan.sources:
            yield source.name, "_timebins"
            yield source.name, "neuron_index"
        for synapses in self._plan.synapses:
            for pathway in synapses.pathways:
                yield pathway, "delay"
            for name in sorted({*synapses.variables} - {*synapses.shared}):
                yield synapses.name, name

    def _queues_in_order(self, synapses: SynapsesPlan, pathway: str) -> bool:
        """Return whether spikes act in the same order if each thread queues those of a range of synapses.

        They do where all that act in a step were emitted in one step, by neurons, in order of the synapses.
        """
        from_neurons = synapses.source in self._program.groups
        return from_neurons and synapses.shared_delay and pathway == synapses.pathways[0]

    def loading(self) -> Iterator[str]:
        """Iterate over the statements before Brian2 prepares the run, with queues as long as the delays."""
        yield 'const double step_s = pycosim::read<double>("network.dt")[0];'
        yield "step_clock.dt[0] = step_s;"
        for owner, name in self._fixed():
            array = self._array(owner, name)
            yield f'pycosim::load("{owner}.{name}", {array}, _num_{array});'
        for owner, name in self._growing():
            yield f'pycosim::load("{owner}.{name}", {self._array(owner, name)});'
        for synapses in self._plan.synapses:
            n, *ends = (self._array(synapses.name, x) for x in ("N", "_synaptic_pre", "_synaptic_post"))
            yield f'pycosim::load_ends("{synapses.name}", {", ".join(ends)});'
            yield f"{n}[0] = static_cast<int32_t>({ends[0]}.size());"

    def running(self) -> Iterator[str]:
        """Iterate over the statements that run and save."""
        yield 'const std::vector<int64_t> request = pycosim::read<int64_t>("network.request");'
        yield "pycosim::set_clock(step_clock, step_s, 1, request[0]);"
        if any(group.injects for group in self._plan.groups):
            yield "pycosim::load_currents();"
        for source in self._plan.sources:
            if source.is_drawn:
                names = ("_timebins", "neuron_index", "_lastindex")
                arrays = ", ".join(self._array(source.name, name) for name in names)
                capacity_and_how = f"{source.capacity}, pycosim::draw_poisson"
                yield f'pycosim::add_drawn_train("{source.name}", {arrays}, {capacity_and_how});'
        for sampler in self._plan.samplers:
            if not sampler.every_step:
                interval = f'pycosim::read<int64_t>("{sampler.name}.interval")[0]'
                yield f"pycosim::set_clock({sampler.name}_clock, step_s, {interval}, request[0]);"
        for synapses in self._plan.synapses:
            for pathway in synapses.pathways:
                if not self._queues_in_order(synapses, pathway):
                    yield f"pycosim::queue_by_one_thread({pathway}, {self._array(pathway, 'delay')});"
                yield f'pycosim::load_pending("{pathway}", {pathway});'
        yield "pycosim::run(network, step_s, request[0], request[1]);"
        yield from self._saving()
        # Not Brian2's end, which would write every array, connections included.
        yield "return 0;"

    def _saving(self) -> Iterator[str]:
        for owner, name in _state_files(self._plan):
            if name == "pending_ahead":
                yield f'pycosim::write_pending("{owner}", {owner});'
            elif name != "pending_synapses":
                array = self._array(owner, name)
                is_growing = owner in self._program.synapses
                data = f"{array}.data(), {array}.size()" if is_growing else f"{array}, _num_{array}"
                yield f'pycosim::write("{owner}.{name}", {data});'
        for group in self._plan.groups:
            if group.spikes:
                i, t = (self._array(group.monitor, name) for name in "it")
                yield f'pycosim::write("{group.monitor}.i", {i}.data(), {i}.size());'
                yield f'pycosim::write_steps("{group.monitor}.steps", {t}, step_s);'
        for sampler in self._plan.samplers:
            for name in sampler.variables:
                yield f'pycosim::write_samples("{sampler.name}.{name}", {self._array(sampler.name, name)});'
