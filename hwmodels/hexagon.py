"""Hexagons of routers on a triangular grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["hexagon_places"]

Int = NDArray[np.int64]


def hexagon_places(side: int) -> tuple[Int, Int]:
    """Return x and y of the routers of a hexagon, row by row, both (3 * side**2 / 4,) int64.

    They are those of a square of ``side`` by ``side`` places, ``side`` even, that lie near its diagonal:
    ``-side / 2 <= y - x < side / 2``. With 8, these are 48.
    """
    y, x = np.indices((side, side)).reshape(2, -1)
    inside = (-side <= 2 * (y - x)) & (2 * (y - x) < side)
    return x[inside], y[inside]
