"""Bookkeeping of what was recorded of a population, shared by the backends."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pycosim.errors import InvalidInputError
from pycosim.network import NeuronModel, Population, Recording, model_named

Int = NDArray[np.int64]
Float = NDArray[np.float64]


class SignalLog:
    """Samples of one variable; row i is that of step ``origin_step + i * interval_steps``.

    Parameters
    ----------
    recording : Recording
    step : int
        Present step, at which the first sample is taken.
    values : (size,) float64 ndarray
        The variable's present values, of all neurons of the population.
    """

    def __init__(self, recording: Recording, step: int, values: Float):
        self.indices = np.array(recording.indices, np.int64)
        self.interval_steps = recording.interval_steps
        self.restart(step, values)

    def restart(self, step: int, values: Float) -> None:
        """Forget all samples and begin again with the values of the present step."""
        self.origin_step = step
        self._parts = [values[np.newaxis, self.indices]]

    def is_due(self, step: int) -> bool:
        """Return whether a sample belongs to `step`."""
        return (step - self.origin_step) % self.interval_steps == 0

    def only_sample(self, step: int) -> Float:
        """Return the sample of `step`, (n_recorded,), if there is no other one; else an empty array."""
        is_only = self.origin_step == step and len(self._parts) == len(self._parts[0]) == 1
        return self._parts[0][0] if is_only else np.empty(0)

    def append(self, rows: Float) -> None:
        """Add samples, (n, n_recorded) float64."""
        self._parts.append(rows)

    def put(self, first: int, rows: Float) -> None:
        """Add samples, of which the first one is number `first`; number 0 replaces what there was."""
        if first == 0:
            self._parts = []
        if first == 0 or len(rows):
            self.append(rows)

    def samples(self) -> Float:
        """Return all samples, (n_samples, n_recorded) float64."""
        if len(self._parts) > 1:
            self._parts = [np.concatenate(self._parts)]
        return self._parts[0]

    def extended(self, recording: Recording, step: int, values: Float) -> SignalLog:
        """Return a log of the neurons of `recording` that goes on with the samples taken so far.

        A neuron that was not recorded before has NaN until now. A log with another interval begins anew.
        """
        log = SignalLog(recording, step, values)
        if log.interval_steps != self.interval_steps:
            return log
        old = self.samples()
        rows = np.full((len(old), len(log.indices)), np.nan)
        _, new_columns, old_columns = np.intersect1d(log.indices, self.indices, return_indices=True)
        rows[:, new_columns] = old[:, old_columns]
        if self.is_due(step):
            rows[-1] = values[log.indices]
        log.origin_step, log._parts = self.origin_step, [rows]
        return log


def state_named(population: Population, variable: str) -> str:
    """Return `variable` if it is a state variable of the population's model.

    Raises
    ------
    InvalidInputError
        If it is not.
    """
    model = model_named(population.model)
    states = model.states if isinstance(model, NeuronModel) else ()
    if variable not in states:
        raise InvalidInputError(
            f"Reading {variable} of population {population.label!r}: {model.name} has no such state; "
            f"it has {', '.join(states) or 'none'}."
        )
    return variable


class Recorder:
    """All that was recorded of one population since the start, or since the last `clear`.

    Parameters
    ----------
    population : Population
    values_of : callable
        ``values_of(state)`` returns the present values of a state variable, (size,) float64.
    step : int
        Present step.
    """

    def __init__(self, population: Population, values_of: Callable[[str], Float], step: int = 0):
        self._population = population
        self._values_of = values_of
        self._spikes: list[tuple[Int, Int]] = []
        self.signals: dict[str, SignalLog] = {}
        self.update(step)

    def values(self, variable: str) -> Float:
        """Return the present values of a recordable variable, (size,) float64."""
        return self._values_of(model_named(self._population.model).recordables[variable][0])

    def update(self, step: int) -> None:
        """Take over the population's recordings; what is new begins at the present step."""
        recordings = self._population.recordings
        logs = {}
        for variable, recording in recordings.items():
            if variable == "spikes":
                continue
            old = self.signals.get(variable)
            logs[variable] = (old.extended if old else SignalLog)(recording, step, self.values(variable))
        self.signals = logs
        spikes = recordings.get("spikes")
        self.spike_indices = np.array(spikes.indices, np.int64) if spikes else np.empty(0, np.int64)
        self.spike_mask = np.zeros(self._population.size, bool)
        self.spike_mask[self.spike_indices] = True

    def clear(self, step: int) -> None:
        """Forget what was recorded; every signal begins again with the present values."""
        self._spikes = []
        for variable, log in self.signals.items():
            log.restart(step, self.values(variable))

    def add_spikes(self, steps: Int, indices: Int) -> None:
        """Add those spikes that are of recorded neurons; ordered by (step, index), later than all before."""
        recorded = self.spike_mask[indices]
        self._spikes.append((steps[recorded], indices[recorded]))

    def spikes(self) -> tuple[Int, Int]:
        """Return steps and indices of the recorded neurons' spikes, both (n,) int64."""
        if not self._spikes:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        steps, indices = (np.concatenate(parts) for parts in zip(*self._spikes))
        self._spikes = [(steps, indices)]
        recorded = self.spike_mask[indices]
        return steps[recorded], indices[recorded]

    def samples(self, variable: str) -> Float:
        """Return the samples of a variable, (n_samples, n_recorded) float64.

        Raises
        ------
        InvalidInputError
            If the variable is not recorded.
        """
        if variable not in self.signals:
            raise InvalidInputError(
                f"Reading {variable} of population {self._population.label!r}: it is not recorded. "
                f"Recorded: {', '.join(self.signals) or 'no signal'}. Record it before the run."
            )
        return self.signals[variable].samples()
