"""The log of packets: one row for each spike and axon that it was sent over."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim.hwmodels.timing.routes import Routes
from pycosim.results.hardware import IN_FLIGHT, PacketTable

__all__ = ["PacketLog"]

_COLUMNS = {
    "emission_step": np.int32,
    "axon": np.int32,
    "emission_ps": np.int64,
    "injection_ps": np.int64,
    "arrival_ps": np.int64,
    "lateness_steps": np.int32,
}

_ROWS_PER_LOOK = 1024


class PacketLog:
    """Columns that grow; rows are known by their number.

    Attributes
    ----------
    emission_step, axon, emission_ps, injection_ps, arrival_ps, lateness_steps : (n_rows,) int
        As in `PacketTable`; `axon` is a row of `Routes`. Times and lateness are -1 until known.
        `arrival_ps` is `pycosim.results.hardware.DROPPED` for packets that never arrive.
    """

    emission_step: NDArray[np.int32]
    axon: NDArray[np.int32]
    emission_ps: NDArray[np.int64]
    injection_ps: NDArray[np.int64]
    arrival_ps: NDArray[np.int64]
    lateness_steps: NDArray[np.int32]

    def __init__(self) -> None:
        self.n_rows = 0
        self._n_arrived_in_order = 0
        self._room = {name: np.empty(1024, dtype) for name, dtype in _COLUMNS.items()}
        self._show()

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.n_rows

    def append(self, step: int, axon: NDArray[np.integer]) -> int:
        """Add rows without times, and return the number of the first."""
        first = self._grow(len(axon))
        self.emission_step[first:] = step
        self.axon[first:] = axon
        for name in ("emission_ps", "injection_ps", "arrival_ps", "lateness_steps"):
            getattr(self, name)[first:] = -1
        return first

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
        while self._n_arrived_in_order < self.n_rows:
            first = self._n_arrived_in_order
            missing = self.arrival_ps[first : first + _ROWS_PER_LOOK] == IN_FLIGHT
            if missing.any():
                self._n_arrived_in_order += int(np.argmax(missing))
                return int(self.emission_step[self._n_arrived_in_order])
            self._n_arrived_in_order += len(missing)
        return None

    def _grow(self, n: int) -> int:
        first, self.n_rows = self.n_rows, self.n_rows + n
        if self.n_rows > len(self._room["axon"]):
            for name, column in self._room.items():
                wider = np.empty(max(self.n_rows, 2 * len(column)), column.dtype)
                wider[:first] = column[:first]
                self._room[name] = wider
        self._show()
        return first

    def _show(self) -> None:
        for name, column in self._room.items():
            setattr(self, name, column[: self.n_rows])
