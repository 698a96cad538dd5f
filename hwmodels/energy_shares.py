"""Energy by core and by population: the counts of each cause, shared out.

By core, a spike, its packets and their hops belong to the core that sent them (those from outside to the
core that they go to), updates and synaptic events to the core that worked on them. By population, updates
belong to the neurons' own one, and all that a spike costs, up to its synaptic events, to the population that
fired. Sums are those of the whole chip; hops are shared in proportion to the links that packets take.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pycosim.hwmodels.description import Description, EnergyCosts
from pycosim.hwmodels.energy import CAUSES, EnergyCounts
from pycosim.hwmodels.timing.disciplines import Discipline

__all__ = ["EnergyShares", "shared_energy", "shares_of"]

Int = NDArray[np.int64]
Float = NDArray[np.float64]

# As `Fabric.count_hops` counts them.
_HOPS = ("hop_x", "hop_y", "chip_hop")


@dataclass(frozen=True, eq=False)
class EnergyShares:
    """How the counts of each constant are shared; dicts by the names of `EnergyCounts`, without static power.

    Attributes
    ----------
    of_core : dict of str to (n_cores,) float64
    of_population : dict of str to (n_populations,) float64
        Weights; shares are in proportion to them.
    static_of_core : (n_cores,) float64
        Share of the static power of each core in use.
    """

    of_core: dict[str, Float]
    of_population: dict[str, Float]
    static_of_core: Float


def shared_energy(
    costs: EnergyCosts, counts: EnergyCounts, shares: EnergyShares
) -> tuple[dict[str, Float], dict[str, Float]]:
    """Return the energy of each known cause by core and by population, in joules.

    Returns
    -------
    of_core : dict of str to (n_cores,) float64
        The static energy of cores that are not in use is in none of them.
    of_population : dict of str to (n_populations,) float64
    """
    of_core: dict[str, Float] = {}
    of_population: dict[str, Float] = {}
    for cause, names in CAUSES.items():
        constants = [getattr(costs, name) for name in names]
        if all(name in costs.covered for name in names) or None in constants:
            continue
        numbers = [getattr(counts, name) for name in names]
        if None in numbers:
            continue
        values = [constant.value * number for constant, number in zip(constants, numbers)]
        if cause == "static":
            of_core[cause] = values[0] * shares.static_of_core
            continue
        for result, weights in ((of_core, shares.of_core), (of_population, shares.of_population)):
            result[cause] = sum(value * _share(weights, name) for value, name in zip(values, names))
    return of_core, of_population


def _share(weights: dict[str, Float], name: str) -> Float:
    """Return the shares of a count; what has no weights of its own is shared as packets are."""
    for known in (name, "packet"):
        if known in weights and weights[known].any():
            return weights[known] / weights[known].sum()
    return np.zeros_like(weights["packet"])


class _Axons:
    """What was sent over each axon, those of earlier mappings included; all (n_axons,).

    Attributes
    ----------
    n, arrived : int64
        Packets that were sent, and that arrived.
    core, source_core, relay_core, sender : int64
        Cores that packets go to, that their source is on, that relays are on (-1 if there are none), and that
        the packets come from in the end.
    outside : bool
        Whether the source is outside the chip.
    at : int64
        Core that the way of the packets is put down to.
    is_first, is_message, joins : bool
        Whether the axon is the first that a spike takes, and the first that a message serves, and whether
        that message goes along with the one before it.
    to_relays : bool
        Whether it is the first of those that a spike takes through relays.
    """

    def __init__(self, description: Description, discipline: Discipline):
        traffic = discipline.traffic
        log, routes = traffic.log, traffic.routes
        self.n = np.bincount(log.axon, minlength=len(routes))
        self.arrived = np.bincount(log.axon[log.arrival_ps >= 0], minlength=len(routes))
        self.source, self.events = routes.source, routes.events
        self.core, self.relay_core = routes.core.astype(np.int64), routes.relay_core.astype(np.int64)
        self.source_core = traffic.mapping.core_of_neuron[routes.source].astype(np.int64)
        self.outside = self.source_core < 0
        self.relayed = self.relay_core >= 0
        self.sender = np.where(self.relayed, self.relay_core, self.source_core)
        self.at = np.where(self.outside, self.core, self.sender)
        # Axons of a source are in ascending order; after growth those of the new mapping begin anew.
        order = (self.core * (int(routes.receptor.max(initial=0)) + 2) + routes.receptor + 1) * (
            int(routes.delay.max(initial=0)) + 1
        ) + routes.delay
        self.is_first = (np.diff(routes.source, prepend=-1) != 0) | (np.diff(order, prepend=-1) <= 0)
        several = description.noc.multicast != "none"
        group = self.core // description.noc.cores_per_router.size if several else np.arange(len(routes))
        self.is_message = self.is_first | (np.diff(group, prepend=-1) != 0)
        self.joins = ~self.is_first & ~self.relayed & (description.noc.multicast == "tree")
        self.to_relays = self.is_first & self.relayed


def shares_of(description: Description, discipline: Discipline, events: Int, first: Int) -> EnergyShares:
    """Return how counts are shared.

    Parameters
    ----------
    description : Description
    discipline : Discipline
    events : (n_places,) int64
        Synaptic events at each place.
    first : (n_populations,) int64
        First neuron of each population.
    """
    axons = _Axons(description, discipline)
    hops = _hops(discipline, axons)
    of_core, of_population = _by_core(discipline, axons, events), _by_population(discipline, axons, first)
    for name, of_axon in hops.items():
        of_core[name] = _at(discipline, axons.at, of_axon)
        of_population[name] = _of(axons.source, first, of_axon)
    n = discipline.traffic.places.host
    among = description.n_cores if description.energy.static_share == "all_cores" else n
    return EnergyShares(of_core, of_population, np.full(n, 1 / max(among, n, 1)))


def _at(discipline: Discipline, core: Int, weights: NDArray[np.generic]) -> Float:
    """Return the sum of weights by core in use, (n_cores,) float64; those at no core are left out."""
    places = discipline.traffic.places
    here = core >= 0
    place = places.of_core[core[here]] if here.any() else core[here]
    return np.bincount(place, weights[here], places.host).astype(float)


def _of(neuron: NDArray[np.integer], first: Int, weights: NDArray[np.generic]) -> Float:
    """Return the sum of weights by population of neurons, (n_populations,) float64."""
    return np.bincount(np.searchsorted(first, neuron, "right") - 1, weights, len(first)).astype(float)


def _by_core(discipline: Discipline, axons: _Axons, events: Int) -> dict[str, Float]:
    traffic = discipline.traffic
    out, host = traffic.messages_out[:-1].astype(float), float(traffic.messages_out[-1])
    from_outside = _at(discipline, axons.at, axons.n * (axons.outside & axons.is_message))
    from_outside *= host / from_outside.sum() if from_outside.any() else 0.0
    fired = _at(discipline, axons.source_core, axons.n * axons.is_first)
    return {
        "neuron_update": traffic.times.units[:-1].astype(float),
        "synaptic_event": events[:-1].astype(float),
        "spike": traffic.spikes[:-1].astype(float),
        "encode": fired + _at(discipline, axons.relay_core, axons.n),
        "packet": out + from_outside,
        "packet_out": out,
        "packet_in": traffic.messages_in[:-1].astype(float),
        "leave_core": _at(discipline, axons.at, axons.n * _leaves(axons)),
        "host_packet": from_outside,
    }


def _by_population(discipline: Discipline, axons: _Axons, first: Int) -> dict[str, Float]:
    def of(weights: NDArray[np.generic]) -> Float:
        return _of(axons.source, first, weights)

    n, inside = axons.n, ~axons.outside
    messages = n * (axons.is_message & ~axons.relayed & ~axons.joins)
    relayed = of(n * axons.relayed)
    to_relays = of(n * axons.to_relays)
    spikes = of(n * (axons.is_first & inside)) + relayed
    return {
        "neuron_update": _updates(discipline, first),
        "synaptic_event": of(axons.arrived * axons.events),
        "spike": spikes + _spikes_without_packets(discipline, axons, first),
        "encode": spikes,
        "packet": of(messages) + relayed + to_relays,
        "packet_out": of(messages * inside) + relayed + to_relays,
        "packet_in": of(n) + to_relays,
        "leave_core": of(n * _leaves(axons)),
        "host_packet": of(messages * axons.outside),
    }


def _leaves(axons: _Axons) -> NDArray[np.bool_]:
    return ~axons.outside & (axons.sender != axons.core)


def _spikes_without_packets(discipline: Discipline, axons: _Axons, first: Int) -> Float:
    """Return the spikes of neurons without targets, by population.

    They are not in the log. Where such neurons of several populations are on one core, its spikes that are
    not in the log are shared among them equally.
    """
    traffic, mapping = discipline.traffic, discipline.traffic.mapping
    silent = np.flatnonzero((mapping.core_of_neuron >= 0) & (np.diff(traffic.routes.first) == 0))
    core = mapping.core_of_neuron[silent].astype(np.int64)
    logged = _at(discipline, axons.source_core, axons.n * axons.is_first)
    logged += _at(discipline, axons.relay_core, axons.n)
    each = np.maximum(traffic.spikes[:-1] - logged, 0)
    each = each / np.maximum(_at(discipline, core, np.ones(len(core))), 1)
    return _of(silent, first, each[traffic.places.of_core[core]] if len(core) else core)


def _updates(discipline: Discipline, first: Int) -> Float:
    """Return the units updated for each population: neurons, relays, a part of unused ones."""
    mapping, places = discipline.traffic.mapping, discipline.traffic.places
    on_chip = np.flatnonzero(mapping.core_of_neuron >= 0)
    relayed = mapping.axons.source[mapping.relay_place >= 0]
    owner = np.concatenate((on_chip, relayed))
    core = np.concatenate((mapping.core_of_neuron[on_chip], mapping.relay_core[relayed]))
    if not len(core):
        return np.zeros(len(first))
    place = places.of_core[core]
    own = np.append(mapping.units_of_neuron[on_chip], np.ones(len(relayed)))
    each = discipline.traffic.times.units[place] * own / np.bincount(place, own, places.host)[place]
    return _of(owner, first, each)


def _hops(discipline: Discipline, axons: _Axons) -> dict[str, Int]:
    """Return the hops of each kind of what was sent over each axon, (n_axons,) int64 each.

    Of several axons that one message serves, only the first counts, as does the first of a spike for the way
    to its relays. Of messages that go together, the first one on a link pays for it.
    """
    places, fabric = discipline.traffic.places, discipline.traffic.fabric
    sent = np.flatnonzero(axons.is_message | axons.relayed)
    start = np.full(len(sent), places.host)
    inside = ~axons.outside[sent]
    start[inside] = places.of_core[axons.sender[sent[inside]]]
    hops = np.zeros((len(axons.n), len(_HOPS)), np.int64)
    hops[sent] = fabric.count_hops(start, places.of_core[axons.core[sent]], axons.joins[sent])
    to_relays = np.flatnonzero(axons.to_relays)
    here, there = axons.source_core[to_relays], axons.relay_core[to_relays]
    hops[to_relays] += fabric.count_hops(places.of_core[here], places.of_core[there])
    return {name: column * axons.n for name, column in zip(_HOPS, hops.T)}
