"""Relays (splitters): extra neurons that send on what a neuron cannot send to all its targets itself.

A neuron that has more targets (core, type and delay) than its chip allows sends to one relay core only.
There, one axon drives one relay neuron for each target. Relays fire one step later, so a relay sends with a
delay that is one step shorter; for a delay of one step that is impossible, and the spike is one step late.

When a network grows, all relays are placed anew, so that those of old neurons may move. Spikes on their way
to relays are still sent on from where these were.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim.hwmodels.description import Description
from pycosim.hwmodels.mapping.axons import AxonTable

__all__ = ["place_relays"]


def place_relays(
    description: Description, axons: AxonTable, core_of_neuron: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the relay core of each neuron and the place of each axon's relay there.

    Relay cores are cores without neurons, from the lowest number up, filled one after the other. External
    sources need no relays: the host sends a packet to each target.

    Returns
    -------
    relay_core : (n_neurons,) int32
    relay_place : (n_axons,) int32
        Both -1 where there is no relay.
    """
    relay_core = np.full(len(core_of_neuron), -1, np.int32)
    relay_place = np.full(len(axons), -1, np.int32)
    allowed = description.capacity.axon_targets_per_neuron
    if allowed is None or not description.mapping.splitters:
        return relay_core, relay_place
    targets = np.diff(axons.first)
    neurons = np.flatnonzero((core_of_neuron >= 0) & (targets > allowed.value))
    cores, starts = _fill(description, targets[neurons])
    relay_core[neurons] = _free_cores(core_of_neuron, len(set(cores)))[cores]
    for neuron, start in zip(neurons, starts):
        relay_place[axons.first[neuron] : axons.first[neuron + 1]] = start + np.arange(targets[neuron])
    return relay_core, relay_place


def _fill(description: Description, relays: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[int]]:
    """Return the relay core (from 0) of groups of relays, and the place of each group's first relay."""
    most = description.capacity.neurons_per_core.value
    axons = description.capacity.axons_per_core
    most_groups = axons.value if axons is not None else len(relays)
    cores, starts = [], []
    core = used = groups = 0
    for count in relays.tolist():
        if groups and (used + count > most or groups == most_groups):
            core, used, groups = core + 1, 0, 0
        cores.append(core)
        starts.append(used)
        used, groups = used + count, groups + 1
    return np.array(cores, np.int64), starts


def _free_cores(core_of_neuron: NDArray[np.int32], n: int) -> NDArray[np.int64]:
    """Return the n lowest numbers of cores without neurons."""
    used = np.unique(core_of_neuron[core_of_neuron >= 0])
    return np.setdiff1d(np.arange(len(used) + n), used)[:n] if len(used) else np.arange(n)
