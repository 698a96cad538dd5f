"""Queues in front of cores: jobs that arrive and are worked on one after another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
    if not len(place):
        return np.empty(0, np.int64)
    order = np.lexsort((arrival, place))
    where, ready, work = place[order], arrival[order], service[order]
    first = np.flatnonzero(np.diff(where, prepend=-1))
    ready[first] = np.maximum(ready[first], free[where[first]])
    sizes = np.diff(first, append=len(where))
    done_work = np.cumsum(work)
    work_before = done_work - work
    # Finish of job j = done_work[j] + max over jobs i <= j of the same place of (ready[i] - work_before[i]).
    slack = _running_maximum(ready - work_before, first, sizes)
    finished = done_work + slack
    last = first + sizes - 1
    free[where[last]] = finished[last]
    result = np.empty_like(finished)
    result[order] = finished
    return result


def _running_maximum(values: Int, first: Int, sizes: Int) -> Int:
    """Return the running maximum within each group of consecutive elements."""
    low = int(values.min())
    span = int(values.max()) - low + 1
    if span * len(first) < 2**62:
        lift = np.repeat(np.arange(len(first), dtype=np.int64) * span, sizes)
        return np.maximum.accumulate(values - low + lift) - lift + low
    return np.concatenate([np.maximum.accumulate(values[i : i + n]) for i, n in zip(first, sizes)])
