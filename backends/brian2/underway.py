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
from pycosim.backends.brian2.plan import SourcePlan, SynapsesPlan, pathway_name

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


def sent_now(
    engine: Engine, population: str, pathway: str, synapses: str, side: str
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return what waits in the queue of a pathway once the spikes of the present step are sent.

    Brian2 itself sends them in the next step.

    Returns
    -------
    ahead, synapses : (n,) int32 ndarray
        Number of steps until each acts, 0 for the next, and through which synapse.
    """
    waiting = [engine.get(pathway, name) for name in ("pending_ahead", "pending_synapses")]
    space = engine.get(population, "_spikespace")
    if not len(space) or not space[-1]:
        return waiting[0], waiting[1]
    spikes = space[: space[-1]]
    ends, delays = engine.get(synapses, f"_synaptic_{side}"), engine.get(pathway, "delay")
    order = np.argsort(ends, kind="stable")
    starts, stops = (np.searchsorted(ends, spikes, end, order) for end in ("left", "right"))
    sent = np.concatenate([order[start:stop] for start, stop in zip(starts, stops)])
    ahead = np.broadcast_to(delays, len(ends))[sent] - 1
    both = zip(waiting, (ahead, sent))
    ahead, sent = (np.concatenate([old, new.astype(np.int32)]) for old, new in both)
    return ahead, sent


def send_present_spikes(engine: Engine, population: str, listeners: list[tuple[str, str, str]]) -> None:
    """Put the spikes of the present step into the queues of pathways.

    Parameters
    ----------
    engine : Engine
    population : str
    listeners : list of (str, str, str)
        All pathways that the population's spikes go to: names of the pathway and of the synapses, and side.
    """
    space = engine.get(population, "_spikespace")
    if not len(space) or not space[-1]:
        return
    for pathway, synapses, side in listeners:
        waiting = sent_now(engine, population, pathway, synapses, side)
        for name, values in zip(("pending_ahead", "pending_synapses"), waiting):
            engine.set({(pathway, name): values})
    engine.set({(population, "_spikespace"): spikespace(space[:0], len(space) - 1)})


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
        """Take the spikes that wait for static synapses at the end of `step` out of their queue."""
        pathway = pathway_name(synapses, "pre")
        ahead = self._engine.get(pathway, "pending_ahead")
        if not len(ahead):
            return
        waiting = self._engine.get(pathway, "pending_synapses")
        weights = self._engine.get(synapses, "weight")
        targets = self._engine.get(synapses, "_synaptic_post")[waiting]
        amounts = np.broadcast_to(weights, len(waiting)) if len(weights) == 1 else weights[waiting]
        self.add(target, receptor, step, step + 1 + ahead.astype(np.int64), targets, amounts)
        nothing = np.empty(0, np.int32)
        self._engine.set({(pathway, name): nothing for name in ("pending_ahead", "pending_synapses")})

    def add(
        self,
        target: str,
        receptor: str,
        step: int,
        steps: NDArray[np.int64],
        targets: NDArray[np.int32],
        amounts: NDArray[np.float64],
    ) -> None:
        """Let `amounts` act on neurons `targets` of the population `target` at `steps`, all after `step`."""
        events = self._events.setdefault((target, receptor), _Events(target, receptor))
        events.forget_until(step)
        events.add(steps, targets.astype(np.int64), amounts)
        events.capacity = capacity_for(len(events.steps), events.capacity)

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
                    (pathway_name(events.synapses, "pre"), "delay"): np.ones(1, np.int64),
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
