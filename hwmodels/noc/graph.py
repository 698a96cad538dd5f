"""A network as flat arrays: routers, ports, links, and the routing between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["MAX_PORTS", "PortTable", "RouterGraph", "TreeMeshRouting"]

#: Most ports that one router may have.
MAX_PORTS = 64

Int32Array = NDArray[np.int32]
Int64Array = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TreeMeshRouting:
    """Up to the lowest common router, across the mesh of the highest routers (x first, then y), and down.

    A router of the mesh uses its ports 0 to 3 for the neighbours at x + 1, x - 1, y + 1 and y - 1. The
    children of a router use consecutive ports, and each child holds the same number of consecutive terminals.
    The routing is free of deadlock.

    Attributes
    ----------
    places : (n_routers, 7) int32
        Per router: first terminal below it, number of terminals below it, terminals per child, port of the
        first child, port of the parent (-1 in the mesh), x and y in the mesh.
    terminal_x, terminal_y : (n_terminals,) int32
        Mesh coordinates of the router above each terminal.
    rings : (int, int)
        Routers in the rings of a torus in x and in y, 0 where the mesh has no wrap-around. In a torus the
        highest routers have ports 0 to 3 twice: first those for packets that have the wrap-around link of
        their ring before them, then those for the others, which keeps it free of deadlock.
    """

    places: Int32Array
    terminal_x: Int32Array
    terminal_y: Int32Array
    rings: tuple[int, int] = (0, 0)


@dataclass(frozen=True, eq=False)
class PortTable:
    """A routing given as a table; for small networks of any form.

    Whether it is free of deadlock is up to its author.

    Attributes
    ----------
    next_port : (n_routers, n_terminals) uint8
        Port that a packet for a terminal takes in a router.
    """

    next_port: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class RouterGraph:
    """Routers, ports and links as flat arrays.

    A port is an input and an output together, numbered from 0 within its router and by `first_port` in the
    whole network.

    Attributes
    ----------
    first_port : (n_routers + 1,) int32
        The ports of router r are first_port[r] to first_port[r + 1] - 1.
    peer : (n_ports,) int32
        Port at the other end of the link, -1 if there is none; ``peer[peer[p]] == p``.
    terminal : (n_ports,) int32
        Terminal (core) at the port, -1 if there is none. Every terminal has one port.
    link_cycles : (n_ports,) int64
        Traversal time of the link that leaves the port, at least 1; at a terminal's port, of both directions.
    flit_cycles : (n_ports,) int64
        Least spacing of two flits on the link that leaves the port, at least 1.
    routing : TreeMeshRouting or PortTable
    channel : (n_ports,) int32, optional
        Serial line that the link which leaves the port shares with those of other ports, -1 if it shares
        none; none do if not given. Flits go over it one per spacing in the order in which they come; of
        those that come in the same cycle the one of the lowest port goes first.
    """

    first_port: Int32Array
    peer: Int32Array
    terminal: Int32Array
    link_cycles: Int64Array
    flit_cycles: Int64Array
    routing: TreeMeshRouting | PortTable
    channel: Int32Array | None = None

    @property
    def n_routers(self) -> int:
        """Number of routers."""
        return len(self.first_port) - 1

    @property
    def n_terminals(self) -> int:
        """Number of terminals."""
        return int(np.count_nonzero(self.terminal >= 0))

    @cached_property
    def router_of_port(self) -> Int32Array:
        """Router of each port, (n_ports,) int32."""
        return np.repeat(np.arange(self.n_routers, dtype=np.int32), np.diff(self.first_port))
