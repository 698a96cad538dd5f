"""Feeding the spikes of sources, and injected currents, to the engine, a stretch of steps at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.network import Network
from pycosim.network.currents import current_values, noise_of
from pycosim.network.inputs import common_rule, source_spikes
from pycosim.parallel import Ranks

_MAX_STEPS = 1000
_FOR_EVER = 2**62
# Enough to make a call's overhead small, few enough to stay in cache.
_WANTED_SPIKES = 200_000


class InputFeed:
    """Computes spikes of sources and currents, and hands them to the engine before they are needed.

    Parameters
    ----------
    network : Network
    engine : pycosim.backends.native._engine.Engine
    ranks : Ranks

    Attributes
    ----------
    last_step : int
        Spikes and currents of all steps up to this one are known to the engine; -1 if of none.
    """

    def __init__(self, network: Network, engine: Any, ranks: Ranks):
        self._network, self._engine, self._ranks = network, engine, ranks
        self._stretch = 100
        self._inside: set[int] | None = None
        self._known_currents: list[int] | None = None
        self._clock: Callable[[], int] | None = None
        self._input_step = -1
        self.last_step = _FOR_EVER
        self.find_sources(-1)

    def follow(self, clock: Callable[[], int]) -> None:
        """Let sources keep to a clock of their own, from the first step on.

        `clock` returns the step that it has reached when the engine begins a step, never less than before;
        all spikes up to that step that were not emitted yet are emitted then.
        """
        self._clock = clock
        self.forget(-1)

    @property
    def lead_steps(self) -> int:
        """By how many steps the clock of the sources is ahead of the engine."""
        return 0 if self._clock is None else max(0, self._input_step - self.last_step)

    def find_sources(self, step: int) -> None:
        """Look for sources in a network that is new, or has grown after `step`."""
        self._sources = [i for i, population in enumerate(self._network.populations) if population.is_source]
        if self._sources or self._network.currents:
            self.forget(step)

    def forget(self, step: int) -> None:
        """Read spikes and currents after `step`, the present one, again."""
        self.last_step = min(self.last_step, step)
        self._inside = self._known_currents = None

    def ready(self, step: int, wanted: int) -> int:
        """Return the last step up to which the engine can go from `step`, at most `wanted`.

        More spikes are handed over if the engine has all that it was given behind it.
        """
        if self.last_step <= step and step < wanted:
            self._read(step, step + self._stretch)
        return min(self.last_step, wanted)

    def reach(self, step: int, until: int) -> None:
        """Hand over more if the engine does not know all up to `until`; `step` is the present one."""
        if self.last_step < until:
            self._read(step, max(until, step + self._stretch))

    def _read(self, step: int, last: int) -> None:
        first = step + 1 if self._engine.started else 0
        if self._clock is not None:
            last = first
        if self._inside is None:
            self._inside = {index for index in self._sources if self._is_drawn_inside(index)}
        before = self._input_step
        self._input_step = last if self._clock is None else max(before, self._clock())
        n_spikes = 0
        for index in self._sources:
            if self._clock is None:
                steps, indices = self._spikes(index, first, last)
            else:
                indices = np.sort(self._spikes(index, before + 1, self._input_step)[1])
                steps = np.full(len(indices), last)
            self._engine.set_source_spikes(index, first, last, steps, indices)
            n_spikes += len(steps)
        self._read_currents(step + 1, max(last, step + 1))
        self.last_step = last
        if n_spikes > _WANTED_SPIKES:
            self._stretch = max(1, self._stretch // 2)
        elif 2 * n_spikes < _WANTED_SPIKES:
            self._stretch = min(_MAX_STEPS, self._stretch * 2)

    def _read_currents(self, first: int, last: int) -> None:
        """Hand over the values of currents, and what the engine makes by itself: noise, constant currents."""
        if self._known_currents is None:
            self._known_currents = []
            for index in range(len(self._network.currents)):
                noise = noise_of(self._network, index)
                if noise is None:
                    self._known_currents.append(index)
                else:
                    self._engine.set_current_noise(index, noise)
        for index in self._known_currents:
            values = current_values(self._network, index, first, last)
            self._engine.set_current_values(index, first, values)

    def _spikes(self, index: int, first: int, last: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the spikes of those sources that have synapses here, or are recorded here."""
        if index in self._inside:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        population = self._network.populations[index]
        wanted = None
        if self._ranks.size > 1:
            wanted = self._engine.sources_needed()[population.first : population.first + population.size] > 0
            recording = population.recordings.get("spikes")
            if recording is not None:
                wanted[recording.indices] = True
        return source_spikes(self._network, index, first, last, wanted)

    def _is_drawn_inside(self, index: int) -> bool:
        """Let the engine draw the spikes of Poisson sources itself, if nobody else needs them."""
        recording = self._network.populations[index].recordings.get("spikes")
        rule = common_rule(self._network, index)
        if rule is None or self._clock is not None or (recording is not None and len(recording.indices)):
            self._engine.draw_outside(index)
            return False
        return self._engine.draw_inside(index, *astuple(rule))
