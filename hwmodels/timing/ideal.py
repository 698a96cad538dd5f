"""Ideal timing: no time passes on the chip, but loads are counted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim.hwmodels.description import Description
from pycosim.hwmodels.mapping.table import Mapping
from pycosim.hwmodels.timing.disciplines import Acting, Discipline
from pycosim.hwmodels.timing.messages import expand
from pycosim.units import format_time

__all__ = ["Ideal"]

Int = NDArray[np.int64]


class Ideal(Discipline):
    """Every packet arrives at the moment at which it is sent; the chip's own discipline is not followed."""

    def __init__(self, description: Description, mapping: Mapping, period_ps: int):
        super().__init__(description, mapping, period_ps)
        self.steps = 0
        self.spikes_of_neuron = np.zeros(len(mapping.core_of_neuron), np.int64)
        self._link_flits: Int | int = 0

    def grow(self, mapping: Mapping) -> None:
        """Go on with the mapping of a grown network."""
        self._count_messages()
        super().grow(mapping)
        self.spikes_of_neuron = np.zeros(len(mapping.core_of_neuron), np.int64)

    @property
    def time_ps(self) -> int:
        """Hardware time up to which the chip has been followed."""
        return (self.steps + 1) * self.period_ps

    def carry(self, step: int, fired: Int) -> Acting:
        """Log the spikes of `step`."""
        self.steps = step
        if step > 0:
            self.durations.append(0)
        first, log = self.traffic.routes.first, self.traffic.log
        row = log.append(step, expand(first[fired], first[fired + 1] - first[fired]))
        for column in (log.emission_ps, log.injection_ps, log.arrival_ps):
            column[row:] = step * self.period_ps
        log.lateness_steps[row:] = 0
        np.add.at(self.spikes_of_neuron, fired, 1)
        rows = np.arange(row, len(log))
        return Acting(rows, np.zeros_like(rows), np.zeros_like(rows))

    def link_flits(self) -> Int:
        """Return the flits that links would have carried, and count the messages of places."""
        self._count_messages()
        return np.array(self._link_flits)

    def _count_messages(self) -> None:
        """Add up the messages of the spikes since this was last done."""
        traffic = self.traffic
        mapping, table, places = traffic.mapping, traffic.table, traffic.places
        spikes = self.spikes_of_neuron
        has_messages = np.diff(table.first) > 0
        on_chip = places.of_neuron < places.host
        traffic.encoded += int(spikes[has_messages & on_chip].sum())
        sources = np.repeat(np.arange(len(spikes)), np.diff(table.first))
        relayed = np.flatnonzero(mapping.relay_place >= 0)
        relay_source = mapping.axons.source[relayed]
        relay_at = places.of_core[mapping.relay_core[relay_source]] if len(relayed) else relayed
        place_of_axon = places.of_core[mapping.axons.core] if len(mapping.axons) else relayed
        source = np.concatenate((places.of_neuron[sources], relay_at))
        destination = np.concatenate((table.destination, place_of_axon[relayed]))
        count = np.concatenate((spikes[sources], spikes[relay_source]))
        joins = np.concatenate((table.joins, np.zeros(len(relayed), bool)))
        n = traffic.n_places
        traffic.messages_out += np.bincount(source, count * ~joins, n).astype(np.int64)
        to_relays = table.to_relays
        received = np.bincount(place_of_axon, spikes[mapping.axons.source], n)
        received += np.bincount(table.destination[to_relays], spikes[sources][to_relays], n)
        traffic.messages_in += received.astype(np.int64)
        fired = np.bincount(places.of_neuron, spikes, n) + np.bincount(relay_at, spikes[relay_source], n)
        traffic.spikes += fired.astype(np.int64)
        flits = traffic.fabric.flits_of_flows(source, destination, count, joins)
        self._link_flits = self._link_flits + flits
        self.spikes_of_neuron[:] = 0

    def total_busy_ps(self) -> Int:
        """Return zeros: no time passes."""
        return np.zeros(self.traffic.n_places, np.int64)

    def notes(self) -> list[str]:
        """Return that nothing was timed."""
        return [
            f"timing=ideal: every spike acts on time; no hardware time was modelled (a step counts as "
            f"{format_time(self.period_ps)} for static power)."
        ]
