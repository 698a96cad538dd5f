"""Projections whose columns need not be kept, as the same ones can be made again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pycosim.errors import BackendError
from pycosim.network.columns import Projection
from pycosim.network.plasticity import Column


class RemadeProjection(Projection):
    """Static synapses that are made again when they are read after `release`, at most once; then they stay.

    Parameters
    ----------
    made : Projection
        The synapses.
    make : callable
        Returns the same ones again.
    """

    def __init__(self, made: Projection, make: Callable[[], Projection]):
        self.label, self.receptor = made.label, made.receptor
        self.plasticity = self.places = None
        self._made: Projection | None = made
        self._make: Callable[[], Projection] | None = make
        self._assigned: dict[str, Column | NDArray[np.int32]] = {}
        if np.ndim(made.weights) == 0:
            self.weights = made.weights
        if np.ndim(made.delays) == 0:
            self.delays = made.delays
        self._n_synapses = made.n_synapses
        self._check = 0
        self._delay_range: tuple[int, int] | None = None  # once it is known

    @property
    def _columns(self) -> Projection:
        if self._made is None:
            made = self._make()
            if _digest(made) != self._check:
                raise BackendError(
                    f"Projection {self.label!r}: its synapses, which had not been kept, were made again and "
                    "became others. This is an error of pycosim, please report it; with "
                    "setup(synapses='stored') synapses are kept."
                )
            self._made, self._make = made, None
        return self._made

    def release(self) -> int:
        """Forget the columns if they can be made again; return the bytes of those that were there."""
        if self._make is None or self._made is None:
            return 0
        self._delay_range = self.delay_range if self._n_synapses else None
        made, self._made = self._made, None
        self._check = _digest(made)
        columns = made.sources, made.indptr, made.targets, made.weights, made.delays
        return sum(np.asarray(column).nbytes for column in columns)

    @property
    def can_be_given(self) -> bool:
        """Whether the columns are there, all as they were made, and can be made again."""
        is_made = not any(np.ndim(column) for column in self._assigned.values())
        return is_made and self._made is not None and self._make is not None

    def give_away(self) -> int:
        """Release columns that `can_be_given`, which then may be overwritten; return their bytes."""
        return self.release() if self.can_be_given else 0

    @property
    def is_there(self) -> bool:
        """Whether the columns need not be made to be read."""
        return self._made is not None

    @property
    def n_synapses(self) -> int:
        """Number of synapses."""
        return self._n_synapses

    @property
    def sources(self) -> NDArray[np.int32]:
        """Global numbers of the presynaptic neurons, (n_rows,) int32."""
        return self._columns.sources

    @property
    def indptr(self) -> NDArray[np.int64]:
        """Where rows begin, (n_rows + 1,) int64."""
        return self._columns.indptr

    @property
    def targets(self) -> NDArray[np.int32]:
        """Global numbers of the postsynaptic neurons, (n_synapses,) int32."""
        return self._columns.targets

    @property
    def weights(self) -> Column:
        """Weights as in `Projection`; those that are assigned replace those that were made."""
        return self._assigned["weights"] if "weights" in self._assigned else self._columns.weights

    @weights.setter
    def weights(self, values: Column) -> None:
        self._assigned["weights"] = values

    @property
    def delays(self) -> int | NDArray[np.int32]:
        """Delays in steps as in `Projection`; those that are assigned replace those that were made."""
        return self._assigned["delays"] if "delays" in self._assigned else self._columns.delays

    @delays.setter
    def delays(self, values: int | NDArray[np.int32]) -> None:
        self._assigned["delays"], self._delay_range = values, None

    @property
    def delay_range(self) -> tuple[int, int]:
        """Smallest and largest delay in steps; there is a synapse."""
        if self._delay_range is None:
            self._delay_range = super().delay_range
        return self._delay_range


def _digest(projection: Projection) -> int:
    """Return a number that other synapses hardly have."""
    columns = [projection.targets, projection.weights, projection.delays]
    sums = [int(np.sum(_bits(column), dtype=np.int64)) for column in columns if np.ndim(column)]
    return hash((projection.n_synapses, *sums))


def _bits(column: NDArray[np.generic]) -> NDArray[np.integer]:
    """Return a column as whole numbers of 64 bits where that can be; those of 32 bits as two at a time."""
    is_even = column.flags.c_contiguous and column.nbytes % 8 == 0
    return column.view(np.int64) if is_even else column
