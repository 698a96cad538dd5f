"""A network advanced step by step in NumPy."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from pycosim.backends.base import Progress
from pycosim.backends.recording import Recorder
from pycosim.backends.reference.neurons import Neurons
from pycosim.errors import InvalidInputError
from pycosim.network import Network
from pycosim.network.inputs import source_spikes
from pycosim.network.validate import validate, validate_population, validate_projection

RECEPTORS = ("excitatory", "inhibitory")
Int = NDArray[np.int64]


class ReferenceSimulation:
    """A network that is advanced in plain NumPy; see `pycosim.backends.base.Simulation`.

    Spikes travel as sums of weights that wait in `_arrivals` for the step at which they act. They are
    added in order of emission step, source neuron, projection and place in the row.
    """

    def __init__(self, network: Network):
        validate(network)
        self.step = 0
        self._network = network
        self._neurons = {
            index: Neurons(population, model, network.dt_ms)
            for index, population in enumerate(network.populations)
            for model in [network.model_of(population)]
            if model is not None
        }
        self._arrivals = defaultdict(lambda: np.zeros((len(RECEPTORS), network.n_neurons)))
        self._recorders = [
            Recorder(population, lambda name, index=index: self._neurons[index].states[name])
            for index, population in enumerate(network.populations)
        ]
