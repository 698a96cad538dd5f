"""Synapses of neurons whose spikes carry a number; Brian2's carry none, so Python functions send it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.network import Network, Population, Projection, model_named

__all__ = ["GradedSynapses", "payload_of"]

Float = NDArray[np.float64]
Int = NDArray[np.int64]


def payload_of(population: Population) -> str:
    """Return the state variable that a population's spikes carry; empty if they carry nothing."""
    own = getattr(model_named(population.model), "own", None)
    return own.payload if own else ""


class GradedSynapses:
    """What the neurons of a network send whose spikes carry a number.

    Parameters
    ----------
    network : Network
    names : list of str
        Of the populations; it grows with the network.
    """

    def __init__(self, network: Network, names: list[str]):
        self._network, self._names = network, names
        self._populations: list[int] = []
        self._projections: list[int] = []

    def start(self) -> None:
        """Begin with the populations and projections that are new in the network."""
        network = self._network
        self._populations = [i for i, population in enumerate(network.populations) if payload_of(population)]
        is_graded = np.zeros(network.n_neurons, bool)
        for index in self._populations:
            is_graded[network.populations[index].neurons] = True
        self._projections = [
            i for i, projection in enumerate(network.projections) if is_graded[projection.sources].any()
        ]

    def emit(self, counts: Int, program: Any, transmit: Callable[[str, Int, int, Float], None]) -> None:
        """Send the spikes of the present step, of which there are `counts` of every neuron, by number."""
        if not self._projections:
            return
        carried = np.zeros(self._network.n_neurons)
        for index in self._populations:
            population = self._network.populations[index]
            state = program.groups[self._names[index]].variables[payload_of(population)]
            neurons = slice(population.neurons.start, population.neurons.stop)
            carried[neurons] = counts[neurons] * state.get_value()
        for projection in map(self._network.projections.__getitem__, self._projections):
            self._send(projection, carried[projection.sources], transmit)

    @staticmethod
    def _send(projection: Projection, carried: Float, transmit: Callable[..., None]) -> None:
        """Send what the sources of a projection, of which most emit nothing (0), carry."""
        rows = np.flatnonzero(carried)
        begins, ends = projection.indptr[rows], projection.indptr[rows + 1]
        synapses = np.concatenate([np.arange(*row) for row in zip(begins, ends)] or [rows])
        n = projection.n_synapses
        weights = np.broadcast_to(projection.weights, n)[synapses] * np.repeat(carried[rows], ends - begins)
        delays = np.broadcast_to(projection.delays, n)[synapses]
        for delay in np.unique(delays):
            here = delays == delay
            transmit(projection.receptor, projection.targets[synapses[here]], int(delay), weights[here])
