"""What a chip model measures while it carries a network's spikes.

Times are integer picoseconds of hardware time. Hardware time 0 is the start of step 0; step k of the
network is due at ``k * period_ps``, where ``period_ps`` is dt divided by the speed-up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pycosim.results.roundings import rounding_frame

if TYPE_CHECKING:
    import pandas as pd

    from pycosim.hwmodels.arithmetic import Rounding

Int = NDArray[np.int64]

# Arrival times of packets that did not arrive.
IN_FLIGHT, DROPPED = -1, -2


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
        When its synapses could act at the destination; -1 if in flight at the end of the run, -2 if dropped.
    lateness_steps
        Steps by which the packet's synapses act later than the network asks (measured, whether or not
        it is fed back); -1 where it did not arrive.
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
    def dropped(self) -> NDArray[np.bool_]:
        """Which packets were dropped, (n,) bool."""
        return self.arrival_ps == DROPPED

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
    discipline : {"tick", "barrier", "free", "timer"}
    options : dict
        timing, arithmetic, speedup, mapping and overrides as used.
    period_ps : int
        Hardware time that one step may take: dt / speed-up.
    step_duration_ps : (n_steps,) int64 ndarray
        Hardware time that each step took (the busiest core's time; on a barrier chip the
        time to the end of the barrier).
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
    energy_range_j : dict of str to (low, high)
        What the energy of causes lies between whose constant is assumed, recalled or has bounds.
    energy_of_core_j : dict of str to (n_cores,) float64 ndarray
        Energy of each known cause by core, in the order of `cores`. The sum is that of `energy_j`, but for
        "static", of which cores that are not in use may have the rest.
    energy_of_population_j : dict of str to (n_populations,) float64 ndarray
        Energy of each known cause but "static" by the population whose neurons caused it.
    shape : (int, int)
        Columns and rows of the floor plan.
    core_of_neuron : (n_neurons,) int32 ndarray
        -1 for spike sources, which live outside the chip.
    utilisation : dict of str to (used, limit)
        Largest use of each limited resource.
    relays : int
        Helper neurons (splitters) that the mapping added.
    steps_are_timed : bool
        Whether the chip's description has times of work in cores, and they were looked at (not with
        timing="ideal"); if not, `step_duration_ps`, `overruns` and `CoreTable.busy_ps` are 0 as nothing is
        known.
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
    steps_are_timed: bool = True
    roundings: list[Rounding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    energy_range_j: dict[str, tuple[float, float]] = field(default_factory=dict)
    energy_of_core_j: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    energy_of_population_j: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def core_energy(self, *, static: bool = True) -> pd.DataFrame:
        """Return the energy by core in joules: causes as columns, cores as rows, "not in use" as the last.

        Static energy is in a column of its own; the column "total" has everything that is known, "low" and
        "high" what it lies between where constants are uncertain. A cause without a known constant is nan,
        as is a total of nothing else.

        Parameters
        ----------
        static : bool
            Whether static energy is in it; without it, there are the cores in use only.
        """
        import pandas as pd

        causes = [cause for cause in self.energy_j if static or cause != "static"]
        known = {cause: energy for cause, energy in self.energy_of_core_j.items() if cause in causes}
        frame = pd.DataFrame(known, index=pd.Index(self.cores.core, name="core"), dtype=float)
        if "static" in frame:
            rest = max((self.energy_j["static"] or 0.0) - frame["static"].sum(), 0.0)
            frame.loc["not in use"] = {cause: rest if cause == "static" else 0.0 for cause in frame}
        return self._with_totals(frame, causes)

    def population_energy(self, labels: Sequence[str] | None = None) -> pd.DataFrame:
        """Return the energy by population in joules: causes as columns, populations as rows.

        The row "static" has what belongs to no population. See `RunResult.population_energy`.
        """
        import pandas as pd

        n = len(next(iter(self.energy_of_population_j.values()), ()))
        rows = pd.Index(range(n) if labels is None else labels, name="population")
        frame = pd.DataFrame(self.energy_of_population_j, index=rows, dtype=float)
        frame = self._with_totals(frame, [cause for cause in self.energy_j if cause != "static"])
        if "static" in self.energy_j:
            static = float("nan") if self.energy_j["static"] is None else self.energy_j["static"]
            low, high = self.energy_range_j.get("static", (static, static))
            causes = dict.fromkeys(self.energy_of_population_j, 0.0)
            row = causes | {"total": static, "low": low, "high": high}
            # Appended, not set: a population may be called "static" too.
            last = pd.DataFrame(row, index=pd.Index(["static"], name="population"), columns=frame.columns)
            frame = pd.concat([frame.astype(float), last.astype(float)])
        return frame

    def _with_totals(self, frame: pd.DataFrame, causes: list[str]) -> pd.DataFrame:
        """Return a table with a column for each cause, nan where it is unknown, and the totals of the rows.

        The range of a cause is shared out as its energy is.
        """
        ends = []
        for end in (0, 1):
            scaled = frame.copy()
            for cause in frame:
                energy = self.energy_j[cause]
                if cause in self.energy_range_j and energy:
                    scaled[cause] *= self.energy_range_j[cause][end] / energy
            ends.append(scaled.sum(axis=1, min_count=1))
        total = frame.sum(axis=1, min_count=1)
        return frame.reindex(columns=causes).assign(total=total, low=ends[0], high=ends[1])

    @property
    def rounded(self) -> pd.DataFrame:
        """What the chip rounded, the worst first: item, unit, asked, got, relative_error, count."""
        return rounding_frame(self.roundings)
