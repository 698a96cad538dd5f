"""The gap junctions of a network as Brian2 Synapses that sum currents into variables of their targets.

The equations are those of `pycosim.network.junctions`. Sums are computed before any neuron is integrated, so
that each sees the membranes that the step before left.
"""

from __future__ import annotations

import numpy as np

from pycosim.backends.brian2.codegen import Engine
from pycosim.backends.brian2.plan import MOVED, SynapsesPlan
from pycosim.network import Network
from pycosim.network.junctions import CoupledMembranes, coupled_membranes, coupling_of
from pycosim.network.models import Coefficients


class Coupling:
    """Hands the gap junctions of a network to an engine.

    Parameters
    ----------
    network : Network
    engine : Engine
    names : list of str
        Of the populations; it grows with the network.

    Raises
    ------
    NotSupportedError
        If it is not known how a model's membrane takes a conductance.
    """

    def __init__(self, network: Network, engine: Engine, names: list[str]):
        self._network, self._engine, self._names = network, engine, names
        self._neurons = np.empty(0, np.int64)
        self.read()

    def read(self) -> None:
        """Read the junctions, and the parameters of their neurons, again."""
        coupling = self._coupling = coupling_of(self._network)
        self._membranes: dict[int, CoupledMembranes] = {}
        for index, population in enumerate(self._network.populations):
            membranes = (
                None if population.is_source else coupled_membranes(self._network, population, coupling)
            )
            if membranes is not None:
                self._membranes[index] = membranes
        rows = np.repeat(np.arange(len(coupling.neurons)), np.diff(coupling.indptr))
        ends = np.cumsum([population.size for population in self._network.populations])
        of_neuron = np.searchsorted(ends, coupling.neurons, side="right")
        pairs = np.stack([of_neuron[coupling.partners], of_neuron[rows]])
        self._parts = {
            (int(pre), int(post)): np.flatnonzero((pairs[0] == pre) & (pairs[1] == post))
            for pre, post in np.unique(pairs, axis=1).T
        }
        self._rows = rows

    def send(self) -> None:
        """Give the engine the junctions, and to neurons that had none before a membrane that did not move."""
        coupling = self._coupling
        for (pre, post), which in self._parts.items():
            name = self._name(pre, post)
            ends = (coupling.partners[which], pre), (self._rows[which], post)
            sources, targets = (coupling.neurons[p] - self._network.populations[i].first for p, i in ends)
            weights = coupling.conductances[which]
            self._engine.set(
                {
                    (name, "_synaptic_pre"): sources.astype(np.int32),
                    (name, "_synaptic_post"): targets.astype(np.int32),
                    (name, "weight"): weights,
                }
            )
        for index in self._membranes:
            population, name = self._network.populations[index], self._names[index]
            moved = np.zeros(population.size)
            known = self._neurons[np.isin(self._neurons, population.neurons)] - population.first
            if len(known):
                moved[known] = self._engine.get(name, MOVED)[known]
            self._engine.set({(name, MOVED): moved})
        self._neurons = coupling.neurons

    @property
    def populations(self) -> tuple[int, ...]:
        """The populations with neurons that have junctions."""
        return tuple(self._membranes)

    def _name(self, pre: int, post: int) -> str:
        return f"{self._names[pre]}_to_{self._names[post]}_junctions"

    def _variable(self, pre: int) -> str:
        return f"from_{self._names[pre]}"

    def coefficients_of(self, population: int) -> Coefficients | None:
        """Return the constants of one step of a population; None if its neurons have no junctions."""
        membranes = self._membranes.get(population)
        if membranes is None:
            return None
        places = self._coupling.within(self._network.populations[population])
        anchored = np.zeros(self._network.populations[population].size)
        numbers = self._coupling.neurons[places] - self._network.populations[population].first
        anchored[numbers] = self._coupling.totals[places]
        anchored *= membranes.anchor_mv
        return membranes.coefficients | {"anchored": anchored, "lead": membranes.extrapolation}

    def variables_of(self, population: int) -> tuple[str, ...]:
        """Return the names of the variables that currents through a population's junctions are summed in."""
        return tuple(self._variable(pre) for pre, post in self._parts if post == population)

    def plan(self) -> tuple[SynapsesPlan, ...]:
        """Return the plan of the junctions."""
        return tuple(
            SynapsesPlan(
                self._name(pre, post),
                self._names[pre],
                self._names[post],
                receptor="",
                shared_weight=False,
                shared_delay=False,
                sides=(),
                sums=self._variable(pre),
            )
            for pre, post in self._parts
        )
