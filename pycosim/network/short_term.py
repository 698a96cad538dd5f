"""What short-term plasticity needs to know of the neurons that synapses end on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim.network.columns import Network, Projection

_TIME_CONSTANTS = {"excitatory": "tau_syn_E", "inhibitory": "tau_syn_I"}


def receptor_time_constants(network: Network, projection: Projection) -> float | NDArray[np.float64]:
    """Return the time constants in ms of the receptors that synapses end on, 0 where a model has none.

    Returns
    -------
    float or (n_synapses,) float64 ndarray
        One number if all are equal.
    """
    name = _TIME_CONSTANTS.get(projection.receptor, "")
    of_neuron = np.zeros(network.n_neurons)
    for population in network.populations:
        if name in population.parameters:
            of_neuron[population.first : population.first + population.size] = population.column(name)
    column = of_neuron[projection.targets]
    return float(column[0]) if len(column) and np.all(column == column[0]) else column
