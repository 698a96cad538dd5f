"""Service times of cores: when spikes leave them, and how long they are at work."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pycosim.hwmodels.description import Description
from pycosim.hwmodels.mapping.table import Mapping
from pycosim.hwmodels.quantities import Time
from pycosim.hwmodels.timing.messages import Places

__all__ = ["CoreTimes", "Firings", "emissions"]

Int = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Firings:
    """Neurons, sources and relays that fire in one step, ordered by (place, order).

    Attributes
    ----------
    place : (n,) int64
    order : (n,) int64
        Place in the order in which the core works on its neurons and relays.
    n_messages : (n,) int64
        Messages that each sends.
    """

    place: Int
    order: Int
    n_messages: Int


@dataclass(frozen=True, eq=False)
class CoreTimes:
    """Times of the work at each place, in ps; all (n_places,) int64, the host last.

    Attributes
    ----------
    step
        Per step, whatever the place holds.
    units
        Neurons and relays that the place works on in every step.
    update, spike, send
        Per unit, per spike, per message sent.
    receive, event
        Per message received, per synaptic event.
    """

    step: Int
    units: Int
    update: Int
    spike: Int
    send: Int
    receive: Int
    event: Int

    @classmethod
    def of_chip(cls, description: Description, mapping: Mapping, places: Places) -> CoreTimes:
        """Return the times that a description gives for the cores in use."""
        times = description.time
        units = places.at_cores(mapping.neurons_of_core + mapping.relays_of_core)
        if times.scans_all_neurons:
            units = np.where(units > 0, description.capacity.neurons_per_core.value, 0)

        def column(of_cores: Time | None, of_host: Time | None = None) -> Int:
            cores, host = (0 if time is None else time.value for time in (of_cores, of_host))
            return np.append(np.full(len(places.cores), cores), host).astype(np.int64)

        return cls(
            column(times.step),
            np.append(units, 0).astype(np.int64),
            column(times.neuron_update),
            column(times.spike),
            column(times.packet_out, times.host_packet),
            column(times.packet_in),
            column(times.synaptic_event),
        )

    @property
    def idle(self) -> Int:
        """Work of a step in which nothing fires or arrives, (n_places,) int64."""
        return self.step * (self.units > 0) + self.units * self.update


def emissions(times: CoreTimes, firings: Firings, begin: Int, events: Int) -> tuple[Int, Int, Int]:
    """Return when neurons fire and when their messages leave, and how long places are at work.

    A place updates its units in order; after an update that makes a unit fire, the spike and its messages
    take their time before the next update. Synaptic events of the same pass are spread evenly over it.

    Parameters
    ----------
    times : CoreTimes
    firings : Firings
    begin : (n_places,) int64
        When each place begins.
    events : (n_places,) int64
        Time of the synaptic events in this pass.

    Returns
    -------
    fire_ps : (n_firings,) int64
    leave_ps : (n_messages,) int64
        In the order of the firings.
    work_ps : (n_places,) int64
    """
    place, n = firings.place, firings.n_messages
    starts = np.flatnonzero(np.diff(place, prepend=-1))
    start_of_each = np.repeat(starts, np.diff(starts, append=len(place)))
    spikes_before = np.arange(len(place)) - start_of_each
    sent_before = np.cumsum(n) - n
    sent_before -= sent_before[start_of_each]
    passed = firings.order + 1
    updates = times.update[place] * passed + events[place] * passed // np.maximum(times.units[place], 1)
    fire = begin[place] + updates + times.spike[place] * (spikes_before + 1) + times.send[place] * sent_before
    ends = np.cumsum(n)
    number = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - n, n)
    leave = np.repeat(fire, n) + np.repeat(times.send[place], n) * (number + 1)
    n_places = len(times.units)
    n_sent = np.bincount(place, n, n_places).astype(np.int64)
    work = times.idle + events + times.spike * np.bincount(place, minlength=n_places) + times.send * n_sent
    return fire, leave, work
