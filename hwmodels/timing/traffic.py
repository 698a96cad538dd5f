"""Spikes as packets: what the disciplines have in common.

A packet is one spike on its way over one axon (a row of the log). A message is what the network-on-chip
carries: it serves one axon, several of one router (multicast), or goes to relays that send on to all axons.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pycosim.hwmodels.description import Description
from pycosim.hwmodels.mapping.table import Mapping
from pycosim.hwmodels.timing.cores import CoreTimes, Firings, emissions
from pycosim.hwmodels.timing.fabric import Fabric
from pycosim.hwmodels.timing.log import PacketLog
from pycosim.hwmodels.timing.messages import Moves, Places, expand, message_table
from pycosim.hwmodels.timing.routes import Routes
from pycosim.hwmodels.timing.service import serve

__all__ = ["Arrivals", "Pass", "Traffic"]

Int = NDArray[np.int64]
_NO_ROWS = np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class Pass:
    """One pass of all places over their units.

    Attributes
    ----------
    step_ps : int
        When the step begins. Sources fire then.
    begin_ps : (n_places,) int64
        When each place begins.
    events_ps : (n_places,) int64
        Time of the synaptic events that are worked on in the pass.
    fire_at_start : bool
        Whether neurons fire when the step begins too, or as their core comes to them.
    """

    step_ps: int
    begin_ps: Int
    events_ps: Int
    fire_at_start: bool = False


@dataclass(frozen=True, eq=False)
class _Letters:
    """Messages to be handed over, and what they carry; all (n,) int64.

    `relay_place` is the place of the relays that they go to, -1 for those that go to synapses.
    """

    leave_ps: Int
    source: Int
    destination: Int
    first_row: Int
    n_rows: Int
    relay_place: Int


@dataclass(frozen=True, eq=False)
class Arrivals:
    """What reached cores, and when they had worked on it.

    Attributes
    ----------
    rows : (n,) int64
        Rows of the log.
    done_ps : (n,) int64
        When their synaptic events can act.
    relayed : (m,) int64
        First rows of the groups of rows that reached relays.
    n_relayed : (m,) int64
        Sizes of these groups.
    relayed_ps : (m,) int64
        When they had been received there.
    work_ps : (n_places,) int64
        Time that each place worked on arrivals.
    last_ps : int
        When the last was finished; 0 if nothing arrived.
    """

    rows: Int
    done_ps: Int
    relayed: Int
    n_relayed: Int
    relayed_ps: Int
    work_ps: Int
    last_ps: int


class Traffic:
    """Packets of a mapped network, on their way through cores and the network-on-chip.

    Parameters
    ----------
    description : Description
    mapping : Mapping
    events_on_arrival : bool
        Whether synaptic events take their time when the packet arrives, or in the pass over the neurons.
    """

    messages_in: Int
    messages_out: Int
    spikes: Int
    receiver_free: Int
    _BY_PLACE = ("messages_in", "messages_out", "spikes", "receiver_free")

    def __init__(self, description: Description, mapping: Mapping, *, events_on_arrival: bool):
        self.places = Places.of_mapping(mapping)
        self.routes = Routes.of_mapping(mapping)
        self.fabric = Fabric(description.noc, self.places.cores, description.mapping.entry_router)
        self.log = PacketLog()
        for name in self._BY_PLACE:
            setattr(self, name, np.zeros(self.n_places, np.int64))
        self.encoded = 0
        # By number of the message in the network-on-chip.
        self._carried = {name: np.empty(1024, np.int64) for name in ("first_row", "n_rows", "relay_place")}
        self._description, self._events_on_arrival = description, events_on_arrival
        self._use(mapping)

    def _use(self, mapping: Mapping) -> None:
        """Make the tables of a mapping whose places and routes are known."""
        self.mapping = mapping
        self.times = CoreTimes.of_chip(self._description, mapping, self.places)
        self.table = message_table(self._description, mapping, self.places)
        # Messages name axons of the mapping, packets those of the routes.
        self._first_axon = len(self.routes) - len(mapping.axons)
        self._no_work = np.zeros(self.n_places, np.int64)
        self._event_ps = self.times.event if self._events_on_arrival else self._no_work
        on_chip = mapping.core_of_neuron >= 0
        self._order_of_neuron = np.where(on_chip, mapping.place_of_neuron, 0).astype(np.int64)
        self._n_messages = np.diff(self.table.first)

    def grow(self, mapping: Mapping) -> Moves:
        """Take the mapping of a grown network over, and return how places are numbered from now on.

        Packets under way keep the axons and relays that they were sent over.
        """
        places = Places.of_mapping(mapping, self.places.cores)
        moves = Moves.between(self.places, places)
        self.places, self.routes = places, Routes.of_mapping(mapping, self.routes)
        for name in self._BY_PLACE:
            setattr(self, name, moves.column(getattr(self, name)))
        sent = self._carried["relay_place"][: self.fabric.network.n_packets]
        sent[:] = np.where(sent >= 0, moves.new_place[sent], -1)
        self.fabric.set_places(places.cores, self._description.mapping.entry_router)
        self._use(mapping)
        return moves

    @property
    def n_places(self) -> int:
        """Number of places, the host included."""
        return self.places.host + 1

    def send(self, step: int, fired: Int, start: Pass, relays: Int = _NO_ROWS) -> Int:
        """Send the spikes of a step, and those of relays, and return how long each place worked, (n_places,).

        Parameters
        ----------
        step : int
        fired : (n,) int64
            Neurons and sources that fired.
        start : Pass
        relays : (m,) int64
            Rows of the log that relays send now.
        """
        fired = fired[np.lexsort((self._order_of_neuron[fired], self.places.of_neuron[fired]))]
        first_row = self._log_spikes(step, fired)
        n_own = len(fired)
        place = np.concatenate((self.places.of_neuron[fired], self._place_of_relay(relays)))
        order = np.concatenate((self._order_of_neuron[fired], self._order_of_relay(relays)))
        n_messages = np.concatenate((self._n_messages[fired], np.ones(len(relays), np.int64)))
        sorting = np.lexsort((order, place)) if len(relays) else np.arange(n_own)
        firings = Firings(place[sorting], order[sorting], n_messages[sorting])
        fire, leave, work = emissions(self.times, firings, start.begin_ps, start.events_ps)
        is_own = sorting < n_own
        spike = sorting[is_own]
        self._date(fired[spike], first_row[spike], fire[is_own], start)
        first_axon = self.routes.first[fired[spike]]
        letters = self._own_letters(
            fired[spike], first_row[spike] - first_axon, leave[np.repeat(is_own, firings.n_messages)]
        )
        self._hand_over(letters)
        if len(relays):
            letters = self._relay_letters(
                relays[sorting[~is_own] - n_own], leave[np.repeat(~is_own, firings.n_messages)]
            )
            self._hand_over(letters)
        self.spikes += np.bincount(firings.place, minlength=self.n_places)
        self.encoded += int(np.count_nonzero((firings.n_messages > 0) & (firings.place < self.places.host)))
        return work

    def receive(self, arrived: tuple[Int, Int]) -> Arrivals:
        """Let cores work on the messages that arrived (numbers and times)."""
        message, time = arrived
        if not len(message):
            return Arrivals(*(_NO_ROWS,) * 5, self._no_work, 0)
        first_row, n_rows, relay_place = (column[message] for column in self._carried.values())
        to_relays = relay_place >= 0
        rows = expand(first_row[~to_relays], n_rows[~to_relays])
        axon = self.log.axon[rows]
        place = np.concatenate((self.places.of_core[self.routes.core[axon]], relay_place[to_relays]))
        arrival = np.concatenate((np.repeat(time[~to_relays], n_rows[~to_relays]), time[to_relays]))
        service = self.times.receive[place]
        service[: len(rows)] += self._event_ps[place[: len(rows)]] * self.routes.synapses[axon]
        done = serve(place, arrival, service, self.receiver_free)
        self.log.arrival_ps[rows] = done[: len(rows)]
        self.messages_in += np.bincount(place, minlength=self.n_places)
        return Arrivals(
            rows,
            done[: len(rows)],
            first_row[to_relays],
            n_rows[to_relays],
            done[len(rows) :],
            np.bincount(place, service, self.n_places).astype(np.int64),
            int(done.max(initial=0)),
        )

    def _place_of_relay(self, rows: Int) -> Int:
        return self.places.of_core[self.routes.relay_core[self.log.axon[rows]]] if len(rows) else _NO_ROWS

    def _order_of_relay(self, rows: Int) -> Int:
        return self.routes.relay_place[self.log.axon[rows]].astype(np.int64)

    def _log_spikes(self, step: int, fired: Int) -> Int:
        """Add the packets of spikes to the log, and return the first row of each spike, (n,) int64."""
        first = self.routes.first
        n_axons = first[fired + 1] - first[fired]
        return self.log.append(step, expand(first[fired], n_axons)) + np.cumsum(n_axons) - n_axons

    def _date(self, fired: Int, first_row: Int, fire: Int, start: Pass) -> None:
        """Write when spikes were fired into the log."""
        first = self.routes.first
        n_axons = first[fired + 1] - first[fired]
        at_start = start.fire_at_start | (self.places.of_neuron[fired] == self.places.host)
        time = np.where(at_start, start.step_ps, fire)
        self.log.emission_ps[expand(first_row, n_axons)] = np.repeat(time, n_axons)

    def _own_letters(self, fired: Int, row_of_axon_0: Int, leave: Int) -> _Letters:
        """Return the messages of spikes, in the order in which they leave."""
        table = self.table
        n = table.first[fired + 1] - table.first[fired]
        message = expand(table.first[fired], n)
        first = np.repeat(row_of_axon_0 + self._first_axon, n) + table.axon[message]
        source = np.repeat(self.places.of_neuron[fired], n)
        destination = table.destination[message]
        relay_place = np.where(table.to_relays[message], destination, -1)
        self.log.injection_ps[expand(first, table.n_axons[message])] = np.repeat(
            leave, table.n_axons[message]
        )
        return _Letters(leave, source, destination, first, table.n_axons[message], relay_place)

    def _relay_letters(self, rows: Int, leave: Int) -> _Letters:
        """Return the messages of relays."""
        destination = self.places.of_core[self.routes.core[self.log.axon[rows]]]
        ones = np.ones(len(rows), np.int64)
        return _Letters(leave, self._place_of_relay(rows), destination, rows, ones, -ones)

    def _hand_over(self, letters: _Letters) -> None:
        """Give messages to the network-on-chip, and remember what they carry."""
        if not len(letters.leave_ps):
            return
        numbers = self.fabric.send(letters.leave_ps, letters.source, letters.destination)
        self.messages_out += np.bincount(letters.source, minlength=self.n_places)
        end = int(numbers[-1]) + 1
        for name in ("first_row", "n_rows", "relay_place"):
            column = self._carried[name]
            if end > len(column):
                self._carried[name] = column = np.concatenate((column, np.empty(end, np.int64)))
            column[numbers] = getattr(letters, name)
