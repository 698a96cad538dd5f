"""Simulation of a network-on-chip, flit by flit and cycle by cycle.

Routers have one FIFO per input, wormhole switching, one virtual channel, and credit or handshake flow
control. All state changes once per cycle. Time is an integer number of router cycles; nothing is done for
idle routers or idle cycles, so the time that a simulation takes goes with the number of flits times their
hops.

Routers, and the latency of a lone single-flit packet over H hops with links of one cycle:

=============  ==========  ==================================================================================
name           latency     form
=============  ==========  ==================================================================================
``credit3``    3 H + 5     credits; bid, switch and cross in one arbitration stage, three cycles per router
``credit4``    4 H + 6     credits; a head first wins the output, its flits move from the next cycle on
``credit5``    5 H + 7     as credit4, with one more cycle before a head may bid
``handshake``  2 H + 2     request and acknowledge; one flit per two cycles and link
=============  ==========  ==================================================================================
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pycosim.errors import InvalidInputError
from pycosim.hwmodels.noc import _noc
from pycosim.hwmodels.noc.checks import (
    check_arbiter,
    check_buffer_depth,
    check_cycle,
    check_detail,
    check_graph,
    check_groups,
    check_handshake,
    check_packets,
    check_router,
    check_terminals,
    check_topology,
)
from pycosim.hwmodels.noc.compiled import compiled_graph
from pycosim.hwmodels.noc.link_table import LinkTable
from pycosim.hwmodels.noc.topology import Topology

__all__ = ["Network"]

Int64Array = NDArray[np.int64]

# Router visits between two returns from compiled code, so that an interrupt is seen about once a second.
_VISITS_PER_CALL = 10_000_000


class Network:
    """A network-on-chip whose traffic is given and simulated piece by piece.

    The result does not depend on how a run is cut into calls of `inject` and `advance`. A network must not be
    used by two threads at the same time; other threads run while it simulates. Packets take about 50 bytes
    each.

    Parameters
    ----------
    topology : Topology
        For example `Mesh` (8, 8) or a `Hierarchy`.
    router : {"credit3", "credit4", "credit5", "handshake"}
        Flow control and pipeline. The handshake router works on a plain mesh with links of one cycle.
    buffer_depth : int
        Places in each input FIFO in flits.
    arbiter : {"round_robin", "least_recently_served", "oldest_first"}
        Which of several inputs gets an output. The handshake router has a fixed rotating priority, called
        "round_robin" here.
    detail : {"cycle", "queue", "analytic"}
        "cycle": flit by flit, as above. "queue": every link serves packets in the order in which they come;
        one event for each packet and router. "analytic": packets do not see each other, but that a source
        sends one flit after the other. Packets that meet no others arrive in the same cycle at all three,
        if their flits wait for no credit (see `zero_load_cycles`). Below "cycle", flits count in
        `link_flits` as soon as they are scheduled.
    remember : bool
        Whether `hops`, `launch_cycles` and `arrival_cycles` are kept, of all packets. If not, packets are
        forgotten whenever all have arrived and were taken; their ids are counted on.

    Raises
    ------
    InvalidInputError
        If an argument is unknown, out of range or does not go with the others.
    """

    def __init__(
        self,
        topology: Topology,
        *,
        router: str = "credit3",
        buffer_depth: int = 8,
        arbiter: str = "round_robin",
        detail: str = "cycle",
        remember: bool = True,
    ) -> None:
        check_topology(topology)
        check_router(router)
        check_arbiter(arbiter)
        check_detail(detail)
        check_buffer_depth(buffer_depth)
        if router == "handshake":
            check_handshake(topology, arbiter)
        self.topology = topology
        self.router = router
        self.buffer_depth = int(buffer_depth)
        self.arbiter = arbiter
        self.detail = detail
        self._graph = topology.graph()
        check_graph(self._graph)
        self._n_terminals = self._graph.n_terminals
        self._core = self._compiled(bool(remember))
        flows = (self._graph.peer >= 0) | (self._graph.terminal >= 0)
        self._connected = np.concatenate((flows, np.ones(self._n_terminals, bool)))

    def _compiled(self, remember: bool) -> _noc.Network | _noc.LinkNetwork:
        graph, router = compiled_graph(self._graph), getattr(_noc.RouterKind, self.router)
        if self.detail == "cycle":
            arbiter = getattr(_noc.ArbiterKind, self.arbiter)
            return _noc.Network(graph, router, self.buffer_depth, arbiter, remember)
        detail = getattr(_noc.Detail, self.detail)
        return _noc.LinkNetwork(graph, router, self.buffer_depth, detail, remember)

    def __repr__(self) -> str:
        return (
            f"Network({self.topology!r}, router={self.router!r}, buffer_depth={self.buffer_depth}, "
            f"arbiter={self.arbiter!r}, detail={self.detail!r}): cycle {self.now}, {self.n_packets} packets, "
            f"{self.n_in_flight} in flight"
        )

    def inject(
        self,
        cycle: ArrayLike,
        source: ArrayLike,
        destination: ArrayLike,
        flits: ArrayLike = 1,
        group: ArrayLike | None = None,
    ) -> Int64Array:
        """Add packets and return their ids.

        The queue of a source is ordered by cycle, packets of the same cycle by id.

        Parameters
        ----------
        cycle : (n,) int or int
            Earliest cycle in which each packet may leave its source queue, not before `now`; in any order.
        source, destination : (n,) int or int
            Terminals; a packet may go to its own source.
        flits : (n,) int or int
            Length of each packet in flits.
        group : (n,) int, optional
            Multicast: packets with the same number, which must follow each other and have the same cycle and
            source and one flit, go as one until their ways part; routers copy them there. Each has an id and
            an arrival of its own. On the credit3 router only.

        Returns
        -------
        (n,) int64
            Consecutive ids, counted from 0.

        Raises
        ------
        InvalidInputError
            If a cycle is in the past, a terminal does not exist, a packet has no flit or lengths differ.
        """
        packets = check_packets(
            cycle, source, destination, flits, self.now, self._n_terminals, self.n_packets
        )
        first = self._core.inject(*packets, check_groups(group, packets, self.router))
        return np.arange(first, first + len(packets[0]), dtype=np.int64)

    def advance(self, until_cycle: int) -> None:
        """Simulate all cycles before `until_cycle`, which becomes `now`."""
        until = check_cycle(until_cycle, self.now)
        while not self._core.advance(until, _VISITS_PER_CALL):
            pass

    def drain(self) -> int:
        """Simulate until nothing is in flight and return `now`, the cycle after the last arrival.

        Raises
        ------
        InvalidInputError
            If packets block each other for ever, which only a `PortTable` routing can cause.
        """
        while not self._core.drain(_VISITS_PER_CALL):
            pass
        if self.n_in_flight > 0:
            raise InvalidInputError(
                f"Asked to drain the network; {self.n_in_flight} of {self.n_packets} packets wait for each "
                "other for ever. Use a routing whose paths cannot form a ring, for example dimension order."
            )
        return self.now

    def take_arrivals(self) -> tuple[Int64Array, Int64Array]:
        """Return the packets that arrived before `now` since the last call.

        Returns
        -------
        ids : (n,) int64
            Ordered by (arrival cycle, id).
        arrival_cycles : (n,) int64
            Cycle in which the last flit of each reached its destination.
        """
        arrivals: tuple[Int64Array, Int64Array] = self._core.take_arrivals()
        return arrivals

    @property
    def face(self) -> object:
        """A capsule of csrc/packet_network.hpp, for other compiled modules."""
        return self._core.face()

    @property
    def now(self) -> int:
        """First cycle that has not been simulated."""
        return self._core.now

    @property
    def n_terminals(self) -> int:
        """Number of terminals."""
        return self._n_terminals

    @property
    def n_packets(self) -> int:
        """Packets injected so far."""
        return self._core.n_packets

    @property
    def n_in_flight(self) -> int:
        """Packets that have not arrived before `now`, those whose cycle is still to come included."""
        return self._core.n_in_flight

    @property
    def launch_cycles(self) -> Int64Array:
        """Cycle in which each packet's first flit left its source queue, -1 if that was not before `now`."""
        cycles: Int64Array = self._core.launch_cycles
        return cycles

    @property
    def arrival_cycles(self) -> Int64Array:
        """Cycle in which each packet's last flit arrived, -1 if that was not before `now`."""
        cycles: Int64Array = self._core.arrival_cycles
        return cycles

    @property
    def hops(self) -> Int64Array:
        """Links between routers on the way of each packet, (n_packets,) int64."""
        return self.path_hops(self._core.sources, self._core.destinations)

    def path_hops(self, source: ArrayLike, destination: ArrayLike) -> Int64Array:
        """Return the number of links between routers from `source` to `destination`, (n,) int64."""
        return self._paths(source, destination, 1)[0]

    def zero_load_cycles(self, source: ArrayLike, destination: ArrayLike, flits: ArrayLike = 1) -> Int64Array:
        """Return the latency of lone packets whose flits never wait for a credit.

        A flit of a lone packet waits for none if `buffer_depth` covers the credit loop of every link (3
        cycles plus twice the link's traversal time) or the packet has at most `buffer_depth` flits.

        Parameters
        ----------
        source, destination : (n,) int or int
        flits : (n,) int or int

        Returns
        -------
        (n,) int64
            Cycles from the packet's cycle to the arrival of its last flit.
        """
        return self._paths(source, destination, flits)[1]

    def _paths(
        self, source: ArrayLike, destination: ArrayLike, flits: ArrayLike
    ) -> tuple[Int64Array, Int64Array]:
        terminals = check_terminals(source, destination, flits, self._n_terminals)
        paths: tuple[Int64Array, Int64Array] = self._core.paths(*terminals)
        return paths

    def flow_flits(
        self,
        source: ArrayLike,
        destination: ArrayLike,
        flits: ArrayLike,
        group: ArrayLike | None = None,
    ) -> Int64Array:
        """Return the flits that each link of `links` would carry, without simulation.

        Parameters
        ----------
        source, destination : (n,) int or int
        flits : (n,) int or int
            Flits that go from each source to each destination, all packets together.
        group : (n,) int, optional
            Multicast, as for `inject`.

        Returns
        -------
        (n_links,) int64
        """
        sources, destinations, joins = self._flows(source, destination, group)
        amounts = np.ascontiguousarray(np.broadcast_to(flits, sources.shape), np.int64)
        carried: Int64Array = self._core.flow_flits(sources, destinations, amounts, joins)[self._connected]
        return carried

    def count_links(
        self,
        source: ArrayLike,
        destination: ArrayLike,
        kind: Int64Array,
        n_kinds: int,
        group: ArrayLike | None = None,
    ) -> Int64Array:
        """Return how many links of each kind packets take that no packet before them in their group takes.

        Parameters
        ----------
        source, destination : (n,) int or int
        kind : (n_links,) int64
            Of each of `links`, less than `n_kinds`; links of a kind below 0 do not count.
        n_kinds : int
        group : (n,) int, optional
            Multicast, as for `inject`.

        Returns
        -------
        (n, n_kinds) int64
        """
        sources, destinations, joins = self._flows(source, destination, group)
        kinds = np.full(len(self._connected), -1, np.int64)
        kinds[self._connected] = kind
        counts: Int64Array = self._core.count_links(sources, destinations, joins, kinds, n_kinds)
        return counts.reshape(len(sources), n_kinds)

    def _flows(
        self, source: ArrayLike, destination: ArrayLike, group: ArrayLike | None
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]]:
        """Return sources, destinations, and whether each goes along with the one before it."""
        packets = check_packets(0, source, destination, 1, 0, self._n_terminals, 0)
        return packets[1], packets[2], check_groups(group, packets, self.router)

    @property
    def links(self) -> LinkTable:
        """The links, in the order of `link_flits`."""
        graph = self._graph
        router = graph.router_of_port.astype(np.int64)
        ports = np.flatnonzero(graph.terminal >= 0)
        ports = ports[np.argsort(graph.terminal[ports])]
        none, own = np.full(len(ports), -1, np.int64), np.full(len(router), -1, np.int64)
        line = own if graph.channel is None else graph.channel.astype(np.int64)
        to_router = np.where(graph.peer >= 0, router[graph.peer], -1)
        columns = (
            (router, none),
            (to_router, router[ports]),
            (own, np.arange(len(ports), dtype=np.int64)),
            (graph.terminal.astype(np.int64), none),
            (graph.link_cycles, graph.link_cycles[ports]),
            (graph.flit_cycles, graph.flit_cycles[ports]),
            (line, none),
        )
        return LinkTable(*(np.concatenate(column)[self._connected] for column in columns))

    @property
    def link_flits(self) -> Int64Array:
        """Flits that each link of `links` has taken before `now`, (n_links,) int64."""
        flits: Int64Array = self._core.link_flits[self._connected]
        return flits

    @property
    def n_router_visits(self) -> int:
        """Work done so far: how many times a router was looked at in some cycle."""
        return self._core.n_visits

    @property
    def n_flit_moves(self) -> int:
        """Flits moved out of routers so far."""
        return self._core.n_moves
