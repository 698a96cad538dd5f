"""The levels of detail of the network-on-chip, held against each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim.errors import InvalidInputError
from pycosim.hwmodels.noc import ChipMesh, Hierarchy, Mesh, Network, Torus, simulate

from .noc_traffic import cases, check_cut_run, chip_meshes, hierarchies, meshes, tori
from .stepped_network import STAGES
from .test_noc_reference import CASES, listed, width

LESS_DETAIL = ("queue", "analytic")
TOPOLOGIES = [
    Mesh(5, 4, 2, hop_cycles_x=3, hop_cycles_y=7, flit_cycles=2),
    Torus(5, 4, 2, hop_cycles_x=3, hop_cycles_y=7),
    ChipMesh(2, 2, 3, 2, chip_cycles=30, chip_flit_cycles=9, shared_edges=True),
    Hierarchy(2, 2, (1, 4, 1), 7, 9, (2, 3, 5), 6, (4, 2, 1)),
]


def arrivals(topology, packets, detail, **options):
    network = Network(topology, detail=detail, **options)
    network.inject(*packets)
    network.drain()
    return network.arrival_cycles


def uniform(n_terminals, n, last, flits, seed=5):
    rng = np.random.default_rng(seed)
    source = rng.integers(0, n_terminals, n)
    destination = (source + rng.integers(1, n_terminals, n)) % n_terminals
    return np.sort(rng.integers(0, last, n)), source, destination, flits


@pytest.mark.parametrize("topology", TOPOLOGIES, ids=lambda topology: type(topology).__name__)
@pytest.mark.parametrize("flits", [1, 3])
@pytest.mark.parametrize("router", sorted(STAGES))
def test_packets_that_meet_no_others_arrive_in_the_same_cycle_at_all_levels(topology, flits, router):
    n = topology.n_terminals
    source, destination = np.divmod(np.arange(n * n), n)
    packets = 10_000 * np.arange(n * n), source, destination, flits
    exact = arrivals(topology, packets, "cycle", router=router)
    for detail in LESS_DETAIL:
        np.testing.assert_array_equal(arrivals(topology, packets, detail, router=router), exact)


@pytest.mark.parametrize("flits", [1, 4])
def test_the_handshake_router_has_all_levels(flits):
    source, destination = np.divmod(np.arange(225), 15)
    packets = 1000 * np.arange(225), source, destination, flits
    exact = arrivals(Mesh(5, 3), packets, "cycle", router="handshake")
    for detail in LESS_DETAIL:
        np.testing.assert_array_equal(arrivals(Mesh(5, 3), packets, detail, router="handshake"), exact)


@pytest.mark.parametrize("case", [c for c in CASES if c.startswith(("zl_", "m1_", "m3_", "m9_", "neighbor"))])
def test_queues_are_exact_where_no_two_inputs_compete_for_an_output(case):
    shape = (width(case), width(case))
    np.testing.assert_array_equal(
        simulate(*listed(case), shape=shape, detail="queue"), simulate(*listed(case), shape=shape)
    )


@settings(max_examples=100, deadline=None)
@given(
    cases(st.one_of(meshes, hierarchies(), tori, chip_meshes)),
    st.sampled_from(sorted(STAGES)),
    st.sampled_from([1, 2, 8]),
)
def test_contention_never_makes_a_packet_earlier(case, router, depth):
    topology, packets = case
    packets = np.array(packets).T
    queue, analytic, cycle = (
        arrivals(topology, packets, detail, router=router, buffer_depth=depth)
        for detail in ("queue", "analytic", "cycle")
    )
    assert (queue >= analytic).all()
    assert (cycle >= analytic).all()


@settings(max_examples=60, deadline=None)
@given(
    cases(st.one_of(meshes, hierarchies(), tori, chip_meshes)),
    st.sampled_from(LESS_DETAIL),
    st.lists(st.integers(1, 60), max_size=30),
)
def test_results_do_not_depend_on_how_the_run_is_cut(case, detail, steps):
    topology, packets = case
    packets = sorted(packets)
    whole = Network(topology, detail=detail)
    whole.inject(*np.array(packets).T)
    end = whole.drain()
    check_cut_run(Network(topology, detail=detail), packets, steps, whole, end)


@pytest.mark.parametrize("topology", TOPOLOGIES, ids=lambda topology: type(topology).__name__)
def test_links_carry_the_same_flits_at_all_levels_and_without_simulation(topology):
    cycle, source, destination, flits = uniform(topology.n_terminals, 400, 300, 2)
    counts = []
    for detail in ("cycle", *LESS_DETAIL):
        network = Network(topology, detail=detail)
        network.inject(cycle, source, destination, flits)
        network.drain()
        counts += [network.link_flits, network.flow_flits(source, destination, flits)]
    for count in counts[1:]:
        np.testing.assert_array_equal(count, counts[0])


def test_a_link_of_a_queue_takes_one_flit_per_spacing():
    arrived = simulate(np.zeros(20, int), 0, 1, 1, topology=Mesh(2, 1, flit_cycles=9), detail="queue")
    assert arrived.tolist() == (8 + 9 * np.arange(20)).tolist()
    analytic = simulate(np.zeros(20, int), 0, 1, 1, topology=Mesh(2, 1, flit_cycles=9), detail="analytic")
    assert analytic.tolist() == (8 + np.arange(20)).tolist()


# Mean latency against the level "cycle", on 8x8 meshes of routers with 8 places for each input.
# Measured: +0.003, +0.08 and +0.7 % at 10, 40 and 80 % of the saturation of uniform traffic, 0.37 flits.
@pytest.mark.parametrize(("load", "bound"), [(0.037, 0.001), (0.15, 0.002), (0.3, 0.015)])
def test_the_mean_latency_of_queues_is_that_of_the_routers_up_to_saturation(load, bound):
    n = 20_000
    packets = uniform(64, n, int(n / 64 / load), 1)
    latency = {d: (arrivals(Mesh(8, 8), packets, d) - packets[0]).mean() for d in ("cycle", *LESS_DETAIL)}
    assert latency["queue"] == pytest.approx(latency["cycle"], rel=bound)
    assert latency["analytic"] < latency["queue"]


@pytest.mark.parametrize("router", sorted(STAGES))
@pytest.mark.parametrize("flits", [1, 4])
def test_the_mean_latency_of_queues_is_near_in_bursts_for_every_router(router, flits):
    rng = np.random.default_rng(2)
    n = 4000
    packets = 2000 * np.sort(rng.integers(0, 20, n)), rng.integers(0, 64, n), rng.integers(0, 64, n), flits
    exact, queue = (arrivals(Mesh(8, 8), packets, d, router=router) - packets[0] for d in ("cycle", "queue"))
    # Measured: at most 0.23 %.
    assert queue.mean() == pytest.approx(exact.mean(), rel=0.005)


def test_arrivals_are_reported_from_the_cycle_on_in_which_they_happen():
    network = Network(Mesh(4, 4), detail="analytic")
    network.inject([0, 50], [0, 0], [15, 15])
    network.advance(10)
    assert (network.n_in_flight, network.arrival_cycles.tolist()) == (2, [-1, -1])
    network.advance(24)
    assert (network.n_in_flight, network.arrival_cycles.tolist()) == (1, [23, -1])
    assert network.take_arrivals()[0].tolist() == [0]


def test_an_unknown_level_is_refused():
    with pytest.raises(InvalidInputError, match=r"detail 'rough'; it is not known\. Use one of cycle, queue"):
        Network(Mesh(2, 2), detail="rough")


@pytest.mark.parametrize("detail", ["cycle", *LESS_DETAIL])
@pytest.mark.parametrize("flits", [1, 3])
def test_a_network_that_forgets_packets_carries_and_numbers_them_as_one_that_does_not(detail, flits):
    taken = []
    for remember in (True, False):
        network = Network(TOPOLOGIES[0], detail=detail, remember=remember)
        seen = []
        for round_ in range(4):
            cycle, source, destination, _ = uniform(network.n_terminals, 200, 60, flits, seed=round_)
            group = None
            if flits == 1:
                cycle, source, group = np.full(200, 3), np.repeat(source[:40], 5), np.repeat(np.arange(40), 5)
            network.inject(network.now + cycle, source, destination, flits, group=group)
            network.drain()
            seen.append(network.take_arrivals())
        assert len(network.arrival_cycles) == (800 if remember else 200)
        assert network.n_packets == 800
        taken.append((np.concatenate(seen, axis=1), network.link_flits))
    for kept, forgotten in zip(*taken):
        np.testing.assert_array_equal(kept, forgotten)
