"""The native backend: a C++ engine with vectorised neurons, compact synapses and threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pycosim.backends.base import Options
from pycosim.network import MODELS as _ALL_MODELS
from pycosim.network import Network

if TYPE_CHECKING:
    from pycosim.backends.native.simulation import NativeSimulation

OPTIONS = frozenset({"threads"})
DISTRIBUTED = True
DESCRIPTION = "C++ engine with threads and MPI; the same spikes for any number of them"
MODELS = frozenset(_ALL_MODELS)


def build(network: Network, options: Options | None = None) -> NativeSimulation:
    """Return a simulation of `network` on ``options.threads`` threads.

    Raises
    ------
    InvalidInputError, ConnectivityError, NotSupportedError
        If the network is not valid, or has a cell type that the engine does not know.
    """
    from pycosim.backends.native.simulation import NativeSimulation

    return NativeSimulation(network, threads=(options or Options()).threads)
