"""What short-term plasticity needs to know of the network: receptors that synapses end on, random streams."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim import _core
from pycosim.network.columns import Network, Projection
from pycosim.random import stream_of, unsigned

_TIME_CONSTANTS = {"excitatory": "tau_syn_E", "inhibitory": "tau_syn_I", "excitatory2": "tau_syn_E2"}


def receptor_time_constants(network: Network, projection: Projection) -> float | NDArray[np.float64]:
    """Return the time constants in ms of the receptors that synapses end on, 0 where a model has none.

    Returns
    -------
    float or (n_synapses,) float64 ndarray
        One number if all are equal.
    """
    names = {f"{projection.receptor}.tau_syn", _TIME_CONSTANTS.get(projection.receptor, "")}
    of_neuron = np.zeros(network.n_neurons)
    for population in network.populations:
        for name in names & population.parameters.keys():
            of_neuron[population.first : population.first + population.size] = population.column(name)
    column = of_neuron[projection.targets]
    return float(column[0]) if len(column) and np.all(column == column[0]) else column


def draw_stream(projection: int) -> int:
    """Return the random stream of the stochastic synapses of a projection, which is given by its index."""
    return stream_of("synapses", projection)


def draw_key(network: Network, projection: int) -> tuple[int, int]:
    """Return the two words of the key with which Philox draws for a projection's stochastic synapses."""
    parts = (unsigned(network.seed), draw_stream(projection))
    words = [part >> shift & 0xFFFF_FFFF for part in parts for shift in (0, 32)]
    return _core.philox4x32(tuple(words), (0, 0))[:2]
