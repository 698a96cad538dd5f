"""How steps of a network become time on a chip: fixed tick, barrier, or no steps at all.

A discipline carries the spikes of step k through hardware time up to the beginning of step k + 1, when it
knows of every packet that can act in that step whether it has arrived.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.hwmodels.description import Description
from pycosim.hwmodels.mapping.table import Mapping
from pycosim.hwmodels.timing import _carrying
from pycosim.hwmodels.timing.messages import Moves
from pycosim.hwmodels.timing.traffic import Traffic
from pycosim.units import format_time

__all__ = ["Acting", "Barrier", "Compiled", "Delivery", "Discipline", "Free", "Tick", "barrier_ps"]

Int = NDArray[np.int64]
# Cores that a note lists by number.
_MOST_NAMED = 5


@dataclass(frozen=True, eq=False)
class Acting:
    """Packets of which it became known when they act; all (n,) int64.

    They act at step ``max(emission step + delay + shift, floor)``.

    Attributes
    ----------
    rows
        Rows of the log.
    shift, floor
        In steps.
    """

    rows: Int
    shift: Int
    floor: Int


@dataclass(frozen=True, eq=False)
class Delivery:
    """How the engine learns when packets act.

    Attributes
    ----------
    closed : bool
        When the chip says; else when they are due.
    only_delay, only_receptor : bool
        A packet makes synapses of its axon's delay (receptor) act, not all on its core.
    keep_synapses : bool
        Whether the engine has to keep the synapses that packets under way will meet.
    """

    closed: bool
    only_delay: bool
    only_receptor: bool
    keep_synapses: bool


class Discipline(ABC):
    """Carries spikes step by step, and measures.

    Parameters
    ----------
    description : Description
    mapping : Mapping
    period_ps : int
        Time that a step may take.

    Attributes
    ----------
    durations : list of int
        Time that each step took, from step 1 on, in ps.
    busy_ps : (n_places,) int64
        Time that each place was at work, but for steps in which nothing happened.
    slow_steps : (n_places,) int64
        Steps in which it was at work for longer than the period, but for those as well.
    """

    events_on_arrival = True
    # Whether no packet ever acts later than its delay says.
    packets_act_on_time = False

    def __init__(self, description: Description, mapping: Mapping, period_ps: int):
        self.traffic = Traffic(description, mapping, events_on_arrival=self.events_on_arrival)
        self.description = description
        self.period_ps = period_ps
        self.durations: list[int] = []
        self.busy_ps = np.zeros(self.traffic.n_places, np.int64)
        self.slow_steps = np.zeros(self.traffic.n_places, np.int64)
        self.idle = self.traffic.times.idle
        self.idle_steps = 0
        self._updates, self._counted_steps = 0, 0
        self._no_work = np.zeros(self.traffic.n_places, np.int64)

    @abstractmethod
    def carry(self, step: int, fired: Int) -> Acting:
        """Carry the spikes of `step` to the beginning of the next step."""

    @property
    @abstractmethod
    def time_ps(self) -> int:
        """Hardware time up to which the chip has been followed."""

    @property
    def clock_step(self) -> int:
        """Step that the wall clock has reached when the next step of the network begins."""
        return self.time_ps // self.period_ps

    @abstractmethod
    def notes(self) -> list[str]:
        """Return what a reader of the results should know."""

    def grow(self, mapping: Mapping) -> None:
        """Go on with the mapping of a grown network, which has all neurons where they were."""
        self._updates, self._counted_steps = self.neuron_updates, len(self.durations)
        self.busy_ps = self.total_busy_ps()
        self.slow_steps = self._total_slow_steps()
        self.idle_steps = 0
        self._move(self.traffic.grow(mapping))
        self.idle = self.traffic.times.idle
        self._no_work = np.zeros(self.traffic.n_places, np.int64)

    def _move(self, moves: Moves) -> None:
        """Number columns by place anew."""
        self.busy_ps = moves.column(self.busy_ps)
        self.slow_steps = moves.column(self.slow_steps)

    @property
    def neuron_updates(self) -> int:
        """Updates of neurons and relays in all steps."""
        steps = len(self.durations) - self._counted_steps
        return self._updates + int(self.traffic.times.units.sum()) * steps

    def total_busy_ps(self) -> Int:
        """Return the time that each place was at work, (n_places,) int64."""
        return self.busy_ps + self.idle_steps * self.idle

    def _total_slow_steps(self) -> Int:
        return self.slow_steps + self.idle_steps * (self.idle > self.period_ps)

    def _count_work(self, work: Int) -> None:
        """Remember how long places were at work in a step."""
        self.busy_ps += work
        self.slow_steps += work > self.period_ps

    def _slow_core_notes(self) -> list[str]:
        """Return which cores were too slow for the period."""
        steps = self._total_slow_steps()[:-1]
        slow = np.argsort(-steps, kind="stable")[: np.count_nonzero(steps)]
        if not len(slow):
            return []
        cores = [f"core {self.traffic.places.cores[i]} in {steps[i]} steps" for i in slow[:_MOST_NAMED]]
        more = f" and {len(slow) - _MOST_NAMED} more cores" if len(slow) > _MOST_NAMED else ""
        return [f"Too slow for the period of {format_time(self.period_ps)}: {', '.join(cores)}{more}."]

    def _backlog_notes(self, free: Int) -> list[str]:
        """Return who had more to do at the end than there was time for."""
        behind = np.maximum(free - self.time_ps, 0)
        notes = []
        if behind[-1]:
            notes.append(
                "Spikes of external sources came faster than they can be put in: at the end the last waited "
                f"{format_time(int(behind[-1]))}."
            )
        if behind[:-1].any():
            notes.append(
                f"At the end {np.count_nonzero(behind[:-1])} cores were up to "
                f"{format_time(int(behind[:-1].max()))} behind."
            )
        return notes

    def _sends_nothing(self, fired: Int) -> bool:
        return not len(fired) and self.traffic.fabric.is_idle


class Compiled(Discipline):
    """A discipline whose steps are done by compiled code (csrc/disciplines.cpp), many in one call.

    Its columns by place are those of this object, which the compiled part counts and moves on.
    """

    _KIND: type[_carrying.Discipline]

    def __init__(self, description: Description, mapping: Mapping, period_ps: int):
        super().__init__(description, mapping, period_ps)
        self.free = np.zeros(self.traffic.n_places, np.int64)
        self.compiled: Any = self._KIND(self.traffic.core, period_ps)
        self._bind()

    def grow(self, mapping: Mapping) -> None:
        """Go on with the mapping of a grown network."""
        super().grow(mapping)
        self._bind()

    def _move(self, moves: Moves) -> None:
        super()._move(moves)
        self.free = moves.column(self.free)

    def _bind(self) -> None:
        """Give the compiled part the columns, which are new."""
        self.compiled.use(self.busy_ps, self.slow_steps, self.free)

    @property
    def time_ps(self) -> int:
        """Hardware time up to which the chip has been followed."""
        return self.compiled.time_ps

    def carry(self, step: int, fired: Int) -> Acting:
        """Carry the spikes of `step` to the beginning of the next step."""
        acting = Acting(*self.compiled.carry(step, fired))
        self._take_durations()
        return acting

    def run(self, engine: Any, n_steps: int, delivery: Delivery) -> None:
        """Do so many steps together with an engine (a capsule of its `DeferredEngine`)."""
        try:
            self.compiled.run(
                engine,
                delivery.closed,
                delivery.only_delay,
                delivery.only_receptor,
                delivery.keep_synapses,
                n_steps,
            )
        finally:
            self._take_durations()

    def _take_durations(self) -> None:
        durations, idle_steps = self.compiled.take_durations()
        self.durations += durations.tolist()
        self.idle_steps += idle_steps


class Tick(Compiled):
    """Fixed tick: step k begins at k times the period, whether or not the step before is finished.

    Spikes fire as their core comes to them. A packet must arrive before the tick at which it is due; if it is
    late it acts in the first tick that begins after its arrival.
    """

    events_on_arrival = False
    _KIND = _carrying.Tick

    def _move(self, moves: Moves) -> None:
        super()._move(moves)
        self.compiled.move_places(moves.new_place, moves.n_places)

    def notes(self) -> list[str]:
        """Return remarks about the tick."""
        shortest = self.description.time.shortest_period
        notes = [
            f"A tick lasts {format_time(self.period_ps)}; a packet that misses its tick acts in a later one."
        ]
        if shortest is not None and self.period_ps < shortest.value:
            notes.append(
                f"The tick is shorter than the shortest that was shown to work, {shortest} "
                f"({shortest.source})."
            )
        return notes + self._slow_core_notes() + self._backlog_notes(self.free)


class Barrier(Compiled):
    """Elastic barrier: a step lasts until all cores are done and all messages have arrived, then the barrier.

    The next step begins after that, but not before its period is due. Packets always act in time.
    """

    packets_act_on_time = True
    _KIND = _carrying.Barrier

    def _bind(self) -> None:
        super()._bind()
        self.compiled.barrier_ps = self.barrier_ps

    @property
    def barrier_ps(self) -> int:
        """How long a barrier of all routers in use takes."""
        return barrier_ps(self.description, self.traffic.places.cores)

    def notes(self) -> list[str]:
        """Return remarks about the barrier."""
        return [
            f"A step ends with a barrier of {format_time(self.barrier_ps)}, and lasts at least its period, "
            f"{format_time(self.period_ps)}.",
            *self._slow_core_notes(),
        ]


class Free(Compiled):
    """Free running: a spike acts when it arrives.

    In a simulation with time steps all spikes of a step fire at the time of the step, and the step at which a
    packet acts is the nearest to its time.
    """

    _KIND = _carrying.Free

    def notes(self) -> list[str]:
        """Return remarks about the rounding to steps."""
        return [
            "All spikes of a step fire at the time of the step; latencies are added to the delays and "
            f"rounded to the nearest step of {format_time(self.period_ps)} (largest rounding "
            f"{format_time(self.compiled.worst_rounding_ps)}).",
            *self._slow_core_notes(),
            *self._backlog_notes(self.free),
        ]


def barrier_ps(description: Description, cores: Int) -> int:
    """Return how long a barrier of some cores takes, over all chips that they are on."""
    noc, times = description.noc, description.time
    routers = np.unique(cores // noc.cores_per_router.size)
    chips, of_chip = np.unique(routers // noc.shape.size, return_counts=True)
    within = times.barrier.at(int(of_chip.max(initial=0))) if times.barrier is not None else 0
    if len(chips) < 2 or times.chip_barrier is None or noc.chips is None:
        return within
    y, x = np.divmod(chips, noc.chips.value[0])
    extent = int(np.ptp(x) + np.ptp(y)) + 2
    return max(within, times.chip_barrier.at(extent))
