"""Multicast: packets that go as one until their ways part."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim.errors import InvalidInputError
from pycosim.hwmodels.noc import ChipMesh, Hierarchy, Mesh, Network, Torus

TOPOLOGIES = [
    Mesh(5, 4, 2, flit_cycles=2),
    Torus(5, 4),
    ChipMesh(2, 2, 3, 2, chip_cycles=9, chip_flit_cycles=4, shared_edges=True),
    Hierarchy(2, 2, (1, 4, 1)),
]
LEVELS = ("cycle", "queue", "analytic")


def names(topology):
    return type(topology).__name__


def carried(topology, packets, group, detail="cycle", **options):
    network = Network(topology, detail=detail, **options)
    network.inject(*packets, group=group)
    network.drain()
    assert network.n_in_flight == 0
    return network


def groups(rng, n_terminals, n_groups, last):
    """Return packets, and the group of each: one source each, several different destinations."""
    parts = []
    for cycle in np.sort(rng.integers(0, last, n_groups)):
        targets = rng.choice(n_terminals, rng.integers(1, min(8, n_terminals) + 1), replace=False)
        parts.append(
            (np.full(len(targets), cycle), np.full(len(targets), rng.integers(n_terminals)), targets)
        )
    sizes = [len(part[0]) for part in parts]
    return tuple(np.concatenate(columns) for columns in zip(*parts)), np.repeat(np.arange(n_groups), sizes)


@pytest.mark.parametrize("detail", LEVELS)
# Where no two links share a line, on which copies would wait for each other.
@pytest.mark.parametrize(
    "topology", [TOPOLOGIES[0], ChipMesh(2, 2, 3, 2, chip_cycles=9), TOPOLOGIES[3]], ids=names
)
def test_a_lone_multicast_reaches_each_target_as_fast_as_a_lone_packet(topology, detail):
    n = topology.n_terminals
    for source in range(0, n, 5):
        network = carried(topology, (0, source, np.arange(n)), np.zeros(n, int), detail)
        alone = network.zero_load_cycles(source, np.arange(n))
        np.testing.assert_array_equal(network.arrival_cycles, alone)
        assert set(network.launch_cycles.tolist()) == {0}


@pytest.mark.parametrize("topology", TOPOLOGIES, ids=names)
def test_every_link_of_the_tree_carries_one_flit(topology):
    n = topology.n_terminals
    rng = np.random.default_rng(1)
    for _ in range(20):
        targets = rng.choice(n, 6, replace=False)
        source = int(rng.integers(n))
        union = np.zeros(len(Network(topology).links), bool)
        for target in targets:
            union |= Network(topology).flow_flits(source, target, 1) > 0
        for detail in LEVELS:
            network = carried(topology, (0, source, targets), np.zeros(6, int), detail)
            np.testing.assert_array_equal(network.link_flits, union)


def test_copies_go_on_as_soon_as_their_own_output_is_free():
    # Node 1 of a row sends to 0 and 2; the way to 2 is busy with packets of node 0 that came before.
    packets = [0] * 10 + [4, 4], [0] * 10 + [1, 1], [2] * 10 + [0, 2]
    network = carried(Mesh(3, 1, flit_cycles=20), packets, [*range(10), 10, 10])
    left, right = network.arrival_cycles[-2:]
    assert left == 4 + 8
    assert right >= 20


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(TOPOLOGIES), st.sampled_from([1, 2, 8]), st.integers(0, 2**32 - 1))
def test_every_target_is_reached_once_and_never_before_a_lone_packet_would(topology, depth, seed):
    packets, group = groups(np.random.default_rng(seed), topology.n_terminals, 40, 60)
    arrivals = {}
    for detail in LEVELS:
        network = carried(topology, packets, group, detail, buffer_depth=depth)
        ids, cycles = network.take_arrivals()
        assert sorted(ids.tolist()) == list(range(len(group)))
        np.testing.assert_array_equal(network.arrival_cycles[ids], cycles)
        lone = network.zero_load_cycles(packets[1], packets[2])
        assert (network.arrival_cycles >= packets[0] + lone).all()
        arrivals[detail] = network.arrival_cycles
        if detail != "cycle":
            continue
        flits = network.link_flits
    np.testing.assert_array_equal(network.link_flits, flits)
    assert (arrivals["queue"] >= arrivals["analytic"]).all()


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(TOPOLOGIES), st.sampled_from(LEVELS), st.integers(0, 2**32 - 1))
def test_groups_of_one_are_ordinary_packets(topology, detail, seed):
    (cycle, source, destination), _ = groups(np.random.default_rng(seed), topology.n_terminals, 30, 40)
    single = carried(topology, (cycle, source, destination), np.arange(len(cycle)), detail)
    plain = carried(topology, (cycle, source, destination), None, detail)
    np.testing.assert_array_equal(single.arrival_cycles, plain.arrival_cycles)


@pytest.mark.parametrize("detail", LEVELS)
def test_multicast_needs_less_of_a_loaded_network_than_a_packet_for_each_target(detail):
    packets, group = groups(np.random.default_rng(4), 64, 2000, 500)
    together = carried(Mesh(8, 8), packets, group, detail)
    apart = carried(Mesh(8, 8), packets, None, detail)
    assert together.link_flits.sum() < 0.8 * apart.link_flits.sum()
    assert together.arrival_cycles.max() < apart.arrival_cycles.max()
    assert together.arrival_cycles.mean() < apart.arrival_cycles.mean()


def test_results_do_not_depend_on_how_the_run_is_cut():
    packets, group = groups(np.random.default_rng(6), 20, 200, 300)
    for detail in LEVELS:
        whole = carried(Torus(5, 4), packets, group, detail, buffer_depth=2)
        cut = Network(Torus(5, 4), detail=detail, buffer_depth=2)
        for number in range(200):
            rows = group == number
            cut.advance(max(cut.now, int(packets[0][rows][0])))
            cut.inject(*(column[rows] for column in packets), group=group[rows])
        cut.drain()
        np.testing.assert_array_equal(cut.arrival_cycles, whole.arrival_cycles)


def test_what_cannot_go_together_is_refused():
    network = Network(Mesh(4, 4))
    with pytest.raises(InvalidInputError, match="differ in cycle or source, or have several flits"):
        network.inject([0, 1], [0, 0], [1, 2], group=[7, 7])
    with pytest.raises(InvalidInputError, match="several flits"):
        network.inject(0, 0, [1, 2], 2, group=[7, 7])
    with pytest.raises(InvalidInputError, match="only credit3 copies packets"):
        Network(Mesh(4, 4), router="credit4").inject(0, 0, [1, 2], group=[7, 7])
    with pytest.raises(InvalidInputError, match="one whole number for each of 2 packets"):
        network.inject(0, 0, [1, 2], group=[7])
