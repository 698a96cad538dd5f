"""Checking a mapped network against the limits of a chip: every violated limit is reported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pycosim.errors import Violation
from pycosim.hwmodels.description import Description
from pycosim.hwmodels.mapping.memory import list_words
from pycosim.hwmodels.mapping.table import Mapping
from pycosim.network import Network

__all__ = ["check_capacity"]

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class _Limit:
    """A limit, and how its use is counted.

    Attributes
    ----------
    field : str
        Name in `Capacity`.
    resource : str
    affected : {"neurons", "cores"}
        What `count` returns one number for.
    count : callable
    remedy : str
        With {limit} in place of the number.
    """

    field: str
    resource: str
    affected: str
    count: Callable[[Description, Network, Mapping], Counts]
    remedy: str


def check_capacity(
    description: Description, network: Network, mapping: Mapping
) -> tuple[list[Violation], dict[str, tuple[int, int]]]:
    """Return all violated limits, and the largest use of each limited resource as (used, limit)."""
    violations = _too_short_delays(description, network)
    utilisation = {"cores": (len(mapping.cores_used), description.n_cores)}
    excess = len(mapping.cores_used) - description.n_cores
    if excess > 0:
        remedy = (
            "use fewer neurons, a larger system (noc.shape or noc.chips), or more neurons on a core where "
            "limits allow it"
        )
        violations.append(Violation("cores", *utilisation["cores"], excess, "cores", remedy))
    for limit in _LIMITS:
        constant = getattr(description.capacity, limit.field)
        if constant is None or (limit.field == "axon_targets_per_neuron" and description.mapping.splitters):
            continue
        counts = limit.count(description, network, mapping)
        used, allowed = int(counts.max(initial=0)), constant.value
        utilisation[limit.resource] = used, allowed
        if used > allowed:
            n_affected = int(np.count_nonzero(counts > allowed))
            remedy = limit.remedy.format(
                limit=allowed, longer_dt=network.dt_ms * used / allowed if allowed else 0
            )
            violations.append(Violation(limit.resource, used, allowed, n_affected, limit.affected, remedy))
    return violations, utilisation


def _neurons(description: Description, network: Network, mapping: Mapping) -> Counts:
    return mapping.neurons_of_core + mapping.relays_of_core


def _axons(description: Description, network: Network, mapping: Mapping) -> Counts:
    return mapping.axons_of_core


def _synapses(description: Description, network: Network, mapping: Mapping) -> Counts:
    return mapping.synapses_of_core


def _words(description: Description, network: Network, mapping: Mapping) -> Counts:
    assert description.synapse_memory is not None  # the description was checked for that
    words = list_words(description.synapse_memory, mapping.axons.synapses)
    return np.bincount(mapping.axons.core, words, mapping.n_cores).astype(np.int64)


def _fan_in(description: Description, network: Network, mapping: Mapping) -> Counts:
    counts = np.zeros(network.n_neurons, np.int64)
    for projection in network.projections:
        counts += np.bincount(projection.targets, minlength=network.n_neurons)
    return counts


def _axon_types(description: Description, network: Network, mapping: Mapping) -> Counts:
    reached = np.zeros((len(network.receptors), network.n_neurons), bool)
    for projection in network.projections:
        reached[network.receptor_number(projection), projection.targets] = True
    return reached.sum(axis=0)


def _on_chip(mapping: Mapping) -> NDArray[np.bool_]:
    """Return which axons start on the chip."""
    return mapping.core_of_neuron[mapping.axons.source] >= 0


def _out_edges(description: Description, network: Network, mapping: Mapping) -> Counts:
    cores = mapping.core_of_neuron[mapping.axons.source[_on_chip(mapping)]]
    return np.bincount(cores, minlength=mapping.n_cores)


def _axon_targets(description: Description, network: Network, mapping: Mapping) -> Counts:
    return np.where(mapping.core_of_neuron >= 0, np.diff(mapping.axons.first), 0)


def _target_chips(description: Description, network: Network, mapping: Mapping) -> Counts:
    own = _on_chip(mapping)
    routers = mapping.axons.core[own] // description.noc.cores_per_router.size
    span = int(routers.max(initial=0)) + 1
    pairs = np.unique(mapping.axons.source[own].astype(np.int64) * span + routers)
    return np.bincount(pairs // span, minlength=network.n_neurons)


def _reach(description: Description, network: Network, mapping: Mapping) -> Counts:
    own = _on_chip(mapping)
    size = description.noc.cores_per_router.size
    source = mapping.axons.source[own]
    x, y = description.noc.place_of_router(mapping.core_of_neuron[source] // size)
    to_x, to_y = description.noc.place_of_router(mapping.axons.core[own] // size)
    distance = np.maximum(np.abs(x - to_x), np.abs(y - to_y))
    farthest = np.zeros(network.n_neurons, np.int64)
    np.maximum.at(farthest, source, distance)
    return farthest


def _longest_delay(description: Description, network: Network, mapping: Mapping) -> Counts:
    longest = np.zeros(network.n_neurons, np.int64)
    for projection in network.projections:
        np.maximum.at(longest, projection.source_column(), projection.delay_column())
    return longest


def _too_short_delays(description: Description, network: Network) -> list[Violation]:
    least = description.capacity.delay_min
    if least is None or network.delay_range[0] >= least.value or not network.n_synapses:
        return []
    is_short = np.zeros(network.n_neurons, bool)
    for projection in network.projections:
        is_short[projection.source_column()[projection.delay_column() < least.value]] = True
    shortest = network.delay_range[0]
    remedy = (
        f"use delays of at least {least.value} steps, or a time step of "
        f"{network.dt_ms * shortest / least.value:g} ms or less"
    )
    n_short = int(np.count_nonzero(is_short))
    return [Violation("shortest delay in steps", shortest, least.value, n_short, "neurons", remedy)]


_LIMITS = (
    _Limit(
        "neurons_per_core", "neurons per core", "cores", _neurons, "place at most {limit} neurons on a core"
    ),
    _Limit(
        "axons_per_core",
        "inputs per core (axons)",
        "cores",
        _axons,
        "give each neuron at most {limit} distinct inputs, or place fewer neurons on a core",
    ),
    _Limit(
        "synapses_per_core",
        "synapses per core",
        "cores",
        _synapses,
        "place fewer neurons on a core (mapping.neurons_per_core)",
    ),
    _Limit(
        "synapse_words_per_core",
        "synapse memory words per core",
        "cores",
        _words,
        "place fewer neurons on a core (mapping.neurons_per_core)",
    ),
    _Limit(
        "fan_in_per_neuron",
        "synapses onto a neuron (fan-in)",
        "neurons",
        _fan_in,
        "give each neuron at most {limit} inputs",
    ),
    _Limit(
        "axon_types_per_neuron",
        "types of axons onto a neuron (receptors)",
        "neurons",
        _axon_types,
        "use cells with at most {limit} receptors, or connect to fewer of them",
    ),
    _Limit(
        "out_edges_per_core",
        "output axons per core (neuron and target core)",
        "cores",
        _out_edges,
        "place fewer neurons on a core (mapping.neurons_per_core), or connect to nearer neurons",
    ),
    _Limit(
        "axon_targets_per_neuron",
        "targets of a neuron (core, type and delay)",
        "neurons",
        _axon_targets,
        "allow splitters (mapping.splitters=true), or keep a neuron's targets on one core, of one type "
        "(receptor) and at one delay",
    ),
    _Limit(
        "target_chips_per_neuron",
        "chips that a neuron sends to",
        "neurons",
        _target_chips,
        "keep the targets of a neuron on {limit} chips",
    ),
    _Limit(
        "reach",
        "mesh hops to a target along one axis",
        "neurons",
        _reach,
        "place neurons closer to their targets",
    ),
    _Limit(
        "delay_max",
        "delay in steps",
        "neurons",
        _longest_delay,
        "use delays of at most {limit} steps, or a time step of {longer_dt:g} ms or more",
    ),
)
