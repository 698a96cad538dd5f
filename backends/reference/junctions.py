"""Gap junctions step by step, as the equations of `pycosim.network.junctions` say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim.backends.reference.neurons import Neurons
from pycosim.network import Network, model_named
from pycosim.network.junctions import CoupledMembranes, coupled_membranes, coupling_of

Int = NDArray[np.int64]
Float = NDArray[np.float64]


class Junctions:
    """All gap junctions of a network.

    Parameters
    ----------
    network : Network
    neurons : dict of int to Neurons
        By population; those with junctions get constants that contain their conductance.
    """

    def __init__(self, network: Network, neurons: dict[int, Neurons]):
        self._network, self._neurons = network, neurons
        self._membranes: dict[int, CoupledMembranes] = {}
        self._v: dict[int, Float] = {}  # by population, before the step
        self._moved = np.zeros(0)  # by neuron, in the last step
        self.read()

    def read(self) -> None:
        """Read junctions and parameters of the neurons again."""
        self._coupling = coupling_of(self._network)
        self._moved = np.pad(self._moved, (0, self._network.n_neurons - len(self._moved)))
        before, self._membranes = self._membranes, {}
        for index in self._neurons:
            membranes = coupled_membranes(self._network, self._network.populations[index], self._coupling)
            if membranes is not None:
                self._membranes[index] = membranes
            if membranes is not None or index in before:
                self._neurons[index].read_parameters(membranes)
        uncoupled = np.ones(self._network.n_neurons, bool)
        uncoupled[self._coupling.neurons] = False
        self._moved[uncoupled] = 0

    def currents(self) -> dict[int, Float]:
        """Begin a step; return what flows into each neuron of the coupled populations, in nA."""
        coupling = self._coupling
        v = np.zeros(self._network.n_neurons)
        for index in self._membranes:
            numbers = self._network.populations[index].neurons
            self._v[index] = self._neurons[index].states["v"]
            v[numbers.start : numbers.stop] = self._v[index]
        v, moved, totals = v[coupling.neurons], self._moved[coupling.neurons], coupling.totals
        currents = {}
        for index, membranes in self._membranes.items():
            population = self._network.populations[index]
            currents[index] = np.zeros(population.size)
            places = coupling.within(population)
            for place in range(places.start, places.stop):
                i = coupling.neurons[place] - population.first
                row = slice(coupling.indptr[place], coupling.indptr[place + 1])
                total = -totals[place] * membranes.anchor_mv[i]
                for partner, g in zip(coupling.partners[row], coupling.conductances[row]):
                    total += g * (v[partner] + membranes.extrapolation[i] * moved[partner])
                currents[index][i] = total
        return currents

    def finish(self, fired: dict[int, Int]) -> None:
        """End a step, in which these neurons fired, by population."""
        for index in self._membranes:
            population = self._network.populations[index]
            moved = self._neurons[index].states["v"] - self._v[index]
            if model_named(population.model).resets:
                moved[fired[index]] = 0
            numbers = self._coupling.neurons[self._coupling.within(population)]
            self._moved[numbers] = moved[numbers - population.first]
