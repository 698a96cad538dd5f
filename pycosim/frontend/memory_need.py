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
    share = 1.0 if request.wanted is None else float(np.mean(request.wanted))
    return expected(request.connector, request.shape[0], request.shape[1]) * share


_EXPECTED: dict[Any, Callable[[Any, int, int], float]] = {
    pynn.AllToAllConnector.connect: lambda connector, n_pre, n_post: n_pre * n_post,
    pynn.OneToOneConnector.connect: lambda connector, n_pre, n_post: min(n_pre, n_post),
    pynn.FixedProbabilityConnector.connect: (
        lambda connector, n_pre, n_post: min(1.0, float(connector.p_connect)) * n_pre * n_post
    ),
    pynn.FixedNumberPostConnector.connect: lambda connector, n_pre, n_post: connector.n * n_pre,
    pynn.FixedNumberPreConnector.connect: lambda connector, n_pre, n_post: connector.n * n_post,
    pynn.FixedTotalNumberConnector.connect: lambda connector, n_pre, n_post: connector.n,
}
