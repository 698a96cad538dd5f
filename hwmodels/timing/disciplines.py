"""How steps of a network become time on a chip: fixed tick, barrier, or no steps at all.

A discipline carries the spikes of step k through hardware time up to the beginning of step k + 1, when it
knows of every packet that can act in that step whether it has arrived.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pycosim.hwmodels.description import Description
from pycosim.hwmodels.mapping.table import Mapping
from pycosim.hwmodels.timing.messages import Moves, expand
from pycosim.hwmodels.timing.traffic import Arrivals, Pass, Traffic
from pycosim.units import format_time

__all__ = ["DISCIPLINES", "Acting", "Discipline", "barrier_ps"]

Int = NDArray[np.int64]
_NONE = np.empty(0, np.int64)
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


class Tick(Discipline):
    """Fixed tick: step k begins at k times the period, whether or not the step before is finished.

    Spikes fire as their core comes to them. A packet must arrive before the tick at which it is due; if it is
    late it acts in the first tick that begins after its arrival.
    """

    events_on_arrival = False

    def __init__(self, description: Description, mapping: Mapping, period_ps: int):
        super().__init__(description, mapping, period_ps)
        self.free = np.zeros(self.traffic.n_places, np.int64)
        self.behind = bool(self.idle.max(initial=0) > period_ps)
        self.events_due: dict[int, Int] = {}
        self.relays_due: dict[int, list[Int]] = {}
        self._time_ps = 0
        self._shortest = description.time.shortest_period

    def grow(self, mapping: Mapping) -> None:
        """Go on with the mapping of a grown network."""
        super().grow(mapping)
        self.behind = self.behind or bool(self.idle.max(initial=0) > self.period_ps)

    def _move(self, moves: Moves) -> None:
        super()._move(moves)
        self.free = moves.column(self.free)
        self.events_due = {tick: moves.column(events) for tick, events in self.events_due.items()}

    @property
    def time_ps(self) -> int:
        """Hardware time up to which the chip has been followed."""
        return self._time_ps

    def carry(self, step: int, fired: Int) -> Acting:
        """Carry the spikes of `step` to the beginning of the next tick."""
        start = step * self.period_ps
        self._time_ps = start + self.period_ps
        events = self.events_due.pop(step, None)
        relays = self.relays_due.pop(step, None)
        if step > 0 and not self.behind and events is None and relays is None and self._sends_nothing(fired):
            self.idle_steps += 1
            self.durations.append(int(self.idle.max(initial=0)))
            return Acting(_NONE, _NONE, _NONE)
        begin = np.maximum(self.free, start)
        events = self._no_work if events is None else events * self.traffic.times.event
        rows = _NONE if relays is None else np.concatenate(relays)
        work = self.traffic.send(step, fired, Pass(start, begin, events), rows)
        if step == 0:
            work = work - self.idle
        self.free = begin + work
        self.behind = bool(self.free.max(initial=0) > self._time_ps)
        self._count_work(work)
        if step > 0:
            self.durations.append(int(work[:-1].max(initial=0)))
        return self._receive(step, self.traffic.receive(self.traffic.fabric.run_until(self._time_ps)))

    def _receive(self, step: int, arrivals: Arrivals) -> Acting:
        """Say when arrived packets act, and let relays fire."""
        log, axons = self.traffic.log, self.traffic.routes
        axon = log.axon[arrivals.rows]
        due = log.emission_step[arrivals.rows] + axons.delay[axon].astype(np.int64)
        floor = arrivals.done_ps // self.period_ps + 1
        acts = np.maximum(due, floor)
        log.lateness_steps[arrivals.rows] = acts - due
        place = self.traffic.places.of_core[axons.core[axon]]
        for tick in np.unique(acts).tolist():
            events = self.events_due.setdefault(tick, np.zeros(self.traffic.n_places, np.int64))
            now = acts == tick
            np.add.at(events, place[now], axons.synapses[axon[now]])
        first, relay_tick = arrivals.relayed, arrivals.relayed_ps // self.period_ps + 1
        if len(first):
            relay_tick = np.maximum(relay_tick, log.emission_step[first] + 1)
            for tick in np.unique(relay_tick).tolist():
                now = relay_tick == tick
                self.relays_due.setdefault(tick, []).append(expand(first[now], arrivals.n_relayed[now]))
        return Acting(arrivals.rows, np.zeros_like(floor), floor)

    def notes(self) -> list[str]:
        """Return remarks about the tick."""
        notes = [
            f"A tick lasts {format_time(self.period_ps)}; a packet that misses its tick acts in a later one."
        ]
        if self._shortest is not None and self.period_ps < self._shortest.value:
            notes.append(
                f"The tick is shorter than the shortest that was shown to work, {self._shortest} "
                f"({self._shortest.source})."
            )
        return notes + self._slow_core_notes() + self._backlog_notes(self.free)


class Barrier(Discipline):
    """Elastic barrier: a step lasts until all cores are done and all messages have arrived, then the barrier.

    The next step begins after that, but not before its period is due. Packets always act in time.
    """

    def __init__(self, description: Description, mapping: Mapping, period_ps: int):
        super().__init__(description, mapping, period_ps)
        self._set_barrier()
        self.start = 0
        self._time_ps = 0

    def grow(self, mapping: Mapping) -> None:
        """Go on with the mapping of a grown network."""
        super().grow(mapping)
        self._set_barrier()

    def _set_barrier(self) -> None:
        """Find how long a barrier of all routers in use takes."""
        self.barrier_ps = barrier_ps(self.description, self.traffic.places.cores)

    @property
    def time_ps(self) -> int:
        """Hardware time up to which the chip has been followed."""
        return self._time_ps

    def carry(self, step: int, fired: Int) -> Acting:
        """Carry the spikes of `step` to their targets."""
        if step > 0 and not len(fired):
            self.idle_steps += 1
            end = self.start + int(self.idle.max(initial=0))
            self._end_step(step, end)
            return Acting(_NONE, _NONE, _NONE)
        begin = np.full(self.traffic.n_places, self.start)
        work = self.traffic.send(step, fired, Pass(self.start, begin, self._no_work))
        if step == 0:
            work = work - self.idle
        arrivals = self.traffic.receive(self.traffic.fabric.run_until_idle())
        end = max(self.start + int(work[:-1].max(initial=0)), arrivals.last_ps)
        self._count_work(np.maximum(work, arrivals.work_ps))
        self._end_step(step, end)
        self.traffic.log.lateness_steps[arrivals.rows] = 0
        zeros = np.zeros(len(arrivals.rows), np.int64)
        return Acting(arrivals.rows, zeros, zeros)

    def _end_step(self, step: int, end: int) -> None:
        """Add the barrier, and begin the next step."""
        if step > 0:
            end += self.barrier_ps
            self.durations.append(end - self.start)
        self._time_ps = max(end, (step + 1) * self.period_ps)
        self.start = self._time_ps

    def notes(self) -> list[str]:
        """Return remarks about the barrier."""
        return [
            f"A step ends with a barrier of {format_time(self.barrier_ps)}, and lasts at least its period, "
            f"{format_time(self.period_ps)}.",
            *self._slow_core_notes(),
        ]


class Free(Discipline):
    """Free running: a spike acts when it arrives.

    In a simulation with time steps all spikes of a step fire at the time of the step, and the step at which a
    packet acts is the nearest to its time.
    """

    def __init__(self, description: Description, mapping: Mapping, period_ps: int):
        super().__init__(description, mapping, period_ps)
        self.free = np.zeros(self.traffic.n_places, np.int64)
        self.worst_rounding_ps = 0
        self._time_ps = 0

    def _move(self, moves: Moves) -> None:
        super()._move(moves)
        self.free = moves.column(self.free)

    @property
    def time_ps(self) -> int:
        """Hardware time up to which the chip has been followed."""
        return self._time_ps

    def carry(self, step: int, fired: Int) -> Acting:
        """Carry the spikes of `step` to the time of the next step."""
        start = step * self.period_ps
        self._time_ps = start + self.period_ps
        if step > 0 and self._sends_nothing(fired):
            self.idle_steps += 1
            self.durations.append(int(self.idle.max(initial=0)))
            return Acting(_NONE, _NONE, _NONE)
        begin = np.maximum(self.free, start)
        work = self.traffic.send(step, fired, Pass(start, begin, self._no_work, fire_at_start=True))
        self.free = begin + work
        arrivals = self.traffic.receive(self.traffic.fabric.run_until(self._time_ps))
        work = np.maximum(work, arrivals.work_ps)
        self._count_work(work)
        if step > 0:
            self.durations.append(int(work[:-1].max(initial=0)))
        log = self.traffic.log
        latency = log.arrival_ps[arrivals.rows] - log.emission_ps[arrivals.rows]
        shift = (2 * latency + self.period_ps) // (2 * self.period_ps)
        error = np.abs(shift * self.period_ps - latency).max(initial=0)
        self.worst_rounding_ps = max(self.worst_rounding_ps, int(error))
        log.lateness_steps[arrivals.rows] = shift
        return Acting(arrivals.rows, shift, np.zeros_like(shift))

    def notes(self) -> list[str]:
        """Return remarks about the rounding to steps."""
        return [
            "All spikes of a step fire at the time of the step; latencies are added to the delays and "
            f"rounded to the nearest step of {format_time(self.period_ps)} (largest rounding "
            f"{format_time(self.worst_rounding_ps)}).",
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


DISCIPLINES: dict[str, type[Discipline]] = {"tick": Tick, "barrier": Barrier, "free": Free}
