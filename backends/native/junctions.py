"""Gap junctions as the engine takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.backends.native.columns import of_a_step
from pycosim.network import Network, model_named
from pycosim.network.individual import individual_parameters
from pycosim.network.junctions import CoupledMembranes, coupled_membranes, coupling_of
from pycosim.network.models import Coefficients


class NativeJunctions:
    """Hands the gap junctions of a network to an engine.

    Parameters
    ----------
    network : Network
    engine : pycosim.backends.native._engine.Engine
    """

    def __init__(self, network: Network, engine: Any):
        self._network, self._engine = network, engine
        self._was_coupled = False
        self._membranes: dict[int, CoupledMembranes] = {}
        self._coupling = coupling_of(network)

    def read(self) -> set[int]:
        """Read the junctions again; return the populations whose constants have to be set again."""
        before = set(self._membranes)
        self._membranes = {}
        self._coupling = coupling_of(self._network)
        places = [self._coupling.within(population) for population in self._network.populations]
        return before | {index for index, place in enumerate(places) if place.start < place.stop}

    def coefficients(self, index: int) -> Coefficients:
        """Return the constants of one step of a population, read from its parameters again."""
        population = self._network.populations[index]
        model, seed = model_named(population.model), self._network.seed
        membranes = coupled_membranes(self._network, population, self._coupling)
        if membranes is not None:
            self._membranes[index] = membranes
            return of_a_step(model, membranes.coefficients)
        parameters = individual_parameters(model.own, population.parameters, seed, population.neurons)
        return of_a_step(model, model.coefficients(parameters, self._network.dt_ms))

    def couple(self) -> None:
        """Give the engine all junctions, with the constants last read."""
        if not (self._network.junctions or self._was_coupled):
            return
        self._was_coupled = True
        coupling, n = self._coupling, len(self._coupling.neurons)
        per_na, anchor, extrapolation = np.empty(n), np.empty(n), np.empty(n)
        for index, membranes in self._membranes.items():
            population = self._network.populations[index]
            places = coupling.within(population)
            here = coupling.neurons[places] - population.first
            coefficients = of_a_step(model_named(population.model), membranes.coefficients)
            per_na[places] = _column(coefficients["drive_per_na"], population.size)[here]
            anchor[places] = membranes.anchor_mv[here]
            extrapolation[places] = membranes.extrapolation[here]
        offset = -coupling.totals * anchor
        rows = coupling.indptr, coupling.partners, coupling.conductances
        self._engine.couple(coupling.neurons, per_na, offset, extrapolation, *rows)


def _column(values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    return np.broadcast_to(np.asarray(values, np.float64), (size,))
