"""sPyNNaker's utilities.neo_convertor: Neo data as tables with one row for each spike or sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from neo import AnalogSignal, Block
from numpy.typing import NDArray
from quantities import ms

from pycosim.errors import InvalidInputError

Table = NDArray[np.float64]


def convert_analog_signal(signal_array: AnalogSignal, time_unit: Any = ms) -> Table:
    """Return index, time and value of every sample, (n_cells * n_samples, 3), cell by cell."""
    times = signal_array.times.rescale(time_unit).magnitude
    indices = signal_array.array_annotations.get("channel_index", np.arange(signal_array.shape[1]))
    values = np.asarray(signal_array.magnitude, np.float64)
    return np.column_stack([np.repeat(indices, len(times)), np.tile(times, len(indices)), values.T.ravel()])


def convert_data(data: Block, name: str, run: int = 0) -> Table:
    """Return spikes (index, time), or samples of a variable (index, time, value), of one run.

    Raises
    ------
    InvalidInputError
        If there was no such run, or the variable was not recorded.
    """
    segment = _segment(data, run)
    if name == "spikes":
        return convert_spiketrains(segment.spiketrains)
    found = segment.filter(name=name)
    if not found:
        recorded = ["spikes", *(signal.name for signal in segment.analogsignals)]
        raise InvalidInputError(f"convert_data(name={name!r}): recorded was {', '.join(recorded)}; name one.")
    return convert_analog_signal(found[0])


def convert_data_list(data: Block, name: str, runs: Sequence[int] | None = None) -> list[Table]:
    """Return the table of each run; of all if none are named."""
    return [convert_data(data, name, run) for run in (range(len(data.segments)) if runs is None else runs)]


def convert_v_list(data: Block, runs: Sequence[int] | None = None) -> list[Table]:
    """Return the membrane potentials of each run."""
    return convert_data_list(data, "v", runs)


def convert_gsyn_exc_list(data: Block, runs: Sequence[int] | None = None) -> list[Table]:
    """Return the excitatory conductances of each run."""
    return convert_data_list(data, "gsyn_exc", runs)


def convert_gsyn_inh_list(data: Block, runs: Sequence[int] | None = None) -> list[Table]:
    """Return the inhibitory conductances of each run."""
    return convert_data_list(data, "gsyn_inh", runs)


def convert_gsyn(gsyn_exc: Block, gsyn_inh: Block) -> Table:
    """Return index, time and both conductances, (n, 4).

    Raises
    ------
    InvalidInputError
        If they are not of the same cells and times.
    """
    excitatory, inhibitory = convert_data(gsyn_exc, "gsyn_exc"), convert_data(gsyn_inh, "gsyn_inh")
    same_rows = excitatory.shape == inhibitory.shape
    if not same_rows or not np.allclose(excitatory[:, :2], inhibitory[:, :2]):
        raise InvalidInputError("convert_gsyn(): gsyn_exc and gsyn_inh are not of the same cells and times.")
    return np.column_stack([excitatory, inhibitory[:, 2]])


def convert_spiketrains(spiketrains: Any) -> Table:
    """Return index and time of every spike, (n, 2), cell by cell."""
    indices = [np.full(len(train), train.annotations["source_index"]) for train in spiketrains]
    times = [np.asarray(train.rescale(ms).magnitude) for train in spiketrains]
    return np.column_stack([np.concatenate([np.empty(0), *part]) for part in (indices, times)])


def convert_spikes(neo: Block, run: int = 0) -> Table:
    """Return index and time of every spike of one run, (n, 2)."""
    return convert_spiketrains(_segment(neo, run).spiketrains)


def count_spiketrains(spiketrains: Any) -> int:
    """Return the number of spikes in a list of spike trains."""
    return sum(len(train) for train in spiketrains)


def count_spikes(neo: Block) -> int:
    """Return the number of spikes of the first run."""
    return count_spiketrains(_segment(neo, 0).spiketrains)


def _segment(data: Block, run: int) -> Any:
    if not 0 <= run < len(data.segments):
        raise InvalidInputError(
            f"Converting run {run}: there are {len(data.segments)} runs (counted from 0); reset() begins one."
        )
    return data.segments[run]
