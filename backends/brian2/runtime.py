"""Brian2's runtime mode: the objects live in this process and every step runs Cython or NumPy code."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.backends.base import Progress
from pycosim.backends.brian2 import cache
from pycosim.backends.brian2.announce import announced
from pycosim.backends.brian2.codegen import Key, Operations, brian2_session, closed_error
from pycosim.backends.brian2.compiler import KERNEL_FLAGS, NATIVE_FLAG
from pycosim.backends.brian2.plan import Plan
from pycosim.backends.brian2.rounds import run_in_rounds
from pycosim.backends.brian2.wiring import ROWS, sources_of_rows

_PENDING = ("pending_ahead", "pending_synapses")


class RuntimeEngine:
    """Runs Brian2 objects in this process.

    Parameters
    ----------
    dt_ms : float
    target : {"cython", "numpy"}
    """

    draws_poisson = False

    def __init__(self, dt_ms: float, target: str):
        self._dt_ms, self._target = dt_ms, target
        self._dt_s = float(np.float32(dt_ms * 1e-3))
        self._plan: Plan | None = None
        self._program: Any = None
        self._data: dict[Key, NDArray[Any]] = {}
        self._is_saved, self._is_closed = True, False
        self._operations: Operations | None = None
        self.preparation_s = 0.0

    def set(self, values: Mapping[Key, NDArray[Any]]) -> None:
        """Take over values; what no object holds yet is kept for the next program."""
        for (owner, name), value in values.items():
            if name in ("_spikespace", *_PENDING):
                self._save_state()
            if name == ROWS:
                self._data[owner, "_synaptic_pre"] = sources_of_rows(value)
                continue
            self._data[owner, name] = np.array(value)
            if self._program is not None:
                self._apply(owner, name)

    def get(self, owner: str, name: str) -> NDArray[Any]:
        """Return the present values of a variable."""
        self._save_state()
        return self._data.get((owner, name), np.empty(0, np.int32))

    def _apply(self, owner: str, name: str) -> None:
        """Give one of the values to the object that holds it, if there is one."""
        program, value = self._program, self._data[owner, name]
        if owner in program.sources and name in ("neuron_index", "_timebins"):
            _resize_and_set(program.sources[owner], name, value)
        elif owner in program.pathways:
            if name in _PENDING:
                pending = [self._data.get((owner, n)) for n in _PENDING]
                _set_pending(program.pathways[owner].queue, self._dt_s, *pending)
            else:
                # Brian2 sends a spike in the step after it, see SCHEDULE.
                _set_if_it_fits(program.variable(owner, name), (value - 1) * self._dt_s)
        elif owner in program.synapses and name != "_synaptic_pre":
            if name in program.synapses[owner].variables:
                _set_if_it_fits(program.variable(owner, name), value)
        elif owner in program.samplers and name == "interval":
            clock = program.samplers[owner].clock
            clock.variables["dt"].set_value(float(value[0]) * self._dt_s)
            clock._old_dt = None  # a run may begin at a step that is not a multiple of the new interval
        elif owner in program.groups:
            # What gap junctions or currents need is new in a population that had none.
            if name in program.groups[owner].variables:
                _set_if_it_fits(program.variable(owner, name), value)
        elif owner in program.samplers or owner in program.sources:
            _set_if_it_fits(program.variable(owner, name), value)

    def set_operations(self, operations: Operations) -> None:
        """Call Python functions in every step; the next run builds a program that does."""
        self._save_state()
        self._operations, self._plan = operations, None

    def _currents_at(self, step: int) -> NDArray[np.float64]:
        first, n_columns = self._data["network", "currents_shape"]
        begin = (step - first) * n_columns
        return self._data["network", "currents"][begin : begin + n_columns]

    def _save_state(self) -> None:
        """Copy what the last run has changed from the objects to `_data`."""
        if self._is_saved:
            return
        self._is_saved = True
        for group in self._plan.groups:
            for name in (*group.states, "_spikespace"):
                self._data[group.name, name] = self._program.variable(group.name, name).get_value().copy()
        for source in self._plan.sources:
            self._data[source.name, "_spikespace"] = (
                self._program.variable(source.name, "_spikespace").get_value().copy()
            )
        for synapses in self._plan.synapses:
            for name in synapses.states:
                self._data[synapses.name, name] = (
                    self._program.variable(synapses.name, name).get_value().copy()
                )
            for pathway in synapses.pathways:
                pending = _pending(self._program.pathways[pathway].queue)
                self._data.update(zip(((pathway, name) for name in _PENDING), pending))

    def _build(self, plan: Plan) -> None:
        from pycosim.backends.brian2.program import add_operations, build_program

        self._save_state()
        self._plan, self._program = plan, build_program(plan, self._dt_ms, self._currents_at)
        if self._operations is not None:
            add_operations(self._program, self._operations)
        for name, synapses in self._program.synapses.items():
            synapses.connect(i=self._data[name, "_synaptic_pre"], j=self._data[name, "_synaptic_post"])
        for owner, name in self._data:
            self._apply(owner, name)
        if self._target == "numpy":
            for synapses in plan.synapses:
                if synapses.plasticity:
                    run_in_rounds(self._program.pathways[synapses.pathways[0]])

    def run(self, plan: Plan, first_step: int, n_steps: int, progress: Progress | None) -> RecordedArrays:
        """Run the program of `plan` for `n_steps` steps."""
        with self._session(), ExitStack() as line:
            if plan != self._plan:
                started = time.perf_counter()

                def ready() -> None:
                    self.preparation_s += time.perf_counter() - started
                    line.close()

                tell = line.enter_context(announced(progress is None))
                tell("generating NumPy code" if self._target == "numpy" else "compiling with Cython")
                self._build(plan)
                self._program.call_when_ready(ready)
            self._is_saved = False
            self._program.run(first_step, n_steps, self._dt_s)
            recorded = RecordedArrays(self._program, self._dt_s)
        if progress:
            progress(n_steps)
        return recorded

    def _session(self) -> AbstractContextManager[ModuleType]:
        preferences: dict[str, Any] = {"codegen__target": self._target}
        if self._target == "cython":
            preferences["codegen__runtime__cython__cache_dir"] = cache.cython_folder()
            preferences["codegen__cpp__extra_compile_args_gcc"] = [
                "-w",
                "-std=c++11",
                *KERNEL_FLAGS,
                NATIVE_FLAG,
            ]
        return brian2_session("runtime", **preferences)

    def check_open(self) -> None:
        """Raise BackendError if the objects are forgotten."""
        if self._is_closed:
            raise closed_error()

    def close(self) -> None:
        """Forget all objects."""
        self._is_closed = True
        self._program = self._plan = None
        self._data.clear()


class RecordedArrays:
    """What a program's monitors recorded; they are emptied."""

    def __init__(self, program: Any, dt_s: float):
        self._spikes = {}
        for name, monitor in program.monitors.items():
            steps = np.rint(np.asarray(monitor.t_) / dt_s).astype(np.int64)
            self._spikes[name] = steps, np.asarray(monitor.i).astype(np.int64)
            monitor.resize(0)
            monitor.variables["N"].set_value(0)
        self._samples = {}
        for name, sampler in program.samplers.items():
            for variable in sampler.record_variables:
                self._samples[name, variable] = np.array(sampler.variables[variable].get_value())
            sampler.resize(0)

    def spikes(self, monitor: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return steps and indices, ordered by (step, index)."""
        return self._spikes[monitor]

    def samples(self, sampler: str, variable: str) -> NDArray[np.float64]:
        """Return samples, (n_samples, n_neurons)."""
        return self._samples[sampler, variable]


def _set_if_it_fits(variable: Any, value: NDArray[Any]) -> None:
    """Set a variable, unless its size has changed: a new program follows then."""
    if variable.size == len(value):
        variable.set_value(value)


def _resize_and_set(source: Any, name: str, value: NDArray[Any]) -> None:
    source.variables[name].resize(len(value))
    source.variables[name].set_value(value)
    source.variables["_lastindex"].set_value(0)
    # Otherwise Brian2 computes the bins itself, from times, and refuses two spikes of a source in a step.
    source._spikes_changed = False
    source._previous_dt = source.dt_


def _pending(queue: Any) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the spikes that wait in a queue: steps until each acts (0: the next), and its synapse."""
    if hasattr(queue, "_extract_spikes"):
        ahead, synapses = queue._extract_spikes().T
        order = np.argsort(ahead, kind="stable")
        return ahead[order].astype(np.int32), synapses[order].astype(np.int32)
    offset, slots = queue._full_state()
    slots = [*slots[offset:], *slots[:offset]]
    ahead = np.repeat(np.arange(len(slots), dtype=np.int32), [len(slot) for slot in slots])
    return ahead, np.array([synapse for slot in slots for synapse in slot], np.int32)


def _set_pending(
    queue: Any, dt_s: float, ahead: NDArray[np.int32] | None, synapses: NDArray[np.int32] | None
) -> None:
    if ahead is None or synapses is None or len(ahead) != len(synapses):
        return
    n_slots = int(ahead.max(initial=0)) + 1
    if hasattr(queue, "_extract_spikes"):
        per_slot = np.bincount(ahead, minlength=n_slots)
        spikes = np.stack([ahead, synapses], axis=1)
        queue._restore_from_full_state((dt_s, spikes, (n_slots, max(1, int(per_slot.max())))))
    else:
        queue._restore_from_full_state((0, [synapses[ahead == slot].tolist() for slot in range(n_slots)]))
