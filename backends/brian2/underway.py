"""Spikes that are under way when weights change: they keep the weight they were emitted with.

Brian2 reads a weight when the spike arrives. Such spikes are therefore taken out of Brian2's queues and
become events of a generator of their own, each with a synapse of the old weight.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pycosim.backends.brian2.codegen import Engine
from pycosim.backends.brian2.inputs import capacity_for, send_train, spikespace
from pycosim.backends.brian2.plan import SourcePlan, SynapsesPlan

_SMALLEST = 64


@dataclass
class _Events:
    """The events for one receptor of one population, ordered by step; sums per (step, target)."""

    target: str
    receptor: str
    capacity: int = _SMALLEST
    steps: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    targets: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    weights: NDArray[np.float64] = field(default_factory=lambda: np.empty(0, np.float64))

    @property
    def source(self) -> str:
        return f"{self.target}_{self.receptor}_underway"

    @property
    def synapses(self) -> str:
        return f"{self.source}_synapses"

    def add(self, steps: NDArray[np.int64], targets: NDArray[np.int64], weights: NDArray[np.float64]) -> None:
        places = np.stack([np.concatenate([self.steps, steps]), np.concatenate([self.targets, targets])])
        places, which = np.unique(places, axis=1, return_inverse=True)
        sums = np.bincount(which.reshape(-1), np.concatenate([self.weights, weights]), places.shape[1])
        self.steps, self.targets, self.weights = *places, sums

    def forget_until(self, step: int) -> None:
        later = self.steps > step
        self.steps, self.targets, self.weights = self.steps[later], self.targets[later], self.weights[later]


def send_present_spikes(engine: Engine, source: str, synapses: list[str]) -> None:
    """Put the spikes of the present step, which Brian2 sends in the next, into the queues of `synapses`.

    Parameters
    ----------
    engine : Engine
    source : str
    synapses : list of str
        All that begin at `source`.
    """
    space = engine.get(source, "_spikespace")
    if not len(space) or not space[-1]:
        return
    spikes = space[: space[-1]]
    for name in synapses:
        pre, delays = engine.get(name, "_synaptic_pre"), engine.get(name, "delay")
        order = np.argsort(pre, kind="stable")
        starts, stops = (np.searchsorted(pre, spikes, side, order) for side in ("left", "right"))
        sent = np.concatenate([order[start:stop] for start, stop in zip(starts, stops)]).astype(np.int32)
        ahead = np.broadcast_to(delays, len(pre))[sent] - 1
        pending = {"pending_ahead": ahead, "pending_synapses": sent}
        engine.set(
            {
                (name, variable): np.concatenate([engine.get(name, variable), values.astype(np.int32)])
                for variable, values in pending.items()
            }
        )
    engine.set({(source, "_spikespace"): spikespace(spikes[:0], len(space) - 1)})


class UnderWay:
    """All spikes under way whose synapses have changed since.

    Parameters
    ----------
    engine : Engine
    """

    def __init__(self, engine: Engine):
        self._engine = engine
        self._events: dict[tuple[str, str], _Events] = {}

    def take(self, synapses: str, target: str, receptor: str, step: int) -> None:
        """Take the spikes that wait for `synapses` at the end of `step` out of their queue."""
        ahead = self._engine.get(synapses, "pending_ahead")
        if not len(ahead):
            return
        waiting = self._engine.get(synapses, "pending_synapses")
        weights = self._engine.get(synapses, "weight")
        targets = self._engine.get(synapses, "_synaptic_post")[waiting]
        events = self._events.setdefault((target, receptor), _Events(target, receptor))
        events.forget_until(step)
        events.add(
            step + 1 + ahead.astype(np.int64),
            targets.astype(np.int64),
            np.broadcast_to(weights, len(waiting)) if len(weights) == 1 else weights[waiting],
        )
        events.capacity = capacity_for(len(events.steps), events.capacity)
        nothing = np.empty(0, np.int32)
        self._engine.set({(synapses, name): nothing for name in ("pending_ahead", "pending_synapses")})

    def emit(self, step: int) -> None:
        """Send the events that act after `step` to their generators, which emit one step before."""
        for events in self._events.values():
            events.forget_until(step)
            n = len(events.steps)
            order = np.arange(n)
            now = int(np.searchsorted(events.steps, step + 2))
            send_train(self._engine, events.source, events.steps[now:] - 1, order[now:])
            post, weights = np.zeros(events.capacity, np.int32), np.zeros(events.capacity)
            post[:n], weights[:n] = events.targets, events.weights
            self._engine.set(
                {
                    (events.source, "_spikespace"): spikespace(order[:now], events.capacity),
                    (events.synapses, "_synaptic_pre"): np.arange(events.capacity, dtype=np.int32),
                    (events.synapses, "_synaptic_post"): post,
                    (events.synapses, "weight"): weights,
                    (events.synapses, "delay"): np.ones(1, np.int64),
                }
            )

    def sources(self) -> list[SourcePlan]:
        """Return the plan of the generators."""
        return [SourcePlan(events.source, events.capacity) for events in self._events.values()]

    def synapses(self) -> list[SynapsesPlan]:
        """Return the plan of their synapses."""
        return [
            SynapsesPlan(events.synapses, events.source, events.target, events.receptor, False, True)
            for events in self._events.values()
        ]
