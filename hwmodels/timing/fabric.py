"""The network-on-chip of a described chip, in picoseconds and cores instead of cycles and terminals.

Each router (of a hierarchy: each chip) has one terminal more than cores; the one at the entry router is the
host's, through which the spikes of external sources come in.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.hwmodels.description import Noc
from pycosim.hwmodels.noc import Hierarchy, Mesh, Network, Topology, TreeMeshRouting
from pycosim.hwmodels.timing.floorplan import router_positions
from pycosim.results.hardware import LinkTable

__all__ = ["Fabric"]

Int = NDArray[np.int64]

# Cycles of a router besides those on the link: bid and crossbar, and the grant's wait (credit4, credit5).
_PIPELINE = {"credit3": 2, "credit4": 3, "credit5": 4}


class Fabric:
    """Carries messages between places: cores in use, then the host.

    Parameters
    ----------
    noc : Noc
    cores : (n_cores,) int64
        Cores in use; place p is ``cores[p]``, place n_cores is the host.
    entry_router : int
        Router of the mesh at which the host sits.
    """

    def __init__(self, noc: Noc, cores: Int, entry_router: int):
        self.noc = noc
        self.cycle_ps = noc.cycle.value * noc.slowdown
        self.set_places(cores, entry_router)
        self.topology, self._local_ps = _topology(noc)
        self.network = Network(
            self.topology,
            router=noc.router,
            buffer_depth=noc.buffer_depth.value,
            arbiter=noc.arbiter,
            remember=False,
        )

    def set_places(self, cores: Int, entry_router: int) -> None:
        """Say which cores the places are from now on; messages under way go on to theirs."""
        size = self.noc.cores_per_router.size
        router, inner = np.divmod(cores, size)
        self.terminal_of_place = np.append(router * (size + 1) + inner, entry_router * (size + 1) + size)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is on its way."""
        return self.network.n_in_flight == 0

    @property
    def now_ps(self) -> int:
        """Time up to which everything is known."""
        return self.network.now * self.cycle_ps

    def compiled(self) -> tuple[Any, int, int, int, NDArray[np.int32]] | None:
        """Return what compiled code needs to do without this object; None if it has to use it.

        Returns
        -------
        network : capsule
            A ``PacketNetwork`` (noc/csrc/packet_network.hpp), which lives as long as this object.
        cycle_ps, local_ps : int
            Duration of a cycle, and what is added to times of arrival.
        flits : int
            Of a packet.
        terminal_of_place : (n_places,) int32
        """
        face = getattr(self.network, "face", None)
        if face is None:
            return None
        terminals = self.terminal_of_place.astype(np.int32)
        return face, self.cycle_ps, self._local_ps, self.noc.flits_per_packet.value, terminals

    def send(self, time_ps: Int, source: NDArray[np.integer], destination: NDArray[np.integer]) -> Int:
        """Hand over messages at given times, from place to place; return their numbers."""
        return self.network.inject(
            np.maximum(-(-time_ps // self.cycle_ps), self.network.now),
            self.terminal_of_place[source],
            self.terminal_of_place[destination],
            self.noc.flits_per_packet.value,
        )

    def run_until(self, time_ps: int) -> tuple[Int, Int]:
        """Let time pass and return the messages that arrived before `time_ps`: numbers, and arrival times."""
        until = -(-time_ps // self.cycle_ps)
        if self.network.now < until:
            self.network.advance(until)
        return self._arrivals()

    def run_until_idle(self) -> tuple[Int, Int]:
        """Let time pass until all messages have arrived, and return them as `run_until` does."""
        self.network.drain()
        return self._arrivals()

    def lone_latency_ps(self, source: NDArray[np.integer], destination: NDArray[np.integer]) -> Int:
        """Return the latency of messages that meet no others, (n,) int64."""
        cycles = self.network.zero_load_cycles(
            self.terminal_of_place[source],
            self.terminal_of_place[destination],
            self.noc.flits_per_packet.value,
        )
        return cycles * self.cycle_ps + self._local_ps

    def link_table(self, link_flits: Int | None = None) -> LinkTable:
        """Return the links between routers that carried flits.

        Parameters
        ----------
        link_flits : (n_links,) int64, optional
            Flits by link in the order of the network; what was carried if not given.
        """
        flits = self.network.link_flits if link_flits is None else link_flits
        links = self.network.links
        x, y = router_positions(self.noc)
        used = np.flatnonzero((flits > 0) & (links.from_router >= 0) & (links.to_router >= 0))
        here, there = links.from_router[used], links.to_router[used]
        apart = (x[here] != x[there]) | (y[here] != y[there])
        here, there, used = here[apart], there[apart], used[apart]
        return LinkTable(x[here], y[here], x[there], y[there], flits[used])

    def mesh_flits(self, link_flits: Int | None = None) -> tuple[int, int]:
        """Return the flits carried by links of the mesh in x and in y, summed over links."""
        flits = self.network.link_flits if link_flits is None else link_flits
        links = self.network.links
        mesh = self.noc.shape.size
        between = (0 <= links.from_router) & (links.from_router < mesh) & (0 <= links.to_router)
        between &= links.to_router < mesh
        along_x = links.from_router // self.noc.shape.value[0] == links.to_router // self.noc.shape.value[0]
        return int(flits[between & along_x].sum()), int(flits[between & ~along_x].sum())

    def flits_of_flows(self, source: Int, destination: Int, messages: Int) -> Int:
        """Return the flits on each link if so many messages went from place to place, without simulation."""
        graph = self.topology.graph()
        routing = graph.routing
        assert isinstance(routing, TreeMeshRouting)  # both topologies above have it
        flits = np.zeros(len(graph.peer), np.int64)
        target = self.terminal_of_place[destination].astype(np.int64)
        count = messages * self.noc.flits_per_packet.value
        port_of_terminal = np.flatnonzero(graph.terminal >= 0)
        port_of_terminal = port_of_terminal[np.argsort(graph.terminal[port_of_terminal])]
        router = graph.router_of_port[port_of_terminal[self.terminal_of_place[source]]].astype(np.int64)
        while len(router):
            port = graph.first_port[router] + _next_port(routing, router, target)
            np.add.at(flits, port, count)
            going = graph.peer[port] >= 0
            router, target, count = graph.router_of_port[graph.peer[port[going]]], target[going], count[going]
        connected = (graph.peer >= 0) | (graph.terminal >= 0)
        return np.concatenate((flits[connected], np.zeros(graph.n_terminals, np.int64)))

    def _arrivals(self) -> tuple[Int, Int]:
        numbers, cycles = self.network.take_arrivals()
        return numbers, cycles * self.cycle_ps + self._local_ps


def _next_port(routing: TreeMeshRouting, router: Int, terminal: Int) -> Int:
    """Return the port that messages for terminals take in routers, as the network-on-chip computes it."""
    first, number, per_child, child_port, up_port, x, y = routing.places[router].T.astype(np.int64)
    x_there, y_there = routing.terminal_x[terminal], routing.terminal_y[terminal]
    across = np.where(x_there != x, np.where(x_there > x, 0, 1), np.where(y_there > y, 2, 3))
    outside = np.where(up_port >= 0, up_port, across)
    below = terminal - first
    return np.where((below >= 0) & (below < number), child_port + below // per_child, outside)


def _topology(noc: Noc) -> tuple[Topology, int]:
    """Return the topology with traversal times in cycles, and what they leave of the local time, in ps."""
    pipeline = _PIPELINE[noc.router]
    hop_x, hop_y = (_cycles(noc, time.value) - pipeline for time in (noc.hop_x, noc.hop_y))
    # A message without hops takes pipeline + 1 cycles and two local links.
    local, rest = divmod(_cycles(noc, noc.local.value) - pipeline - 1, 2)
    flit = _cycles(noc, noc.flit.value)
    columns, rows = noc.shape.value
    n = noc.cores_per_router.size + 1
    rest_ps = rest * noc.cycle.value * noc.slowdown
    if noc.topology == "mesh":
        return Mesh(columns, rows, n, hop_x, hop_y, local, flit), rest_ps
    assert noc.trunk is not None  # the description was checked for that
    assert noc.branch is not None
    trunk, branch = _cycles(noc, noc.trunk.value), _cycles(noc, noc.branch.value)
    levels = (trunk - pipeline, branch - pipeline, local)
    return Hierarchy(columns, rows, (1, n, 1), hop_x, hop_y, levels, flit, (trunk, branch, 1)), rest_ps


def _cycles(noc: Noc, time_ps: int) -> int:
    return time_ps // noc.cycle.value
