"""What a network-on-chip refuses, and what it says then."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from pycosim.errors import InvalidInputError
from pycosim.hwmodels.noc import Hierarchy, Mesh, Network, PortTable, RouterGraph, simulate


@pytest.mark.parametrize(
    ("packets", "message"),
    [
        (([-1], [0], [1], 1), "cycle -1; the network is at cycle 0"),
        (([2**62], [0], [1], 1), "so it must be from 0 to"),
        (([0, 0], [0, 64], [1, 1], 1), "packet 1 with source 64; the network has 64 terminals"),
        (([0], [-3], [1], 1), "source -3"),
        (([0], [0], [64], 1), "destination 64"),
        (([0], [0], [1], [0]), "flits 0; a packet has at least 1 flit"),
        (([0, 1], [0], [1, 2], 1), "cycle: 2, source: 1, destination: 2"),
        (([0.5], [0], [1], 1), "cycle of type float64"),
        (([[0]], [[0]], [[1]], 1), "2 dimensions"),
        ((["a"], [0], [1], 1), "whole numbers"),
    ],
)
def test_bad_packets_are_refused(packets, message):
    with pytest.raises(InvalidInputError, match=message):
        simulate(*packets)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"router": "credit2"}, "router 'credit2'.*credit3, credit4, credit5, handshake"),
        ({"arbiter": "random"}, "arbiter 'random'.*round_robin"),
        ({"topology": "star"}, "topology 'star'"),
        ({"topology": 5}, "no method graph"),
        ({"buffer_depth": 0}, "buffer_depth=0"),
        ({"buffer_depth": 2.5}, "buffer_depth=2.5"),
        ({"buffer_depth": 10**6}, "1 to 65536 places"),
        ({"shape": (8,)}, "1 numbers and needs 2"),
        ({"shape": (0, 8)}, "columns=0"),
        ({"router": "handshake", "arbiter": "oldest_first"}, "rotating priority is fixed"),
        ({"router": "handshake", "topology": Mesh(2, 2, hop_cycles_x=4)}, "hop_cycles_x=4; it works with 1"),
        ({"router": "handshake", "topology": Mesh(2, 2, 4)}, "terminals_per_router=4"),
        ({"router": "handshake", "topology": Hierarchy(2, 2)}, "plain mesh only"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(InvalidInputError, match=message):
        simulate([0], [0], [1], **options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Mesh(0, 3), "columns=0"),
        (lambda: Mesh(3, 3, hop_cycles_y=0), "hop_cycles_y=0"),
        (lambda: Mesh(3, 3, flit_cycles=1.5), "flit_cycles=1.5"),
        (lambda: Mesh(3, True), "rows=True"),
        (lambda: Hierarchy(2, 2, ()), "branches=()"),
        (lambda: Hierarchy(2, 2, (1, 4, 1), level_cycles=(1, 1)), "2 entries, but there are 3 levels"),
        (lambda: Hierarchy(2, 2, (1, 0)), r"branches\[1\]=0"),
        (lambda: Mesh(2, 2, terminals_per_router=61).graph(), "65 ports; a router has at most 64"),
        (lambda: Mesh(2**15, 2**15).graph(), "can be numbered"),
    ],
)
def test_bad_topologies_are_refused(make, message):
    with pytest.raises(InvalidInputError, match=message):
        make()


def test_errors_are_value_errors():
    with pytest.raises(ValueError):
        simulate([0], [0], [99])


def test_a_refused_batch_leaves_nothing_behind():
    network = Network(Mesh(2, 2))
    with pytest.raises(InvalidInputError):
        network.inject([0, 0], [0, 1], [1, 4])
    assert network.n_packets == 0
    assert network.drain() == 0


def test_the_past_cannot_be_changed():
    network = Network(Mesh(2, 2))
    network.advance(50)
    with pytest.raises(InvalidInputError, match="cycle 49; the network is at cycle 50"):
        network.inject(49, 0, 1)
    with pytest.raises(InvalidInputError, match="advance to cycle 49; the network is at cycle 50"):
        network.advance(49)
    with pytest.raises(InvalidInputError, match="whole number"):
        network.advance(60.0)
    network.inject(50, 0, 1)
    assert network.drain() == 50 + 8 + 1


def test_no_packets_are_no_work():
    assert simulate([], [], []).tolist() == []
    network = Network(Mesh(2, 2))
    assert network.inject([], [], []).tolist() == []
    assert network.drain() == 0
    assert [column.tolist() for column in network.take_arrivals()] == [[], []]
    assert network.n_router_visits == 0


def test_scalars_stand_for_every_packet():
    network = Network(Mesh(4, 1))
    assert network.inject(0, [0, 1, 2], 3).tolist() == [0, 1, 2]
    assert network.inject(5, 0, 3, 2).tolist() == [3]
    network.drain()
    whole = simulate([0, 0, 0, 5], [0, 1, 2, 0], [3, 3, 3, 3], [1, 1, 1, 2], shape=(4, 1))
    assert network.arrival_cycles.tolist() == whole.tolist()


def test_arrivals_are_given_once_in_order():
    network = Network(Mesh(4, 1))
    network.inject([0, 0, 0], [0, 1, 2], [3, 3, 3])
    assert network.n_in_flight == 3
    network.advance(12)
    ids, cycles = network.take_arrivals()
    assert (ids.tolist(), cycles.tolist()) == ([2, 1], [8, 11])
    assert network.n_in_flight == 1
    assert network.arrival_cycles.tolist() == [-1, 11, 8]
    assert network.take_arrivals()[0].tolist() == []
    assert network.drain() == 15
    assert [column.tolist() for column in network.take_arrivals()] == [[0], [14]]
    assert network.n_in_flight == 0


@dataclass(frozen=True)
class Given:
    """A topology that hands out a graph as it is."""

    made: RouterGraph

    def graph(self):
        return self.made


def changed(array, index, value):
    array = array.copy()
    array[index] = value
    return array


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: {"peer": changed(g.peer, 0, 3)}, r"peer\[peer\[p\]\] == p"),
        (lambda g: {"peer": changed(g.peer, 0, 999)}, r"peer\[peer\[p\]\] == p"),
        (lambda g: {"terminal": changed(g.terminal, g.terminal == 2, 3)}, "each of the terminals"),
        (lambda g: {"terminal": changed(g.terminal, 0, 4)}, "both a link and a terminal"),
        (lambda g: {"link_cycles": changed(g.link_cycles, 0, 0)}, "link_cycles must be from 1"),
        (lambda g: {"flit_cycles": g.flit_cycles[:-1]}, "flit_cycles has 19 entries for 20 ports"),
        (lambda g: {"first_port": g.first_port + 1}, "first_port must rise from 0"),
        (lambda g: {"routing": PortTable(np.zeros((4, 3), np.uint8))}, r"shape \(4, 3\)"),
        (
            lambda g: {"routing": PortTable(np.full((4, 4), 9, np.uint8))},
            "a port that its router lacks",
        ),
        (lambda g: {"routing": PortTable(np.full((4, 4), 3, np.uint8))}, "open port"),
        (lambda g: {"routing": PortTable(np.array([[0], [1], [0], [1]] * np.ones(4), np.uint8))}, "circle"),
    ],
)
def test_graphs_that_do_not_fit_together_are_refused(change, message):
    graph = Mesh(2, 2).graph()
    with pytest.raises(InvalidInputError, match=message):
        Network(Given(replace(graph, **change(graph))))
