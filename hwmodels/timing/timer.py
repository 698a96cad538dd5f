"""Timer discipline: cores wake by timers of their own, which nothing keeps in step.

A core's timer begins step k a fixed time after the earliest core's. It works on packets when they arrive, and
on its neurons when the timer calls; if it has not finished by then, the next step begins late. A packet that
a router cannot pass on waits for a time and is then dropped.

Three simplifications: a packet that reaches a core whose timer is behind the sender's does not act a step too
early; one with a delay of one step that is under way when the first core wakes acts as if it met no other; a
dropped packet has held its links until then as if it had gone on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim.hwmodels.description import Description
from pycosim.hwmodels.mapping.table import Mapping
from pycosim.hwmodels.timing.disciplines import Acting, Discipline
from pycosim.hwmodels.timing.messages import Moves, expand
from pycosim.hwmodels.timing.traffic import Arrivals, Pass
from pycosim.random import generator, stream_of
from pycosim.results.hardware import DROPPED, IN_FLIGHT
from pycosim.units import format_time

__all__ = ["Timer", "phases"]

Int = NDArray[np.int64]
_NONE = np.empty(0, np.int64)


def phases(description: Description, cores: Int, period_ps: int) -> Int:
    """Return how long after the beginning of a step each core's timer calls, (n_cores,) int64 in ps.

    They are drawn from 0 to `ServiceTimes.timer_spread`, or to the period if that is shorter, by the number
    of the core, so that they are the same however many cores are in use.
    """
    spread = description.time.timer_spread
    width = min(spread.value if spread is not None else 0, period_ps)
    draws = generator(description.time.timer_seed, stream_of("timer phases")).random(description.n_cores)
    return (draws[cores] * width).astype(np.int64)


class Timer(Discipline):
    """Steps of a fixed length that each core begins by a timer of its own.

    Attributes
    ----------
    phase : (n_places,) int64
        How long after the beginning of a step each place begins it; 0 for the host.
    n_overrun : int
        Passes over the neurons that began late because the core was still at work.
    """

    def __init__(self, description: Description, mapping: Mapping, period_ps: int):
        super().__init__(description, mapping, period_ps)
        self.free = np.zeros(self.traffic.n_places, np.int64)
        self.n_overrun = 0
        self._time_ps = 0
        # Rows of the log at which what each message carries begins, and after the last message.
        self._first_row = np.zeros(1, np.int64)
        self._n_messages = 0
        # Rows that act already although they are under way, ascending.
        self._ahead = _NONE
        self._set_phases()

    def grow(self, mapping: Mapping) -> None:
        """Go on with the mapping of a grown network; cores keep their timers."""
        super().grow(mapping)
        self._set_phases()

    def _move(self, moves: Moves) -> None:
        super()._move(moves)
        self.free = moves.column(self.free)

    def _set_phases(self) -> None:
        self.phase = np.append(phases(self.description, self.traffic.places.cores, self.period_ps), 0)

    @property
    def time_ps(self) -> int:
        """Hardware time up to which the chip has been followed."""
        return self._time_ps

    def carry(self, step: int, fired: Int) -> Acting:
        """Carry the spikes of `step` to the time at which the first core begins the next one."""
        start = step * self.period_ps
        self._time_ps = start + self.period_ps
        begin = np.maximum(self.free, start + self.phase)
        self.n_overrun += int(np.count_nonzero(begin[:-1] > start + self.phase[:-1]))
        row = len(self.traffic.log)
        work = self.traffic.send(step, fired, Pass(start, begin, self._no_work))
        self._remember(row)
        if step == 0:
            work = work - self.idle
        self.free = begin + work
        arrivals = self.traffic.receive(self._without_dropped(self.traffic.fabric.run_until(self._time_ps)))
        # A core that works on packets comes to its neurons later.
        work = work + arrivals.work_ps
        self.free += arrivals.work_ps
        self._count_work(work)
        if step > 0:
            self.durations.append(int(work[:-1].max(initial=0)))
        return self._acting(step, row, arrivals)

    def _acting(self, step: int, row: int, arrivals: Arrivals) -> Acting:
        """Say when packets act: those that arrived, and those sent since `row` that will in time."""
        log, routes = self.traffic.log, self.traffic.routes
        rows = arrivals.rows
        axon = log.axon[rows]
        due = log.emission_step[rows] + routes.delay[axon].astype(np.int64)
        phase = self.phase[self.traffic.places.of_core[routes.core[axon]]]
        floor = (arrivals.done_ps - phase) // self.period_ps + 1
        known = np.isin(rows, self._ahead)
        floor = np.where(known, floor, np.maximum(floor, step + 1))
        log.lateness_steps[rows] = np.maximum(floor - due, 0)
        ahead = self._in_time(row)
        self._ahead = np.concatenate((np.setdiff1d(self._ahead, rows[known]), ahead))
        rows = np.concatenate((rows[~known], ahead))
        floor = np.concatenate((floor[~known], np.full(len(ahead), step + 1)))
        return Acting(rows, np.zeros_like(floor), floor)

    def _in_time(self, row: int) -> Int:
        """Return the rows from `row` on that are due in the next step, under way, and will come before it."""
        log, routes, places = self.traffic.log, self.traffic.routes, self.traffic.places
        rows = row + np.flatnonzero(log.arrival_ps[row:] == IN_FLIGHT)
        rows = rows[routes.delay[log.axon[rows]] == 1]
        if not len(rows):
            return rows
        axon, times = log.axon[rows], self.traffic.times
        place = places.of_core[routes.core[axon]]
        way = self.traffic.fabric.lone_latency_ps(places.of_neuron[routes.source[axon]], place)
        done = log.injection_ps[rows] + way + times.receive[place] + times.event[place] * routes.events[axon]
        return rows[done < self._time_ps + self.phase[place]]

    def _remember(self, row: int) -> None:
        """Note which rows the messages carry that were sent since the log had `row` rows.

        Messages are numbered in the order of their rows; one carries those of a spike to one router, where
        routers copy, or a single one.
        """
        log, routes = self.traffic.log, self.traffic.routes
        axon = log.axon[row:]
        group = routes.core[axon] // self.description.noc.cores_per_router.size
        if self.description.noc.multicast == "none":
            group = np.arange(len(axon))
        # The axons of a spike have consecutive numbers; a source may fire more than once in a step.
        new = (np.diff(axon, prepend=-2) != 1) | (np.diff(routes.source[axon], prepend=-1) != 0)
        new |= np.diff(group, prepend=-1) != 0
        first, self._n_messages = self._n_messages, self._n_messages + int(np.count_nonzero(new))
        if self._n_messages >= len(self._first_row):
            wider = np.zeros(2 * self._n_messages + 1, np.int64)
            wider[: first + 1] = self._first_row[: first + 1]
            self._first_row = wider
        self._first_row[first : self._n_messages] = row + np.flatnonzero(new)
        self._first_row[self._n_messages] = len(log)

    def _without_dropped(self, arrived: tuple[Int, Int]) -> tuple[Int, Int]:
        """Drop messages that waited too long on their way, and return the others (numbers and times)."""
        limit = self.description.time.drop_after
        message, time = arrived
        if limit is None or not len(message):
            return arrived
        log, routes, places = self.traffic.log, self.traffic.routes, self.traffic.places
        row = self._first_row[message]
        axon = log.axon[row]
        source, destination = places.of_neuron[routes.source[axon]], places.of_core[routes.core[axon]]
        waited = time - log.injection_ps[row] - self.traffic.fabric.lone_latency_ps(source, destination)
        end = self._first_row[message + 1]
        # What acts already is not dropped any more.
        acts = np.searchsorted(self._ahead, end) > np.searchsorted(self._ahead, row)
        lost = (waited > limit.value) & ~acts
        log.arrival_ps[expand(row[lost], end[lost] - row[lost])] = DROPPED
        return message[~lost], time[~lost]

    def notes(self) -> list[str]:
        """Return remarks about timers."""
        largest = int(self.phase.max(initial=0))
        notes = [
            f"Each core begins its steps of {format_time(self.period_ps)} by a timer of its own, up to "
            f"{format_time(largest)} after the first one (seed {self.description.time.timer_seed}); a packet "
            "that comes after its core has begun the step acts in the next."
        ]
        if self.n_overrun:
            notes.append(
                f"Timers called {self.n_overrun} times while their core was still at work (overruns)."
            )
        return notes + self._slow_core_notes() + self._backlog_notes(self.free)
