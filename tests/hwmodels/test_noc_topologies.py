"""Latencies and work on meshes, concentrated meshes, hierarchies and networks with a routing table."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest

from pycosim.hwmodels.noc import Hierarchy, Mesh, Network, PortTable, RouterGraph, simulate

STAGES = {"credit3": 3, "credit4": 4, "credit5": 5}


def every_pair(n):
    source, destination = np.divmod(np.arange(n * n), n)
    return source, destination


def lone_latencies(topology, source, destination, flits=1, **options):
    """Latency of each packet when every packet has the network to itself."""
    far_apart = np.arange(len(source)) * 10_000_000
    network = Network(topology, **options)
    network.inject(far_apart, source, destination, flits)
    network.drain()
    return network.arrival_cycles - far_apart


def mesh_hops(source, destination, columns):
    return abs(source % columns - destination % columns) + abs(source // columns - destination // columns)


@pytest.mark.parametrize("flits", [1, 2, 4])
@pytest.mark.parametrize("router", sorted(STAGES))
def test_zero_load_latency_of_all_pairs_of_a_mesh_has_the_closed_form(router, flits):
    source, destination = every_pair(64)
    hops = mesh_hops(source, destination, 8)
    arrivals = lone_latencies(Mesh(8, 8), source, destination, flits, router=router)
    np.testing.assert_array_equal(arrivals, STAGES[router] * (hops + 1) + 2 + (flits - 1))


@pytest.mark.parametrize("flits", [1, 2, 4])
def test_zero_load_latency_of_the_handshake_router_has_the_closed_form(flits):
    source, destination = every_pair(64)
    arrivals = lone_latencies(Mesh(8, 8), source, destination, flits, router="handshake", buffer_depth=4)
    np.testing.assert_array_equal(arrivals, 2 * mesh_hops(source, destination, 8) + 2 * flits)


@pytest.mark.parametrize("router", [*sorted(STAGES), "handshake"])
@pytest.mark.parametrize("flits", [1, 3])
def test_zero_load_cycles_and_hops_agree_with_the_simulation(router, flits):
    source, destination = every_pair(15)
    network = Network(Mesh(5, 3), router=router)
    lone = lone_latencies(Mesh(5, 3), source, destination, flits, router=router)
    np.testing.assert_array_equal(network.zero_load_cycles(source, destination, flits), lone)
    np.testing.assert_array_equal(network.path_hops(source, destination), mesh_hops(source, destination, 5))


def test_hops_are_those_of_the_injected_packets():
    network = Network(Mesh(4, 4))
    network.inject([5, 0, 0], [0, 3, 7], [15, 12, 7])
    assert network.hops.tolist() == [6, 6, 0]


@pytest.mark.parametrize("router", sorted(STAGES))
@pytest.mark.parametrize("extra_cycles", [1, 10, 100, 399_999])
def test_slow_links_add_exactly_their_extra_cycles_per_hop(router, extra_cycles):
    source, destination = every_pair(16)
    slow = Mesh(4, 4, hop_cycles_x=1 + extra_cycles, hop_cycles_y=1 + extra_cycles)
    plain = lone_latencies(Mesh(4, 4), source, destination, 3, router=router)
    hops = mesh_hops(source, destination, 4)
    latencies = lone_latencies(slow, source, destination, 3, router=router)
    np.testing.assert_array_equal(latencies, plain + extra_cycles * hops)


def test_horizontal_and_vertical_links_may_differ():
    source, destination = every_pair(16)
    latencies = lone_latencies(Mesh(4, 4, hop_cycles_x=3, hop_cycles_y=100), source, destination)
    x_hops, y_hops = abs(source % 4 - destination % 4), abs(source // 4 - destination // 4)
    np.testing.assert_array_equal(latencies, 5 * (x_hops + 1) - 2 + 102 * y_hops + 2)


def test_a_slow_link_carries_one_flit_per_spacing():
    flits = 6
    (arrival,) = simulate(0, 0, 1, flits, topology=Mesh(2, 1, flit_cycles=50))
    assert arrival == 8 + 50 * (flits - 1)


def test_a_buffer_smaller_than_the_credit_loop_limits_the_rate_of_a_slow_link():
    link = 100
    flits, depth = 9, 4
    (arrival,) = simulate(0, 0, 1, flits, topology=Mesh(2, 1, hop_cycles_x=link), buffer_depth=depth)
    credit_loop = 3 + 2 * link
    assert arrival == 7 + link + (flits - 1) // depth * credit_loop + (flits - 1) % depth


def test_cores_of_one_tile_share_a_router():
    tile = Mesh(2, 2, terminals_per_router=4)
    assert tile.n_terminals == 16
    source, destination = every_pair(16)
    hops = mesh_hops(source // 4, destination // 4, 2)
    np.testing.assert_array_equal(lone_latencies(tile, source, destination), 3 * hops + 5)


def test_packets_of_the_cores_of_one_tile_wait_for_each_other_at_its_router():
    arrivals = simulate([0] * 4, [0, 1, 2, 3], [4] * 4, topology=Mesh(2, 1, terminals_per_router=4))
    assert arrivals.tolist() == [8, 9, 10, 11]


@pytest.mark.parametrize("router", sorted(STAGES))
def test_hierarchy_latency_is_the_sum_over_its_levels(router):
    top_x, top_y, to_r2, to_r1, to_core = 7, 11, 2, 3, 5
    chips = Hierarchy(3, 2, (1, 4, 1), top_x, top_y, (to_r2, to_r1, to_core))
    assert chips.n_terminals == 24
    source, destination = every_pair(24)
    chip, to_chip = source // 4, destination // 4
    x_hops, y_hops = abs(chip % 3 - to_chip % 3), abs(chip // 3 - to_chip // 3)
    same_core, same_chip = source == destination, chip == to_chip
    # Routers passed: R1; R1 R2 R1; R1 R2 R3 .. R3 R2 R1.
    routers = np.where(same_core, 1, np.where(same_chip, 3, 5 + x_hops + y_hops))
    links = 2 * to_core + np.where(same_core, 0, 2 * to_r1) + np.where(same_chip, 0, 2 * to_r2)
    links = links + x_hops * top_x + y_hops * top_y
    pipeline = STAGES[router] - 1  # cycles in a router besides the link behind it
    expected = 1 + pipeline * routers + links
    np.testing.assert_array_equal(lone_latencies(chips, source, destination, router=router), expected)
    network = Network(chips, router=router)
    np.testing.assert_array_equal(network.zero_load_cycles(source, destination), expected)
    np.testing.assert_array_equal(network.path_hops(source, destination), routers - 1)


def test_hierarchy_of_one_level_is_the_mesh():
    rng = np.random.default_rng(3)
    packets = np.sort(rng.integers(0, 300, 500)), rng.integers(0, 16, 500), rng.integers(0, 16, 500)
    as_mesh = simulate(*packets, topology=Mesh(4, 4))
    as_hierarchy = simulate(*packets, topology=Hierarchy(4, 4, (1,)))
    np.testing.assert_array_equal(as_mesh, as_hierarchy)


def test_mesh_need_not_be_square():
    east, south = simulate([0, 100], [0, 0], [4, 5], shape=(5, 3))
    assert (east, south) == (3 * 4 + 5, 100 + 3 * 1 + 5)


def test_links_join_neighbours_and_terminals():
    links = Network(Mesh(3, 2)).links
    between = (links.from_router >= 0) & (links.to_router >= 0)
    assert between.sum() == 2 * (2 * 2 + 3)
    step = abs(links.from_router - links.to_router)[between]
    assert set(step.tolist()) == {1, 3}
    ejection = links.to_terminal >= 0
    np.testing.assert_array_equal(links.to_terminal[ejection], links.from_router[ejection])
    injection = links.from_terminal >= 0
    np.testing.assert_array_equal(links.from_terminal[injection], np.arange(6))
    np.testing.assert_array_equal(links.to_router[injection], np.arange(6))
    assert len(links) == between.sum() + 6 + 6


def test_links_of_a_hierarchy_have_the_cycles_of_their_level():
    links = Network(Hierarchy(2, 1, (1, 2, 1), 7, 1, (2, 3, 5))).links
    # Routers: two R3 (0, 1), two R2 (2, 3), four R1 (4 .. 7).
    cycles = {
        (a, b): c
        for a, b, c in zip(
            links.from_router.tolist(), links.to_router.tolist(), links.cycles.tolist(), strict=True
        )
    }
    assert cycles[0, 1] == cycles[1, 0] == 7
    assert cycles[0, 2] == cycles[2, 0] == 2
    assert cycles[2, 5] == cycles[5, 2] == 3
    assert cycles[5, -1] == cycles[-1, 5] == 5


def test_idle_time_costs_nothing():
    work = []
    for pause in (100, 10**15):
        network = Network(Mesh(8, 8))
        network.inject([0, pause], [0, 0], [63, 63])
        network.drain()
        work.append(network.n_router_visits)
        assert network.arrival_cycles.tolist() == [47, pause + 47]
    assert work[0] == work[1] == 2 * 15


def test_idle_routers_cost_nothing():
    small, large = Network(Mesh(3, 3)), Network(Mesh(64, 64))
    small.inject(0, 0, 2)
    large.inject(0, 0, 2)
    small.drain()
    large.drain()
    assert small.n_router_visits == large.n_router_visits == 3


@pytest.mark.parametrize("router", ["credit3", "credit4", "credit5", "handshake"])
def test_work_goes_with_flit_moves_even_when_packets_block_each_other(router):
    rng = np.random.default_rng(4)
    n = 4000
    network = Network(Mesh(8, 8), router=router, buffer_depth=2)
    network.inject(0, rng.integers(0, 64, n), rng.integers(0, 64, n), 3)
    network.drain()
    assert network.n_flit_moves == 3 * (n + network.hops.sum())
    assert network.n_router_visits < 2 * network.n_flit_moves


def test_work_does_not_grow_with_the_length_of_links():
    work = []
    for cycles in (2, 400_000):
        network = Network(Mesh(8, 8, hop_cycles_x=cycles, hop_cycles_y=cycles))
        network.inject(np.arange(64) * 10**8, np.arange(64), 63 - np.arange(64))
        network.drain()
        work.append(network.n_router_visits)
    assert work[0] == work[1]


def test_handshake_priority_is_a_function_of_the_cycle():
    source, destination = [1, 4, 6, 9], [5, 5, 5, 5]
    winners = []
    for start in range(12):
        arrivals = simulate([start] * 4, source, destination, shape=(4, 4), router="handshake")
        later = simulate([start + 6 * 10**12] * 4, source, destination, shape=(4, 4), router="handshake")
        assert (later - arrivals == 6 * 10**12).all()
        winners.append(int(np.argmin(arrivals)))
    assert winners[:6] == winners[6:]
    assert set(winners) == {0, 1, 2, 3}


def test_networks_in_several_threads_do_not_disturb_each_other():
    rng = np.random.default_rng(5)
    n = 20_000
    packets = np.sort(rng.integers(0, 2000, n)), rng.integers(0, 64, n), rng.integers(0, 64, n)
    alone = simulate(*packets)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda _: simulate(*packets), range(8)))
    for arrivals in together:
        np.testing.assert_array_equal(arrivals, alone)


@dataclass(frozen=True)
class Ring:
    """Routers in a ring, each with one terminal; packets go one way round, or the shorter way."""

    routers: int
    one_way: bool = False

    def graph(self):
        n = self.routers
        router = np.arange(n)
        first_port = 3 * np.arange(n + 1)
        peer = np.full(3 * n, -1)
        peer[0::3] = 3 * ((router + 1) % n) + 1
        peer[1::3] = 3 * ((router - 1) % n)
        terminal = np.full(3 * n, -1)
        terminal[2::3] = router
        ones = np.ones(3 * n, np.int64)
        distance = (router[None, :] - router[:, None]) % n
        forward = self.one_way | (distance <= n // 2)
        next_port = np.where(distance == 0, 2, np.where(forward, 0, 1)).astype(np.uint8)
        return RouterGraph(first_port, peer, terminal, ones, ones, PortTable(next_port))


def test_a_topology_with_a_routing_table_needs_no_other_code():
    source, destination = every_pair(7)
    distance = (destination - source) % 7
    hops = np.minimum(distance, 7 - distance)
    np.testing.assert_array_equal(lone_latencies(Ring(7), source, destination), 3 * hops + 5)
    network = Network(Ring(7))
    np.testing.assert_array_equal(network.path_hops(source, destination), hops)


def test_a_ring_of_waiting_packets_is_reported_and_not_simulated_for_ever():
    network = Network(Ring(4, one_way=True), buffer_depth=1)
    network.inject(0, [0, 1, 2, 3], [2, 3, 0, 1], 8)
    with pytest.raises(ValueError, match="4 of 4 packets wait for each other"):
        network.drain()
