"""Columns of a network: populations, projections and recordings as struct-of-arrays.

Neurons are numbered through the whole network in order of creation (`Population.first` is the number
of a population's first neuron); projections and chip mappings use these global numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pycosim.network.junctions import GapJunctions
from pycosim.network.models import NeuronModel, SourceModel, model_named
from pycosim.network.plasticity import Column, Plasticity
from pycosim.network.rewiring import RewiredProjection


@dataclass
class Recording:
    """Which neurons of a population are recorded, and how often.

    Attributes
    ----------
    indices : (n,) int64 ndarray
        Indices within the population, ascending.
    interval_steps : int
        Sampling interval in steps; without meaning for spikes.
    start_step : int
        The step at which recording began; samples are taken at start_step + i * interval_steps.
    """

    indices: NDArray[np.int64]
    interval_steps: int = 1
    start_step: int = 0


@dataclass
class Population:
    """Neurons, or spike sources, of one model.

    Attributes
    ----------
    label : str
    model : str
        A name of `pycosim.network.models.MODELS`, or of a composed model (`pycosim.network.composed`).
    size : int
    first : int
        Global number of the first neuron.
    parameters : dict of str to float or (size,) float64 ndarray
        In PyNN units (ms, mV, nA, nF, uS, Hz). A number stands for a column of equal values. Parameters
        that are `sequences` of the model have one row for each neuron.
    initial : dict of str to float or (size,) float64 ndarray
        Initial values of the model's state variables, in PyNN units.
    spike_steps, spike_indices : (n,) int64 ndarray
        Only for spike arrays: when (in steps, ascending) and which neuron (index in the population).
    recordings : dict of str to Recording
        By name of the variable; "spikes" is one.
    positions : (3, size) float64 ndarray or None
        In um, as PyNN gives them.
    neurons_per_core : int or None
        Most neurons on a chip's core that has some of this population; a hint, without effect elsewhere.
    """

    label: str
    model: str
    size: int
    first: int = 0
    parameters: dict[str, Column] = field(default_factory=dict)
    initial: dict[str, Column] = field(default_factory=dict)
    spike_steps: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    spike_indices: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    recordings: dict[str, Recording] = field(default_factory=dict)
    positions: NDArray[np.float64] | None = None
    neurons_per_core: int | None = None

    @property
    def is_source(self) -> bool:
        """Whether the population only emits spikes."""
        return isinstance(model_named(self.model), SourceModel)

    @property
    def neurons(self) -> range:
        """Global numbers of the population's neurons."""
        return range(self.first, self.first + self.size)

    def column(self, name: str) -> NDArray[np.float64]:
        """Return a parameter as a full column, (size,) float64."""
        return np.broadcast_to(np.asarray(self.parameters[name], np.float64), (self.size,))

    def initial_column(self, name: str) -> NDArray[np.float64]:
        """Return the initial values of a state variable as a full column, (size,) float64."""
        default = model_named(self.model).initial.get(name, 0.0)
        return np.broadcast_to(np.asarray(self.initial.get(name, default), np.float64), (self.size,))


@dataclass
class Projection:
    """Synapses as compressed sparse rows by source.

    Attributes
    ----------
    label : str
    receptor : str
        Name of the target's receptor: "excitatory", "inhibitory", or one of a composed model; of
        synapses that release dopamine "reward" or "punishment".
    sources : (n_rows,) int32 ndarray
        Global numbers of the presynaptic neurons, one row each, ascending and distinct.
    indptr : (n_rows + 1,) int64 ndarray
        Row i holds synapses indptr[i] to indptr[i + 1].
    targets : (n_synapses,) int32 ndarray
        Global numbers of the postsynaptic neurons, ascending within a row.
    weights : float or (n_synapses,) float64 ndarray
        nA on current-based, uS on conductance-based, mV on delta neurons; inhibitory current and
        delta weights are negative.
    delays : int or (n_synapses,) int32 ndarray
        In steps, at least 1.
    plasticity : Plasticity or None
        How the synapses change; `weights` are then the initial ones and always a column.
    places : (n_synapses,) int64 ndarray or None
        Of the part of a projection that one of several processes has: the numbers of its synapses among all,
        where random numbers depend on them.
    """

    label: str
    receptor: str
    sources: NDArray[np.int32]
    indptr: NDArray[np.int64]
    targets: NDArray[np.int32]
    weights: Column
    delays: int | NDArray[np.int32]
    plasticity: Plasticity | None = None
    places: NDArray[np.int64] | None = None

    @property
    def n_synapses(self) -> int:
        """Number of synapses."""
        return len(self.targets)

    @property
    def has_synapses(self) -> bool:
        """Whether there is any."""
        return self.n_synapses > 0

    @property
    def delay_range(self) -> tuple[int, int]:
        """Smallest and largest delay in steps; there is a synapse."""
        return int(np.min(self.delays)), int(np.max(self.delays))

    def weight_column(self) -> NDArray[np.float64]:
        """Return all weights, (n_synapses,) float64."""
        return np.broadcast_to(np.asarray(self.weights, np.float64), (self.n_synapses,))

    def delay_column(self) -> NDArray[np.int32]:
        """Return all delays in steps, (n_synapses,) int32."""
        return np.broadcast_to(np.asarray(self.delays, np.int32), (self.n_synapses,))

    def source_column(self) -> NDArray[np.int32]:
        """Return the global number of each synapse's source, (n_synapses,) int32."""
        return np.repeat(self.sources, np.diff(self.indptr))


@dataclass
class Current:
    """A current source and the neurons into which it flows; see `pycosim.network.currents`.

    Attributes
    ----------
    label : str
    kind : str
        PyNN's name: "DCSource", "StepCurrentSource", "ACSource" or "NoisyCurrentSource".
    targets : (n,) int64 ndarray
        Global numbers of the neurons; the current flows as often into a neuron as that is there.
    parameters : dict of str to float or (m,) float64 ndarray
        In PyNN units (nA, ms, Hz, degrees).
    """

    label: str
    kind: str
    targets: NDArray[np.int64]
    parameters: dict[str, Column] = field(default_factory=dict)


@dataclass
class Network:
    """Everything that a target needs to know about a network.

    Attributes
    ----------
    dt_ms : float
        Length of a step.
    seed : int
        Seed of the random input that is drawn while the network runs (Poisson sources).
    populations, projections, currents, junctions, rewired : list
    """

    dt_ms: float
    seed: int = 0
    populations: list[Population] = field(default_factory=list)
    projections: list[Projection] = field(default_factory=list)
    currents: list[Current] = field(default_factory=list)
    junctions: list[GapJunctions] = field(default_factory=list)
    rewired: list[RewiredProjection] = field(default_factory=list)

    def add(self, population: Population) -> int:
        """Append a population, number its neurons, and return its index."""
        population.first = self.n_neurons
        self.populations.append(population)
        return len(self.populations) - 1

    @property
    def n_neurons(self) -> int:
        """Number of neurons and sources together."""
        return sum(population.size for population in self.populations)

    @property
    def n_synapses(self) -> int:
        """Number of synapses of all projections, at step 0 where they change."""
        return sum(projection.n_synapses for projection in (*self.projections, *self.rewired))

    @property
    def delay_range(self) -> tuple[int, int]:
        """Smallest and largest delay in steps; (1, 1) where there is no synapse."""
        ranges = [p.delay_range for p in self.projections if p.has_synapses]
        ranges += [(np.min(p.delays), np.max(p.delays)) for p in self.rewired if p.n_synapses]
        ranges += [
            tuple(p.parameters[f"initial_delay_{end}"] for end in ("low", "high")) for p in self.rewired
        ]
        if not ranges:
            return 1, 1
        return int(min(low for low, _ in ranges)), int(max(high for _, high in ranges))

    @property
    def receptors(self) -> tuple[str, ...]:
        """Names of all receptors, in order of appearance; a network that grows keeps them at their places."""
        names = {"excitatory": None, "inhibitory": None}
        for _, model in self.neuron_models():
            names |= dict.fromkeys(model.receptors)
        return tuple(names)

    def receptor_number(self, projection: Projection) -> int:
        """Return the place of a projection's receptor in `receptors`; 0 for one that is no membrane's."""
        receptors = self.receptors
        return receptors.index(projection.receptor) if projection.receptor in receptors else 0

    def source_mask(self) -> NDArray[np.bool_]:
        """Return which of all neurons are spike sources, (n_neurons,) bool."""
        mask = np.zeros(self.n_neurons, bool)
        for population in self.populations:
            if population.is_source:
                mask[population.first : population.first + population.size] = True
        return mask

    def population_of_neuron(self) -> NDArray[np.int32]:
        """Return the index of each neuron's population, (n_neurons,) int32."""
        sizes = [population.size for population in self.populations]
        return np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)

    def injections(self, population_index: int) -> list[tuple[int, NDArray[np.int64]]]:
        """Return the currents into a population: index of the current, indices in the population."""
        population = self.populations[population_index]
        found = []
        for index, current in enumerate(self.currents):
            within = np.asarray(current.targets, np.int64) - population.first
            within = within[(within >= 0) & (within < population.size)]
            if len(within):
                found.append((index, within))
        return found

    def neuron_models(self) -> Iterator[tuple[Population, NeuronModel]]:
        """Iterate over the populations that have dynamics, with their models."""
        for population in self.populations:
            model = model_named(population.model)
            if isinstance(model, NeuronModel):
                yield population, model
