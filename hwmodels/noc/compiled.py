"""A graph of routers as the compiled part takes it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim.hwmodels.noc import _noc
from pycosim.hwmodels.noc.graph import RouterGraph, TreeMeshRouting

__all__ = ["compiled_graph"]


def compiled_graph(graph: RouterGraph) -> _noc.Graph:
    """Return a graph as the compiled part takes it."""
    routing = graph.routing
    n_terminals = graph.n_terminals
    if isinstance(routing, TreeMeshRouting):
        places, x, y = routing.places, routing.terminal_x, routing.terminal_y
        rings, next_port = routing.rings, np.zeros(0, np.uint8)
    else:
        places = np.zeros((graph.n_routers, 7), np.int32)
        x = y = np.zeros(n_terminals, np.int32)
        rings, next_port = (0, 0), np.ascontiguousarray(routing.next_port, np.uint8).ravel()
    return _noc.Graph.from_arrays(
        first_port=np.ascontiguousarray(graph.first_port, np.int32),
        peer=np.ascontiguousarray(graph.peer, np.int32),
        terminal=np.ascontiguousarray(graph.terminal, np.int32),
        link_cycles=np.ascontiguousarray(graph.link_cycles, np.int64),
        flit_cycles=np.ascontiguousarray(graph.flit_cycles, np.int64),
        channel=_channels(graph),
        places=np.ascontiguousarray(places, np.int32),
        terminal_x=np.ascontiguousarray(x, np.int32),
        terminal_y=np.ascontiguousarray(y, np.int32),
        rings=rings,
        next_port=next_port,
    )


def _channels(graph: RouterGraph) -> NDArray[np.int32]:
    if graph.channel is None:
        return np.full(len(graph.peer), -1, np.int32)
    return np.ascontiguousarray(graph.channel, np.int32)
