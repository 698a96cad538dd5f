"""What a chip model measures while it carries a network's spikes.

Times are integer picoseconds of hardware time. Hardware time 0 is the start of step 0; step k of the
network is due at ``k * period_ps``, where ``period_ps`` is dt divided by the speed-up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pycosim.results.roundings import rounding_frame

if TYPE_CHECKING:
    import pandas as pd

    from pycosim.hwmodels.arithmetic import Rounding

Int = NDArray[np.int64]


@dataclass
class PacketTable:
    """One row for each packet, that is for each spike and core that it was sent to; all (n,) int64.

    Attributes
    ----------
    emission_step
        Step in which the neuron fired.
    source
        Global number of the neuron.
    core
        Core that the packet was sent to.
    emission_ps
        When the neuron fired.
    injection_ps
        When the packet was handed to the network-on-chip.
    arrival_ps
        When its synapses could act at the destination; -1 while in flight at the end of the run, or dropped.
    lateness_steps
        Steps by which the packet's synapses act later than the network asks (measured, whether or not
        it is fed back); -1 where arrival_ps is -1.
    """

    emission_step: Int
    source: Int
    core: Int
    emission_ps: Int
    injection_ps: Int
    arrival_ps: Int
    lateness_steps: Int

    @property
    def arrived(self) -> NDArray[np.bool_]:
        """Which packets arrived, (n,) bool."""
        return self.arrival_ps >= 0

    @property
    def latency_ps(self) -> Int:
        """Arrival minus emission of the packets that arrived, (n_arrived,) int64."""
        return (self.arrival_ps - self.emission_ps)[self.arrived]


@dataclass
class CoreTable:
    """One row for each core in use; all (n_cores,).

    Attributes
    ----------
    core
        Number of the core on the chip (or system of chips).
    x, y
        Place on the floor plan, in core units.
    neurons, synapses, relays
        What the mapping put there; relays are helper neurons (splitters) that carry spikes on.
    synaptic_events, spikes, packets_in, packets_out
        What happened there during the run.
    busy_ps
        Time the core was at work during the run.
    """

    core: Int
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    neurons: Int
    synapses: Int
    relays: Int
    synaptic_events: Int
    spikes: Int
    packets_in: Int
    packets_out: Int
    busy_ps: Int


@dataclass
class LinkTable:
    """One row for each link that carried a flit; all (n_links,).

    Attributes
    ----------
    x_from, y_from, x_to, y_to
        Ends on the floor plan, in core units.
    flits
        Flits carried during the run.
    """

    x_from: NDArray[np.float64]
    y_from: NDArray[np.float64]
    x_to: NDArray[np.float64]
    y_to: NDArray[np.float64]
    flits: Int


@dataclass
class HardwareRecord:
    """All that one run on a chip model measured.

    Attributes
    ----------
    chip, title : str
        The target's name and the chip's full name.
    discipline : {"tick", "barrier", "free"}
    options : dict
        timing, arithmetic, speedup, mapping and overrides as used.
    period_ps : int
        Hardware time that one step may take: dt / speed-up.
    step_duration_ps : (n_steps,) int64 ndarray
        Hardware time that each step took (the busiest core's time on a tick or free-running chip; the
        time to the end of the barrier on a barrier chip).
    packets : PacketTable
    sent, delivered, dropped, in_flight : int
        Packets; sent = delivered + dropped + in_flight.
    late : int
        Delivered packets with lateness_steps > 0.
    overruns : int
        Steps that took longer than period_ps.
    cores : CoreTable
    links : LinkTable
    energy_j : dict of str to (float or None)
        Energy by cause; None where the chip's description has no constant ("unknown", never 0).
    energy_assumed : dict of str to bool
        Causes whose constant is an assumption rather than published or measured.
    shape : (int, int)
        Columns and rows of the floor plan.
    core_of_neuron : (n_neurons,) int32 ndarray
        -1 for spike sources, which live outside the chip.
    utilisation : dict of str to (used, limit)
        Largest use of each limited resource.
    relays : int
        Helper neurons (splitters) that the mapping added.
    roundings : list of pycosim.hwmodels.arithmetic.Rounding
        With arithmetic="chip": the values that the chip holds with limited precision, asked and got.
    notes : list of str
        What a reader should know: assumptions used, rounding of latencies, extra ticks.
    """

    chip: str
    title: str
    discipline: str
    options: dict[str, Any]
    period_ps: int
    step_duration_ps: Int
    packets: PacketTable
    sent: int
    delivered: int
    dropped: int
    in_flight: int
    late: int
    overruns: int
    cores: CoreTable
    links: LinkTable
    energy_j: dict[str, float | None]
    energy_assumed: dict[str, bool]
    shape: tuple[int, int]
    core_of_neuron: NDArray[np.int32]
    utilisation: dict[str, tuple[int, int]]
    relays: int = 0
    roundings: list[Rounding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def rounded(self) -> pd.DataFrame:
        """What the chip rounded, the worst first: item, unit, asked, got, relative_error, count."""
        return rounding_frame(self.roundings)
