"""PyNN's Connection: one synapse of a projection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyNN import common

if TYPE_CHECKING:
    from pycosim.frontend.projections import Projection


class Connection(common.Connection):
    """One synapse of a projection; reading and writing its attributes reads and writes the columns."""

    def __init__(self, projection: Projection, index: int):
        self._projection, self._index = projection, index

    @property
    def presynaptic_index(self) -> int:
        """Index of the source in the projection's presynaptic population."""
        return int(self._projection.pre_indices[self._index])

    @property
    def postsynaptic_index(self) -> int:
        """Index of the target in the projection's postsynaptic population."""
        return int(self._projection.post_indices[self._index])

    @property
    def weight(self) -> float:
        """Weight in nA, uS or mV."""
        return float(self._projection.attribute("weight")[self._index])

    @weight.setter
    def weight(self, value: float) -> None:
        column = self._projection.attribute("weight").copy()
        column[self._index] = value
        self._projection.assign(weight=column)

    @property
    def delay(self) -> float:
        """Delay in ms, a multiple of the time step."""
        return float(self._projection.attribute("delay")[self._index])

    @delay.setter
    def delay(self, value: float) -> None:
        column = self._projection.attribute("delay").copy()
        column[self._index] = value
        self._projection.assign(delay=column)

    def __getattr__(self, name: str) -> float:
        """Return a parameter of a plastic synapse, such as U."""
        if name.startswith("_"):
            raise AttributeError(name)
        return float(self._projection.attribute(name)[self._index])

    def __setattr__(self, name: str, value: float) -> None:
        """Set weight, delay or a parameter of a plastic synapse."""
        if name.startswith("_") or name in ("weight", "delay"):
            object.__setattr__(self, name, value)
            return
        column = self._projection.attribute(name).copy()
        column[self._index] = value
        self._projection.assign(**{name: column})

    def as_tuple(self, *names: str) -> tuple[Any, ...]:
        """Return the named attributes."""
        return tuple(getattr(self, name) for name in names)
