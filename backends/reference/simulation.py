"""A network advanced step by step in NumPy."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from pycosim.backends.base import Progress
from pycosim.backends.recording import Recorder, state_named
from pycosim.backends.reference.junctions import Junctions
from pycosim.backends.reference.neurons import Neurons
from pycosim.backends.reference.plasticity import PlasticSynapses, plastic_synapses
from pycosim.backends.reference.rewiring import rewired_synapses
from pycosim.backends.reference.timing_rules import Dopamine
from pycosim.errors import InvalidInputError
from pycosim.network import Network
from pycosim.network.currents import current_values
from pycosim.network.inputs import source_spikes
from pycosim.network.plasticity_checks import require_same_delays
from pycosim.network.validate import (
    validate,
    validate_current,
    validate_junctions,
    validate_population,
    validate_projection,
)

Int = NDArray[np.int64]
Float = NDArray[np.float64]


class ReferenceSimulation:
    """A network that is advanced in plain NumPy; see `pycosim.backends.base.Simulation`.

    The weights of spikes under way wait in `_arrivals`, summed by the step at which they act. They are
    added in order of emission step, source neuron, projection and place in the row.

    Parameters
    ----------
    network : Network

    Raises
    ------
    InvalidInputError, ConnectivityError, NotSupportedError
        If the network is not valid.
    """

    def __init__(self, network: Network):
        validate(network)
        self.step = 0
        self._started = False
        self._network = network
        self._neurons: dict[int, Neurons] = {}
        self._sources: list[int] = []
        self._receptors: tuple[str, ...] = ()
        self._arrivals: dict[int, NDArray[np.float64]] = defaultdict(self._no_arrivals)
        self._dopamine = Dopamine()
        self._plastic: dict[int, PlasticSynapses] = {}
        self._delays: dict[int, NDArray[np.int32]] = {}
        self._n_projections = 0
        self._recorders: list[Recorder] = []
        self._start_populations()
        self._junctions = Junctions(network, self._neurons)
        self._rewired = rewired_synapses(network)
        self._start_plastic()

    def _start_plastic(self) -> None:
        """Begin with the plastic projections that are new in the network."""
        for index in range(self._n_projections, len(self._network.projections)):
            projection = self._network.projections[index]
            if projection.plasticity is not None:
                self._plastic[index] = plastic_synapses(self._network, index, self.step, self._dopamine)
                self._delays[index] = projection.delay_column()
        self._n_projections = len(self._network.projections)

    def _no_arrivals(self) -> Float:
        """Return sums for every receptor and neuron."""
        return np.zeros((len(self._receptors), self._network.n_neurons))

    def _start_populations(self) -> None:
        """Begin with the populations that are new in the network."""
        self._receptors = self._network.receptors
        for index in range(len(self._recorders), len(self._network.populations)):
            population = self._network.populations[index]
            if population.is_source:
                self._sources.append(index)
            else:
                self._neurons[index] = Neurons(population, self._network.dt_ms, self._network.seed)
            self._recorders.append(
                Recorder(population, lambda name, index=index: self._neurons[index].states[name], self.step)
            )

    def network_grown(self) -> None:
        """Take over the populations and projections that were appended to the network."""
        validate(self._network)
        self._start_populations()
        self._junctions.read()
        self._start_plastic()
        for step, arrivals in self._arrivals.items():
            new = np.subtract((len(self._receptors), self._network.n_neurons), arrivals.shape)
            self._arrivals[step] = np.pad(arrivals, ((0, new[0]), (0, new[1])))

    def advance(self, n_steps: int, progress: Progress | None = None) -> None:
        """Advance by `n_steps`; `progress` is called after each."""
        if n_steps < 0:
            raise InvalidInputError(f"Advancing by {n_steps} steps: give a number of at least 0.")
        if n_steps == 0:
            return
        first = self.step + 1 if self._started else 0
        inputs = {i: source_spikes(self._network, i, first, self.step + n_steps) for i in self._sources}
        start = self.step + 1
        currents = [
            current_values(self._network, i, start, self.step + n_steps)
            for i in range(len(self._network.currents))
        ]
        if not self._started:
            self._started = True
            self._emit(_at_step(inputs, 0))
        for _ in range(n_steps):
            self.step += 1
            for index, synapses in self._plastic.items():
                self._transmit(index, synapses.arrive(self.step), acting_after_emission=False)
            for synapses in self._rewired:
                synapses.arrive(self.step, self._arrive)
            fired = self._advance_neurons([values[self.step - start] for values in currents])
            self._emit(fired | _at_step(inputs, self.step))
            self._sample()
            if progress:
                progress(1)

    def _advance_neurons(self, currents_na: list[float]) -> dict[int, Int]:
        """Return the indices of the neurons that fire, by population."""
        arrivals = self._arrivals.pop(self.step, None)
        if arrivals is None:
            arrivals = self._no_arrivals()
        coupled = self._junctions.currents()
        fired = {}
        for index, neurons in self._neurons.items():
            numbers = self._network.populations[index].neurons
            injected = self._injected(index, currents_na) if currents_na else None
            own = dict(zip(self._receptors, arrivals[:, numbers.start : numbers.stop]))
            if index in coupled:
                injected = coupled[index] if injected is None else injected + coupled[index]
            fired[index] = neurons.advance(self.step, own, injected)
        self._junctions.finish(fired)
        return fired

    def _injected(self, population: int, currents_na: list[float]) -> NDArray[np.float64] | None:
        """Return the sum of the currents into each neuron of a population, None where there is none."""
        injections = self._network.injections(population)
        total = np.zeros(self._network.populations[population].size)
        for current, indices in injections:
            np.add.at(total, indices, currents_na[current])
        return total if injections else None

    def _emit(self, spikes: dict[int, Int]) -> None:
        """Record the spikes of the present step, given by population, and send them on their way."""
        for index, indices in sorted(spikes.items()):
            self._recorders[index].add_spikes(np.full(len(indices), self.step), indices)
            for source in self._network.populations[index].first + indices:
                self._send(source)
        self._emit_plastic(spikes)

    def _emit_plastic(self, spikes: dict[int, Int]) -> None:
        """Tell plastic synapses how often every neuron fired."""
        counts = np.zeros(self._network.n_neurons, np.int64)
        for index, indices in spikes.items():
            np.add.at(counts, self._network.populations[index].first + indices, 1)
        for index, synapses in self._plastic.items():
            self._transmit(index, synapses.emit(self.step, counts), acting_after_emission=True)
        for synapses in self._rewired:
            synapses.emit(self.step, counts, self._arrive)
            if self.step:
                synapses.rewire(self.step)

    def _arrive(self, receptor: int, neuron: int, n_steps: int, weight: float) -> None:
        """Let a weight act on a neuron after `n_steps`."""
        self._arrivals[self.step + n_steps][receptor, neuron] += weight

    def _transmit(self, index: int, sent: list[tuple[Int, Float]], *, acting_after_emission: bool) -> None:
        """Add what plastic synapses transmit to the arrivals of the steps at which it acts.

        From synapses with an axonal part of the delay the dendritic part is left, else the whole delay, which
        is the same for timing rules.
        """
        projection = self._network.projections[index]
        delays = self._delays[index]
        left = delays if acting_after_emission else projection.plasticity.dendritic_steps(delays)
        for synapses, weights in sent:
            receptor = self._receptors.index(projection.receptor)
            for delay in np.unique(left[synapses]):
                here = left[synapses] == delay
                arrivals = self._arrivals[self.step + int(delay)][receptor]
                np.add.at(arrivals, projection.targets[synapses[here]], weights[here])

    def _send(self, source: int) -> None:
        """Add the weights of all synapses of a neuron to the arrivals of the steps at which they act."""
        payload = self._payload(source)
        for index, projection in enumerate(self._network.projections):
            if index in self._plastic:
                continue
            row = np.searchsorted(projection.sources, source)
            if row == len(projection.sources) or projection.sources[row] != source:
                continue
            synapses = slice(projection.indptr[row], projection.indptr[row + 1])
            targets = projection.targets[synapses]
            weights = projection.weight_column()[synapses] * payload
            delays = projection.delay_column()[synapses]
            for delay in np.unique(delays):
                arrivals = self._arrivals[self.step + int(delay)][self._receptors.index(projection.receptor)]
                np.add.at(arrivals, targets[delays == delay], weights[delays == delay])

    def _payload(self, source: int) -> float:
        """Return what a spike of the present step carries."""
        for index, neurons in self._neurons.items():
            numbers = self._network.populations[index].neurons
            if numbers.start <= source < numbers.stop:
                return neurons.payload(source - numbers.start)
        return 1.0

    def _sample(self) -> None:
        for recorder in self._recorders:
            for variable, log in recorder.signals.items():
                if log.is_due(self.step):
                    log.append(recorder.values(variable)[np.newaxis, log.indices])

    def spikes(self, population: int) -> tuple[Int, Int]:
        """Return steps and indices of the recorded spikes, both (n,) int64."""
        return self._recorders[population].spikes()

    def signal(self, population: int, variable: str) -> NDArray[np.float64]:
        """Return the recorded samples, (n_samples, n_recorded) float64."""
        return self._recorders[population].samples(variable)

    def state(self, population: int, variable: str) -> NDArray[np.float64]:
        """Return the present values of a state variable, (size,) float64."""
        name = state_named(self._network.populations[population], variable)
        return self._neurons[population].states[name].copy()

    def set_state(self, population: int, variable: str, values: NDArray[np.float64]) -> None:
        """Set a state variable of a population's neurons, (size,) float64."""
        name = state_named(self._network.populations[population], variable)
        self._neurons[population].states[name][:] = values

    def clear(self, population: int) -> None:
        """Forget what was recorded of a population so far."""
        self._recorders[population].clear(self.step)

    def parameters_changed(self, population: int) -> None:
        """Read the population's parameters again; spike times are read at every `advance` anyway."""
        validate_population(self._network.populations[population])
        if population in self._neurons:
            self._neurons[population].read_parameters()
            self._junctions.read()
        for synapses in self._plastic.values():
            synapses.read_parameters()

    def weights_changed(self, projection: int) -> None:
        """Check the new columns; a spike has the weights and delays that hold when it is emitted."""
        validate_projection(self._network, self._network.projections[projection])
        if projection in self._plastic:
            require_same_delays(self._network.projections[projection], self._delays[projection])
            self._plastic[projection].read_weights()

    def plasticity_changed(self, projection: int) -> None:
        """Read the parameters of the projection's plasticity again; weights stay as they are."""
        validate_projection(self._network, self._network.projections[projection])
        self._plastic[projection].read_parameters()

    def weights(self, projection: int) -> Float:
        """Return the present weights of a projection, (n_synapses,) float64."""
        if projection in self._plastic:
            return self._plastic[projection].weights()
        return np.array(self._network.projections[projection].weight_column())

    def rewired_synapses(self, projection: int) -> tuple[NDArray, ...]:
        """Return sources, targets, weights and delays (steps) of a rewired projection's present synapses."""
        group = next(synapses for synapses in self._rewired if projection in synapses.members)
        columns = group.synapses(group.members.index(projection))
        order = np.lexsort((columns[1], columns[0]))
        return tuple(column[order] for column in columns)

    def junctions_changed(self, junctions: int) -> None:
        """Read the conductances of gap junctions again."""
        validate_junctions(self._network, self._network.junctions[junctions])
        self._junctions.read()

    def currents_changed(self) -> None:
        """Check the currents; they are read at every `advance` anyway."""
        for current in self._network.currents:
            validate_current(self._network, current)

    def recording_changed(self, population: int) -> None:
        """Read the population's recordings again."""
        validate_population(self._network.populations[population])
        self._recorders[population].update(self.step)

    def close(self) -> None:
        """Do nothing: there is nothing to free."""


def _at_step(inputs: dict[int, tuple[Int, Int]], step: int) -> dict[int, Int]:
    """Return the indices of the sources that emit a spike at `step`, by population."""
    found = {}
    for index, (steps, indices) in inputs.items():
        start, stop = np.searchsorted(steps, (step, step + 1))
        found[index] = indices[start:stop]
    return found
