"""Distances of the cells of a projection: those of `pyNN.space.Space`, compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyNN.space import Space

from pycosim import _core


class Distances:
    """Distances between the presynaptic and the postsynaptic cells of a projection.

    The operations are those of ``Space.distances``, in the same order, so that the numbers are the same. A
    space with a method of its own is asked.

    Parameters
    ----------
    projection : PyNN projection
    places : callable
        Makes arrays of the positions: ``np.array`` copies those that a script may change.
    """

    def __init__(self, projection: Any, places: Callable[..., NDArray[np.float64]] = np.asarray):
        self._space = space = projection.space
        pre, post = (places(cells.positions, np.float64) for cells in (projection.pre, projection.post))
        self._pre, self._post = pre.T, post.T
        self.by_target_only = type(space).distances is not Space.distances
        if self.by_target_only:
            return
        axes = np.asarray(space.axes)
        if np.any(space.offset != 0) or np.any(space.scale_factor != 1):
            scale, offset = (np.reshape(value, (-1, 1)) for value in (space.scale_factor, space.offset))
            post = scale * (post + offset)
        self._columns = [_along(axes, places) for places in (pre, post)]
        boundaries = space.periodic_boundaries or (None, None, None)
        periods = [np.inf if limits is None else limits[1] - limits[0] for limits in boundaries]
        self._periods = np.array([periods[axis] for axis in axes], np.float64)

    def of_targets(self, targets: slice) -> NDArray[np.float64]:
        """Return the distances of some targets from all sources, (n_targets, n_pre) float64."""
        if self.by_target_only:
            distances = self._space.distances(self._pre, self._post[targets])
            return np.ascontiguousarray(distances.reshape(len(self._pre), -1).T)
        pre, post = self._columns
        return _core.distances(pre, np.ascontiguousarray(post[:, targets]), self._periods)

    @property
    def columns(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Places of both sides, (n_axes, n) each, and the periods, (n_axes,); not for ``by_target_only``."""
        return *self._columns, self._periods

    def largest_square(self) -> float:
        """Return what no squared distance exceeds; not for ``by_target_only``."""
        (low, high), (other_low, other_high) = ((side.min(1), side.max(1)) for side in self._columns)
        size = np.maximum(np.abs(high - other_low), np.abs(other_high - low))
        least = np.minimum(size, np.maximum(self._periods / 2, size - self._periods))
        return float(np.sum(least**2) * (1 + 1e-12))

    def of_pairs(self, sources: NDArray[np.int32], targets: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the distance of each of n pairs of indices, (n,) float64; not for ``by_target_only``."""
        return _core.distances_of_pairs(*self._columns, self._periods, sources, targets)

    def to_target(self, sources: NDArray[np.int32], target: int) -> NDArray[np.float64]:
        """Return what the space says of one target and n sources."""
        return self._space.distances(self._pre[sources], self._post[target])


def distances_of(projection: Any) -> Distances:
    """Return the distances between a projection's cells, or those that it has kept (`keep_distances`)."""
    kept = vars(projection).get("_kept_distances")
    return Distances(projection) if kept is None else kept


def keep_distances(projection: Any, as_in: Any) -> None:
    """Let a projection have the present distances of another one, whatever becomes of its cells."""
    projection._kept_distances = Distances(as_in, np.array)


def _along(axes: NDArray[np.int64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the coordinates along some axes, (n_axes, n), without a copy where these are the first ones."""
    n_axes = len(axes)
    return np.ascontiguousarray(places[:n_axes] if np.array_equal(axes, range(n_axes)) else places[axes])
