"""A simulation without dynamics: time passes, nothing fires, recordings are well-formed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim.backends.base import Progress
from pycosim.errors import ScriptError
from pycosim.network import Network, model_named

MOST_RUNS = 200_000
"""Runs, or pieces of runs between callbacks, after which a check gives up."""

Int = NDArray[np.int64]
Float = NDArray[np.float64]


class DryRun:
    """A `pycosim.backends.base.PlasticSimulation` of any network: every state keeps its initial value.

    Attributes
    ----------
    n_known : (int, int)
        Numbers of populations and projections that the network had when it was built.
    has_grown : bool
        Whether there have been more since.
    """

    def __init__(self, network: Network):
        self._network = network
        self.step = 0
        self.n_known = len(network.populations), len(network.projections)
        self.has_grown = False
        self._n_runs = 0
        self._cleared_at: dict[int, int] = {}

    def advance(self, n_steps: int, progress: Progress | None = None) -> None:
        """Let time pass.

        Raises
        ------
        ScriptError
            If a script seems to run until there are spikes, which there never are.
        """
        self._n_runs += 1
        if self._n_runs > MOST_RUNS:
            raise ScriptError(
                f"The script called run() more than {MOST_RUNS:,} times; it may be waiting for spikes."
            )
        self.step += n_steps
        if progress:
            progress(n_steps)

    def spikes(self, population: int) -> tuple[Int, Int]:
        """Return no spikes."""
        return np.empty(0, np.int64), np.empty(0, np.int64)

    def signal(self, population: int, variable: str) -> Float:
        """Return the initial values as often as there are samples, (n_samples, n_recorded) float64."""
        column = self._network.populations[population]
        recording = column.recordings[variable]
        origin = max(recording.start_step, self._cleared_at.get(population, 0))
        n_samples = (self.step - origin) // recording.interval_steps + 1
        state = model_named(column.model).recordables[variable][0]
        values = self.state(population, state)[recording.indices]
        return np.broadcast_to(values, (n_samples, len(values)))

    def state(self, population: int, variable: str) -> Float:
        """Return the initial values of a state variable, (size,) float64."""
        return self._network.populations[population].initial_column(variable)

    def set_state(self, population: int, variable: str, values: Float) -> None:
        """Go on: every state keeps its initial value."""

    def weights(self, projection: int) -> Float:
        """Return the initial weights of a projection, (n_synapses,) float64."""
        return self._network.projections[projection].weight_column().copy()

    def clear(self, population: int) -> None:
        """Begin the recordings of a population anew."""
        self._cleared_at[population] = self.step

    def network_grown(self) -> None:
        """Take note that the network has grown."""
        self.has_grown = True

    def parameters_changed(self, population: int) -> None:
        """Go on: parameters have no effect here."""

    weights_changed = plasticity_changed = junctions_changed = recording_changed = parameters_changed

    def currents_changed(self) -> None:
        """Go on: currents have no effect here."""

    def close(self) -> None:
        """Hold nothing."""
