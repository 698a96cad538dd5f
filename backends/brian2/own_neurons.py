"""Neurons whose update is code of their own, as chips' are, which Python executes in every step.

Brian2 adds up what arrives: a group has the states as variables, one variable for what arrives at each
receptor, and "fires", which its threshold reads. Between the arrival of spikes and the comparison with the
threshold the update in NumPy, that of the reference backend, takes all of it to the end of the step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pycosim.backends.brian2.equations import received
from pycosim.backends.brian2.plan import FIRES
from pycosim.network import Network, model_named
from pycosim.network.individual import individual_parameters
from pycosim.network.models import Coefficients
from pycosim.network.noise import noise_key
from pycosim.network.own_update import Draws


class OwnNeurons:
    """The populations of a network whose update is code of their own, advanced in every step.

    Parameters
    ----------
    network : Network
    names : list of str
        Of the populations; it grows with the network.
    """

    def __init__(self, network: Network, names: list[str]):
        self._network, self._names = network, names
        self._constants: dict[int, Coefficients] = {}

    def read_parameters(self, index: int) -> None:
        """Compute the constants of one step from the parameters of a population."""
        population, network = self._network.populations[index], self._network
        model = model_named(population.model)
        own = individual_parameters(model.own, population.parameters, network.seed, population.neurons)
        self._constants[index] = model.coefficients(own, network.dt_ms)

    def update(self, step: int, program: Any) -> None:
        """Take the neurons of `program` to the end of `step`."""
        for index, constants in self._constants.items():
            population = self._network.populations[index]
            model = model_named(population.model)
            variables = program.groups[self._names[index]].variables
            states = {state: variables[state].get_value().copy() for state in model.states}
            arrived = [variables[received(model, receptor)] for receptor in model.receptors]
            inputs = [one.get_value().copy() for one in arrived]
            draws = Draws(noise_key(self._network.seed), np.asarray(population.neurons), step)
            fires = model.own.step(states, constants, inputs, draws)
            for state, values in states.items():
                variables[state].set_value(values)
            for one in arrived:
                one.set_value(0.0)
            variables[FIRES].set_value(fires.astype(np.float64))
