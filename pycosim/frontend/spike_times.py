"""Spike times of array sources: checked, put on the grid of steps, and found again when spikes are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.errors import InvalidInputError

Int = NDArray[np.int64]
Float = NDArray[np.float64]

# A time half-way between two steps belongs to the later one, whatever its last binary digit.
_HALF = 0.5 + 1e-9


@dataclass
class SpikeTimes:
    """Spikes that sources are to emit, and the times that the script gave for them.

    Attributes
    ----------
    steps, indices : (n,) int64 ndarray
        Ordered by (step, index).
    times_ms : (n,) float64 ndarray
    """

    steps: Int = field(default_factory=lambda: np.empty(0, np.int64))
    indices: Int = field(default_factory=lambda: np.empty(0, np.int64))
    times_ms: Float = field(default_factory=lambda: np.empty(0))

    @classmethod
    def of(cls, trains: Sequence[Any], dt_ms: float, label: str) -> SpikeTimes:
        """Put the times of each source, in ms, on the nearest step.

        Raises
        ------
        InvalidInputError
            If a time is negative or not finite, or the times of a source do not ascend.
        """
        times = [np.asarray(getattr(train, "value", train), np.float64).ravel() for train in trains]
        indices = np.repeat(np.arange(len(times)), [len(train) for train in times])
        flat = np.concatenate([np.empty(0), *times])
        bad = ~(flat >= 0) | ~np.isfinite(flat)
        if bad.any():
            raise InvalidInputError(
                f"Population {label!r}: spike_times has {np.count_nonzero(bad)} values that are negative or "
                "not a number; spike times are in ms, finite and 0 or later."
            )
        descents = np.flatnonzero((np.diff(flat) < 0) & (np.diff(indices) == 0))
        if len(descents):
            first = descents[0]
            raise InvalidInputError(
                f"Population {label!r}: the spike times of {len(np.unique(indices[descents]))} sources do "
                f"not ascend, for example {flat[first + 1]:g} ms after {flat[first]:g} ms; sort them."
            )
        steps = np.floor(flat / dt_ms + _HALF).astype(np.int64)
        order = np.lexsort((indices, steps))
        return cls(steps[order], indices[order], flat[order])

    def followed_by(self, later: SpikeTimes, step: int) -> SpikeTimes:
        """Return the spikes of this object up to `step`, and those of `later` after it."""
        old, new = self.steps <= step, later.steps > step
        return SpikeTimes(
            np.concatenate([self.steps[old], later.steps[new]]),
            np.concatenate([self.indices[old], later.indices[new]]),
            np.concatenate([self.times_ms[old], later.times_ms[new]]),
        )

    def exact(self, steps: Int, indices: Int, grid_ms: Float) -> Float:
        """Return the times that were given for recorded spikes, or those of the grid where none was given.

        Parameters
        ----------
        steps, indices : (n,) int64 ndarray
            Ordered by (step, index).
        grid_ms : (n,) float64 ndarray
            Times of the steps.
        """
        if not len(steps) or not len(self.steps):
            return grid_ms
        n_sources = int(max(indices.max(), self.indices.max())) + 1
        keys, known = steps * n_sources + indices, self.steps * n_sources + self.indices
        repeats = np.arange(len(keys)) - np.searchsorted(keys, keys, side="left")
        where = np.minimum(np.searchsorted(known, keys, side="left") + repeats, len(known) - 1)
        return np.where(known[where] == keys, self.times_ms[where], grid_ms)
