"""sPyNNaker's SpynnakerPanel: a panel of PyNN's Figure that also takes blocks and tables."""

from __future__ import annotations

from typing import Any

import numpy as np
from neo import AnalogSignal, Block, Segment, SpikeTrain
from pyNN.utility.plotting import Panel
from quantities import ms

__all__ = ["SpynnakerPanel"]


class SpynnakerPanel(Panel):
    """A panel for Neo data, or for tables of PyNN 0.7: index and time in ms, then the value of a signal."""

    def __init__(self, *data: Any, run: int = -1, **options: Any):
        plotted = [part for one in data for part in _parts(one, run)]
        super().__init__(*plotted, **options)


def _parts(data: Any, run: int) -> list[Any]:
    """Return what PyNN's panel can draw."""
    if isinstance(data, Block):
        data = data.segments[run]
    if isinstance(data, Segment):
        return [*([data.spiketrains] if len(data.spiketrains) else []), *data.analogsignals]
    if isinstance(data, AnalogSignal) or not isinstance(data, np.ndarray) or isinstance(data, SpikeTrain):
        return [data]
    indices = np.unique(data[:, 0]).astype(int)
    t_stop = float(data[:, 1].max(initial=0.0)) + 1.0
    if data.shape[1] == 2:
        trains = [
            SpikeTrain(np.sort(data[data[:, 0] == i, 1]), units=ms, t_stop=t_stop, source_index=i)
            for i in indices
        ]
        return [trains]
    first = data[data[:, 0] == indices[0], 1]
    step = first[1] - first[0] if len(first) > 1 else 1.0
    values = np.stack([data[data[:, 0] == i, 2] for i in indices], axis=1)
    return [
        AnalogSignal(
            values, units="dimensionless", t_start=first[0] * ms, sampling_period=step * ms, name="value"
        )
    ]
