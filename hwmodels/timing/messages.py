"""Which messages a spike becomes on the network-on-chip, as tables indexed by neuron."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pycosim.hwmodels.description import Description
from pycosim.hwmodels.mapping.table import Mapping

__all__ = ["MessageTable", "Moves", "Places", "expand", "message_table"]

Int = NDArray[np.int64]
_NONE = np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class Places:
    """Cores in use, numbered without gaps, and the host after them.

    Attributes
    ----------
    cores : (n_cores,) int64
        Core at each place but the last, ascending.
    of_core : (largest core + 1,) int64
        Place of each core, -1 where it is not in use.
    of_neuron : (n_neurons,) int64
        Place of each neuron; the host's for spike sources.
    """

    cores: Int
    of_core: Int
    of_neuron: Int

    @property
    def host(self) -> int:
        """Place of the host."""
        return len(self.cores)

    @classmethod
    def of_mapping(cls, mapping: Mapping, others: Int = _NONE) -> Places:
        """Return the places that a mapping uses, and those of some other cores."""
        cores = np.union1d(mapping.cores_used, others).astype(np.int64)
        of_core = np.full(int(cores.max(initial=-1)) + 1, -1, np.int64)
        of_core[cores] = np.arange(len(cores))
        on_chip = mapping.core_of_neuron >= 0
        of_neuron = np.full(len(on_chip), len(cores), np.int64)
        of_neuron[on_chip] = of_core[mapping.core_of_neuron[on_chip]]
        return cls(cores, of_core, of_neuron)

    def at_cores(self, counts: Int) -> Int:
        """Return what each core has, (n_cores,) int64, from counts by core; cores beyond these have 0."""
        padded = np.zeros(len(self.of_core), np.int64)
        padded[: len(counts)] = counts
        return padded[self.cores]


@dataclass(frozen=True, eq=False)
class Moves:
    """How places are numbered anew when cores come into use.

    Attributes
    ----------
    new_place : (n_old_places,) int64
    n_places : int
        Number of new places.
    """

    new_place: Int
    n_places: int

    @classmethod
    def between(cls, old: Places, new: Places) -> Moves:
        """Return the moves to places that include all old ones."""
        return cls(np.append(new.of_core[old.cores], new.host), new.host + 1)

    def column(self, old: Int) -> Int:
        """Return a column by place as a column by new place; 0 at places that are new."""
        new = np.zeros(self.n_places, old.dtype)
        new[self.new_place] = old
        return new


@dataclass(frozen=True, eq=False)
class MessageTable:
    """Messages that the spikes of a neuron become; (n_messages,), ordered by neuron.

    Attributes
    ----------
    first : (n_neurons + 1,) int64
        Messages first[s] to first[s + 1] are those of neuron s.
    destination : int64
        Place that the message goes to.
    axon, n_axons : int64
        The axons of the mapping that it serves, which have consecutive numbers.
    to_relays : bool
        Whether it goes to a relay core, whose relays send on to each axon.
    joins : bool
        Whether it goes along with the one before it, of the same neuron, until their ways part.
    """

    first: Int
    destination: Int
    axon: Int
    n_axons: Int
    to_relays: NDArray[np.bool_]
    joins: NDArray[np.bool_]


def message_table(description: Description, mapping: Mapping, places: Places) -> MessageTable:
    """Return the messages of all neurons: one to relays, else one per axon or, with multicast, per router.

    With multicast by trees, those of a neuron go together.
    """
    axons = mapping.axons
    relayed = mapping.relay_core[axons.source] >= 0
    group = np.arange(len(axons), dtype=np.int64)
    if description.noc.multicast != "none":
        group = axons.core.astype(np.int64) // description.noc.cores_per_router.size
    group = np.where(relayed, -1, group)
    new = (np.diff(axons.source, prepend=-1) != 0) | (np.diff(group, prepend=-2) != 0)
    axon = np.flatnonzero(new)
    source = axons.source[axon]
    to_relays = relayed[axon]
    core = np.where(to_relays, mapping.relay_core[source], axons.core[axon])
    return MessageTable(
        np.searchsorted(source, np.arange(len(axons.first))),
        places.of_core[core] if len(core) else np.empty(0, np.int64),
        axon,
        np.diff(axon, append=len(axons)),
        to_relays,
        (np.diff(source, prepend=-1) == 0) & (description.noc.multicast == "tree"),
    )


def expand(first: Int, count: Int) -> Int:
    """Return first[0], first[0] + 1, ... (count[0] numbers), first[1], ... as one (sum of count,) int64."""
    ends = np.cumsum(count)
    return np.repeat(first - ends + count, count) + np.arange(ends[-1] if len(ends) else 0)
