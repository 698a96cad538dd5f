"""The network-on-chip of a described chip, in picoseconds and cores instead of cycles and terminals.

Each router (of a hierarchy: each chip) has one terminal more than cores; the one at the entry router is the
host's, through which the spikes of external sources come in.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.hwmodels.description import Noc
from pycosim.hwmodels.noc import ChipMesh, Hexagon, Hierarchy, Mesh, Network, Topology, Torus
from pycosim.hwmodels.timing.floorplan import router_positions
from pycosim.memory import require
from pycosim.results.hardware import LinkTable

__all__ = ["Fabric"]

Int = NDArray[np.int64]

# Cycles of a router besides those on the link: bid and crossbar, and the grant's wait (credit4, credit5).
_MESH_PORTS = 6
# Measured, at most: of arrays by port, and of a hexagon's table of routers by terminals while it is made.
_BYTES_PER_PORT, _BYTES_PER_WAY = 400, 40
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
        _require_memory(noc)
        self.topology, self._local_ps = _topology(noc)
        self.network = Network(
            self.topology,
            router=noc.router,
            buffer_depth=noc.buffer_depth.value,
            arbiter=noc.arbiter,
            detail=noc.detail,
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

    def send(
        self,
        time_ps: Int,
        source: NDArray[np.integer],
        destination: NDArray[np.integer],
        joins: NDArray[np.integer] | None = None,
    ) -> Int:
        """Hand over messages at given times, from place to place; return their numbers.

        A message with ``joins[i] != 0`` goes along with the one before it until their ways part.
        """
        return self.network.inject(
            np.maximum(-(-time_ps // self.cycle_ps), self.network.now),
            self.terminal_of_place[source],
            self.terminal_of_place[destination],
            self.noc.flits_per_packet.value,
            _groups(joins),
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

    def busiest_line(self, link_flits: Int) -> tuple[int, str]:
        """Return for how long the busiest line between routers was taken, in ps, and its name.

        The name is empty if nothing went between routers.
        A line is a link, or what several links share, as the rows at the edge of a chip may.
        """
        links = self.network.links
        taken = np.flatnonzero((link_flits > 0) & (links.from_router >= 0) & (links.to_router >= 0))
        if not len(taken):
            return 0, ""
        # Lines that are shared have numbers of their own, after those of the links.
        shared = links.line[taken]
        line = np.unique(np.where(shared >= 0, len(links) + shared, taken), return_inverse=True)[1]
        busy = np.bincount(line, link_flits[taken] * links.flit_cycles[taken])
        members = taken[line == np.argmax(busy)]
        x, y = router_positions(self.noc)
        first = members[0]
        here, there = links.from_router[first], links.to_router[first]
        name = f"the link ({x[here]:g}, {y[here]:g}) to ({x[there]:g}, {y[there]:g})"
        if len(members) > 1:
            name = f"the serial line that {name} shares with {len(members) - 1} more"
        return int(busy.max()) * self.cycle_ps, name

    def mesh_flits(self, link_flits: Int | None = None) -> tuple[int, int, int]:
        """Return the flits carried by links of the mesh in x, in y and between chips, summed over links."""
        flits = self.network.link_flits if link_flits is None else link_flits
        kinds = self._kinds_of_links()
        in_x, in_y, across = (int(flits[kinds == kind].sum()) for kind in range(3))
        return in_x, in_y, across

    def _kinds_of_links(self) -> Int:
        """Return 0 for mesh links in x, 1 in y, 2 from chip to chip, -1 for all others, (n_links,) int64."""
        links = self.network.links
        mesh = self.noc.n_routers
        between = (0 <= links.from_router) & (links.from_router < mesh) & (0 <= links.to_router)
        between &= links.to_router < mesh
        here, there = links.from_router[between], links.to_router[between]
        along_y = self.noc.place_of_router(here)[1] != self.noc.place_of_router(there)[1]
        crosses = here // self.noc.shape.size != there // self.noc.shape.size
        kinds = np.full(len(links), -1)
        kinds[between] = np.where(crosses, 2, along_y)
        return kinds

    def flits_of_flows(
        self, source: Int, destination: Int, messages: Int, joins: NDArray[np.integer] | None = None
    ) -> Int:
        """Return the flits on each link if so many messages went from place to place, without simulation."""
        return self.network.flow_flits(
            self.terminal_of_place[source],
            self.terminal_of_place[destination],
            messages * self.noc.flits_per_packet.value,
            _groups(joins),
        )

    def count_hops(self, source: Int, destination: Int, joins: NDArray[np.integer] | None = None) -> Int:
        """Return the links of the mesh that messages take, and none that they go along with took before.

        Returns
        -------
        (n, 3) int64
            In x, in y and between chips.
        """
        return self.network.count_links(
            self.terminal_of_place[source],
            self.terminal_of_place[destination],
            self._kinds_of_links(),
            3,
            _groups(joins),
        )

    def _arrivals(self) -> tuple[Int, Int]:
        numbers, cycles = self.network.take_arrivals()
        return numbers, cycles * self.cycle_ps + self._local_ps


def _require_memory(noc: Noc) -> None:
    """Refuse a network-on-chip that would not fit into memory."""
    terminals = noc.n_routers * (noc.cores_per_router.size + 1)
    n_bytes = _BYTES_PER_PORT * (terminals + _MESH_PORTS * noc.n_routers)
    if noc.topology == "hexagon":
        n_bytes += _BYTES_PER_WAY * noc.n_routers * terminals
    require(
        n_bytes,
        f"A network-on-chip of {noc.n_routers:,} routers ({noc.topology}, noc.shape = {noc.shape}) needs",
        "Use a smaller noc.shape.",
    )


def _groups(joins: NDArray[np.integer] | None) -> Int | None:
    """Return numbers of messages that are equal for those that go together."""
    return None if joins is None or not np.any(joins) else np.cumsum(np.asarray(joins) == 0)


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
    if noc.topology == "hexagon":
        return Hexagon(columns, n, hop_x, hop_y, local, flit), rest_ps
    if noc.topology == "torus":
        return Torus(columns, rows, n, hop_x, hop_y, local, flit), rest_ps
    if noc.topology == "mesh" and noc.n_chips == 1:
        return Mesh(columns, rows, n, hop_x, hop_y, local, flit), rest_ps
    if noc.topology == "mesh":
        assert noc.chips is not None  # the description was checked for these
        assert noc.chip_hop is not None
        assert noc.chip_flit is not None
        chip_hop, chip_flit = _cycles(noc, noc.chip_hop.value) - pipeline, _cycles(noc, noc.chip_flit.value)
        links = hop_x, hop_y, local, flit, chip_hop, chip_flit, noc.chip_edge == "shared"
        return ChipMesh(*noc.chips.value, columns, rows, n, *links), rest_ps
    assert noc.trunk is not None  # the description was checked for that
    assert noc.branch is not None
    trunk, branch = _cycles(noc, noc.trunk.value), _cycles(noc, noc.branch.value)
    levels = (trunk - pipeline, branch - pipeline, local)
    return Hierarchy(columns, rows, (1, n, 1), hop_x, hop_y, levels, flit, (trunk, branch, 1)), rest_ps


def _cycles(noc: Noc, time_ps: int) -> int:
    return time_ps // noc.cycle.value
