"""Recording: what the script asks for goes into the description, what the simulation measured into Neo."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyNN import recording
from pyNN.recording import Variable

from pycosim.errors import InvalidInputError
from pycosim.frontend import simulator
from pycosim.network import Population, Recording

SPIKES = Variable(name="spikes", location=None, label=None)


class Recorder(recording.Recorder):
    """Connects the recorders of PyNN's common code with the columns of one population."""

    _simulator = simulator

    @property
    def column(self) -> Population:
        """The population's part of the description."""
        return simulator.state.network.populations[self.population.number]

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
        known = self.column.recordings.get(variable.name)
        if variable.name == "spikes" and known is not None:
            indices = np.union1d(known.indices, indices)
        self.column.recordings[variable.name] = Recording(indices, round(steps), simulator.state.step)
        if simulator.state.simulation is not None:
            simulator.state.simulation.recording_changed(self.population.number)

    def _get_spiketimes(self, ids: Any, clear: bool = False) -> tuple[NDArray[Any], NDArray[Any]]:
        steps, indices = simulator.state.built().spikes(self.population.number)
        neurons = indices + self.column.first
        wanted = np.isin(neurons, np.fromiter((int(i) for i in np.atleast_1d(ids)), np.int64))
        return neurons[wanted], np.round(steps[wanted] * simulator.state.dt, 9)

    def _get_all_signals(
        self, variable: Variable, ids: list[Any], clear: bool = False
    ) -> tuple[NDArray[Any], None]:
        samples = simulator.state.built().signal(self.population.number, variable.name)
        recorded = self.column.recordings[variable.name].indices + self.column.first
        return samples[:, np.searchsorted(recorded, np.fromiter((int(i) for i in ids), np.int64))], None

    def _local_count(self, variable: Variable, filter_ids: Any = None) -> dict[int, int]:
        ids = np.array(sorted(int(i) for i in self.filter_recorded(variable, filter_ids)), np.int64)
        neurons, _ = self._get_spiketimes(ids)
        counts = np.bincount(np.searchsorted(ids, neurons), minlength=len(ids)) if len(ids) else []
        return {int(i): int(count) for i, count in zip(ids, counts)}

    def _clear_simulator(self) -> None:
        if simulator.state.simulation is not None:
            simulator.state.keep_spikes(self.population.number)
            simulator.state.simulation.clear(self.population.number)

    def _reset(self) -> None:
        self.column.recordings.clear()
        if simulator.state.simulation is not None:
            simulator.state.keep_spikes(self.population.number)
            simulator.state.simulation.recording_changed(self.population.number)
