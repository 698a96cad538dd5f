"""The Python side of the native engine."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pycosim import memory
from pycosim.backends.base import Progress
from pycosim.backends.native import _engine
from pycosim.backends.native.columns import (
    check_models,
    constants_of,
    core_column,
    populations_for_engine,
    projection_for_engine,
    rule_for_engine,
    values_for_engine,
)
from pycosim.backends.native.deferred import DeferredSteps
from pycosim.backends.native.exchange import SpikeExchange
from pycosim.backends.native.inputs import InputFeed
from pycosim.backends.native.junctions import NativeJunctions
from pycosim.backends.native.memory import require_memory
from pycosim.backends.native.plasticity import PlasticProjections
from pycosim.backends.native.rewiring import set_rewiring, sorted_synapses
from pycosim.backends.recording import Recorder, state_named
from pycosim.errors import BackendError, InvalidInputError, NotSupportedError
from pycosim.network import Network, ProceduralProjection, RemadeProjection, model_named
from pycosim.network.noise import ESCAPE_STREAM
from pycosim.network.validate import (
    validate,
    validate_current,
    validate_junctions,
    validate_population,
    validate_projection,
)
from pycosim.parallel import world
from pycosim.random import unsigned

Int = NDArray[np.int64]

# The engine keeps the emission step of a spike in 32 bits.
MAX_STEPS = 2**32 - 1
MAX_THREADS = 1024


class NativeSimulation(DeferredSteps):
    """A network in the native engine; see `pycosim.backends.base.Simulation`.

    The network either runs by itself (`advance`), or a chip model carries its spikes: then `step_deferred`
    does one step and says who fired, and `deliver` says when these spikes act. What is recorded, and the
    order in which weights are added, are the same both ways.

    Parameters
    ----------
    network : Network
    threads : int
        Results do not depend on it.
    core_of_neuron : (n_neurons,) int32 ndarray, optional
        Cores that `deliver` may tell apart.

    Raises
    ------
    InvalidInputError, ConnectivityError, NotSupportedError
        If the network is not valid, or has a cell type that the engine does not know.
    NotEnoughMemoryError
        If its synapses would not fit into memory.
    """

    def __init__(self, network: Network, *, threads: int = 1, core_of_neuron: ArrayLike | None = None):
        check_models(network)
        validate(network)
        if not 1 <= threads <= MAX_THREADS:
            raise InvalidInputError(f"Running on {threads} threads: it must be 1 to {MAX_THREADS} threads.")
        ranks = world()
        self.step = 0
        self._network = network
        self._n_threads = threads
        self._has_cores = core_of_neuron is not None
        populations = populations_for_engine(network, network.populations)
        cores = core_column(network, core_of_neuron)
        try:
            self._engine = _engine.Engine(populations, cores, threads, ranks.rank, ranks.size)
        except RuntimeError as error:
            raise BackendError(f"Running on {threads} threads: {error}; use fewer.") from None
        self._engine.set_noise(unsigned(network.seed), ESCAPE_STREAM)
        self._plastic = PlasticProjections(network, self._engine, projection_for_engine, threads)
        self._exchange = SpikeExchange(network, self._engine, ranks) if ranks.size > 1 else None
        self._feed = InputFeed(network, self._engine, ranks)
        self._junctions = NativeJunctions(network, self._engine)
        self._weights_stale = True
        self._recorders: list[Recorder] = []
        self._start_populations()
        self._junctions.couple()
        set_rewiring(network, self._engine)
        self._update_weights()

    def _start_populations(self) -> None:
        """Give the engine all that it does not know of its newest populations."""
        for index in range(len(self._recorders), len(self._network.populations)):
            population = self._network.populations[index]
            if not population.is_source:
                self._set_constants(index)
                for name in model_named(population.model).states:
                    column = np.ascontiguousarray(population.initial_column(name))
                    self._engine.set_state(index, name, column)
            self._recorders.append(
                Recorder(population, lambda name, index=index: self._engine.state(index, name), self.step)
            )
            self._set_recordings(index)

    def network_grown(self, core_of_neuron: ArrayLike | None = None) -> None:
        """Take over the populations and projections that were appended to the network.

        Parameters
        ----------
        core_of_neuron : (n_neurons,) int32 ndarray, optional
            Where the simulation was built with cores: those of all neurons. Neurons do not move.

        Raises
        ------
        InvalidInputError
            If the simulation was built with cores, and these are not given.
        """
        check_models(self._network)
        validate(self._network)
        new = self._network.populations[len(self._recorders) :]
        if self._has_cores and core_of_neuron is None:
            raise InvalidInputError("Growing a network that is split by cores: give core_of_neuron.")
        cores = core_column(self._network, core_of_neuron if self._has_cores else None)
        n_new = sum(population.size for population in new)
        self._engine.grow(populations_for_engine(self._network, new), cores[len(cores) - n_new :])
        self._start_populations()
        if self._network.junctions:
            self._couple_again()
        if any(population.is_source for population in new):
            self._feed.find_sources(self.step)
        self._plastic.network_grown()
        self._weights_stale = True

    def advance(self, n_steps: int, progress: Progress | None = None) -> None:
        """Advance by `n_steps`; `progress` is called now and then with the steps done since the last call."""
        last = self.step + n_steps
        self._check_length(last)
        self._engine.make_room_for_signals(n_steps)
        self._advance_together(last, progress) if self._exchange else self._advance_alone(last, progress)

    def _advance_together(self, last: int, progress: Progress | None) -> None:
        """Advance to step `last` as one of several processes, which do the same."""
        weights_are_new = self._weights_stale
        self._update_weights()
        self._exchange.begin(weights_are_new)
        try:
            while self.step < last:
                n_done = min(self._exchange.batch_steps, last - self.step)
                self._feed.reach(self.step, self.step + n_done)
                self._exchange.advance(n_done)
                self.step += n_done
                if progress:
                    progress(n_done)
        finally:
            self._exchange.finish()

    def _advance_alone(self, last: int, progress: Progress | None) -> None:
        self._update_weights()
        while self.step < last:
            until = min(self._feed.ready(self.step, last), last)
            n_done = until - self.step
            self._engine.advance(n_done)
            self.step = until
            if progress:
                progress(n_done)

    def spikes(self, population: int) -> tuple[Int, Int]:
        """Return steps and indices of the recorded spikes, both (n,) int64."""
        recorder = self._recorders[population]
        recorder.add_spikes(*self._engine.take_spikes(population))
        return recorder.spikes()

    def signal(self, population: int, variable: str) -> NDArray[np.float64]:
        """Return the recorded samples, (n_samples, n_recorded) float64."""
        self._take_samples(population)
        return self._recorders[population].samples(variable)

    def state(self, population: int, variable: str) -> NDArray[np.float64]:
        """Return the present values of a state variable, (size,) float64; NaN for other processes' cells."""
        return self._engine.state(population, state_named(self._network.populations[population], variable))

    def set_state(self, population: int, variable: str, values: NDArray[np.float64]) -> None:
        """Set a state variable of a population's neurons, (size,) float64."""
        name = state_named(self._network.populations[population], variable)
        self._engine.set_state(population, name, np.ascontiguousarray(values, np.float64))

    def clear(self, population: int) -> None:
        """Forget what was recorded of a population so far."""
        self._engine.take_spikes(population)
        self._recorders[population].clear(self.step)
        self._set_recordings(population)

    def parameters_changed(self, population: int) -> None:
        """Read the population's parameters (or spike times) again."""
        validate_population(self._network.populations[population])
        if self._network.populations[population].is_source:
            self._feed.forget(self.step)
        else:
            self._set_constants(population)
            self._junctions.couple()
            self._plastic.neurons_changed(population)

    def weights_changed(self, projection: int) -> None:
        """Read the projection's weights and delays again, for the spikes emitted from the next step on."""
        validate_projection(self._network, self._network.projections[projection])
        if projection in self._plastic:
            self._plastic.weights_changed(projection)
        else:
            self._weights_stale = True

    def plasticity_changed(self, projection: int) -> None:
        """Read the parameters of a projection's plasticity again; weights and traces stay."""
        self._plastic.parameters_changed(projection)

    def weights(self, projection: int) -> NDArray[np.float64]:
        """Return the present weights of a projection, (n_synapses,) float64."""
        if projection in self._plastic:
            return self._plastic.weights(projection)
        return np.array(self._network.projections[projection].weight_column())

    def rewired_synapses(self, projection: int) -> tuple[NDArray, ...]:
        """Return sources, targets, weights and delays (steps) of a rewired projection's present synapses."""
        return sorted_synapses(self._engine.rewired_synapses(projection))

    def junctions_changed(self, junctions: int) -> None:
        """Read the conductances of gap junctions again."""
        validate_junctions(self._network, self._network.junctions[junctions])
        self._couple_again()

    def _couple_again(self) -> None:
        for index in self._junctions.read():
            self._set_constants(index)
        self._junctions.couple()

    def currents_changed(self) -> None:
        """Read the currents again."""
        for current in self._network.currents:
            validate_current(self._network, current)
        for index, population in enumerate(self._network.populations):
            if not population.is_source:
                self._set_constants(index)
        self._feed.forget(self.step)

    def recording_changed(self, population: int) -> None:
        """Read the population's recordings again."""
        validate_population(self._network.populations[population])
        recorder = self._recorders[population]
        recorder.add_spikes(*self._engine.take_spikes(population))
        self._take_samples(population)
        recorder.update(self.step)
        self._set_recordings(population)
        if self._network.populations[population].is_source:
            self._feed.forget(self.step)

    def close(self) -> None:
        """End the threads and free the engine."""
        self._engine = None

    @property
    def has_own_synapses(self) -> bool:
        """Whether all changes of weights and delays have been read."""
        return not self._weights_stale

    @property
    def synapse_bytes(self) -> int:
        """Memory that the synapses take."""
        return self._engine.n_synapse_bytes + sum(
            p.table_bytes for p in self._network.projections if isinstance(p, ProceduralProjection)
        )

    def _check_length(self, last_step: int) -> None:
        if last_step < self.step:
            raise InvalidInputError(
                f"Advancing by {last_step - self.step} steps: the number must not be negative."
            )
        if self._engine is None:
            raise BackendError(
                f"Advancing to step {last_step}: the simulation has been closed. Build it again."
            )
        if last_step > MAX_STEPS:
            raise NotSupportedError(
                f"Advancing to step {last_step}: the native engine counts up to {MAX_STEPS}. "
                "Use a longer step, or reset."
            )

    def _set_constants(self, index: int) -> None:
        population = self._network.populations[index]
        coefficients = self._junctions.coefficients(index)
        columns = [coefficients[name] for name in constants_of(model_named(population.model), coefficients)]
        self._engine.set_constants(index, [np.array(column, np.float64, ndmin=1) for column in columns])
        injections = self._network.injections(index)
        if injections:
            per_na = np.array(coefficients["drive_per_na"], np.float64, ndmin=1)
            self._engine.inject(index, per_na, injections)

    def _set_recordings(self, index: int) -> None:
        population, recorder = self._network.populations[index], self._recorders[index]
        self._engine.record_spikes(index, recorder.spike_mask.view(np.uint8))
        if population.is_source:
            return
        self._engine.forget_signals(index)
        for variable, log in recorder.signals.items():
            state = model_named(population.model).recordables[variable][0]
            how = log.indices, log.origin_step, log.interval_steps
            self._engine.record_signal(index, state, *how, log.only_sample(self.step))

    def _take_samples(self, index: int) -> None:
        model = model_named(self._network.populations[index].model)
        for variable, log in self._recorders[index].signals.items():
            first, rows = self._engine.take_signal(index, model.recordables[variable][0])
            log.put(first, rows)

    def _update_weights(self) -> None:
        if self._weights_stale:
            static = [p for p in self._network.projections if p.plasticity is None]
            if self._has_cores:  # of which spikes meet a part of a row each
                static = [p.stored() if isinstance(p, ProceduralProjection) else p for p in static]
            receptors = self._network.receptors
            require_memory(static, self._network.n_neurons, self._n_threads)
            columns = [projection_for_engine(projection, receptors) for projection in static]
            rules = [rule_for_engine(projection) for projection in static]
            values = [values_for_engine(projection) for projection in static]
            spent = [p.give_away() if isinstance(p, RemadeProjection) else 0 for p in static]
            self._engine.connect(columns, rules, values, [n_bytes > 0 for n_bytes in spent])
            del columns
            memory.return_freed(sum(spent))
            self._weights_stale = False
            self._feed.forget(self.step)
