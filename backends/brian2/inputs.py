"""The spikes of sources, as the trains of Brian2's SpikeGeneratorGroups."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pycosim.backends.brian2.codegen import Engine
from pycosim.backends.brian2.plan import SourcePlan
from pycosim.network import Network
from pycosim.network.inputs import poisson_columns, source_spikes

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
    is_recorded : callable
        Whether spikes of a population are recorded, by its index.
    """

    def __init__(
        self,
        network: Network,
        engine: Engine,
        names: list[str],
        connected: set[int],
        is_recorded: Callable[[int], bool],
    ):
        self._network, self._engine, self._names = network, engine, names
        self._is_recorded = is_recorded
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
        return [
            SourcePlan(self._names[index], capacity, self._is_drawn(index))
            for index, capacity in self._capacities.items()
        ]

    def _is_drawn(self, index: int) -> bool:
        """Return whether the program draws the spikes of a population, which nobody else needs then."""
        is_poisson = self._network.populations[index].model == "SpikeSourcePoisson"
        return self._engine.draws_poisson and is_poisson and not self._is_recorded(index)

    def piece(self, step: int, n_steps: int) -> int:
        """Return how many of the next `n_steps` steps can be done at once."""
        rate_per_step = sum(
            float(self._network.populations[i].column("rate").sum()) * self._network.dt_ms / 1000
            for i in self._all
            if self._network.populations[i].model == "SpikeSourcePoisson" and not self._is_drawn(i)
        )
        return min(n_steps, max(1, int(MAX_SPIKES_PER_PIECE / max(rate_per_step, 1e-9))))

    def emit(self, first: int, last: int) -> dict[int, Spikes]:
        """Send the spikes of the steps from `first` to `last` to the generators, and return them.

        Those of step 0, where nothing else happens, go to the array of spikes of the present step. Spikes
        that the program draws are not returned.
        """
        spikes = {}
        for index in self._all:
            is_drawn = self._is_drawn(index)
            until = last if not is_drawn else 0 if first == 0 else first - 1
            steps, indices = source_spikes(self._network, index, first, until)
            if not is_drawn:
                spikes[index] = steps, indices
            if index in self._capacities:
                most = int(np.bincount(steps - first).max(initial=0))
                if is_drawn:
                    most = max(most, self._send_rates(index))
                self._send_spikes(index, steps, indices, first, most)
        return spikes

    def _send_spikes(
        self, index: int, steps: NDArray[np.int64], indices: NDArray[np.int64], first: int, most: int
    ) -> None:
        """Send a population's spikes, at most `most` of which are in one step, from step `first` on."""
        capacity = capacity_for(most, self._capacities[index])
        if capacity > self._capacities[index]:
            self._set_capacity(index, capacity)
        now = 0
        if first == 0:
            now = int(np.searchsorted(steps, 1))
            present = spikespace(indices[:now], self._capacities[index])
            self._engine.set({(self._names[index], "_spikespace"): present})
        send_train(self._engine, self._names[index], steps[now:], indices[now:])

    def _send_rates(self, index: int) -> int:
        """Send what the program draws a population's spikes from; return more than it draws in any step."""
        columns = poisson_columns(self._network, index)
        name = self._names[index]
        key = np.array([columns.seed, columns.stream], np.uint64).view(np.int64)
        self._engine.set(
            {
                (name, "poisson_rates"): columns.rate_per_step,
                (name, "poisson_active"): np.concatenate([columns.first_step, columns.last_step]),
                (name, "poisson_key"): key,
            }
        )
        mean = float(columns.rate_per_step.sum())
        return int(mean + 12 * math.sqrt(mean) + 50)  # exceeded with a probability below 1e-25
