"""Random connectors whose generator is the script's own: the synapses that PyNN makes, number for number.

PyNN draws target by target. Its connectors would do that here as well (`user_connectors`); those that are
often large are compiled, and give the same. As in PyNN, connectors with a fixed number move the generator on,
while those with a probability draw from a copy of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pyNN import connectors as pynn
from pyNN.random import NumpyRNG, RandomDistribution

from pycosim import _core
from pycosim.errors import ConnectivityError
from pycosim.frontend.connectivity import no_mutual, numbers_of_rows
from pycosim.frontend.requests import Connectivity, Request, without_mutual
from pycosim.frontend.user_connectors import connect_as_written
from pycosim.random import about_to_draw, draws_itself


def connect_drawn(request: Request, otherwise: Callable[[Request], Connectivity]) -> Connectivity:
    """Return the synapses that PyNN's connector makes with the numbers of its generator, which moves on.

    Parameters
    ----------
    request : Request
    otherwise : callable
        Makes those of a connector that PyNN does not have, or would connect a cell to itself where it was
        asked not to; it has other random numbers.

    Raises
    ------
    ConnectivityError
        If it cannot connect these neurons.
    """
    connector = request.connector
    about_to_draw(connector.rng)
    if _is_beyond_pynn(request):
        return otherwise(request)
    connect, known = type(connector).connect, _DRAWN.get(type(connector).connect)
    is_plain = type(connector.rng) is NumpyRNG and connector.rng.rng.get_state()[0] == "MT19937"
    if (known or connect in _IN_BLOCKS) and (not is_plain or _takes_turns(connector)):
        return connect_as_written(request)
    if known is None:
        return otherwise(request)
    return known(request)


def draws_from_script(request: Request) -> bool:
    """Return whether the connections come from a script's own generator."""
    return draws_itself(getattr(request.connector, "rng", None)) and not _is_beyond_pynn(request)


def _is_beyond_pynn(request: Request) -> bool:
    """Return whether PyNN's connector with a fixed number would not do what it is asked to."""
    connector = request.connector
    is_total = isinstance(connector, pynn.FixedTotalNumberConnector)
    if not is_total and not isinstance(connector, pynn.FixedNumberConnector):
        return False
    if is_total and not connector.with_replacement:
        return True
    if connector.allow_self_connections is True:
        return False
    same = np.array_equal(request.pre_ids, request.post_ids)
    overlap = np.intersect1d(request.pre_ids, request.post_ids).size > 0
    return connector.allow_self_connections == "NoMutual" or (overlap and (is_total or not same))


def _takes_turns(connector: Any) -> bool:
    """Return whether numbers for two purposes are taken in turn from the same generator."""
    n = getattr(connector, "n", None)
    return isinstance(n, RandomDistribution) and n.rng is connector.rng


def _draw(request: Request, draw: Callable[..., Any], *arguments: Any) -> Any:
    """Call a compiled function with the generator's state; return its results and the new state."""
    name, words, position, *gauss = request.connector.rng.rng.get_state()
    try:
        *result, (words, position) = draw(words, position, *arguments)
    except ValueError as error:
        raise ConnectivityError(
            request.problem(f"connecting {request.shape[0]} to {request.shape[1]} cells: {error}.")
        ) from error
    return *result, (name, words, position, *gauss)


def _same_cells(request: Request) -> bool:
    """Return whether no cell is connected to itself; PyNN asks for that by the cells' numbers."""
    return not request.connector.allow_self_connections and np.array_equal(request.pre_ids, request.post_ids)


def _fixed_probability(request: Request) -> Connectivity:
    ids, allow_self = (request.pre_ids, request.post_ids), bool(request.connector.allow_self_connections)
    arguments = *ids, request.connector.p_connect, allow_self, request.mask
    rows = _draw(request, _core.drawn_pairs, *arguments)[0]  # the new state is not kept
    return without_mutual(rows) if no_mutual(request) else Connectivity(*rows)


def _fixed_number(request: Request, side: int, draw: Callable[..., Any]) -> tuple[Any, ...]:
    """Return what is drawn for the rows of one side."""
    counts = numbers_of_rows(request, request.shape[side])
    replaced = bool(request.connector.with_replacement)
    how = request.shape[1 - side], replaced, _same_cells(request), request.mask
    *made, state = _draw(request, draw, counts, *how)
    request.connector.rng.rng.set_state(state)
    return tuple(made)


def _fixed_number_pre(request: Request) -> Connectivity:
    rows, drawn = _fixed_number(request, 1, _core.drawn_columns)
    return Connectivity(*rows, make_drawn=lambda: _core.places_in_turn(drawn, rows[0]))


def _fixed_number_post(request: Request) -> Connectivity:
    (rows,) = _fixed_number(request, 0, _core.drawn_rows)
    return Connectivity(*rows)


def _fixed_total_number(request: Request) -> Connectivity:
    connector = request.connector
    n = int(numbers_of_rows(request, 1)[0])
    connector.rng.binomial(n, 1.0)  # how PyNN finds the share of one process
    rows, drawn, state = _draw(request, _core.drawn_total, n, *request.shape, request.mask)
    connector.rng.rng.set_state(state)
    return Connectivity(*rows, make_drawn=lambda: _core.places_in_turn(drawn, rows[0]))


_IN_BLOCKS = {
    pynn.DistanceDependentProbabilityConnector.connect,
    pynn.IndexBasedProbabilityConnector.connect,
}
_DRAWN: dict[Any, Callable[[Request], Connectivity]] = {
    pynn.FixedProbabilityConnector.connect: _fixed_probability,
    pynn.FixedNumberPreConnector.connect: _fixed_number_pre,
    pynn.FixedNumberPostConnector.connect: _fixed_number_post,
    pynn.FixedTotalNumberConnector.connect: _fixed_total_number,
}
