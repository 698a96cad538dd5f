"""Recording: what the script asks for goes into the description, what the simulation measured into Neo."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from neo import Block, Segment
from numpy.typing import NDArray
from pyNN import recording
from pyNN.recording import Variable
from quantities import ms

from pycosim.errors import InvalidInputError
from pycosim.frontend import simulator
from pycosim.frontend.cells import variable_of
from pycosim.frontend.delta_inputs import records_inputs, samples
from pycosim.frontend.dialects import CURRENT_NAMES
from pycosim.frontend.gathering import SpikeTrains, gathered
from pycosim.network import Population, Recording

SPIKES = Variable(name="spikes", location=None, label=None)


class Recorder(recording.Recorder):
    """Connects the recorders of PyNN's common code with the columns of one population."""

    _simulator = simulator

    def __init__(self, *arguments: Any, **named: Any):
        super().__init__(*arguments, **named)
        # What is computed from spikes, and so is no part of the description.
        self._computed: dict[str, Recording] = {}

    @property
    def column(self) -> Population:
        """The population's part of the description."""
        return simulator.state.network.populations[self.population.number]

    def _column_name(self, variable: str) -> str:
        """Return the model's name of a variable that the script may call by another one."""
        current = CURRENT_NAMES.get(variable)
        if current in self.population.celltype.recordable:
            return current
        return variable_of(self.population.celltype, variable)[0]

    def _record(self, variable: Variable, new_ids: set[Any], sampling_interval: float | None = None) -> None:
        if sampling_interval is not None:
            self.sampling_interval = sampling_interval
        steps = self.sampling_interval / simulator.state.dt
        if round(steps) < 1 or abs(steps - round(steps)) > 1e-6:
            raise InvalidInputError(
                f"record(sampling_interval={self.sampling_interval}): it must be a multiple of the time "
                f"step, {simulator.state.dt} ms."
            )
        first = self.column.first
        indices = np.array(sorted(int(i) - first for i in self.recorded[variable]), np.int64)
        name = self._column_name(variable.name)
        recordings = self._recordings(name)
        known = recordings.get(name)
        if known is not None:
            indices = np.union1d(known.indices, indices)
        goes_on = known is not None and known.interval_steps == round(steps)
        start = known.start_step if goes_on else simulator.state.step
        recordings[name] = Recording(indices, round(steps), start)
        simulator.state.tell("recording_changed", self.population.number)

    def _recordings(self, name: str) -> dict[str, Recording]:
        """Return where the recording of a variable is kept."""
        is_computed = records_inputs(self.column.model, name)
        return self._computed if is_computed else self.column.recordings

    def _get_current_segment(self, *args: Any, **kwargs: Any) -> Segment:
        """Return the data since the last reset; a signal begins when its recording began, or was cleared."""
        segment = super()._get_current_segment(*args, **kwargs)
        if getattr(segment.spiketrains, "_spike_time_array", None) is not None:
            segment.spiketrains.__class__ = SpikeTrains
            # PyNN 0.8 and 0.9 had the numbers of the cells under this name.
            segment.spiketrains._annotations["source_id"] = np.asarray(segment.spiketrains._all_channel_ids)
        for signal in segment.analogsignals:
            name = self._column_name(signal.name)
            start = self._recordings(name)[name].start_step * simulator.state.dt
            signal.annotations["source_ids"] = signal.annotations["channel_ids"]
            signal.t_start = max(round(start, 9) * ms, self._recording_start_time)
        return segment

    def get(self, variables: Any, gather: bool = False, *args: Any, **kwargs: Any) -> Block:
        """Return the recorded data; with `gather` that of all processes, on the first one."""
        block = super().get(variables, False, *args, **kwargs)
        return gathered(block, simulator.state.ranks) if gather else block

    def _get_spiketimes(self, ids: Any, clear: bool = False) -> tuple[NDArray[Any], NDArray[Any]]:
        steps, indices = simulator.state.built().spikes(self.population.number)
        wanted = np.zeros(self.column.size, bool)
        wanted[np.fromiter((int(i) for i in np.atleast_1d(ids)), np.int64) - self.column.first] = True
        if not wanted.all():
            kept = wanted[indices]
            steps, indices = steps[kept], indices[kept]
        times = np.round(steps * simulator.state.dt, 9)
        times = self.population.spike_times.exact(steps, indices, times)
        # A time that was rounded down to the present step must not lie beyond it.
        return indices + self.column.first, np.minimum(times, simulator.state.t)

    def _get_all_signals(
        self, variable: Variable, ids: list[Any], clear: bool = False
    ) -> tuple[NDArray[Any], None]:
        name = self._column_name(variable.name)
        recording = self._recordings(name)[name]
        if recording is self._computed.get(name):
            begun = round(float(self._recording_start_time) / simulator.state.dt)
            since = replace(recording, start_step=max(recording.start_step, begun))
            values = samples(self.population, name, since)
        else:
            values = simulator.state.built().signal(self.population.number, name)
        recorded = recording.indices + self.column.first
        factor = variable_of(self.population.celltype, variable.name)[1]
        columns = np.searchsorted(recorded, np.fromiter((int(i) for i in ids), np.int64))
        is_whole = np.array_equal(columns, np.arange(values.shape[1]))
        if not is_whole:
            values = values[:, columns]
        if factor != 1:
            return values * factor, None
        return values.copy() if is_whole and not clear else values, None

    def _local_count(self, variable: Variable, filter_ids: Any = None) -> dict[int, int]:
        ids = np.array(sorted(int(i) for i in self.filter_recorded(variable, filter_ids)), np.int64)
        neurons, _ = self._get_spiketimes(ids)
        counts = np.bincount(np.searchsorted(ids, neurons), minlength=len(ids)) if len(ids) else []
        return {int(i): int(count) for i, count in zip(ids, counts)}

    def _clear_simulator(self) -> None:
        if simulator.state.knows(self.population.number):
            simulator.state.keep_spikes(self.population.number)
            simulator.state.simulation.clear(self.population.number)

    def _reset(self) -> None:
        self.column.recordings.clear()
        self._computed.clear()
        if simulator.state.knows(self.population.number):
            simulator.state.keep_spikes(self.population.number)
            simulator.state.tell("recording_changed", self.population.number)
