"""Watching what a simulation gives to its engine, to write it down as a script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.backends.base import Progress
from pycosim.backends.brian2.codegen import Engine, Key, Operations, Recorded
from pycosim.backends.brian2.plan import Plan

# New in every piece of a run.
_TRAINS = ("_timebins", "neuron_index", "_spikespace")
_CURRENTS = ("network", "currents")
_captured: ContextVar[list[CapturingEngine] | None] = ContextVar("captured", default=None)


@contextmanager
def capturing() -> Iterator[list[CapturingEngine]]:
    """Give a list to which every engine is added that `watched` gets within the block."""
    engines: list[CapturingEngine] = []
    token = _captured.set(engines)
    try:
        yield engines
    finally:
        _captured.reset(token)


def watched(engine: Engine) -> Engine:
    """Return `engine`, or within `capturing` one that does the same and remembers it."""
    engines = _captured.get()
    if engines is None:
        return engine
    engines.append(CapturingEngine(engine))
    return engines[-1]


class CapturingEngine:
    """An engine that remembers what another one, which does the work, was given.

    Attributes
    ----------
    plan : Plan or None
        That of the run.
    n_steps : int
    data : dict of (str, str) to ndarray
        Values at the start.
    trains : dict of str to list of (steps, indices)
        Spikes of the generators, by name.
    tables : list of (n_steps, n_columns) ndarray
        Currents.
    changed : str
        What was changed during the run, so that no single program does the same; empty if nothing.
    """

    draws_poisson = False  # a script gets them as a table

    def __init__(self, engine: Engine):
        self._engine = engine
        self.plan: Plan | None = None
        self.n_steps = 0
        self.data: dict[Key, NDArray[Any]] = {}
        self.trains: dict[str, list[tuple[NDArray[np.int32], NDArray[np.int32]]]] = {}
        self.tables: list[NDArray[np.float64]] = []
        self.changed = ""
        self._now: dict[Key, NDArray[Any]] = {}

    @property
    def preparation_s(self) -> float:
        """As of the engine that does the work."""
        return self._engine.preparation_s

    def set(self, values: Mapping[Key, NDArray[Any]]) -> None:
        """Take over values."""
        for (owner, name), value in values.items():
            self._now[owner, name] = np.array(value)
            if self.plan is None:
                self.data[owner, name] = np.array(value)
            elif name in _TRAINS or (owner == "network"):
                continue
            elif not np.array_equal(self.data.get((owner, name)), value):
                self.changed = self.changed or f"{name} of {owner}"
        self._engine.set(values)

    def get(self, owner: str, name: str) -> NDArray[Any]:
        """Return the present values of a variable."""
        return self._engine.get(owner, name)

    def set_operations(self, operations: Operations) -> None:
        """Call Python functions in every step, which no script has."""
        self.changed = "synapses, by structural plasticity,"
        self._engine.set_operations(operations)

    def run(self, plan: Plan, first_step: int, n_steps: int, progress: Progress | None) -> Recorded:
        """Do `n_steps` steps."""
        if self.plan is not None and plan != self.plan:
            self.changed = self.changed or "what is recorded, or connected"
        for source in plan.sources:
            train = [self._now[source.name, name] for name in ("_timebins", "neuron_index")]
            self.trains.setdefault(source.name, []).append((train[0], train[1]))
        if any(group.injects for group in plan.groups):
            self.tables.append(self._now[_CURRENTS].reshape(n_steps, -1))
        self.plan = plan
        self.n_steps += n_steps
        return self._engine.run(plan, first_step, n_steps, progress)

    def check_open(self) -> None:
        """Raise BackendError if the engine is closed."""
        self._engine.check_open()

    def close(self) -> None:
        """Free everything but what was remembered."""
        self._engine.close()
