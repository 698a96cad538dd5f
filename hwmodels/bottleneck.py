"""Which part of a chip with a fixed tick breaks first: the share of the ticks that each part is at work."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim.hwmodels.timing.disciplines import Discipline

__all__ = ["breaks_first"]

# A part that works less of the time than this is not what a tick fails by.
_BUSY = 0.1


def breaks_first(discipline: Discipline, link_flits: NDArray[np.int64]) -> str:
    """Return a sentence on the busiest core, the input and the busiest link, with the share of all ticks.

    Parameters
    ----------
    discipline : Discipline
    link_flits : (n_links,) int64
        Flits that links have carried, in the order of the network.
    """
    traffic = discipline.traffic
    busy = discipline.total_busy_ps()[:-1]
    busiest = int(np.argmax(busy))
    parts = [
        (int(busy[busiest]), f"core {traffic.places.cores[busiest]}"),
        (int(traffic.messages_out[-1] * traffic.times.send[-1]), "the input of external spikes"),
    ]
    line_ps, line = traffic.fabric.busiest_line(link_flits)
    if line:
        parts.append((line_ps, line))
    parts.sort(key=lambda part: -part[0])
    available = len(discipline.durations) * discipline.period_ps
    shares = ", ".join(f"{name} {work / available:.3g}" for work, name in parts)
    worst = f"{parts[0][1]} breaks first"
    if parts[0][0] < _BUSY * available:
        worst = "none is busy, late packets had long ways or came in bursts"
    return f"Work in units of the ticks there were: {shares}; {worst}."
