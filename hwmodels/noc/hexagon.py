"""Boards of routers with six neighbours each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pycosim.hwmodels.hexagon import hexagon_places
from pycosim.hwmodels.noc.graph import PortTable, RouterGraph

__all__ = ["Hexagon"]

# Ports: to the neighbours at x + 1, x - 1, y + 1, y - 1, and along the diagonal both + 1 and both - 1.
_STEPS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1))


@dataclass(frozen=True)
class Hexagon:
    """A hexagon of routers on a triangular grid, without wrap-around; see `hexagon_places`.

    Packets take a shortest way: along the diagonal first, then in x, then in y. That order is free of
    deadlock, as dimension order is in a mesh, and its ways never leave the hexagon.

    Parameters
    ----------
    side : int
        Even number of columns and of rows.
    terminals_per_router : int
    hop_cycles_x, hop_cycles_y : int
        Traversal time of links in cycles; those along the diagonal take `hop_cycles_y`.
    local_cycles : int
        Traversal time of the links between terminals and their routers.
    flit_cycles : int
        Least spacing of two flits on a link between routers.
    """

    side: int
    terminals_per_router: int = 1
    hop_cycles_x: int = 1
    hop_cycles_y: int = 1
    local_cycles: int = 1
    flit_cycles: int = 1

    @property
    def n_terminals(self) -> int:
        """Number of terminals (cores)."""
        return len(hexagon_places(self.side)[0]) * self.terminals_per_router

    def graph(self) -> RouterGraph:
        """Return the network as flat arrays."""
        x, y = hexagon_places(self.side)
        n, mesh, local = len(x), len(_STEPS), self.terminals_per_router
        n_ports = mesh + local
        peer = np.full((n, n_ports), -1, np.int32)
        terminal = np.full((n, n_ports), -1, np.int32)
        terminal[:, mesh:] = np.arange(n * local).reshape(n, local)
        number = np.full((self.side + 2, self.side + 2), -1)
        number[y + 1, x + 1] = np.arange(n)
        for port, (right, up) in enumerate(_STEPS):
            there = number[y + 1 + up, x + 1 + right]
            peer[there >= 0, port] = there[there >= 0] * n_ports + (port ^ 1)
        links = np.full(n_ports, self.local_cycles, np.int64)
        links[:2], links[2:mesh] = self.hop_cycles_x, self.hop_cycles_y
        spacing = np.ones(n_ports, np.int64)
        spacing[:mesh] = self.flit_cycles
        return RouterGraph(
            np.arange(0, (n + 1) * n_ports, n_ports, dtype=np.int32),
            peer.ravel(),
            terminal.ravel(),
            np.tile(links, n),
            np.tile(spacing, n),
            PortTable(self._next_port(x, y)),
        )

    def _next_port(self, x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.uint8]:
        x, y = x.astype(np.int32), y.astype(np.int32)
        right, up = x[None, :] - x[:, None], y[None, :] - y[:, None]
        port = np.select(
            [right * up > 0, right != 0, up != 0],
            [np.uint8(4) + (right < 0), np.uint8(0) + (right < 0), np.uint8(2) + (up < 0)],
            np.uint8(len(_STEPS)),
        )
        ports = np.repeat(port, self.terminals_per_router, axis=1)
        here = np.eye(len(x), dtype=bool).repeat(self.terminals_per_router, axis=1)
        own = np.tile(np.arange(self.terminals_per_router, dtype=np.uint8), len(x))
        return np.where(here, ports + own, ports)
