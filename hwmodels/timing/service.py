"""Queues in front of cores: jobs that arrive and are worked on one after another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim.hwmodels.timing import _carrying

__all__ = ["serve"]

Int = NDArray[np.int64]


def serve(place: NDArray[np.integer], arrival: Int, service: Int, free: Int) -> Int:
    """Return when each job is finished, and move `free` on.

    Every place works on one job at a time, in order of arrival (equal arrivals in the given order): a job
    begins when it has arrived and the job before it is finished.

    Parameters
    ----------
    place : (n,) int
        Where each job is worked on.
    arrival, service : (n,) int64
        When it arrives and how long it takes.
    free : (n_places,) int64
        When each place is free at first; changed in place to when it is free at last.

    Returns
    -------
    (n,) int64
    """
    columns = (np.ascontiguousarray(column, np.int64) for column in (place, arrival, service))
    return _carrying.serve(*columns, free)
