"""The result of mapping a network to a chip."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pycosim.hwmodels.mapping.axons import AxonTable

__all__ = ["Mapping", "places_in_groups"]

Int32 = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Mapping:
    """Where each neuron lives and how its spikes travel.

    Attributes
    ----------
    core_of_neuron : (n_neurons,) int32
        -1 for spike sources, which live outside the chip.
    axons : AxonTable
    relay_core : (n_neurons,) int32
        Core with the relays (splitters) of a neuron; -1 where its packets need none.
    relay_place : (n_axons,) int32
        Place of the relay that sends for the axon, in the order in which its core works; -1 if there is none.
    units_of_neuron : (n_neurons,) int32
        Units of a core that a neuron takes, each of which is updated in every step; a relay takes one.
    """

    core_of_neuron: Int32
    axons: AxonTable
    relay_core: Int32
    relay_place: Int32
    units_of_neuron: Int32

    @property
    def n_cores(self) -> int:
        """Number of cores up to the last that is used."""
        return int(max(self.core_of_neuron.max(initial=-1), self.relay_core.max(initial=-1))) + 1

    @property
    def n_relays(self) -> int:
        """Number of relays on all cores."""
        return int(np.count_nonzero(self.relay_place >= 0))

    @cached_property
    def place_of_neuron(self) -> Int32:
        """Place of each neuron in the order of its core's work, (n_neurons,) int32; not for sources."""
        return places_in_groups(self.core_of_neuron)

    @cached_property
    def units_before(self) -> NDArray[np.int64]:
        """Units that a core updates before the last one of a neuron, (n_neurons,) int64; not for sources."""
        order = np.argsort(self.core_of_neuron, kind="stable")
        core, through = self.core_of_neuron[order], np.cumsum(self.units_of_neuron[order])
        starts = np.flatnonzero(np.diff(core, prepend=-2))
        before_core = np.concatenate(([0], through))[starts]
        result = np.empty(len(order), np.int64)
        result[order] = through - np.repeat(before_core, np.diff(starts, append=len(core))) - 1
        return result

    @cached_property
    def units_of_core(self) -> NDArray[np.int64]:
        """Units that each core updates for its neurons and relays, (n_cores,) int64."""
        placed = self.core_of_neuron >= 0
        units = np.bincount(self.core_of_neuron[placed], self.units_of_neuron[placed], self.n_cores)
        return units.astype(np.int64) + self.relays_of_core

    @cached_property
    def neurons_of_core(self) -> NDArray[np.int64]:
        """Number of neurons on each core, (n_cores,) int64."""
        return _count(self.core_of_neuron, self.n_cores)

    @cached_property
    def relays_of_core(self) -> NDArray[np.int64]:
        """Number of relays on each core, (n_cores,) int64."""
        relayed = self.relay_place >= 0
        return _count(self.relay_core[self.axons.source[relayed]], self.n_cores)

    @cached_property
    def axons_of_core(self) -> NDArray[np.int64]:
        """Number of inputs of each core, those of relays included, (n_cores,) int64."""
        return _count(self.axons.core, self.n_cores) + _count(self.relay_core, self.n_cores)

    @cached_property
    def synapses_of_core(self) -> NDArray[np.int64]:
        """Number of synapses on each core, (n_cores,) int64."""
        return np.bincount(self.axons.core, self.axons.synapses, self.n_cores).astype(np.int64)

    @cached_property
    def cores_used(self) -> NDArray[np.int64]:
        """Cores that hold neurons or relays, ascending."""
        return np.flatnonzero(self.neurons_of_core + self.relays_of_core)


def places_in_groups(group: NDArray[np.integer]) -> Int32:
    """Return how many earlier elements are in the same group, (n,) int32."""
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-2))
    places = np.empty(len(group), np.int32)
    places[order] = np.arange(len(group)) - np.repeat(starts, np.diff(starts, append=len(group)))
    return places


def _count(cores: Int32, n_cores: int) -> NDArray[np.int64]:
    """Return how often each core occurs; -1 is not counted."""
    return np.bincount(cores[cores >= 0], minlength=n_cores)
