"""Recorded data of several MPI processes, put together on the first one."""

from __future__ import annotations

from typing import Any

import numpy as np
from neo import AnalogSignal, Block, Segment, SpikeTrain
from neo.core.spiketrainlist import SpikeTrainList
from numpy.typing import NDArray
from pyNN.recording.files import StandardTextFile

from pycosim.parallel import Ranks, world


class SpikeTrains(SpikeTrainList):
    """Spike trains that are made when they are looked at; all of them in one pass over the spikes.

    Neo's own list searches all spikes for each train, which takes minutes for large populations.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        """Be written to files as Neo's list, so that reading them does not need pycosim."""
        return object.__new__, (SpikeTrainList,), vars(self)

    def _spiketrains_from_array(self) -> None:
        ids = np.asarray(self._all_channel_ids)
        order = np.argsort(self._channel_id_array, kind="stable")
        sorted_ids, times = self._channel_id_array[order], self._spike_time_array[order]
        starts, stops = (np.searchsorted(sorted_ids, ids, side) for side in ("left", "right"))
        self._items = []
        for i, channel in enumerate(ids):
            train = SpikeTrain(times[starts[i] : stops[i]], **self._spiketrain_metadata)
            for name, value in self._annotations.items():
                one_each = not isinstance(value, str) and np.ndim(value) == 1 and len(value) == len(ids)
                train.annotations[name] = value[i] if one_each else value
            train.annotations["channel_id"] = channel
            train.segment = self.segment
            self._items.append(train)


def gathered(block: Block, ranks: Ranks) -> Block:
    """Return a block with the data of all processes on the first one, its own data on the others.

    Parameters
    ----------
    block : neo.Block
        Of one population; all processes have the same segments.
    ranks : Ranks
    """
    if ranks.size == 1:
        return block
    everyone = ranks.gather([_arrays(segment) for segment in block.segments])
    if everyone is None:
        return block
    block.segments = [_merged(segment, parts) for segment, parts in zip(block.segments, zip(*everyone))]
    for segment in block.segments:
        segment.block = block
    return block


def _arrays(segment: Segment) -> dict[str, Any]:
    """Return what other processes need to know of a segment."""
    trains, parts = segment.spiketrains, {}
    if getattr(trains, "_spike_time_array", None) is not None:
        ids, channels = np.asarray(trains._channel_id_array), np.asarray(trains._all_channel_ids)
        parts["spikes"] = np.asarray(trains._spike_time_array), ids, channels, trains._annotations
    for signal in segment.analogsignals:
        array = signal.magnitude, np.asarray(signal.array_annotations["channel_index"])
        header = {"name": signal.name, "units": signal.units, "t_start": signal.t_start}
        header |= {"sampling_period": signal.sampling_period}
        parts[f"signal {signal.name}"] = header, signal.annotations, *array
    return parts


def _merged(own: Segment, parts: tuple[dict[str, Any], ...]) -> Segment:
    segment = Segment(name=own.name, description=own.description, rec_datetime=own.rec_datetime)
    segment.annotate(**own.annotations)
    if "spikes" in parts[0]:
        segment.spiketrains = _merged_trains(own.spiketrains, [part["spikes"] for part in parts])
        segment.spiketrains.segment = segment
    for name in dict.fromkeys(name for part in parts for name in part if name != "spikes"):
        signal = _merged_signal([part[name] for part in parts if name in part])
        signal.segment = segment
        segment.analogsignals.append(signal)
    return segment


def _merged_trains(own: SpikeTrainList, parts: list[Any]) -> SpikeTrainList:
    times, ids, channels = (np.concatenate(columns) for columns in list(zip(*parts))[:3])
    in_time, ascending = np.lexsort((ids, times)), np.argsort(channels)
    n_channels, annotations = [len(part[2]) for part in parts], dict(own._annotations)
    for name in annotations:
        values = [part[3][name] for part in parts]
        if all(not isinstance(v, str) and np.shape(v) == (n,) for v, n in zip(values, n_channels)):
            annotations[name] = np.concatenate(values)[ascending]
    trains = SpikeTrainList.from_spike_time_array(
        times[in_time],
        ids[in_time],
        channels[ascending],
        units="ms",
        **own._spiketrain_metadata,
        **annotations,
    )
    trains.__class__ = SpikeTrains
    return trains


def _merged_signal(parts: list[Any]) -> AnalogSignal:
    header, annotations = parts[0][:2]
    values = np.concatenate([part[2] for part in parts], axis=1)
    index = np.concatenate([part[3] for part in parts])
    order = np.argsort(index, kind="stable")
    channels = {"channel_ids", "source_ids"} & annotations.keys()
    merged = {name: np.concatenate([part[1][name] for part in parts])[order] for name in channels}
    signal = AnalogSignal(values[:, order], **header, array_annotations={"channel_index": index[order]})
    signal.annotate(**annotations | merged)
    return signal


def gathered_columns(projection: Any, names: list[str], *, everywhere: bool) -> dict[str, NDArray[Any]]:
    """Return attributes and indices of the synapses of all processes, in the order of one process.

    Parameters
    ----------
    projection : pycosim.frontend.projections.Projection
    names : list of str
    everywhere : bool
        Whether all processes get them, not only the first; the others then get nothing.
    """
    ranks, names = world(), ["presynaptic_index", "postsynaptic_index", *names]
    own = projection.column.source_column(), projection.column.targets, *map(projection.attribute, names)
    everyone = ranks.gather_to_all(own) if everywhere else ranks.gather(own)
    if everyone is None:
        return {}
    sources, targets, *columns = (np.concatenate(parts) for parts in zip(*everyone))
    order = np.lexsort((targets, sources))
    return {name: column[order] for name, column in zip(names, columns)}


def write_own(file: Any, values: Any, names: Any, ranks: Ranks, *, with_address: bool) -> None:
    """Write attributes of this process' synapses to a file with its number at the end of the name.

    Parameters
    ----------
    file : str or PyNN file object
    values
        What `Projection.get` gives for them.
    names : str or list of str
    ranks : Ranks
    with_address : bool
        Whether the values begin with the indices of the cells.
    """
    if isinstance(file, str):
        own = StandardTextFile(f"{file}.{ranks.rank}", mode="w")
    else:
        own = type(file)(f"{file.name}.{ranks.rank}", mode=file.mode)
    if len(values) and isinstance(values[0], np.ndarray):  # matrices, or the rows of one
        values = [np.where(np.isnan(matrix), 0.0, matrix) for matrix in values]
    columns = [names] if isinstance(names, str) else list(names)
    own.write(values, {"columns": ["i", "j", *columns] if with_address else names})
    own.close()
