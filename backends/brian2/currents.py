"""Injected currents, as a table of what flows at every step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim.network import Network
from pycosim.network.currents import current_values

# Longer runs are cut into pieces so that the table of one piece fits into memory (8 bytes each).
MAX_VALUES_PER_PIECE = 20_000_000


class Currents:
    """The currents of a network; neurons into which the same currents flow share a column of the table.

    Parameters
    ----------
    network : Network
    """

    def __init__(self, network: Network):
        self._network = network
        self.read()

    def read(self) -> None:
        """Read again which currents there are, and into which neurons they flow."""
        self._columns: list[tuple[int, ...]] = [()]
        self._of_neuron: dict[int, NDArray[np.int32]] = {}
        for index, population in enumerate(self._network.populations):
            injections = self._network.injections(index)
            if injections:
                self._of_neuron[index] = self._find_columns(injections, population.size)

    def _find_columns(self, injections: list[tuple[int, NDArray[np.int64]]], size: int) -> NDArray[np.int32]:
        flowing: list[list[int]] = [[] for _ in range(size)]
        for current, indices in injections:
            for index in indices.tolist():
                flowing[index].append(current)
        known = {currents: number for number, currents in enumerate(self._columns)}
        numbers = [known.setdefault(tuple(currents), len(known)) for currents in flowing]
        self._columns = list(known)
        return np.array(numbers, np.int32)

    def columns_of(self, population: int) -> NDArray[np.int32] | None:
        """Return the column of each neuron of a population; None if no current flows into any."""
        return self._of_neuron.get(population)

    @property
    def populations(self) -> tuple[int, ...]:
        """The populations that currents flow into."""
        return tuple(self._of_neuron)

    @property
    def n_columns(self) -> int:
        """Number of columns of the table; the first is that of neurons without currents."""
        return len(self._columns)

    def piece(self, n_steps: int) -> int:
        """Return how many of the next `n_steps` steps can be done at once."""
        return min(n_steps, max(1, MAX_VALUES_PER_PIECE // self.n_columns))

    def table(self, first: int, n_steps: int) -> NDArray[np.float64]:
        """Return what flows in nA during `n_steps` steps from `first` on, (n_steps, n_columns) float64."""
        last = first + n_steps - 1
        values = [current_values(self._network, i, first, last) for i in range(len(self._network.currents))]
        table = np.zeros((n_steps, self.n_columns))
        for column, currents in enumerate(self._columns):
            for current in currents:
                table[:, column] += values[current]
        return table
