"""The axon table: which source neuron sends packets to which core, and what they do there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pycosim.network import Network, Projection
from pycosim.network.models import model_named

__all__ = ["AxonTable", "build_axons", "inputs_of_cores", "unit_synapses"]

# Callers keep a table with an entry for each name; beyond this, names are numbered without gaps.
_MOST_NAMES = 10_000_000


@dataclass(frozen=True, eq=False)
class AxonTable:
    """One row for each input of a core, ordered by (source, core, receptor, delay); all (n_axons,) int32.

    Attributes
    ----------
    source
        Global number of the neuron that sends.
    core
        Core that receives.
    delay
        Smallest delay in steps of the synapses behind it; that of all of them where axons carry the delay.
    receptor
        Receptor of the synapses behind it, a number in `Network.receptors`, where axons have a type; else -1.
    synapses
        Number of synapses behind it.
    events
        Number of synaptic events that a spike causes there: of synapses, or of the unit synapses that they
        are made of (`pycosim.network.own_update.OwnUpdate.weight_counts_events`), by the weights at mapping.
    first : (n_neurons + 1,) int64
        Rows first[s] to first[s + 1] are those of source s.
    """

    source: NDArray[np.int32]
    core: NDArray[np.int32]
    delay: NDArray[np.int32]
    receptor: NDArray[np.int32]
    synapses: NDArray[np.int32]
    events: NDArray[np.int32]
    first: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.source)


def build_axons(
    network: Network,
    core_of_neuron: NDArray[np.int32],
    delay_in_axon: bool,
    receptor_in_axon: bool = False,
) -> AxonTable:
    """Return the axon table of a network whose neurons are placed.

    Parameters
    ----------
    network : Network
    core_of_neuron : (n_neurons,) int32
        -1 for spike sources.
    delay_in_axon, receptor_in_axon : bool
        Whether synapses of different delays (receptors) need axons of their own.
    """
    n_cores = int(core_of_neuron.max(initial=-1)) + 1
    n_delays = network.delay_range[1] + 1
    n_receptors = len(network.receptors) if receptor_in_axon else 1
    used = [projection for projection in network.projections if projection.n_synapses]
    keys = []
    for projection in used:
        pair = projection.source_column().astype(np.int64) * n_cores + core_of_neuron[projection.targets]
        receptor = network.receptor_number(projection) if receptor_in_axon else 0
        keys.append((pair * n_receptors + receptor) * n_delays + projection.delay_column())
    every_key = np.concatenate(keys) if keys else np.empty(0, np.int64)
    counted = unit_synapses(network)
    order = np.argsort(every_key, kind="stable") if counted.any() else None
    sorted_keys = np.sort(every_key) if order is None else every_key[order]
    groups = sorted_keys if delay_in_axon else sorted_keys // n_delays
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    rest, delay = np.divmod(sorted_keys[starts], n_delays)
    pair, receptor = np.divmod(rest, n_receptors)
    source, core = np.divmod(pair, max(n_cores, 1))
    synapses = events = np.diff(starts, append=len(groups)).astype(np.int32)
    if order is not None and len(starts):
        of_synapse = np.concatenate([_events(projection, counted) for projection in used])
        events = np.add.reduceat(of_synapse[order], starts).astype(np.int32)
    return AxonTable(
        source.astype(np.int32),
        core.astype(np.int32),
        delay.astype(np.int32),
        receptor.astype(np.int32) if receptor_in_axon else np.full(len(source), -1, np.int32),
        synapses,
        events,
        np.searchsorted(source, np.arange(network.n_neurons + 1)),
    )


def unit_synapses(network: Network) -> NDArray[np.bool_]:
    """Return onto which neurons a synapse's weight is a number of unit synapses, (n_neurons,) bool."""
    counts = np.zeros(network.n_neurons, bool)
    for population in network.populations:
        own = None if population.is_source else getattr(model_named(population.model), "own", None)
        counts[population.first : population.first + population.size] = bool(own and own.weight_counts_events)
    return counts


def _events(projection: Projection, counted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the synaptic events of each synapse, (n_synapses,) int64."""
    units = np.rint(np.abs(projection.weight_column())).astype(np.int64)
    return np.where(counted[projection.targets], units, 1)


def inputs_of_cores(
    network: Network, delay_in_axon: bool, receptor_in_axon: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Return the inputs of all neurons as compressed rows by target.

    Returns
    -------
    first : (n_neurons + 1,) int64
    inputs : (n_synapses,) int64
        An input is named by a number: that of the source, or of the source with a receptor, a delay, or both.
    n_inputs : int
        Number of names.
    """
    n_delays = network.delay_range[1] + 1 if delay_in_axon else 1
    n_receptors = len(network.receptors) if receptor_in_axon else 1
    targets, names = [np.empty(0, np.int32)], [np.empty(0, np.int64)]
    for projection in network.projections:
        targets.append(projection.targets)
        receptor = network.receptor_number(projection) if receptor_in_axon else 0
        name = (projection.source_column().astype(np.int64) * n_receptors + receptor) * n_delays
        names.append(name + projection.delay_column() if delay_in_axon else name)
    target, name = np.concatenate(targets), np.concatenate(names)
    n_names = network.n_neurons * n_receptors * n_delays
    if n_names > _MOST_NAMES:
        distinct, name = np.unique(name, return_inverse=True)
        n_names = len(distinct)
    order = np.argsort(target, kind="stable")
    first = np.searchsorted(target[order], np.arange(network.n_neurons + 1))
    return first, name[order], n_names
