"""Checks of what the network-on-chip is asked; messages tell the question, the fault and the remedy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pycosim.errors import InvalidInputError
from pycosim.hwmodels.noc.graph import MAX_PORTS, PortTable, RouterGraph
from pycosim.hwmodels.noc.topology import Mesh, Topology

ROUTERS = ("credit3", "credit4", "credit5", "handshake")
ARBITERS = ("round_robin", "least_recently_served", "oldest_first")
DETAILS = ("cycle", "queue", "analytic")

#: Most places in one input FIFO.
MAX_BUFFER_DEPTH = 65_536
#: First cycle that is too late, so that no sum of cycles overflows.
END_OF_TIME = 2**61
#: Most packets that one network numbers, and one more than the longest packet in flits.
MAX_PACKETS = 2**31 - 1

Int32Array = NDArray[np.int32]
Int64Array = NDArray[np.int64]


def check_topology(topology: object) -> None:
    """Raise unless the object can describe itself as a graph."""
    if not isinstance(topology, Topology):
        raise InvalidInputError(
            f"Asked for a network with topology {topology!r}; it has no method graph(). "
            "Give a topology object such as Mesh(8, 8) or Hierarchy(3, 3)."
        )


def check_router(router: str) -> None:
    """Raise unless the router is known."""
    if router not in ROUTERS:
        raise InvalidInputError(
            f"Asked for router {router!r}; it is not known. Use one of {', '.join(ROUTERS)}."
        )


def check_arbiter(arbiter: str) -> None:
    """Raise unless the arbiter is known."""
    if arbiter not in ARBITERS:
        raise InvalidInputError(
            f"Asked for arbiter {arbiter!r}; it is not known. Use one of {', '.join(ARBITERS)}."
        )


def check_detail(detail: str) -> None:
    """Raise unless the level of detail is known."""
    if detail not in DETAILS:
        raise InvalidInputError(
            f"Asked for detail {detail!r}; it is not known. Use one of {', '.join(DETAILS)}."
        )


def check_buffer_depth(depth: int) -> None:
    """Raise unless the depth is a whole number in range."""
    if (
        isinstance(depth, bool)
        or not isinstance(depth, int | np.integer)
        or not 1 <= depth <= MAX_BUFFER_DEPTH
    ):
        raise InvalidInputError(
            f"Asked for buffer_depth={depth!r}; a FIFO has 1 to {MAX_BUFFER_DEPTH} places, a whole number. "
            "Give such a depth, for example 8."
        )


def check_handshake(topology: Topology, arbiter: str) -> None:
    """Raise unless topology and arbiter are those for which the handshake router is defined."""
    if arbiter != "round_robin":
        raise InvalidInputError(
            f"Asked for the handshake router with arbiter {arbiter!r}; its rotating priority is fixed and "
            "only 'round_robin' names it. Use arbiter='round_robin', or a credit router."
        )
    if not isinstance(topology, Mesh):
        raise InvalidInputError(
            f"Asked for the handshake router on {topology!r}; it works on a plain mesh only. "
            "Use Mesh(columns, rows), or a credit router."
        )
    for name, value in vars(topology).items():
        if name not in ("columns", "rows") and value != 1:
            raise InvalidInputError(
                f"Asked for the handshake router on a mesh with {name}={value}; it works with 1 only. "
                f"Use {name}=1, or a credit router."
            )


def check_cycle(until: int, now: int) -> int:
    """Return the cycle as an int; raise if it is in the past or too large."""
    if isinstance(until, bool) or not isinstance(until, int | np.integer):
        raise InvalidInputError(
            f"Asked to advance to cycle {until!r}; a cycle is a whole number. Give an int."
        )
    if not now <= until < END_OF_TIME:
        raise InvalidInputError(
            f"Asked to advance to cycle {until}; the network is at cycle {now} and cycles end at "
            f"{END_OF_TIME}. Give a cycle from {now} on."
        )
    return int(until)


def check_packets(
    cycle: ArrayLike,
    source: ArrayLike,
    destination: ArrayLike,
    flits: ArrayLike,
    now: int,
    n_terminals: int,
    n_packets: int,
) -> tuple[Int64Array, Int32Array, Int32Array, Int32Array]:
    """Return the packets as arrays of one length for the compiled part; raise if one of them is not valid."""
    columns = _columns({"cycle": cycle, "source": source, "destination": destination, "flits": flits})
    _check_range("cycle", columns["cycle"], now, END_OF_TIME, f"the network is at cycle {now}")
    _check_terminal_columns(columns, n_terminals)
    if n_packets + len(columns["cycle"]) > MAX_PACKETS:
        raise InvalidInputError(
            f"Asked to inject {len(columns['cycle'])} packets after {n_packets}; a network numbers at most "
            f"{MAX_PACKETS}. Go on in a new network."
        )
    sources, destinations, lengths = (
        np.ascontiguousarray(columns[name], np.int32) for name in ("source", "destination", "flits")
    )
    return np.ascontiguousarray(columns["cycle"], np.int64), sources, destinations, lengths


def check_groups(
    group: ArrayLike | None,
    packets: tuple[Int64Array, Int32Array, Int32Array, Int32Array],
    router: str,
) -> NDArray[np.uint8]:
    """Return which packets go along with the one before them, (n,) uint8, or (0,) if there are no groups."""
    if group is None:
        return np.empty(0, np.uint8)
    cycle, source, _, flits = packets
    number = np.asarray(group)
    if number.shape != cycle.shape or number.dtype.kind not in "iu":
        raise InvalidInputError(
            f"Asked for packets with group of type {number.dtype} and shape {number.shape}; one whole number "
            f"for each of {len(cycle)} packets is needed."
        )
    joins = np.append(False, number[1:] == number[:-1])[: len(number)]
    if not joins.any():
        return np.empty(0, np.uint8)
    if router != "credit3":
        raise InvalidInputError(
            f"Asked for packets that go together on the {router} router; only credit3 copies packets. "
            "Use router='credit3', or one packet for each destination."
        )
    after = np.flatnonzero(joins)
    wrong = after[(cycle[after] != cycle[after - 1]) | (source[after] != source[after - 1])]
    if len(wrong) or (flits[after] != 1).any() or (flits[after - 1] != 1).any():
        raise InvalidInputError(
            "Asked for packets of one group that differ in cycle or source, or have several flits. "
            "Give packets of one flit that leave the same source in the same cycle."
        )
    return joins.astype(np.uint8)


def check_terminals(
    source: ArrayLike, destination: ArrayLike, flits: ArrayLike, n_terminals: int
) -> tuple[Int32Array, Int32Array, Int32Array]:
    """Return sources, destinations and lengths as arrays of one length; raise if one of them is not valid."""
    columns = _columns({"source": source, "destination": destination, "flits": flits})
    _check_terminal_columns(columns, n_terminals)
    sources, destinations, lengths = (np.ascontiguousarray(column, np.int32) for column in columns.values())
    return sources, destinations, lengths


def _check_terminal_columns(columns: dict[str, NDArray[np.integer]], n_terminals: int) -> None:
    for name in ("source", "destination"):
        _check_range(name, columns[name], 0, n_terminals, f"the network has {n_terminals} terminals")
    _check_range("flits", columns["flits"], 1, MAX_PACKETS, "a packet has at least 1 flit")


def _columns(values: dict[str, ArrayLike]) -> dict[str, NDArray[np.integer]]:
    columns = {}
    for name, value in values.items():
        column = np.asarray(value)
        if column.size == 0:
            column = column.astype(np.int64)
        if column.dtype.kind not in "iu" or column.ndim > 1:
            raise InvalidInputError(
                f"Asked for packets with {name} of type {column.dtype} and {column.ndim} dimensions; "
                "whole numbers in at most 1 dimension are needed. Give a list or an array of ints."
            )
        columns[name] = column
    lengths = {name: len(column) for name, column in columns.items() if column.ndim == 1}
    if len(set(lengths.values())) > 1:
        sizes = ", ".join(f"{name}: {length}" for name, length in lengths.items())
        raise InvalidInputError(
            f"Asked for packets given as lists of different lengths ({sizes}). "
            "Give one entry per packet in each, or a single number for all packets."
        )
    n = next(iter(lengths.values()), 1)
    return {name: np.broadcast_to(column, (n,)) for name, column in columns.items()}


def _check_range(name: str, column: NDArray[np.integer], first: int, end: int, why: str) -> None:
    if column.size == 0:
        return
    low, high = int(column.min()), int(column.max())
    if first <= low and high < end:
        return
    wrong = low if low < first else high
    where = int(np.flatnonzero(column == wrong)[0])
    raise InvalidInputError(
        f"Asked for packet {where} with {name} {wrong}; {why}, so it must be from {first} to {end - 1}. "
        f"Give a {name} in that range."
    )


def check_graph(graph: RouterGraph) -> None:
    """Raise unless the arrays of a graph fit together; collects all that is wrong."""
    problems = list(_graph_problems(graph))
    if not problems and isinstance(graph.routing, PortTable):
        problems = list(_table_problems(graph, graph.routing))
    if problems:
        raise InvalidInputError(
            "Asked for a network whose graph does not fit together; "
            + "; ".join(problems)
            + ". Correct its topology."
        )


def _graph_problems(graph: RouterGraph) -> Iterator[str]:
    n_ports_each = np.diff(graph.first_port)
    n_ports = int(graph.first_port[-1]) if len(graph.first_port) else 0
    if (
        graph.n_routers < 1
        or graph.first_port[0] != 0
        or n_ports_each.min() < 1
        or n_ports_each.max() > MAX_PORTS
    ):
        yield f"first_port must rise from 0 by 1 to {MAX_PORTS} per router"
        return
    for name in ("peer", "terminal", "link_cycles", "flit_cycles"):
        if len(getattr(graph, name)) != n_ports:
            yield f"{name} has {len(getattr(graph, name))} entries for {n_ports} ports"
            return
    if graph.channel is not None and (
        len(graph.channel) != n_ports or graph.channel.max(initial=-1) >= n_ports
    ):
        yield f"channel must have {n_ports} entries, each less than that"
        return
    linked = np.flatnonzero(graph.peer >= 0)
    if len(linked) and (graph.peer.max() >= n_ports or (graph.peer[graph.peer[linked]] != linked).any()):
        yield "peer[peer[p]] == p must hold for every linked port"
    elif (graph.router_of_port[graph.peer[linked]] == graph.router_of_port[linked]).any():
        yield "a link must not lead back to its own router"
    if (graph.terminal[linked] >= 0).any():
        yield "a port must not have both a link and a terminal"
    terminals = np.sort(graph.terminal[graph.terminal >= 0])
    if len(terminals) == 0 or (terminals != np.arange(len(terminals))).any():
        yield "each of the terminals 0 to n_terminals - 1 must have one port"
    for name in ("link_cycles", "flit_cycles"):
        values = getattr(graph, name)
        if values.min() < 1 or values.max() >= 2**31:
            yield f"{name} must be from 1 to {2**31 - 1}"


def _table_problems(graph: RouterGraph, routing: PortTable) -> Iterator[str]:
    table = routing.next_port
    wanted = (graph.n_routers, graph.n_terminals)
    if table.shape != wanted:
        yield f"next_port has shape {table.shape}, it needs (routers, terminals) = {wanted}"
        return
    if (table >= np.diff(graph.first_port)[:, None]).any():
        yield "next_port names a port that its router lacks"
        return
    port = graph.first_port[:-1, None] + table
    if ((graph.peer[port] < 0) & (graph.terminal[port] != np.arange(wanted[1]))).any():
        yield "next_port leads to an open port or to another terminal"
        return
    after = np.where(graph.terminal[port] >= 0, -1, graph.router_of_port[graph.peer[port]])
    # Ways of one hop, then of twice as many each time: none that ends is longer than there are routers.
    for _ in range(wanted[0].bit_length()):
        if (after < 0).all():
            return
        after = np.where(after >= 0, np.take_along_axis(after, after, axis=0), -1)
    if (after < 0).all():
        return
    yield "next_port leads some packets in a circle"
