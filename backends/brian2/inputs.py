"""The spikes of sources, as the trains of Brian2's SpikeGeneratorGroups."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim.backends.brian2.codegen import Engine
from pycosim.backends.brian2.plan import SourcePlan
from pycosim.network import Network
from pycosim.network.inputs import source_spikes

Spikes = tuple[NDArray[np.int64], NDArray[np.int64]]

# Longer runs are cut into pieces so that the spikes of one piece fit into memory (16 bytes each).
MAX_SPIKES_PER_PIECE = 20_000_000


def spikespace(indices: NDArray[np.int64], capacity: int) -> NDArray[np.int32]:
    """Return Brian2's array of the spikes of one step: indices, unused places, at the end their number."""
    values = np.zeros(capacity + 1, np.int32)
    values[: len(indices)] = indices
    values[-1] = len(indices)
    return values


def capacity_for(needed: int, at_least: int) -> int:
    """Return a capacity that stays the same for many needs, so that programs can be used again."""
    return max(at_least, 1 << max(0, needed - 1).bit_length()) if needed > at_least else at_least


def send_train(engine: Engine, name: str, steps: NDArray[np.int64], indices: NDArray[np.int64]) -> None:
    """Give a generator the spikes of the coming steps."""
    engine.set(
        {(name, "_timebins"): steps.astype(np.int32), (name, "neuron_index"): indices.astype(np.int32)}
    )


class Inputs:
    """The sources of a network.

    A source's spikes in one step are repeated in the generator's array of spikes, which is large enough
    for the step with most.

    Parameters
    ----------
    network : Network
    engine : Engine
    names : list of str
        Of all populations.
    connected : set of int
        Populations that have synapses.
    """

    def __init__(self, network: Network, engine: Engine, names: list[str], connected: set[int]):
        self._network, self._engine, self._names = network, engine, names
        self._capacities: dict[int, int] = {}
        self.find_sources(connected)

    def find_sources(self, connected: set[int]) -> None:
        """Look for sources, and for those that have synapses, in a network that is new or has grown."""
        populations = self._network.populations
        self._all = [i for i, population in enumerate(populations) if population.is_source]
        for index in self._all:
            if index in connected and index not in self._capacities:
                self._set_capacity(index, populations[index].size)

    def _set_capacity(self, index: int, capacity: int) -> None:
        """Make room; spikes of the present step, which the program still has to send, are kept."""
        space = self._engine.get(self._names[index], "_spikespace")
        indices = space[: space[-1]] if len(space) else np.empty(0, np.int64)
        self._capacities[index] = capacity
        self._engine.set({(self._names[index], "_spikespace"): spikespace(indices, capacity)})

    def sources(self) -> list[SourcePlan]:
        """Return the plan of the sources that have synapses."""
        return [SourcePlan(self._names[index], capacity) for index, capacity in self._capacities.items()]

    def piece(self, step: int, n_steps: int) -> int:
        """Return how many of the next `n_steps` steps can be done at once."""
        rate_per_step = sum(
            float(self._network.populations[i].column("rate").sum()) * self._network.dt_ms / 1000
            for i in self._all
            if self._network.populations[i].model == "SpikeSourcePoisson"
        )
        return min(n_steps, max(1, int(MAX_SPIKES_PER_PIECE / max(rate_per_step, 1e-9))))

    def emit(self, first: int, last: int) -> dict[int, Spikes]:
        """Send the spikes of the steps from `first` to `last` to the generators, and return all of them.

        Those of step 0, where nothing else happens, go to the array of spikes of the present step.
        """
        spikes = {i: source_spikes(self._network, i, first, last) for i in self._all}
        for index in self._capacities:
            steps, indices = spikes[index]
            now = 0
            most = int(np.bincount(steps - first).max(initial=0))
            capacity = capacity_for(most, self._capacities[index])
            if capacity > self._capacities[index]:
                self._set_capacity(index, capacity)
            if first == 0:
                now = int(np.searchsorted(steps, 1))
                present = spikespace(indices[:now], self._capacities[index])
                self._engine.set({(self._names[index], "_spikespace"): present})
            send_train(self._engine, self._names[index], steps[now:], indices[now:])
        return spikes
