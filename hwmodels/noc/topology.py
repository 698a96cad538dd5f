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
from typing import Protocol, runtime_checkable

import numpy as np

from pycosim.errors import InvalidInputError
from pycosim.hwmodels.noc.graph import MAX_PORTS, PortTable, RouterGraph, TreeMeshRouting
from pycosim.hwmodels.noc.grid import Grid, tree_graph

__all__ = [
    "MAX_PORTS",
    "ChipMesh",
    "Hierarchy",
    "Mesh",
    "PortTable",
    "RouterGraph",
    "Topology",
    "Torus",
    "TreeMeshRouting",
]


@runtime_checkable
class Topology(Protocol):
    """Anything that describes itself as a `RouterGraph`."""

    def graph(self) -> RouterGraph:
        """Return the network as flat arrays."""
        ...


@dataclass(frozen=True)
class Hierarchy:
    """Trees of routers whose roots form a two-dimensional mesh.

    With ``branches=(1, 4, 1)`` each chip has a router in the mesh, below it one router, below that four
    routers, each with one core. Terminals are numbered depth first, roots row by
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
        grid = Grid(self.columns, self.rows, self.hop_cycles_x, self.hop_cycles_y, self.hop_flit_cycles)
        return tree_graph(grid, self.branches, self.level_cycles or ones, self.level_flit_cycles or ones)


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
        grid = Grid(self.columns, self.rows, self.hop_cycles_x, self.hop_cycles_y, self.flit_cycles)
        return tree_graph(grid, (self.terminals_per_router,), (self.local_cycles,), (1,))


@dataclass(frozen=True)
class Torus:
    """A mesh whose rows and columns are rings; packets take the shorter way, forward if both are equal.

    Two virtual channels on each link keep it free of deadlock: a packet uses the first until it has passed
    the link that closes its ring, then the second (Dally and Seitz, IEEE Trans. Computers C-36:547, 1987).
    The two have FIFOs of their own and share the link's time.

    Parameters
    ----------
    columns, rows, terminals_per_router, hop_cycles_x, hop_cycles_y, local_cycles, flit_cycles : int
        As for `Mesh`.
    """

    columns: int
    rows: int
    terminals_per_router: int = 1
    hop_cycles_x: int = 1
    hop_cycles_y: int = 1
    local_cycles: int = 1
    flit_cycles: int = 1

    def __post_init__(self) -> None:
        _check_positive("torus", dict(vars(self)))

    @property
    def n_terminals(self) -> int:
        """Number of terminals (cores)."""
        return self.columns * self.rows * self.terminals_per_router

    def graph(self) -> RouterGraph:
        """Return the network as flat arrays."""
        hops = self.hop_cycles_x, self.hop_cycles_y
        grid = Grid(self.columns, self.rows, *hops, self.flit_cycles, wraps=True)
        return tree_graph(grid, (self.terminals_per_router,), (self.local_cycles,), (1,))


@dataclass(frozen=True)
class ChipMesh:
    """Chips side by side, each with a mesh of routers; together these form one large mesh.

    Routers are numbered chip by chip, row by row in each, and chips row by row.

    Parameters
    ----------
    chip_columns, chip_rows : int
        Number of chips in x and in y.
    columns, rows, terminals_per_router, hop_cycles_x, hop_cycles_y, local_cycles, flit_cycles : int
        Of one chip, as for `Mesh`.
    chip_cycles : int
        Traversal time of the links between chips in cycles.
    chip_flit_cycles : int
        Least spacing of two flits on a link between chips in cycles.
    shared_edges : bool
        Whether all rows (columns) at the edge of a chip share one serial link to the next chip: packets are
        merged in the order in which they come, and split again behind it (merge-split). Each has a link of
        its own otherwise.
    """

    chip_columns: int
    chip_rows: int
    columns: int
    rows: int
    terminals_per_router: int = 1
    hop_cycles_x: int = 1
    hop_cycles_y: int = 1
    local_cycles: int = 1
    flit_cycles: int = 1
    chip_cycles: int = 1
    chip_flit_cycles: int = 1
    shared_edges: bool = False

    def __post_init__(self) -> None:
        values = {name: value for name, value in vars(self).items() if name != "shared_edges"}
        _check_positive("mesh of chips", values)

    @property
    def n_terminals(self) -> int:
        """Number of terminals (cores)."""
        chips = self.chip_columns * self.chip_rows
        return chips * self.columns * self.rows * self.terminals_per_router

    def graph(self) -> RouterGraph:
        """Return the network as flat arrays."""
        grid = Grid(
            self.chip_columns * self.columns,
            self.chip_rows * self.rows,
            self.hop_cycles_x,
            self.hop_cycles_y,
            self.flit_cycles,
            chip=(self.columns, self.rows),
            chip_cycles=self.chip_cycles,
            chip_flit_cycles=self.chip_flit_cycles,
            shared_edges=self.shared_edges,
        )
        return tree_graph(grid, (self.terminals_per_router,), (self.local_cycles,), (1,))


def _check_positive(what: str, values: dict[str, int]) -> None:
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 1 <= value < 2**31:
            raise InvalidInputError(
                f"Asked for a {what} with {name}={value!r}; it must be a whole number from 1 to {2**31 - 1}. "
                f"Give {name} such a number."
            )
