"""The reference backend: plain NumPy, slow, and obviously right.

It is the oracle that other backends are tested against, and the template to copy for a new one: this
file is all that pycosim looks at, the rest is up to the backend.
"""

from __future__ import annotations

from pycosim.backends.base import Options, Simulation
from pycosim.network import MODELS as _ALL_MODELS
from pycosim.network import Network

DESCRIPTION = "plain NumPy, one step at a time: the slow oracle of the tests"
MODELS = frozenset(_ALL_MODELS)


def build(network: Network, options: Options | None = None) -> Simulation:
    """Return a simulation of `network`; no option has an effect.

    Raises
    ------
    InvalidInputError, ConnectivityError, NotSupportedError
        If the network is not valid.
    """
    from pycosim.backends.reference.simulation import ReferenceSimulation

    return ReferenceSimulation(network)
