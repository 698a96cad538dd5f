"""What memory a projection will take while it is built, before any is taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pyNN import connectors as pynn
from pyNN.parameters import ParameterSpace
from pyNN.random import RandomDistribution

from pycosim import memory
from pycosim.frontend.requests import Request
from pycosim.frontend.thinning import synapses_by_distance
from pycosim.random import draws_itself

# Bytes for each synapse, at the peak; measured (resident memory).
PLAIN_BYTES = 26
COLUMN_BYTES = 14  # for a weight, delay or other parameter of its own
DRAWN_BYTES = 28  # for putting synapses in order that a script's own generator gave


def require_memory(request: Request, parameters: ParameterSpace) -> None:
    """Refuse a projection that would not fit; connectors whose number of synapses is open are let through.

    Raises
    ------
    NotEnoughMemoryError
        If there is not enough memory.
    """
    n_synapses, n_bytes = needed_bytes(request, parameters)
    if n_synapses == 0:
        return
    n_pre, n_post = request.shape
    text = f"connecting {n_pre} to {n_post} cells with about {n_synapses:.3g} synapses here needs"
    memory.require(n_bytes, request.problem(text))


def needed_bytes(request: Request, parameters: ParameterSpace) -> tuple[float, float]:
    """Return about how many synapses a connector will make here, and their bytes; 0 if that is open."""
    n_synapses = expected_synapses(request) or 0.0
    bases = [parameters[name].base_value for name in parameters.keys()]
    n_columns = sum(isinstance(base, RandomDistribution | np.ndarray) or callable(base) for base in bases)
    each = PLAIN_BYTES + COLUMN_BYTES * n_columns
    each += DRAWN_BYTES * draws_itself(getattr(request.connector, "rng", None))
    return n_synapses, n_synapses * each


def expected_synapses(request: Request) -> float | None:
    """Return how many synapses a connector will make on this process's cells; None if that is open."""
    expected = _EXPECTED.get(type(request.connector).connect)
    if expected is None or isinstance(getattr(request.connector, "n", None), RandomDistribution):
        return None
    n_synapses = expected(request)
    share = 1.0 if request.wanted is None else float(np.mean(request.wanted))
    return None if n_synapses is None else n_synapses * share


def _of_probability(request: Request) -> float:
    n_pre, n_post = request.shape
    return min(1.0, float(request.connector.p_connect)) * n_pre * n_post


_EXPECTED: dict[Any, Callable[[Request], float | None]] = {
    pynn.AllToAllConnector.connect: lambda request: request.shape[0] * request.shape[1],
    pynn.OneToOneConnector.connect: lambda request: min(request.shape),
    pynn.FixedProbabilityConnector.connect: _of_probability,
    pynn.FixedNumberPostConnector.connect: lambda request: request.connector.n * request.shape[0],
    pynn.FixedNumberPreConnector.connect: lambda request: request.connector.n * request.shape[1],
    pynn.FixedTotalNumberConnector.connect: lambda request: request.connector.n,
    pynn.DistanceDependentProbabilityConnector.connect: synapses_by_distance,
}
