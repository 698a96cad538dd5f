"""Spikes as packets: what the disciplines have in common.

A packet is one spike on its way over one axon (a row of the log). A message is what the network-on-chip
carries: it serves one axon, several of one router (multicast), or goes to relays that send on to all axons.
Messages of a multicast by trees go together until their ways part. The work is done by compiled code
(csrc/traffic.cpp), which reads the tables made here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.hwmodels.description import Description
from pycosim.hwmodels.mapping.table import Mapping
from pycosim.hwmodels.timing import _carrying
from pycosim.hwmodels.timing.cores import CoreTimes
from pycosim.hwmodels.timing.fabric import Fabric
from pycosim.hwmodels.timing.log import PacketLog
from pycosim.hwmodels.timing.messages import Moves, Places, message_table
from pycosim.hwmodels.timing.routes import Routes

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
        self.core = _carrying.Traffic()
        self.log = PacketLog(self.core)
        for name in self._BY_PLACE:
            setattr(self, name, np.zeros(self.n_places, np.int64))
        self._description, self._events_on_arrival = description, events_on_arrival
        self._use(mapping)

    def _use(self, mapping: Mapping) -> None:
        """Make the tables of a mapping whose places and routes are known."""
        self.mapping = mapping
        self.times = CoreTimes.of_chip(self._description, mapping, self.places)
        self.table = message_table(self._description, mapping, self.places)
        self.core.use(self._tables(), self.fabric)

    def _tables(self) -> dict[str, Any]:
        """Return what the compiled part is given, by name; see csrc/traffic.hpp."""
        mapping, table, times, routes = self.mapping, self.table, self.times, self.routes
        order = np.where(mapping.core_of_neuron >= 0, mapping.units_before, 0)
        names = ("units", "update", "idle", "spike", "send", "receive", "event")
        columns = {
            "place_of_neuron": self.places.of_neuron,
            "order_of_neuron": order,
            "place_of_core": self.places.of_core,
            "first_message": table.first,
            "destination": table.destination,
            "message_axon": table.axon,
            "n_axons": table.n_axons,
            "first_axon": routes.first,
            "idle": times.idle,
            "event_on_arrival": times.event if self._events_on_arrival else np.zeros_like(times.event),
        } | {name: getattr(times, name) for name in names}
        tables: dict[str, Any] = {
            name: np.ascontiguousarray(column, np.int64) for name, column in columns.items()
        }
        for name in ("source", "core", "delay", "receptor", "relay_core", "relay_place"):
            tables[name] = np.ascontiguousarray(getattr(routes, name), np.int32)
        tables["synapses"] = np.ascontiguousarray(routes.events, np.int32)
        tables["to_relays"], tables["joins"] = table.to_relays.astype(np.uint8), table.joins.astype(np.uint8)
        # Messages name axons of the mapping, packets those of the routes.
        tables["first_axon_of_mapping"] = len(routes) - len(mapping.axons)
        return tables | {name: getattr(self, name) for name in self._BY_PLACE}

    def grow(self, mapping: Mapping) -> Moves:
        """Take the mapping of a grown network over, and return how places are numbered from now on.

        Packets under way keep the axons and relays that they were sent over.
        """
        places = Places.of_mapping(mapping, self.places.cores)
        moves = Moves.between(self.places, places)
        self.places, self.routes = places, Routes.of_mapping(mapping, self.routes)
        for name in self._BY_PLACE:
            setattr(self, name, moves.column(getattr(self, name)))
        self.core.move_places(moves.new_place)
        self.fabric.set_places(places.cores, self._description.mapping.entry_router)
        self._use(mapping)
        return moves

    @property
    def n_places(self) -> int:
        """Number of places, the host included."""
        return self.places.host + 1

    @property
    def encoded(self) -> int:
        """Spikes of cores that became messages."""
        return self.core.encoded

    @encoded.setter
    def encoded(self, count: int) -> None:
        self.core.encoded = count

    def send(self, step: int, fired: Int, start: Pass, relays: Int = _NO_ROWS) -> Int:
        """Send the spikes of a step, and those of relays, and return how long each place worked, (n_places,).

        A place updates its units in order; after an update that makes a unit fire, the spike and its messages
        take their time before the next update. Synaptic events of the same pass are spread evenly over it.

        Parameters
        ----------
        step : int
        fired : (n,) int64
            Neurons and sources that fired.
        start : Pass
        relays : (m,) int64
            Rows of the log that relays send now.
        """
        begin, events = (np.ascontiguousarray(times, np.int64) for times in (start.begin_ps, start.events_ps))
        return self.core.send(step, fired, start.step_ps, begin, events, start.fire_at_start, relays)

    def receive(self, arrived: tuple[Int, Int]) -> Arrivals:
        """Let cores work on the messages that arrived (numbers and times)."""
        return Arrivals(*self.core.receive(*arrived))
