"""PyNN's objects for single cells."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyNN import common

from pycosim.errors import ScriptError


class ID(int, common.IDMixin):
    """A neuron's identity: its number in the whole network, counted from 0.

    It does not keep its population: cells are in an array, and Python's collector does not look into arrays,
    so that a population and its cells would stay for ever.
    """

    _population: Any = staticmethod(lambda: None)

    @property
    def parent(self) -> Any:
        """The population.

        Raises
        ------
        ScriptError
            If it is gone, with its network.
        """
        population = self._population()
        if population is None:
            raise ScriptError(
                f"Cell {int(self)}: its population is gone; setup() has begun another network. Keep the "
                "population as long as its cells, or look at them before setup()."
            )
        return population

    @staticmethod
    def of(population: Any, numbers: range) -> NDArray[Any]:
        """Return the cells of a population, (n,) of objects.

        They have a class of their own, which knows the population: an attribute of each would take 200 bytes,
        and as much time as the rest.
        """
        kind = type("ID", (ID,), {"_population": weakref.ref(population)})
        return np.array(list(map(kind, numbers)), dtype=ID)

    def __deepcopy__(self, memo: dict[int, Any]) -> ID:
        """Return the same neuron; PyNN would look for a parameter of this name."""
        return self
