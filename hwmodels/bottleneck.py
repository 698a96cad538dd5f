"""Which part of a chip with a fixed tick breaks first: the share of the ticks that each part is at work."""

from __future__ import annotations

import numpy as np

from pycosim.hwmodels.timing.disciplines import Discipline
from pycosim.results.hardware import LinkTable

__all__ = ["breaks_first"]

# A part that works less of the time than this is not what a tick fails by.
_BUSY = 0.1


def breaks_first(discipline: Discipline, links: LinkTable) -> str:
    """Return a sentence on the busiest core, the input and the busiest link, with the share of all ticks.

    Parameters
    ----------
    discipline : Discipline
    links : LinkTable
        Flits that links have carried.
    """
    traffic = discipline.traffic
    noc = discipline.description.noc
    busy = discipline.total_busy_ps()[:-1]
    busiest = int(np.argmax(busy))
    parts = [
        (int(busy[busiest]), f"core {traffic.places.cores[busiest]}"),
        (int(traffic.messages_out[-1] * traffic.times.send[-1]), "the input of external spikes"),
    ]
    if len(links.flits):
        i = int(np.argmax(links.flits))
        way = f"({links.x_from[i]:g}, {links.y_from[i]:g}) to ({links.x_to[i]:g}, {links.y_to[i]:g})"
        parts.append((int(links.flits[i]) * noc.flit.value * noc.slowdown, f"the link {way}"))
    parts.sort(key=lambda part: -part[0])
    available = len(discipline.durations) * discipline.period_ps
    shares = ", ".join(f"{name} {work / available:.3g}" for work, name in parts)
    worst = f"{parts[0][1]} breaks first"
    if parts[0][0] < _BUSY * available:
        worst = "none is busy, late packets had long ways or came in bursts"
    return f"Work in units of the ticks there were: {shares}; {worst}."
