"""The sum over all processes that making a projection needs; with it one process can make it again alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.parallel import world


def kept_total(projection: Any) -> list[NDArray[np.int64]]:
    """Return where the sum is kept, at most one, also for copies of the projection that are made later."""
    return vars(projection).setdefault("_kept_total", [])


def total_of(projection: Any, values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the sum over all processes of (n,) int64; the first time all of them have to ask for it."""
    kept = kept_total(projection)
    if not kept:
        kept.append(world().total(values))
    return kept[0]
