"""A chip that computes in its own arithmetic, seen as if it computed the network that was asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.backends.base import Options, Progress
from pycosim.hwmodels.arithmetic import Translation
from pycosim.hwmodels.base import ChipModel
from pycosim.hwmodels.simulation import ChipSimulation, fit
from pycosim.network import Network
from pycosim.network.validate import validate
from pycosim.results.hardware import HardwareRecord

__all__ = ["TranslatedSimulation"]

Int = NDArray[np.int64]
Float = NDArray[np.float64]


class TranslatedSimulation:
    """A `pycosim.backends.base.Simulation` of `network` by the chip's own cells.

    Parameters
    ----------
    chip : ChipModel
    network : Network
    options : Options

    Raises
    ------
    NotSupportedError
        If the chip has no faithful translation of something in the network.
    DoesNotFitError
        If the translated network exceeds limits of the chip.
    """

    def __init__(self, chip: ChipModel, network: Network, options: Options):
        self._chip, self._asked = chip, network
        self._translation = chip.translate(network)
        self._own = self._translation.network
        for index in range(len(network.populations)):
            self._translate_recordings(index)
        validate(self._own)
        mapping, utilisation = fit(chip, self._own, options.mapping)
        self._simulation = ChipSimulation(chip, self._own, options, mapping, utilisation)

    @property
    def step(self) -> int:
        """Number of steps done."""
        return self._simulation.step

    @property
    def translation(self) -> Translation:
        """What the chip made of the network."""
        return self._translation

    @property
    def hardware(self) -> HardwareRecord:
        """What the chip measured so far, and the values that it rounded."""
        record = self._simulation.hardware
        return replace(
            record,
            roundings=list(self._translation.roundings),
            notes=[*self._translation.remarks, *record.notes],
        )

    def advance(self, n_steps: int, progress: Progress | None = None) -> None:
        """Advance by `n_steps`."""
        self._simulation.advance(n_steps, progress)

    def spikes(self, population: int) -> tuple[Int, Int]:
        """Return the recorded spikes of a population: steps, and indices in the population."""
        return self._simulation.spikes(population)

    def signal(self, population: int, variable: str) -> Float:
        """Return the recorded samples, (n_samples, n_recorded) float64 in the units of the asked network."""
        reading = self._translation.reading(population, variable)
        recorded = self._asked.populations[population].recordings[variable].indices
        return reading.read(self._simulation.signal(population, reading.variable), recorded)

    def state(self, population: int, variable: str) -> Float:
        """Return the present values of a state variable, (size,) float64."""
        reading = self._translation.reading(population, variable)
        return reading.read(self._simulation.state(population, reading.variable))

    def set_state(self, population: int, variable: str, values: Float) -> None:
        """Set a state variable of a population's neurons, (size,) float64, to the nearest the chip holds."""
        reading = self._translation.reading(population, variable)
        self._simulation.set_state(population, reading.variable, np.rint(reading.write(values)))

    def clear(self, population: int) -> None:
        """Forget what was recorded of a population so far."""
        self._simulation.clear(population)

    def parameters_changed(self, population: int) -> None:
        """Translate the population again, and what depends on its parameters."""
        self._values_changed()

    def weights_changed(self, projection: int) -> None:
        """Translate the projection again."""
        self._values_changed()

    def plasticity_changed(self, projection: int) -> None:
        """Translate the projection's plasticity again."""
        self._translate_again()
        self._simulation.plasticity_changed(projection)

    def currents_changed(self) -> None:
        """Translate currents again; a constant one may be a parameter of the chip's neurons."""
        self._values_changed()
        self._simulation.currents_changed()

    def network_grown(self) -> None:
        """Translate what is new, and what depends on it: weights may be parameters of neurons."""
        self._values_changed()
        self._simulation.network_grown()

    def weights(self, projection: int) -> Float:
        """Return the present weights of a projection in the asked unit, (n_synapses,) float64."""
        return self._simulation.weights(projection) * self._translation.weight_units.get(projection, 1.0)

    def recording_changed(self, population: int) -> None:
        """Read the population's recordings again."""
        self._translate_recordings(population)
        self._simulation.recording_changed(population)

    def close(self) -> None:
        """Free what the simulation holds."""
        self._simulation.close()

    def _values_changed(self) -> None:
        """Let the simulation know of all values that are others after a new translation."""
        values = _values(self._own)
        self._translate_again()
        told = self._simulation.parameters_changed, self._simulation.weights_changed
        for tell, old, new in zip(told, values, _values(self._own)):
            for index, (before, after) in enumerate(zip(old, new)):
                if any(not np.array_equal(a, b) for a, b in zip(before, after)):
                    tell(index)

    def _translate_again(self) -> None:
        """Bring the columns of the translated network up to date; scales stay as they were chosen."""
        new = self._chip.translate(self._asked, self._translation)
        known = len(self._own.populations), len(self._own.projections)
        for old, column in zip(self._own.populations, new.network.populations):
            old.parameters, old.spike_steps = column.parameters, column.spike_steps
            old.spike_indices = column.spike_indices
        for old, column in zip(self._own.projections, new.network.projections):
            old.weights, old.delays, old.plasticity = column.weights, column.delays, column.plasticity
        self._own.populations += new.network.populations[known[0] :]
        self._own.projections += new.network.projections[known[1] :]
        self._own.currents = new.network.currents
        new.network = self._own
        self._translation = new
        for index in range(known[0], len(self._own.populations)):
            self._translate_recordings(index)

    def _translate_recordings(self, population: int) -> None:
        recordings = self._asked.populations[population].recordings
        own = {}
        for variable, recording in recordings.items():
            reading = self._translation.reading(population, variable)
            own[variable if variable == "spikes" else reading.variable] = recording
        self._own.populations[population].recordings = own


def _values(network: Network) -> tuple[list[list[Any]], list[list[Any]]]:
    """Return the columns of each population, and of each projection."""
    return (
        [[*p.parameters.values(), p.spike_steps, p.spike_indices] for p in network.populations],
        [[p.weights, p.delays] for p in network.projections],
    )
