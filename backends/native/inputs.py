"""Feeding the spikes of sources, and injected currents, to the engine, a stretch of steps at a time."""

from __future__ import annotations

from typing import Any

from pycosim.network import Network
from pycosim.network.currents import current_values
from pycosim.network.inputs import source_spikes

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

    Attributes
    ----------
    last_step : int
        Spikes and currents of all steps up to this one are known to the engine; -1 if of none.
    """

    def __init__(self, network: Network, engine: Any):
        self._network, self._engine = network, engine
        self._stretch = 100
        self.last_step = _FOR_EVER
        self.find_sources(-1)

    def find_sources(self, step: int) -> None:
        """Look for sources in a network that is new, or has grown after `step`."""
        self._sources = [i for i, population in enumerate(self._network.populations) if population.is_source]
        if self._sources or self._network.currents:
            self.forget(step)

    def forget(self, step: int) -> None:
        """Read spikes and currents after `step`, the present one, again."""
        self.last_step = min(self.last_step, step)

    def ready(self, step: int, wanted: int) -> int:
        """Return the last step up to which the engine can go from `step`, at most `wanted`.

        More spikes are handed over if the engine has all that it was given behind it.
        """
        if self.last_step <= step and step < wanted:
            self._read(step)
        return min(self.last_step, wanted)

    def _read(self, step: int) -> None:
        first = step + 1 if self._engine.started else 0
        last = step + self._stretch
        n_spikes = 0
        for index in self._sources:
            steps, indices = source_spikes(self._network, index, first, last)
            self._engine.set_source_spikes(index, first, last, steps, indices)
            n_spikes += len(steps)
        for index in range(len(self._network.currents)):
            values = current_values(self._network, index, step + 1, last)
            self._engine.set_current_values(index, step + 1, values)
        self.last_step = last
        if n_spikes > _WANTED_SPIKES:
            self._stretch = max(1, self._stretch // 2)
        elif 2 * n_spikes < _WANTED_SPIKES:
            self._stretch = min(_MAX_STEPS, self._stretch * 2)
