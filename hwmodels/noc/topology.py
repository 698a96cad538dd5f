"""Networks as data: which routers there are, how they are linked, and how packets find their way.

A topology is a small frozen dataclass with a method ``graph()`` that returns a `RouterGraph`: flat arrays,
one entry per router, port or terminal. The simulator knows nothing else about it. To add a topology, write
such a class. Its routing is either `TreeMeshRouting`, which is computed and costs no memory per pair, or
`PortTable`, a table that may hold any deterministic routing of a small network::

    @dataclass(frozen=True)
    class Ring:
        routers: int

        def graph(self):
            ...
            return RouterGraph(..., routing=PortTable(next_port))
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from pycosim.errors import InvalidInputError

__all__ = [
    "MAX_PORTS",
    "Hierarchy",
    "Mesh",
    "PortTable",
    "RouterGraph",
    "Topology",
    "TreeMeshRouting",
]

#: Most ports that one router may have.
MAX_PORTS = 64

#: Ports of a router in a mesh: to the neighbours at x + 1, x - 1, y + 1 and y - 1. Inputs are in that order.
EAST, WEST, PLUS_Y, MINUS_Y = range(4)

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


@runtime_checkable
class Topology(Protocol):
    """Anything that describes itself as a `RouterGraph`."""

    def graph(self) -> RouterGraph:
        """Return the network as flat arrays."""
        ...


@dataclass(frozen=True)
class Hierarchy:
    """Trees of routers whose roots form a two-dimensional mesh.

    ``branches=(1, 4, 1)`` is the form of DYNAP-SE: each chip has an R3 router in the mesh, below it one R2
    router, below that four R1 routers, each with one core. Terminals are numbered depth first, roots row by
    row: on one chip they are consecutive. Routers are numbered roots first (y * columns + x), then level by
    level.

    Parameters
    ----------
    columns, rows : int
        Size of the mesh of roots; no wrap-around.
    branches : tuple of int
        Children of a router per level, from the roots down; the last level's children are terminals.
    hop_cycles_x, hop_cycles_y : int
        Traversal time of mesh links in cycles.
    level_cycles : tuple of int, optional
        Traversal time of the links to the children, per level as in `branches`; the last entry is that of the
        links between terminals and their routers. 1 for all if not given.
    hop_flit_cycles : int
        Least spacing of two flits on a mesh link in cycles.
    level_flit_cycles : tuple of int, optional
        Least spacing of two flits on the links to and from the children, per level. 1 for all if not given.
    """

    columns: int
    rows: int
    branches: tuple[int, ...] = (1, 4, 1)
    hop_cycles_x: int = 1
    hop_cycles_y: int = 1
    level_cycles: tuple[int, ...] | None = None
    hop_flit_cycles: int = 1
    level_flit_cycles: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        _check_positive("hierarchy", {
            "columns": self.columns,
            "rows": self.rows,
            "hop_cycles_x": self.hop_cycles_x,
            "hop_cycles_y": self.hop_cycles_y,
            "hop_flit_cycles": self.hop_flit_cycles,
        })  # fmt: skip
        if not self.branches:
            raise InvalidInputError(
                "Asked for a hierarchy with branches=(); it has 0 levels and needs at least 1. "
                "Give the number of children per level, for example branches=(4,)."
            )
        for name in ("branches", "level_cycles", "level_flit_cycles"):
            values = getattr(self, name)
            if values is None:
                continue
            if len(values) != len(self.branches):
                raise InvalidInputError(
                    f"Asked for a hierarchy with {name}={values}; it has {len(values)} entries, but there "
                    f"are {len(self.branches)} levels. Give one entry per level of branches={self.branches}."
                )
            _check_positive("hierarchy", {f"{name}[{level}]": value for level, value in enumerate(values)})

    @property
    def n_terminals(self) -> int:
        """Number of terminals (cores)."""
        return self.columns * self.rows * int(np.prod(self.branches))

    def graph(self) -> RouterGraph:
        """Return the network as flat arrays."""
        ones = (1,) * len(self.branches)
        return _tree_mesh_graph(
            (self.columns, self.rows),
            self.branches,
            (self.hop_cycles_x, self.hop_cycles_y),
            self.level_cycles or ones,
            self.hop_flit_cycles,
            self.level_flit_cycles or ones,
        )


@dataclass(frozen=True)
class Mesh:
    """A two-dimensional mesh of routers, with one or several terminals on each; no wrap-around.

    Router y * columns + x stands at (x, y) and serves terminals router * terminals_per_router + 0, 1, ...

    Parameters
    ----------
    columns, rows : int
        Number of routers in x and in y.
    terminals_per_router : int
        Terminals (cores) on one router, for example 4 on a tile of four cores.
    hop_cycles_x, hop_cycles_y : int
        Traversal time of the links between routers in cycles.
    local_cycles : int
        Traversal time of the links between terminals and their routers in cycles.
    flit_cycles : int
        Least spacing of two flits on a link between routers in cycles.
    """

    columns: int
    rows: int
    terminals_per_router: int = 1
    hop_cycles_x: int = 1
    hop_cycles_y: int = 1
    local_cycles: int = 1
    flit_cycles: int = 1

    def __post_init__(self) -> None:
        _check_positive("mesh", dict(vars(self)))

    @property
    def n_terminals(self) -> int:
        """Number of terminals (cores)."""
        return self.columns * self.rows * self.terminals_per_router

    def graph(self) -> RouterGraph:
        """Return the network as flat arrays."""
        return _tree_mesh_graph(
            (self.columns, self.rows),
            (self.terminals_per_router,),
            (self.hop_cycles_x, self.hop_cycles_y),
            (self.local_cycles,),
            self.flit_cycles,
            (1,),
        )


def _check_positive(what: str, values: dict[str, int]) -> None:
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 1 <= value < 2**31:
            raise InvalidInputError(
                f"Asked for a {what} with {name}={value!r}; it must be a whole number from 1 to {2**31 - 1}. "
                f"Give {name} such a number."
            )


def _tree_mesh_graph(
    shape: tuple[int, int],
    branches: tuple[int, ...],
    hop_cycles: tuple[int, int],
    level_cycles: tuple[int, ...],
    hop_flit_cycles: int,
    level_flit_cycles: tuple[int, ...],
) -> RouterGraph:
    """Build routers level by level: the mesh of roots first, then each level of the trees."""
    columns, rows = shape
    most_ports = 4 + branches[0] if len(branches) == 1 else max(4 + branches[0], 1 + max(branches[1:]))
    if most_ports > MAX_PORTS:
        raise InvalidInputError(
            f"Asked for a router with {most_ports} ports; a router has at most {MAX_PORTS}. "
            "Use fewer children or terminals per router, or one more level."
        )
    routers_per_level = columns * rows * np.cumprod((1, *branches[:-1]), dtype=object)
    n_terminals = columns * rows * int(np.prod(branches, dtype=object))
    ports_per_level = [branch + (4 if level == 0 else 1) for level, branch in enumerate(branches)]
    n_ports = sum(n * ports for n, ports in zip(routers_per_level.tolist(), ports_per_level, strict=True))
    if n_ports >= 2**31:
        raise InvalidInputError(
            f"Asked for a network of {n_terminals} terminals and {n_ports} ports; at most {2**31 - 1} ports "
            "can be numbered. Use a smaller network."
        )
    routers_per_level = routers_per_level.astype(np.int64)
    first_port = np.concatenate(([0], np.cumsum(np.repeat(ports_per_level, routers_per_level)))).astype(
        np.int32
    )
    peer = np.full(n_ports, -1, np.int32)
    terminal = np.full(n_ports, -1, np.int32)
    link_cycles = np.ones(n_ports, np.int64)
    flit_cycles = np.ones(n_ports, np.int64)

    _link_mesh(first_port, peer, link_cycles, flit_cycles, shape, hop_cycles, hop_flit_cycles)
    first_router = np.concatenate(([0], np.cumsum(routers_per_level)))
    for level, branch in enumerate(branches):
        above = np.arange(first_router[level], first_router[level + 1])
        children = np.arange(len(above) * branch, dtype=np.int32)
        down = first_port[np.repeat(above, branch)] + (4 if level == 0 else 1) + children % branch
        link_cycles[down] = level_cycles[level]
        flit_cycles[down] = level_flit_cycles[level]
        if level + 1 == len(branches):
            terminal[down] = children
            continue
        up = first_port[first_router[level + 1] + children]
        link_cycles[up] = level_cycles[level]
        flit_cycles[up] = level_flit_cycles[level]
        peer[down], peer[up] = up, down
    return RouterGraph(
        first_port, peer, terminal, link_cycles, flit_cycles, _tree_mesh_routing(shape, branches)
    )


def _link_mesh(
    first_port: Int32Array,
    peer: Int32Array,
    link_cycles: Int64Array,
    flit_cycles: Int64Array,
    shape: tuple[int, int],
    hop_cycles: tuple[int, int],
    hop_flit_cycles: int,
) -> None:
    columns, rows = shape
    ports = first_port[: columns * rows].reshape(rows, columns)
    for here, there, forth, back, cycles in (
        (ports[:, :-1], ports[:, 1:], EAST, WEST, hop_cycles[0]),
        (ports[:-1], ports[1:], PLUS_Y, MINUS_Y, hop_cycles[1]),
    ):
        out, home = here.ravel() + forth, there.ravel() + back
        peer[out], peer[home] = home, out
        link_cycles[out] = link_cycles[home] = cycles
        flit_cycles[out] = flit_cycles[home] = hop_flit_cycles


def _tree_mesh_routing(shape: tuple[int, int], branches: tuple[int, ...]) -> TreeMeshRouting:
    columns, rows = shape
    below = [int(np.prod(branches[level:])) for level in range(len(branches) + 1)]
    places = []
    for level in range(len(branches)):
        n_routers = columns * rows * below[0] // below[level]
        place = np.zeros((n_routers, 7), np.int32)
        place[:, 0] = np.arange(n_routers) * below[level]
        place[:, 1] = below[level]
        place[:, 2] = below[level + 1]
        place[:, 3] = 4 if level == 0 else 1
        place[:, 4] = -1 if level == 0 else 0
        if level == 0:
            place[:, 6], place[:, 5] = np.divmod(np.arange(n_routers), columns)
        places.append(place)
    y, x = np.divmod(np.arange(columns * rows * below[0], dtype=np.int32) // below[0], columns)
    return TreeMeshRouting(np.concatenate(places), x.astype(np.int32), y.astype(np.int32))
