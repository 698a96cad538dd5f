"""Watching what a simulation gives to its engine, to write it down as a script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.backends.base import Progress
from pycosim.backends.brian2.codegen import Engine, Key, Operations, Recorded
from pycosim.backends.brian2.plan import GroupPlan, Plan, SynapsesPlan, population_name
from pycosim.backends.brian2.wiring import ROWS, sources_of_rows
from pycosim.network import Network
from pycosim.network.plasticity import Column

# New in every piece of a run.
_TRAINS = ("_timebins", "neuron_index", "_spikespace")
_PENDING = ("pending_ahead", "pending_synapses")
# What Brian2's objects cannot get another value of.
_FIXED = ("delay", "_synaptic_pre", "_synaptic_post", "_indices", "interval")
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


def watched(engine: Engine, network: Network) -> Engine:
    """Return the engine of a network, or within `capturing` one that does the same and remembers it."""
    engines = _captured.get()
    if engines is None:
        return engine
    engines.append(CapturingEngine(engine, network))
    return engines[-1]


@dataclass(frozen=True)
class Change:
    """Values that a variable gets between two runs."""

    step: int
    owner: str
    name: str
    value: NDArray[Any]


class CapturingEngine:
    """An engine that remembers what another one, which does the work, was given.

    Attributes
    ----------
    plan : Plan or None
        That of all runs: what was shared by all neurons in each of them is shared.
    n_steps : int
    parameters : dict of str to dict
        PyNN's parameters at the start, by name of the group.
    data : dict of (str, str) to ndarray
        Values at the start.
    trains : dict of str to list of (steps, indices)
        Spikes of the generators, by name.
    tables : list of (n_steps, n_columns) ndarray
        Currents.
    changes : list of Change
        What was changed between runs, in order, as far as a script can say it.
    changed : str
        What else was changed; empty if nothing.
    """

    draws_poisson = False  # a script gets them as a table

    def __init__(self, engine: Engine, network: Network):
        self._engine, self._network = engine, network
        self._operations: Operations | None = None
        self.plan: Plan | None = None
        self.n_steps = 0
        self.parameters: dict[str, dict[str, Column]] = {}
        self.data: dict[Key, NDArray[Any]] = {}
        self.trains: dict[str, list[tuple[NDArray[np.int32], NDArray[np.int32]]]] = {}
        self.tables: list[NDArray[np.float64]] = []
        self.changes: list[Change] = []
        self.changed = ""
        self._now: dict[Key, NDArray[Any]] = {}
        # What has changed since the last run, which does not matter without another one.
        self._new: list[Change] = []
        self._new_other = self._new_fixed = ""

    @property
    def in_python(self) -> list[str]:
        """What Python functions do in every step, in words."""
        return self._operations.reasons() if self._operations else []

    @property
    def preparation_s(self) -> float:
        """As of the engine that does the work."""
        return self._engine.preparation_s

    def set(self, values: Mapping[Key, NDArray[Any]]) -> None:
        """Take over values."""
        values = {
            (owner, "_synaptic_pre" if name == ROWS else name): sources_of_rows(value)
            if name == ROWS
            else value
            for (owner, name), value in values.items()
        }
        for (owner, name), value in values.items():
            if self.plan is None:
                self.data[owner, name] = np.array(value)
            elif name not in _TRAINS and owner != "network":
                self._note(owner, name, np.array(value))
            self._now[owner, name] = np.array(value)
        self._engine.set(values)

    def _note(self, owner: str, name: str, value: NDArray[Any]) -> None:
        """Note that a variable gets a value between two runs."""
        if name in _PENDING:
            if not np.array_equal(self._engine.get(owner, name), value):
                synapses = owner.removesuffix("_pre")
                self._new_other = f"weights of {synapses} while spikes, which keep theirs, are on their way"
            return
        states = {(part.name, s) for part in (*self.plan.groups, *self.plan.synapses) for s in part.states}
        if (owner, name) not in states and np.array_equal(self._now.get((owner, name)), value):
            return
        if name in _FIXED:
            self._new_fixed = f"{name} of {owner}"
        else:
            self._new.append(Change(self.n_steps, owner, name, value))

    def get(self, owner: str, name: str) -> NDArray[Any]:
        """Return the present values of a variable."""
        return self._engine.get(owner, name)

    def set_operations(self, operations: Operations) -> None:
        """Call Python functions in every step, which no script has."""
        self._operations = operations
        self._engine.set_operations(operations)

    def run(self, plan: Plan, first_step: int, n_steps: int, progress: Progress | None) -> Recorded:
        """Do `n_steps` steps."""
        self.changed = self.changed or self._new_other or _difference(self.plan, plan) or self._new_fixed
        self.changes += self._new
        self._new, self._new_other, self._new_fixed = [], "", ""
        for source in plan.sources:
            train = [self._now[source.name, name] for name in ("_timebins", "neuron_index")]
            self.trains.setdefault(source.name, []).append((train[0], train[1]))
        if any(group.injects for group in plan.groups):
            self.tables.append(self._now[_CURRENTS].reshape(n_steps, -1))
        if self.plan is None:
            populations = enumerate(self._network.populations)
            self.parameters = {population_name(p, index): dict(p.parameters) for index, p in populations}
        self.plan = plan if self.plan is None else _with_less_shared(plan, self.plan)
        self.n_steps += n_steps
        return self._engine.run(plan, first_step, n_steps, progress)

    def check_open(self) -> None:
        """Raise BackendError if the engine is closed."""
        self._engine.check_open()

    def close(self) -> None:
        """Free everything but what was remembered."""
        self._engine.close()


def _with_less_shared(plan: Plan, other: Plan) -> Plan:
    """Return `plan`, in which only what is also shared in `other` is shared by neurons or synapses."""
    shared = {part.name: part.shared for part in (*other.groups, *other.synapses)}

    def both(part: GroupPlan | SynapsesPlan) -> tuple[str, ...]:
        return tuple(name for name in part.shared if name in shared.get(part.name, ()))

    groups = tuple(replace(group, shared=both(group)) for group in plan.groups)
    synapses = []
    for one in plan.synapses:
        plasticity = one.plasticity
        if plasticity is not None:
            plasticity = replace(plasticity, shared=tuple(n for n in plasticity.shared if n in both(one)))
        synapses.append(replace(one, shared_weight="weight" in both(one), plasticity=plasticity))
    return replace(plan, groups=groups, synapses=tuple(synapses))


def _difference(old: Plan | None, new: Plan) -> str:
    """Return in words what is different in two plans, besides what neurons or synapses share."""
    if old is None:
        return ""
    pairs = list(zip(old.groups, new.groups))
    for name, part in (("spikes", "which spikes are recorded"), ("samplers", "which signals are recorded")):
        if any(getattr(one, name) != getattr(other, name) for one, other in pairs):
            return part
    if any((one.injects, one.junctions) != (other.injects, other.junctions) for one, other in pairs):
        return "into which populations currents flow"
    same = _with_less_shared(new, old) == _with_less_shared(old, new)
    return "" if same else "populations or connections"
