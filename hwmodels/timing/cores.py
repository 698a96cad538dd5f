"""Service times of cores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pycosim.hwmodels.description import Description
from pycosim.hwmodels.mapping.table import Mapping
from pycosim.hwmodels.quantities import Time
from pycosim.hwmodels.timing.messages import Places

__all__ = ["CoreTimes"]

Int = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CoreTimes:
    """Times of the work at each place, in ps; all (n_places,) int64, the host last.

    Attributes
    ----------
    step
        Per step, whatever the place holds.
    units
        Compartments of neurons, and relays, that the place updates in every step.
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
        units = places.at_cores(mapping.units_of_core)
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
