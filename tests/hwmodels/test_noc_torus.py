"""The torus: ways, latencies, and that packets never wait for each other in a circle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim.hwmodels.load import load
from pycosim.hwmodels.noc import Mesh, Network, Torus, simulate
from pycosim.hwmodels.timing.fabric import Fabric


def ring_distance(a, b, n):
    return np.minimum((b - a) % n, (a - b) % n)


@pytest.mark.parametrize("shape", [(1, 1), (2, 1), (2, 2), (3, 4), (5, 5), (8, 6)])
def test_packets_take_the_shorter_way_round_in_each_dimension(shape):
    columns, rows = shape
    n = columns * rows
    source, destination = np.divmod(np.arange(n * n), n)
    hops = ring_distance(source % columns, destination % columns, columns)
    hops = hops + ring_distance(source // columns, destination // columns, rows)
    network = Network(Torus(columns, rows))
    np.testing.assert_array_equal(network.path_hops(source, destination), hops)
    network.inject(1000 * np.arange(n * n), source, destination)
    network.drain()
    np.testing.assert_array_equal(network.arrival_cycles - 1000 * np.arange(n * n), 3 * hops + 5)


def test_neighbours_at_the_ends_of_a_row_have_a_link_of_their_own():
    links = Network(Torus(4, 3)).links
    between = (links.from_router >= 0) & (links.to_router >= 0)
    pairs = set(zip(links.from_router[between].tolist(), links.to_router[between].tolist()))
    assert {(0, 3), (3, 0), (0, 8), (8, 0)} <= pairs
    # Two virtual channels on each of 2 x 12 links with two directions.
    assert between.sum() == 2 * 2 * 24


def test_the_virtual_channels_of_a_link_share_its_time():
    # Packets from router 3 cross the closing link and go on in the second channel, as those of router 0.
    torus = Torus(4, 1, flit_cycles=5)
    arrivals = simulate([0] * 20, np.repeat([3, 0], 10), np.repeat([1, 1], 10), topology=torus)
    assert (np.diff(np.sort(arrivals)) == 5).all()


@pytest.mark.parametrize("router", ["credit3", "credit4", "credit5"])
@pytest.mark.parametrize("depth", [1, 2, 8])
def test_full_rings_never_block_for_ever(router, depth):
    # Every node sends half-way round its ring, in one or both dimensions, which fills all buffers of a ring.
    columns, rows, per_node, flits = 6, 4, 12, 5
    node = np.arange(columns * rows)
    x, y = node % columns, node // columns
    for to_x, to_y in ((x + 2, y), (x + 3, y), (x - 2, y + 1), (x + 3, y + 2)):
        network = Network(Torus(columns, rows), router=router, buffer_depth=depth)
        network.inject(
            0, np.tile(node, per_node), np.tile(to_x % columns + to_y % rows * columns, per_node), flits
        )
        network.drain()
        assert network.n_in_flight == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_random_loads_beyond_saturation_are_delivered_in_order(columns, rows, depth, seed):
    rng = np.random.default_rng(seed)
    n, n_packets = columns * rows, 200
    source, destination = rng.integers(0, n, n_packets), rng.integers(0, n, n_packets)
    network = Network(Torus(columns, rows), buffer_depth=depth)
    network.inject(0, source, destination, rng.integers(1, 7, n_packets))
    network.drain()
    for pair in np.unique(source * n + destination):
        assert (np.diff(network.arrival_cycles[source * n + destination == pair]) > 0).all()


def test_a_torus_carries_more_uniform_traffic_than_a_mesh():
    rng = np.random.default_rng(1)
    n = 30_000
    packets = np.sort(rng.integers(0, n // 32, n)), rng.integers(0, 64, n), rng.integers(0, 64, n)
    makespan = [simulate(*packets, topology=topology).max() for topology in (Mesh(8, 8), Torus(8, 8))]
    # Half the mean distance and twice the links across the middle; the mesh saturates at 0.37 flits.
    assert makespan[1] < 0.75 * makespan[0]


def test_a_description_may_ask_for_a_torus():
    description = load("loihi", {"noc.topology": "torus"}).description
    fabric = Fabric(description.noc, np.array([0, 4 * 7, 4 * 24]), 0)
    latency = fabric.lone_latency_ps(np.array([0, 0]), np.array([1, 2]))
    # The last tile of the row, and of the column, are one hop away.
    assert latency.tolist() == [2100 + 4100, 2100 + 6500]
