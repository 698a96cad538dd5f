"""A network advanced by Brian2."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from pycosim.backends.base import Progress
from pycosim.backends.brian2.codegen import Engine, Recorded
from pycosim.backends.brian2.composed import NOISE_CONSTANTS
from pycosim.backends.brian2.coupling import Coupling
from pycosim.backends.brian2.currents import Currents
from pycosim.backends.brian2.equations import CURRENT, require_statements
from pycosim.backends.brian2.in_python import InPython
from pycosim.backends.brian2.inputs import Inputs
from pycosim.backends.brian2.plan import HELD_UNTIL, GroupPlan, Plan, SamplerPlan, population_name
from pycosim.backends.brian2.plastic_equations import supported_rules
from pycosim.backends.brian2.projections import Projections
from pycosim.backends.recording import Recorder, SignalLog, state_named
from pycosim.errors import InvalidInputError
from pycosim.network import Network, model_named
from pycosim.network.noise import noise_key
from pycosim.network.plasticity_checks import require_rules
from pycosim.network.validate import (
    validate,
    validate_current,
    validate_junctions,
    validate_population,
    validate_projection,
)

Int = NDArray[np.int64]


class Brian2Simulation:
    """A network that is advanced by Brian2; see `pycosim.backends.base.Simulation`.

    What only is data (parameters, weights, input spikes, state) goes to the engine as soon as it is known.
    A program is built at the first `advance`, and again only where the structure has changed: which
    variables are recorded, and which parameters differ between neurons.

    Parameters
    ----------
    network : Network
    engine : Engine

    Raises
    ------
    InvalidInputError, ConnectivityError, NotSupportedError
        If the network is not valid.
    """

    def __init__(self, network: Network, engine: Engine):
        require_rules(network, "Brian2", supported_rules())
        validate(network)
        self.step = 0
        self._started = False
        self._network, self._engine = network, engine
        self._names: list[str] = []
        self._neurons: list[int] = []
        self._currents = Currents(network)
        self._substeps: dict[int, int] = {}
        self._constants: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        self._projections = Projections(network, engine, self._names)
        self._coupling = Coupling(network, engine, self._names)
        self._in_python = InPython(network, self._names)
        self._calls_python = False
        self._recorders: list[Recorder] = []
        self._start()
        self._inputs = Inputs(
            network,
            engine,
            self._names,
            self._connected(),
            lambda index: len(self._recorders[index].spike_indices) > 0,
        )

    def _start(self) -> None:
        """Give the engine all that it does not know of the newest populations and projections."""
        network = self._network
        require_statements(network)
        for index in range(len(self._recorders), len(network.populations)):
            population = network.populations[index]
            self._names.append(population_name(population, index))
            if population.size and not population.is_source:
                self._neurons.append(index)
                self._send_initial_state(index)
                self._send_constants(index)
            self._recorders.append(
                Recorder(population, lambda name, index=index: self.state(index, name), self.step)
            )
        self._projections.start(self.step)
        self._in_python.start(self.step)
        if not self._calls_python and self._in_python.reasons():
            self._engine.set_operations(self._in_python)
            self._calls_python = True
        self._coupling.send()

    def network_grown(self) -> None:
        """Take over the populations and projections that were appended to the network."""
        require_rules(self._network, "Brian2", supported_rules())
        validate(self._network)
        self._in_python.require_same()
        self._currents.read()
        self._read_coupling()
        self._start()
        self._inputs.find_sources(self._connected())

    def _connected(self) -> set[int]:
        """Return the populations that have synapses, or may have some."""
        return self._projections.connected() | self._in_python.candidates()

    def _read_coupling(self) -> None:
        """Read gap junctions again, which are a part of the membranes of the neurons that have some."""
        before = self._coupling.populations
        self._coupling.read()
        for index in {*before, *self._coupling.populations} & set(self._neurons):
            self._send_constants(index)

    def junctions_changed(self, junctions: int) -> None:
        """Read the conductances of gap junctions again."""
        validate_junctions(self._network, self._network.junctions[junctions])
        self._read_coupling()
        self._coupling.send()

    @property
    def preparation_s(self) -> float:
        """Wall-clock seconds spent on generating and compiling programs so far."""
        return self._engine.preparation_s

    def _send_initial_state(self, index: int) -> None:
        population, name = self._network.populations[index], self._names[index]
        states = model_named(population.model).states
        values = {(name, state): population.initial_column(state) for state in states}
        values[name, HELD_UNTIL] = np.zeros(population.size, np.int32)
        values[name, "_spikespace"] = np.zeros(population.size + 1, np.int32)
        self._engine.set(values)

    def _send_constants(self, index: int) -> None:
        """Send the constants of one step, each as one number where all neurons have the same."""
        population, name = self._network.populations[index], self._names[index]
        if model_named(population.model).own:
            self._in_python.neurons.read_parameters(index)
            self._constants[index] = (), ()
            return
        coefficients = self._coupling.coefficients_of(index)
        is_coupled = coefficients is not None
        if coefficients is None:
            model = model_named(population.model)
            coefficients = model.coefficients(population.parameters, self._network.dt_ms)
        if model_named(population.model).is_stochastic:
            noise = (population.first, *noise_key(self._network.seed))
            coefficients |= {key: np.asarray(float(value)) for key, value in zip(NOISE_CONSTANTS, noise)}
        per_na = coefficients.pop("drive_per_na")
        self._substeps[index] = int(coefficients.pop("substeps", 1))
        currents = self._currents.columns_of(index)
        if currents is not None or is_coupled:
            coefficients |= {"drive_at_rest": coefficients.pop("drive"), "drive_per_na": per_na}
        if currents is not None:
            coefficients[CURRENT] = currents
        values, shared = {}, []
        for variable, value in coefficients.items():
            column = np.atleast_1d(value)
            if np.all(column == column[0]) and variable != CURRENT:
                shared.append(variable)
                column = column[:1]
            values[name, variable] = column
        self._engine.set(values)
        self._constants[index] = tuple(coefficients), tuple(shared)

    def _plan(self) -> Plan:
        groups = tuple(self._group_plan(index) for index in self._neurons)
        sources = (*self._inputs.sources(), *self._projections.sources())
        return Plan(groups, sources, (*self._projections.plan(), *self._coupling.plan()))

    def _group_plan(self, index: int) -> GroupPlan:
        population, name = self._network.populations[index], self._names[index]
        samplers = tuple(sampler for sampler, _ in self._samplers(index))
        spikes = len(self._recorders[index].spike_indices) > 0
        constants, shared = self._constants[index]
        substeps = self._substeps.get(index, 1)
        return GroupPlan(
            name,
            population.model,
            population.size,
            constants,
            shared,
            spikes,
            samplers,
            substeps,
            self._currents.columns_of(index) is not None,
            self._coupling.variables_of(index),
        )

    def _samplers(self, index: int) -> list[tuple[SamplerPlan, list[str]]]:
        """Return the samplers that record a population's signals, each with the names of its signals."""
        together = defaultdict(list)
        for variable, log in self._recorders[index].signals.items():
            if len(log.indices):
                together[self._interval(log), log.indices.tobytes()].append(variable)
        recordables = model_named(self._network.populations[index].model).recordables
        return [
            (
                SamplerPlan(
                    f"{self._names[index]}_{number}_samples",
                    tuple(sorted({recordables[variable][0] for variable in variables})),
                    len(self._recorders[index].signals[variables[0]].indices),
                    interval == 1,
                ),
                variables,
            )
            for number, ((interval, _), variables) in enumerate(together.items())
        ]

    @staticmethod
    def _interval(log: SignalLog) -> int:
        """Return the interval of a clock, which ticks at step 0, that is due at every sample of a log."""
        return math.gcd(log.interval_steps, log.origin_step)

    def advance(self, n_steps: int, progress: Progress | None = None) -> None:
        """Advance by `n_steps`.

        Raises
        ------
        InvalidInputError
            If `n_steps` is negative.
        BackendError
            If the simulation is closed, or the program cannot be compiled or fails.
        """
        if n_steps < 0:
            raise InvalidInputError(f"Advancing by {n_steps} steps: give a number of at least 0.")
        self._engine.check_open()
        last = self.step + n_steps
        while self.step < last:
            n_steps = self._currents.piece(last - self.step)
            self._advance_piece(self._inputs.piece(self.step, n_steps), progress)

    def _advance_piece(self, n_steps: int, progress: Progress | None) -> None:
        first = self.step + 1
        spikes = self._inputs.emit(self.step if not self._started else first, self.step + n_steps)
        self._projections.emit(self.step)
        self._send_currents(n_steps)
        self._send_sampling()
        recorded = self._engine.run(self._plan(), first, n_steps, progress) if self._neurons else None
        self._started = True
        self.step += n_steps
        for index, (steps, indices) in spikes.items():
            self._recorders[index].add_spikes(steps, indices)
        if recorded:
            self._record(recorded, first)
        self._record_nothing(n_steps)

    def _send_currents(self, n_steps: int) -> None:
        if self._currents.populations:
            table = self._currents.table(self.step + 1, n_steps)
            shape = np.array([self.step + 1, self._currents.n_columns])
            self._engine.set({("network", "currents"): table.ravel(), ("network", "currents_shape"): shape})

    def _send_sampling(self) -> None:
        for index in self._neurons:
            for sampler, variables in self._samplers(index):
                log = self._recorders[index].signals[variables[0]]
                self._engine.set({(sampler.name, "_indices"): log.indices.astype(np.int32)})
                if not sampler.every_step:
                    self._engine.set({(sampler.name, "interval"): np.array([self._interval(log)])})

    def _record(self, recorded: Recorded, first: int) -> None:
        """Take over what was recorded in the steps from `first` to the present one."""
        for index in self._neurons:
            recorder = self._recorders[index]
            if len(recorder.spike_indices):
                recorder.add_spikes(*recorded.spikes(f"{self._names[index]}_spikes"))
            for sampler, variables in self._samplers(index):
                for variable in variables:
                    log = recorder.signals[variable]
                    interval = self._interval(log)
                    steps = np.arange(-(-first // interval) * interval, self.step + 1, interval)
                    due = (steps - log.origin_step) % log.interval_steps == 0
                    state = model_named(self._network.populations[index].model).recordables[variable][0]
                    log.append(recorded.samples(sampler.name, state)[due])

    def _record_nothing(self, n_steps: int) -> None:
        """Append samples, without columns, where no neuron is recorded."""
        logs = [log for recorder in self._recorders for log in recorder.signals.values()]
        for log in logs:
            if not len(log.indices):
                done = self.step - log.origin_step
                n_due = done // log.interval_steps - (done - n_steps) // log.interval_steps
                log.append(np.empty((n_due, 0)))

    def spikes(self, population: int) -> tuple[Int, Int]:
        """Return steps and indices of the recorded spikes, both (n,) int64."""
        return self._recorders[population].spikes()

    def signal(self, population: int, variable: str) -> NDArray[np.float64]:
        """Return the recorded samples, (n_samples, n_recorded) float64."""
        return self._recorders[population].samples(variable)

    def state(self, population: int, variable: str) -> NDArray[np.float64]:
        """Return the present values of a state variable, (size,) float64."""
        name = state_named(self._network.populations[population], variable)
        if not self._network.populations[population].size:
            return np.empty(0)
        return self._engine.get(self._names[population], name)

    def set_state(self, population: int, variable: str, values: NDArray[np.float64]) -> None:
        """Set a state variable of a population's neurons, (size,) float64."""
        name = state_named(self._network.populations[population], variable)
        if len(values):
            self._engine.set({(self._names[population], name): np.array(values, np.float64)})

    def clear(self, population: int) -> None:
        """Forget what was recorded of a population so far."""
        self._recorders[population].clear(self.step)

    def parameters_changed(self, population: int) -> None:
        """Read the population's parameters again; spike times are read at every `advance` anyway."""
        validate_population(self._network.populations[population])
        if population in self._coupling.populations:
            self._coupling.read()
        if population in self._neurons:
            self._send_constants(population)
        self._projections.neurons_changed(population, self.step)

    def weights_changed(self, projection: int) -> None:
        """Read weights and delays again; spikes under way keep the weight they were emitted with."""
        validate_projection(self._network, self._network.projections[projection])
        self._projections.weights_changed(projection, self.step)
        learning = self._in_python.learning(projection)
        if learning is not None:
            learning.read_weights()

    def plasticity_changed(self, projection: int) -> None:
        """Read the parameters of a projection's plasticity again; weights and traces stay."""
        validate_projection(self._network, self._network.projections[projection])
        self._projections.plasticity_changed(projection, self.step)
        learning = self._in_python.learning(projection)
        if learning is not None:
            learning.read_parameters()

    def weights(self, projection: int) -> NDArray[np.float64]:
        """Return the present weights of a projection, (n_synapses,) float64."""
        learning = self._in_python.learning(projection)
        return self._projections.weights(projection, self.step) if learning is None else learning.weights()

    def rewired_synapses(self, projection: int) -> tuple[NDArray, ...]:
        """Return sources, targets, weights and delays (steps) of a rewired projection's present synapses."""
        return self._in_python.synapses(projection)

    def currents_changed(self) -> None:
        """Read the currents again."""
        for current in self._network.currents:
            validate_current(self._network, current)
        before = self._currents.populations
        self._currents.read()
        for index in {*before, *self._currents.populations} & set(self._neurons):
            self._send_constants(index)

    def recording_changed(self, population: int) -> None:
        """Read the population's recordings again."""
        validate_population(self._network.populations[population])
        self._recorders[population].update(self.step)

    def close(self) -> None:
        """Free the engine's memory and files."""
        self._engine.close()
