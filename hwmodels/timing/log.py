"""The log of packets: one row for each spike and axon that it was sent over."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim.hwmodels.timing import _carrying
from pycosim.hwmodels.timing.routes import Routes
from pycosim.results.hardware import PacketTable

__all__ = ["PacketLog"]

Int32 = NDArray[np.int32]
Int = NDArray[np.int64]


class PacketLog:
    """Columns that grow; rows are known by their number.

    Each column is read anew from the compiled log, and can be written to; an array that was read before rows
    were added does not show what is written afterwards.

    Attributes
    ----------
    emission_step, axon, emission_ps, injection_ps, arrival_ps, lateness_steps : (n_rows,) int
        As in `PacketTable`; `axon` is a row of `Routes`. Times and lateness are -1 until known.
        `arrival_ps` is `pycosim.results.hardware.DROPPED` for packets that never arrive.
    """

    def __init__(self, traffic: _carrying.Traffic) -> None:
        self._traffic = traffic

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._traffic.n_rows

    @property
    def emission_step(self) -> Int32:
        """Step in which the spike was fired."""
        return self._traffic.emission_step

    @property
    def axon(self) -> Int32:
        """Row of `Routes`."""
        return self._traffic.axon

    @property
    def emission_ps(self) -> Int:
        """When the spike was fired."""
        return self._traffic.emission_ps

    @property
    def injection_ps(self) -> Int:
        """When the packet left its core."""
        return self._traffic.injection_ps

    @property
    def arrival_ps(self) -> Int:
        """When its synaptic events can act."""
        return self._traffic.arrival_ps

    @property
    def lateness_steps(self) -> Int32:
        """Steps by which it acts later than programmed."""
        return self._traffic.lateness_steps

    def append(self, step: int, axon: NDArray[np.integer]) -> int:
        """Add rows without times, and return the number of the first."""
        return self._traffic.append(step, np.ascontiguousarray(axon, np.int64))

    def table(self, routes: Routes) -> PacketTable:
        """Return what the log holds now."""
        return PacketTable(
            self.emission_step.astype(np.int64),
            routes.source[self.axon].astype(np.int64),
            routes.core[self.axon].astype(np.int64),
            self.emission_ps.copy(),
            self.injection_ps.copy(),
            self.arrival_ps.copy(),
            self.lateness_steps.astype(np.int64),
        )

    def oldest_under_way(self) -> int | None:
        """Return the step in which the oldest packet was sent that is under way; None if none is."""
        step = self._traffic.oldest_under_way()
        return None if step < 0 else step
