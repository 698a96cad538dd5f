"""Energy by core and by population: the counts of each cause, shared out.

By core, a spike, its packets and their hops belong to the core that sent them (those from outside to the
core that they go to), updates and synaptic events to the core that worked on them. By population, updates
belong to the neurons' own one, and all that a spike costs, up to its synaptic events, to the population that
fired. Sums are those of the whole chip; hops are shared in proportion to the distances of the packets.
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
            # What is counted per packet, and has no weights of its own, is shared as packets are.
            each = (weights.get(name, weights["packet"]) for name in names)
            result[cause] = sum(value * _share(weight) for value, weight in zip(values, each))
    return of_core, of_population


def _share(weights: Float) -> Float:
    """Return weights as shares of their sum."""
    total = weights.sum()
    return weights / total if total else weights


class _Sent:
    """The log of packets with one more message for each group that went to relays; columns by row."""

    def __init__(self, description: Description, discipline: Discipline):
        traffic = discipline.traffic
        self.log, self.routes, self.mapping = traffic.log, traffic.routes, traffic.mapping
        self.size = description.noc.cores_per_router.size
        axon = self.log.axon
        self.source = self.routes.source[axon].astype(np.int64)
        self.core = self.routes.core[axon].astype(np.int64)
        self.relay = self.routes.relay_core[axon].astype(np.int64)
        self.own_core = self.mapping.core_of_neuron[self.source].astype(np.int64)
        self.outside = self.own_core < 0
        self.sender = np.where(self.relay >= 0, self.relay, self.own_core)
        self.at = np.where(self.outside, self.core, self.sender)
        # The axons of a spike have consecutive numbers; a source may fire more than once in a step.
        self.is_spike = (np.diff(axon, prepend=-2) != 1) | (np.diff(self.source, prepend=-1) != 0)
        group = np.arange(len(axon)) if description.noc.multicast == "none" else self.core // self.size
        self.is_message = self.is_spike | (np.diff(group, prepend=-1) != 0)
        self.to_relays = self.is_spike & (self.relay >= 0)


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
    sent = _Sent(description, discipline)
    of_core = _by_core(description, discipline, sent, events)
    of_population = _by_population(description, discipline, sent, first)
    n = discipline.traffic.places.host
    among = description.n_cores if description.energy.static_share == "all_cores" else n
    return EnergyShares(of_core, of_population, np.full(n, 1 / max(among, n, 1)))


def _by_core(description: Description, discipline: Discipline, sent: _Sent, events: Int) -> dict[str, Float]:
    traffic = discipline.traffic
    place_of = traffic.places.of_core
    n = traffic.places.host

    def at(core: Int, weights: NDArray[np.generic]) -> Float:
        return np.bincount(place_of[core], weights, n) if len(core) else np.zeros(n)

    inside, relayed = ~sent.outside, sent.relay >= 0
    out, host = traffic.messages_out[:-1].astype(float), float(traffic.messages_out[-1])
    from_outside = at(sent.at, sent.outside & sent.is_message)
    from_outside *= host / from_outside.sum() if from_outside.any() else 0.0
    x, y = _distances(description, sent)
    return {
        "neuron_update": traffic.times.units[:-1].astype(float),
        "synaptic_event": events[:-1].astype(float),
        "spike": traffic.spikes[:-1].astype(float),
        "encode": at(sent.own_core[inside], sent.is_spike[inside])
        + at(sent.relay[relayed], relayed[relayed]),
        "packet": out + from_outside,
        "packet_out": out,
        "packet_in": traffic.messages_in[:-1].astype(float),
        "leave_core": at(sent.at, inside & (sent.sender != sent.core)),
        "host_packet": from_outside,
        "hop_x": at(sent.at, x),
        "hop_y": at(sent.at, y),
    }


def _by_population(
    description: Description, discipline: Discipline, sent: _Sent, first: Int
) -> dict[str, Float]:
    population = np.searchsorted(first, sent.source, "right") - 1

    def of(weights: NDArray[np.generic]) -> Float:
        return np.bincount(population, weights, len(first)).astype(float)

    relayed = sent.relay >= 0
    messages = sent.is_message & ~relayed
    x, y = _distances(description, sent)
    inside = ~sent.outside
    return {
        "neuron_update": _updates(discipline, first),
        "synaptic_event": of((sent.log.arrival_ps >= 0) * sent.routes.synapses[sent.log.axon]),
        "spike": of(sent.is_spike & inside) + of(relayed) + _spikes_without_packets(discipline, sent, first),
        "encode": of(sent.is_spike & inside) + of(relayed),
        "packet": of(messages) + of(relayed) + of(sent.to_relays),
        "packet_out": of(messages & inside) + of(relayed) + of(sent.to_relays),
        "packet_in": of(np.ones(len(population))) + of(sent.to_relays),
        "leave_core": of(inside & (sent.sender != sent.core)),
        "host_packet": of(messages & sent.outside),
        "hop_x": of(x),
        "hop_y": of(y),
    }


def _spikes_without_packets(discipline: Discipline, sent: _Sent, first: Int) -> Float:
    """Return the spikes of neurons without targets, by population.

    They are not in the log. Where such neurons of several populations are on one core, its spikes that are
    not in the log are shared among them equally.
    """
    traffic, mapping = discipline.traffic, discipline.traffic.mapping
    n, place_of = traffic.places.host, traffic.places.of_core
    logged = np.concatenate((sent.own_core[sent.is_spike & ~sent.outside], sent.relay[sent.relay >= 0]))
    silent = np.flatnonzero((mapping.core_of_neuron >= 0) & (np.diff(traffic.routes.first) == 0))
    if not len(silent):
        return np.zeros(len(first))
    rest = np.maximum(traffic.spikes[:-1] - np.bincount(place_of[logged], minlength=n), 0)
    place = place_of[mapping.core_of_neuron[silent]]
    each = rest[place] / np.bincount(place, minlength=n)[place]
    return np.bincount(np.searchsorted(first, silent, "right") - 1, each, len(first))


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
    each = discipline.traffic.times.units[place] / np.bincount(place, minlength=places.host)[place]
    return np.bincount(np.searchsorted(first, owner, "right") - 1, each, len(first))


def _distances(description: Description, sent: _Sent) -> tuple[Int, Int]:
    """Return the mesh hops in x and in y of what was sent for each row of the log, (n_rows,) int64 each.

    Of several rows that one message serves, only the first counts, as does the first row of a spike for the
    way to its relays.
    """
    columns = description.noc.shape.value[0]
    entry = description.mapping.entry_router
    start = np.where(sent.outside, entry, sent.sender // sent.size)
    x, y = _apart(start, sent.core // sent.size, columns)
    counts = sent.is_message | (sent.relay >= 0)
    to_x, to_y = _apart(sent.own_core // sent.size, sent.relay // sent.size, columns)
    return x * counts + to_x * sent.to_relays, y * counts + to_y * sent.to_relays


def _apart(here: Int, there: Int, columns: int) -> tuple[Int, Int]:
    return np.abs(here % columns - there % columns), np.abs(here // columns - there // columns)
