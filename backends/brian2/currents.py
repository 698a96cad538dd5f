"""Injected currents, as pieces of a run in which none of them changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim.network import Network
from pycosim.network.currents import current_values

# Values are computed for this many steps at a time.
_STRETCH = 1000


class Currents:
    """The currents of a network.

    A Brian2 program gets a population's drive before it runs, so a run is cut where a current changes: a
    current that changes at every step (a sine, noise) costs the start of a program for each.

    Parameters
    ----------
    network : Network
    """

    def __init__(self, network: Network):
        self._network = network
        self._first, self._values = 0, np.empty((0, 0))
        self._now = np.zeros(0)

    def forget(self) -> None:
        """Compute the currents again."""
        self._values = np.empty((0, 0))

    def populations(self) -> list[int]:
        """Return the populations that currents flow into."""
        return [i for i in range(len(self._network.populations)) if self._network.injections(i)]

    def piece(self, first: int, n_steps: int) -> int:
        """Return how many of the steps from `first` on can be done at once, at most `n_steps`."""
        if not self._network.currents:
            return n_steps
        place = first - self._first
        if not 0 <= place < self._values.shape[1]:
            place, self._first = 0, first
            last = first + _STRETCH - 1
            currents = range(len(self._network.currents))
            self._values = np.stack([current_values(self._network, i, first, last) for i in currents])
        self._now = self._values[:, place]
        differs = np.any(self._values[:, place:] != self._now[:, np.newaxis], axis=0)
        same = int(np.argmax(differs)) if differs.any() else len(differs)
        return min(n_steps, same)

    def injected(self, population: int) -> NDArray[np.float64]:
        """Return the sum of the currents into each neuron during the present piece, (size,) float64."""
        total = np.zeros(self._network.populations[population].size)
        for current, indices in self._network.injections(population):
            np.add.at(total, indices, self._now[current] if len(self._now) else 0.0)
        return total
