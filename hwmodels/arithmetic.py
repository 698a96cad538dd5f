"""What a chip makes of a network in its own arithmetic: its cells, rounded values, and how to read them back.

`ChipModel.translate` returns a `Translation`: a network with the same populations, neurons and projections,
whose cells are the chip's own. `TranslatedSimulation` runs it in terms of the network that was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pycosim.network import Network

__all__ = ["Reading", "Rounding", "Translation"]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rounding:
    """Values that a chip holds with limited precision.

    Attributes
    ----------
    item : str
        Whose value it is: "population 'E': tau_m", "projection 'E → I': weight".
    unit : str
    asked, got : (n,) float64 ndarray
        Distinct pairs, both in the unit.
    count : (n,) int64 ndarray
        How many values each pair stands for.
    """

    item: str
    unit: str
    asked: Float
    got: Float
    count: NDArray[np.int64]

    @classmethod
    def of(cls, item: str, unit: str, asked: ArrayLike, got: ArrayLike) -> Rounding:
        """Return the rounding of a column (or of one number)."""
        columns = np.broadcast_arrays(np.asarray(asked, np.float64), np.asarray(got, np.float64))
        pairs, count = np.unique(np.stack([c.ravel() for c in columns]), axis=1, return_counts=True)
        return cls(item, unit, pairs[0], pairs[1], count)

    @property
    def relative_error(self) -> Float:
        """(got - asked) / asked of each pair, (n,) float64; of an asked 0, 0 or infinite."""
        with np.errstate(divide="ignore", invalid="ignore"):
            error = (self.got - self.asked) / np.abs(self.asked)
        return np.where(self.got == self.asked, 0.0, error)


@dataclass(frozen=True, eq=False)
class Reading:
    """How a variable of the asked network is read from the translated one: ``offset + scale * state``.

    Attributes
    ----------
    variable : str
        Recordable (and state) of the translated model.
    scale, offset : float or (size,) float64 ndarray
    """

    variable: str
    scale: float | Float = 1.0
    offset: float | Float = 0.0

    def read(self, values: Float, neurons: ArrayLike | slice = slice(None)) -> Float:
        """Return values of a state, whose last axis are the given neurons, in the asked unit."""
        return _of(self.offset, neurons) + _of(self.scale, neurons) * values

    def write(self, values: Float) -> Float:
        """Return values in the asked unit as the state has them, for all neurons."""
        return (values - self.offset) / self.scale


def _of(column: float | Float, neurons: ArrayLike | slice) -> float | Float:
    return column if np.ndim(column) == 0 else np.asarray(column)[neurons]


@dataclass(eq=False)
class Translation:
    """A network in a chip's own arithmetic.

    Attributes
    ----------
    network : Network
        As asked, with the chip's cells; neurons have the same numbers.
    roundings : list of Rounding
    readings : dict of (int, str) to Reading
        By population and variable of the asked network; what is missing is read as it is.
    weight_units : dict of int to (float or (n_synapses,) float64 ndarray)
        By plastic projection: a weight of 1 of the translated network in the asked unit.
    remarks : list of str
        What a reader of results should know.
    """

    network: Network
    roundings: list[Rounding] = field(default_factory=list)
    readings: dict[tuple[int, str], Reading] = field(default_factory=dict)
    weight_units: dict[int, float | Float] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def reading(self, population: int, variable: str) -> Reading:
        """Return how a variable is read."""
        return self.readings.get((population, variable), Reading(variable))
