"""From a mesh of routers, with trees below them, to flat arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pycosim.errors import InvalidInputError
from pycosim.hwmodels.noc.graph import MAX_PORTS, RouterGraph, TreeMeshRouting

__all__ = ["Grid", "tree_graph"]

# Ports of a router in a mesh: to the neighbours at x + 1, x - 1, y + 1 and y - 1. Inputs are in that order.
EAST, WEST, PLUS_Y, MINUS_Y = range(4)
MESH_PORTS = 4

Int32Array = NDArray[np.int32]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Grid:
    """The mesh of the highest routers.

    Attributes
    ----------
    columns, rows : int
        Of all routers.
    hop_cycles_x, hop_cycles_y, flit_cycles : int
        Traversal times of links and least spacing of two flits on them.
    wraps : bool
        Whether rows and columns are rings; links then have two virtual channels.
    chip : (int, int), optional
        Columns and rows of routers on one chip; one chip holds all if not given.
    chip_cycles, chip_flit_cycles : int
        The same of links between chips.
    shared_edges : bool
        Whether all links from one chip to the next in one direction share one serial line.
    """

    columns: int
    rows: int
    hop_cycles_x: int
    hop_cycles_y: int
    flit_cycles: int
    wraps: bool = False
    chip: tuple[int, int] | None = None
    chip_cycles: int = 1
    chip_flit_cycles: int = 1
    shared_edges: bool = False

    @property
    def size(self) -> int:
        """Number of routers."""
        return self.columns * self.rows

    @property
    def lanes(self) -> int:
        """Virtual channels of each link."""
        return 2 if self.wraps else 1

    @property
    def rings(self) -> tuple[int, int]:
        """Routers in the rings in x and in y, 0 where there is none."""
        return tuple(n if self.wraps and n > 1 else 0 for n in (self.columns, self.rows))  # type: ignore[return-value]

    def router_at(self) -> IntArray:
        """Return the number of the router at each place, (rows, columns) int64."""
        columns, rows = self.chip or (self.columns, self.rows)
        shape = (self.rows // rows, self.columns // columns, rows, columns)
        return np.arange(self.size).reshape(shape).swapaxes(1, 2).reshape(self.rows, self.columns)

    def coordinates(self) -> tuple[Int32Array, Int32Array]:
        """Return x and y of each router, both (size,) int32."""
        x, y = np.empty(self.size, np.int32), np.empty(self.size, np.int32)
        y[self.router_at()], x[self.router_at()] = np.indices((self.rows, self.columns))
        return x, y


def tree_graph(
    grid: Grid, branches: tuple[int, ...], level_cycles: tuple[int, ...], level_flit_cycles: tuple[int, ...]
) -> RouterGraph:
    """Build routers level by level: the mesh of roots first, then each level of the trees."""
    mesh_ports = MESH_PORTS * grid.lanes
    first_port, routers_per_level = _number_ports(grid, branches, mesh_ports)
    n_ports = int(first_port[-1])
    peer = np.full(n_ports, -1, np.int32)
    terminal = np.full(n_ports, -1, np.int32)
    channel = np.full(n_ports, -1, np.int32)
    link_cycles = np.ones(n_ports, np.int64)
    flit_cycles = np.ones(n_ports, np.int64)
    _link_mesh(grid, first_port, peer, link_cycles, flit_cycles, channel)
    first_router = np.concatenate(([0], np.cumsum(routers_per_level)))
    for level, branch in enumerate(branches):
        above = np.arange(first_router[level], first_router[level + 1])
        children = np.arange(len(above) * branch, dtype=np.int32)
        down = first_port[np.repeat(above, branch)] + (mesh_ports if level == 0 else 1) + children % branch
        link_cycles[down] = level_cycles[level]
        flit_cycles[down] = level_flit_cycles[level]
        if level + 1 == len(branches):
            terminal[down] = children
            continue
        up = first_port[first_router[level + 1] + children]
        link_cycles[up] = level_cycles[level]
        flit_cycles[up] = level_flit_cycles[level]
        peer[down], peer[up] = up, down
    routing = _routing(grid, branches, mesh_ports)
    shared = channel if channel.max(initial=-1) >= 0 else None
    return RouterGraph(first_port, peer, terminal, link_cycles, flit_cycles, routing, shared)


def _number_ports(grid: Grid, branches: tuple[int, ...], mesh_ports: int) -> tuple[Int32Array, IntArray]:
    """Return the first port of each router, and the number of routers per level."""
    most_ports = mesh_ports + branches[0]
    if len(branches) > 1:
        most_ports = max(most_ports, 1 + max(branches[1:]))
    if most_ports > MAX_PORTS:
        raise InvalidInputError(
            f"Asked for a router with {most_ports} ports; a router has at most {MAX_PORTS}. "
            "Use fewer children or terminals per router, or one more level."
        )
    routers_per_level = grid.size * np.cumprod((1, *branches[:-1]), dtype=object)
    ports_per_level = [branch + (mesh_ports if level == 0 else 1) for level, branch in enumerate(branches)]
    n_ports = sum(n * ports for n, ports in zip(routers_per_level.tolist(), ports_per_level, strict=True))
    if n_ports >= 2**31:
        n_terminals = grid.size * int(np.prod(branches, dtype=object))
        raise InvalidInputError(
            f"Asked for a network of {n_terminals} terminals and {n_ports} ports; at most {2**31 - 1} ports "
            "can be numbered. Use a smaller network."
        )
    routers = routers_per_level.astype(np.int64)
    ports = np.cumsum(np.repeat(ports_per_level, routers))
    return np.concatenate(([0], ports)).astype(np.int32), routers


def _link_mesh(
    grid: Grid,
    first_port: Int32Array,
    peer: Int32Array,
    link_cycles: IntArray,
    flit_cycles: IntArray,
    channel: Int32Array,
) -> None:
    """Fill in the links of the mesh."""
    routers = grid.router_at()
    chip_columns, chip_rows = grid.chip or (grid.columns, grid.rows)
    y, x = np.indices((grid.rows, grid.columns))
    n_channels = 0
    for axis, forth, back, cycles, of_chip, place, other in (
        (1, EAST, WEST, grid.hop_cycles_x, chip_columns, x, y // chip_rows),
        (0, PLUS_Y, MINUS_Y, grid.hop_cycles_y, chip_rows, y, x // chip_columns),
    ):
        length = routers.shape[axis]
        last = length if grid.wraps and length > 1 else length - 1
        here = np.take(routers, range(last), axis).ravel()
        there = np.take(np.roll(routers, -1, axis), range(last), axis).ravel()
        before, beside = (np.take(values, range(last), axis).ravel() for values in (place, other))
        crosses = (before + 1) % of_chip == 0
        crosses &= before + 1 < length
        # Lines: one for each link of a torus, whose lanes share it, or one for each edge between two chips.
        line = np.full(len(here), -1)
        if grid.wraps:
            line = np.arange(len(here))
        elif grid.shared_edges and crosses.any():
            line[crosses] = np.unique(before[crosses] * routers.size + beside[crosses], return_inverse=True)[
                1
            ]
        for lane in range(grid.lanes):
            out, home = (
                first_port[here] + MESH_PORTS * lane + forth,
                first_port[there] + MESH_PORTS * lane + back,
            )
            peer[out], peer[home] = home, out
            for direction, ports in enumerate((out, home)):
                link_cycles[ports] = np.where(crosses, grid.chip_cycles, cycles)
                flit_cycles[ports] = np.where(crosses, grid.chip_flit_cycles, grid.flit_cycles)
                channel[ports] = np.where(line >= 0, n_channels + 2 * line + direction, -1)
        n_channels += 2 * (int(line.max(initial=-1)) + 1)


def _routing(grid: Grid, branches: tuple[int, ...], mesh_ports: int) -> TreeMeshRouting:
    x, y = grid.coordinates()
    below = [int(np.prod(branches[level:])) for level in range(len(branches) + 1)]
    places = []
    for level in range(len(branches)):
        n_routers = grid.size * below[0] // below[level]
        place = np.zeros((n_routers, 7), np.int32)
        place[:, 0] = np.arange(n_routers) * below[level]
        place[:, 1] = below[level]
        place[:, 2] = below[level + 1]
        place[:, 3] = mesh_ports if level == 0 else 1
        place[:, 4] = -1 if level == 0 else 0
        if level == 0:
            place[:, 5], place[:, 6] = x, y
        places.append(place)
    return TreeMeshRouting(np.concatenate(places), np.repeat(x, below[0]), np.repeat(y, below[0]), grid.rings)
