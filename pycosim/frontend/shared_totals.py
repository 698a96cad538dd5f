"""Sums over all processes that making a projection needs; with them one process can make it again alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.parallel import world


def kept_totals(projection: Any) -> list[NDArray[np.int64]]:
    """Return where the sums are kept, in the order in which they are asked for, also for copies."""
    return vars(projection).setdefault("_kept_totals", [])


class SharedTotals:
    """Answers what is asked while a projection is made, in the same order each time.

    Parameters
    ----------
    projection : PyNN projection
    """

    def __init__(self, projection: Any):
        self._kept, self._n_asked = kept_totals(projection), 0

    def of(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the sum over all processes of (n,) int64; the first time all of them have to ask for it."""
        if self._n_asked == len(self._kept):
            self._kept.append(world().total(values))
        self._n_asked += 1
        return self._kept[self._n_asked - 1]
