"""Sequential mapping: neurons in order of creation, a core is filled until one of its limits is reached.

Neurons that are added to a mapped network go to the core of the neuron before them, then to cores that
hold neither neurons nor relays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim.hwmodels.description import Description
from pycosim.hwmodels.mapping.axons import AxonTable, build_axons, inputs_of_cores
from pycosim.hwmodels.mapping.memory import list_words
from pycosim.hwmodels.mapping.table import Mapping
from pycosim.network import Network

__all__ = ["sequential"]

_NO_LIMIT = np.iinfo(np.int64).max


def sequential(
    description: Description, network: Network, before: Mapping | None = None
) -> NDArray[np.int32]:
    """Return the core of each neuron, (n_neurons,) int32; -1 for spike sources.

    More cores may be used than the chip has; a neuron that breaks a limit by itself gets a core of its own.
    Both are found by the capacity check.

    Parameters
    ----------
    description : Description
    network : Network
    before : Mapping, optional
        Of the first neurons of the network, which stay where they are.
    """
    per_core = _most_per_core(description, network)
    core_of_neuron = np.full(network.n_neurons, -1, np.int32)
    n_placed = 0 if before is None else len(before.core_of_neuron)
    if before is not None:
        core_of_neuron[:n_placed] = before.core_of_neuron
    neurons = n_placed + np.flatnonzero(~network.source_mask()[n_placed:])
    first_core, here = _open_core(core_of_neuron[:n_placed], per_core)
    cores = _free_cores(before, first_core, len(neurons))
    in_order = _in_order(per_core[np.concatenate((here, neurons))])[len(here) :]
    core_of_neuron[neurons] = cores[in_order]
    rules = description.mapping
    axons = build_axons(network, core_of_neuron, rules.delay_in_axon, rules.receptor_in_axon)
    if not _all_fit(description, axons):
        core_of_neuron[neurons] = cores[_fill(description, network, here, neurons, per_core)]
    return core_of_neuron


def _open_core(placed: NDArray[np.int32], per_core: NDArray[np.int64]) -> tuple[int, NDArray[np.int64]]:
    """Return the core that was filled last, and the neurons there; -1 and none if it has no room."""
    on_chip = np.flatnonzero(placed >= 0)
    core = int(placed[on_chip[-1]]) if len(on_chip) else -1
    here = np.flatnonzero(placed == core) if core >= 0 else on_chip
    return (core, here) if len(here) and len(here) < per_core[here].min() else (-1, on_chip[:0])


def _free_cores(before: Mapping | None, first_core: int, n: int) -> NDArray[np.int32]:
    """Return cores that `n` neurons can take, in order: `first_core` unless it is -1, then unused ones."""
    used = np.empty(0, np.int64) if before is None else before.cores_used
    free = np.setdiff1d(np.arange(len(used) + n + 1), used)
    return np.append([first_core] if first_core >= 0 else [], free).astype(np.int32)


def _most_per_core(description: Description, network: Network) -> NDArray[np.int64]:
    """Return how many neurons a core with this neuron may have, (n_neurons,) int64."""
    hard = description.capacity.neurons_per_core.value
    preferred = description.mapping.neurons_per_core
    most = max(1, min(hard, preferred.value if preferred is not None else hard))
    wanted = [min(most, population.neurons_per_core or most) for population in network.populations]
    return np.repeat(np.array(wanted, np.int64), [population.size for population in network.populations])


def _in_order(per_core: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the core of each neuron, where a core has at most as many as each of its neurons allows."""
    core_of_neuron = np.empty(len(per_core), np.int64)
    starts = np.flatnonzero(np.diff(per_core, prepend=-1))
    core, used, allowed = 0, 0, _NO_LIMIT
    for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(per_core)]):
        most = int(per_core[start])
        allowed = min(allowed, most)
        room = max(0, min(allowed - used, stop - start))
        core_of_neuron[start : start + room] = core
        rest = stop - start - room
        used += room
        if rest:
            core_of_neuron[start + room : stop] = core + 1 + np.arange(rest) // most
            core += -(-rest // most)
            used, allowed = (rest - 1) % most + 1, most
    return core_of_neuron


def _limit(constant: object) -> int:
    return getattr(constant, "value", _NO_LIMIT)


def _all_fit(description: Description, axons: AxonTable) -> bool:
    """Return whether no core exceeds what the filling watches."""
    capacity = description.capacity
    synapses = np.bincount(axons.core, axons.synapses)
    fits = np.bincount(axons.core).max(initial=0) <= _limit(capacity.axons_per_core)
    fits &= synapses.max(initial=0) <= _limit(capacity.synapses_per_core)
    if capacity.synapse_words_per_core is not None and description.synapse_memory is not None:
        words = np.bincount(axons.core, list_words(description.synapse_memory, axons.synapses))
        fits &= words.max(initial=0) <= capacity.synapse_words_per_core.value
    return bool(fits)


def _fill(
    description: Description,
    network: Network,
    here: NDArray[np.int64],
    neurons: NDArray[np.int64],
    per_core: NDArray[np.int64],
) -> list[int]:
    """Place neurons one by one, and return their cores, counted from that of the neurons `here`."""
    rules = description.mapping
    first, inputs, n_inputs = inputs_of_cores(network, rules.delay_in_axon, rules.receptor_in_axon)
    filling = _Filling(description, n_inputs)
    for neuron in here:
        filling.place(inputs[first[neuron] : first[neuron + 1]], per_core[neuron], stays=True)
    return [filling.place(inputs[first[i] : first[i + 1]], per_core[i]) for i in neurons]


class _Filling:
    """The core that is being filled, and how much of it is in use."""

    def __init__(self, description: Description, n_inputs: int):
        capacity = description.capacity
        self.memory = description.synapse_memory if capacity.synapse_words_per_core is not None else None
        self.limits = np.array(
            [
                _NO_LIMIT,
                _limit(capacity.axons_per_core),
                _limit(capacity.synapses_per_core),
                _limit(capacity.synapse_words_per_core),
            ]
        )
        self.used = np.zeros(4, np.int64)
        self.core = 0
        # Core that an input was last seen at, and its synapses there.
        self.seen = np.full(n_inputs, -1, np.int32)
        self.synapses = np.zeros(n_inputs, np.int32)

    def place(self, inputs: NDArray[np.int64], most: int, *, stays: bool = False) -> int:
        """Put one neuron on the present core, or on the next; return the core.

        Parameters
        ----------
        inputs : (n,) int64 ndarray
        most : int
            Neurons that the core may have, this one included.
        stays : bool
            Whether the neuron is on the present core already.
        """
        names, counts = np.unique(inputs, return_counts=True)
        before = np.where(self.seen[names] == self.core, self.synapses[names], 0)
        needs = self._needs(before, counts)
        self.limits[0] = min(self.limits[0], most)
        if not stays and self.used[0] and np.any(self.used + needs > self.limits):
            self.core += 1
            self.used[:] = 0
            self.limits[0] = most
            before = np.zeros_like(before)
            needs = self._needs(before, counts)
        self.used += needs
        self.seen[names] = self.core
        self.synapses[names] = before + counts
        return self.core

    def _needs(self, before: NDArray[np.int32], counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return what one more neuron needs: neurons, axons, synapses, words."""
        words = 0
        if self.memory is not None:
            words = np.sum(list_words(self.memory, before + counts) - list_words(self.memory, before))
        return np.array([1, np.count_nonzero(before == 0), counts.sum(), words])
