"""What memory cells, projections and recorded values will take, before any is taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from pyNN import connectors as pynn
from pyNN.parameters import ParameterSpace
from pyNN.random import RandomDistribution

from pycosim import memory
from pycosim.compiled_numbers import is_compiled
from pycosim.frontend.drawn_connectors import draws_from_script
from pycosim.frontend.requests import Request
from pycosim.frontend.thinning import synapses_by_distance
from pycosim.frontend.value_sources import draws_in_turn
from pycosim.network import Population

# Bytes for each cell: PyNN's object, and parameters and state in the description and an engine. Measured
# (resident memory, by cell type): 120 to 380, 600 of SpikeSourceArray.
CELL_BYTES = 300
# Bytes for each synapse at the peak of connecting; and of its indices while values are made, with what PyNN's
# order of the synapses comes from, that order, or what remains of blocks of rows. Measured.
CONNECTING_BYTES = 10
CONNECTING_BYTES_OF = {
    pynn.AllToAllConnector.connect: 4,
    pynn.FixedNumberPreConnector.connect: 12,
    pynn.FixedNumberPostConnector.connect: 4,
    pynn.FixedTotalNumberConnector.connect: 12,
    pynn.DistanceDependentProbabilityConnector.connect: 14,
}
# The same of rows that are drawn by source, as those with own numbers are; of "NoMutual" half remains.
CONNECTING_BYTES_OF_OWN = {
    pynn.FixedProbabilityConnector.connect: 6,
    pynn.FixedTotalNumberConnector.connect: 4,
    pynn.DistanceDependentProbabilityConnector.connect: 11,
}
INDEX_BYTES, ORDER_BYTES, BLOCKS_BYTES = 4, 4, 4
# Of a weight or other parameter of its own, and of a delay that is drawn in steps; besides, while they are
# made: by compiled code, by a function of the distance, by NumPy.
VALUE_BYTES, STEPS_BYTES = 8, 4
MAKING_BYTES, MAKING_BYTES_OF_FUNCTIONS, MAKING_BYTES_OF_NUMPY = 0, 8, 24

_FEWER_VALUES = (
    "Record fewer cells or variables, with a longer sampling_interval, or run in parts with "
    "get_data(clear=True) after each."
)


def require_memory_of_cells(n_cells: int, what: str) -> None:
    """Refuse a population that would not fit.

    Raises
    ------
    NotEnoughMemoryError
        If there is not enough memory.
    """
    memory.require(n_cells * CELL_BYTES, what, "Use fewer cells.")


def require_memory_of_samples(populations: Sequence[Population], n_steps: int, what: str) -> None:
    """Refuse to run for so many steps where the recorded values would not fit.

    Raises
    ------
    NotEnoughMemoryError
        If there is not enough memory.
    """
    n_values = sum(
        len(recording.indices) * (n_steps // recording.interval_steps)
        for population in populations
        for variable, recording in population.recordings.items()
        if variable != "spikes"
    )
    if n_values:
        what = f"{what}: {n_values} recorded values need"
        memory.require(n_values * np.dtype(np.float64).itemsize, what, _FEWER_VALUES)


def require_memory(request: Request, parameters: ParameterSpace, remedy: Callable[[], str]) -> None:
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
    memory.require(n_bytes, request.problem(text), remedy)


def needed_bytes(request: Request, parameters: ParameterSpace) -> tuple[float, float]:
    """Return about how many synapses a connector will make here, and their bytes; 0 if that is open."""
    n_synapses = expected_synapses(request) or 0.0
    connecting = _connecting_bytes(request)
    local, wanted = float(np.mean(request.projection.post._mask_local)), _share(request)
    share = local / wanted if wanted else 1.0
    values, making = 0.0, 0
    for name in parameters.keys():
        kept, more = _bytes_of_values(parameters[name], name)
        # those of other processes' cells, drawn together with these, are dropped before the next are made
        values, making = values + share * kept, max(making, more if share == 1 else kept + more)
    return n_synapses, n_synapses * max(connecting, _index_bytes(request, parameters) + values + making)


def _connecting_bytes(request: Request) -> int:
    """Return the bytes for each synapse at the peak of connecting."""
    connect = type(request.connector).connect
    of_any = CONNECTING_BYTES_OF.get(connect, CONNECTING_BYTES)
    return of_any if draws_from_script(request) else CONNECTING_BYTES_OF_OWN.get(connect, of_any)


def _share(request: Request) -> float:
    """Return the share of the postsynaptic cells whose synapses are made here."""
    return 1.0 if request.wanted is None else float(np.mean(request.wanted))


def _index_bytes(request: Request, parameters: ParameterSpace) -> int:
    """Return the bytes of what is there of a connector for each synapse while values are made."""
    connect = type(request.connector).connect
    if connect == pynn.DistanceDependentProbabilityConnector.connect:
        return INDEX_BYTES + BLOCKS_BYTES
    if connect not in _WITH_ORDER or not draws_from_script(request):
        return INDEX_BYTES
    return INDEX_BYTES + ORDER_BYTES * (2 if draws_in_turn(parameters) else 1)


def _bytes_of_values(array: Any, name: str) -> tuple[int, int]:
    """Return the bytes of a parameter for each synapse, and how many more there are while it is made."""
    base = array.base_value
    if isinstance(base, RandomDistribution):
        if array.operations or not is_compiled(base):
            return VALUE_BYTES, MAKING_BYTES_OF_NUMPY
        return STEPS_BYTES if name == "delay" else VALUE_BYTES, MAKING_BYTES
    if callable(base) or isinstance(base, str):
        return VALUE_BYTES, MAKING_BYTES_OF_FUNCTIONS
    return (VALUE_BYTES, MAKING_BYTES) if isinstance(base, np.ndarray) else (0, 0)


def expected_synapses(request: Request) -> float | None:
    """Return how many synapses a connector will make on this process's cells; None if that is open."""
    expected = _EXPECTED.get(type(request.connector).connect)
    if expected is None or isinstance(getattr(request.connector, "n", None), RandomDistribution):
        return None
    n_synapses = expected(request)
    return None if n_synapses is None else n_synapses * _share(request)


def _of_probability(request: Request) -> float:
    n_pre, n_post = request.shape
    return min(1.0, float(request.connector.p_connect)) * n_pre * n_post


# PyNN's order is not that of the sources.
_WITH_ORDER = {pynn.FixedNumberPreConnector.connect, pynn.FixedTotalNumberConnector.connect}
_EXPECTED: dict[Any, Callable[[Request], float | None]] = {
    pynn.AllToAllConnector.connect: lambda request: request.shape[0] * request.shape[1],
    pynn.OneToOneConnector.connect: lambda request: min(request.shape),
    pynn.FixedProbabilityConnector.connect: _of_probability,
    pynn.FixedNumberPostConnector.connect: lambda request: request.connector.n * request.shape[0],
    pynn.FixedNumberPreConnector.connect: lambda request: request.connector.n * request.shape[1],
    pynn.FixedTotalNumberConnector.connect: lambda request: request.connector.n,
    pynn.DistanceDependentProbabilityConnector.connect: synapses_by_distance,
}
