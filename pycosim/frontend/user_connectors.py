"""Connectors that pycosim does not know: they run as written, and what they ask for is collected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyNN.common.populations import IDMixin
from pyNN.connectors import MapConnector

from pycosim.errors import ConnectivityError, NotSupportedError
from pycosim.frontend.connectivity import from_pairs
from pycosim.frontend.requests import Connectivity, Request


def connect_as_written(request: Request) -> Connectivity:
    """Call the connector's own ``connect`` and return the synapses that it asked for.

    A connector on PyNN's `MapConnector` only says which neurons are connected; their weights and delays are
    then drawn like those of any other connector. Other connectors give weights and delays themselves.

    Raises
    ------
    ConnectivityError
        If the indices that it gives are not those of the cells.
    NotSupportedError
        If it is not complete, or needs what pycosim does not have.
    """
    connector, collector = request.connector, Collector(request)
    uses_map = (
        isinstance(connector, MapConnector)
        and type(connector)._standard_connect is MapConnector._standard_connect
    )
    if uses_map:  # an attribute of the object hides the method of its class
        connector._standard_connect = collector.take_map
    try:
        connector.connect(collector)
    except NotImplementedError as error:
        raise NotSupportedError(
            request.problem(f"this connector is not available ({error or 'PyNN has no code for it'}).")
        ) from error
    finally:
        if uses_map:
            del connector._standard_connect
    return collector.connectivity()


class Collector:
    """What a connector sees instead of the projection; all else is looked up in the projection."""

    def __init__(self, request: Request):
        self._request = request
        self._sources: list[NDArray[np.int64]] = []
        self._targets: list[int] = []
        self._values: dict[str, list[NDArray[np.float64]]] = {}
        self._mapped = False
        self._whole: Connectivity | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._request.projection, name)

    def take(self, connectivity: Connectivity) -> None:
        """Take all synapses at once."""
        self._whole = connectivity

    def take_map(self, projection: Any, connection_map_generator: Any, distance_map: Any = None) -> None:
        """Collect the sources of every column of a connection map; stands for MapConnector's method."""
        n_pre = self._request.shape[0]
        self._mapped = True
        for target, mask in enumerate(connection_map_generator()):
            self._sources.append(_sources_of(mask, n_pre))
            self._targets.append(target)

    def _convergent_connect(
        self,
        presynaptic_indices: Iterable[int],
        postsynaptic_index: int,
        location_selector: Any = None,
        **values: Any,
    ) -> None:
        """Collect one postsynaptic cell's synapses, as PyNN's backends do."""
        if location_selector is not None:
            raise NotSupportedError(
                self._request.problem("location_selector needs cells with several compartments.")
            )
        projection = self._request.projection
        sources = np.array([_index(source, projection.pre) for source in presynaptic_indices], np.int64)
        self._sources.append(sources)
        self._targets.append(_index(postsynaptic_index, projection.post))
        for name, value in values.items():
            self._values.setdefault(name, []).append(
                np.broadcast_to(np.asarray(value, np.float64), len(sources))
            )

    def connectivity(self) -> Connectivity:
        """Return everything that was collected."""
        if self._whole is not None:
            return self._whole
        for name, parts in self._values.items():
            if len(parts) != len(self._targets):
                raise ConnectivityError(
                    self._request.problem(
                        f"{name} was given for {len(parts)} of {len(self._targets)} groups of synapses."
                    )
                )
        counts = [len(sources) for sources in self._sources]
        sources = np.concatenate([np.empty(0, np.int64), *self._sources])
        values = {name: np.concatenate(parts) for name, parts in self._values.items()}
        targets = np.repeat(self._targets, counts).astype(np.int64)
        csr = from_pairs(self._request, sources, targets, values, as_drawn=self._mapped)
        return replace(csr, checked=self._mapped)


def _index(cell: Any, cells: Any) -> int:
    """Return an index; some connectors give cells instead."""
    return int(cells.id_to_index(cell)) if isinstance(cell, IDMixin) else int(cell)


def _sources_of(mask: Any, n_pre: int) -> NDArray[np.int64]:
    """Return the indices that one column of a connection map stands for.

    A column is one boolean for all, a boolean for each source, or indices. One boolean may also be a
    zero-dimensional array (that is how the map of a single source looks), which has no ``nonzero``.
    """
    column = np.asarray(mask)
    if column.dtype == bool:
        return np.flatnonzero(np.broadcast_to(column, (n_pre,)))
    return np.atleast_1d(column).astype(np.int64)
