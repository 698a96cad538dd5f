"""Multicast by trees on chips, and boards of routers with six neighbours."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim.errors import ChipDescriptionError
from pycosim.hwmodels.hexagon import hexagon_places
from pycosim.hwmodels.load import load
from pycosim.hwmodels.noc import Hexagon, Network
from pycosim.network import Network as Neurons

from .chip_networks import add_neurons, add_spikes, all_pairs, connect, random_network, run_chip

LEVELS = ("cycle", "queue", "analytic")
# Some targets share a router, some share a part of the way.
TARGETS = {
    "loihi": [3, 9, 10, 44, 85, 127],
    "dynapse": [1, 2, 5, 14, 15],
    "spinnaker": [1, 90, 91, 300, 767],
}


def one_spike(chip, targets, timing="closed", values=None, sender=None):
    """Return the record of one spike, of a core or from outside, to some cores."""
    network = Neurons(1.0)
    if sender is None:
        source = add_spikes(network, [2], [0], 1)
    else:
        source = add_neurons(network, 1, i_offset=100.0, tau_refrac=100.0)
    connect(network, *all_pairs(source, add_neurons(network, len(targets))), delays=3, weights=1e-9)
    mapping = [-1 if sender is None else sender, *targets]
    return run_chip(chip, network, 8, mapping=mapping, timing=timing, values=values)[1]


@pytest.mark.parametrize("timing", ["ideal", "trace", "closed"])
@pytest.mark.parametrize("sender", [0, None])
@pytest.mark.parametrize("chip", TARGETS)
def test_a_multicast_spike_uses_each_link_of_its_tree_once(chip, sender, timing):
    # On DYNAP-SE, the cores of a chip listen to one event.
    apart = "router" if chip == "dynapse" else "none"
    tree, each = (
        one_spike(chip, TARGETS[chip], timing, {"noc.multicast": multicast}, sender)
        for multicast in ("tree", apart)
    )
    for column in ("x_from", "y_from", "x_to", "y_to"):
        np.testing.assert_array_equal(getattr(tree.links, column), getattr(each.links, column))
    assert set(tree.links.flits.tolist()) == {1}
    assert each.links.flits.max() > 1
    # One packet is sent, and all targets get theirs.
    assert tree.delivered == each.delivered == len(TARGETS[chip])
    assert sender is None or tree.cores.packets_out[0] == 1
    np.testing.assert_array_equal(tree.cores.packets_in, each.cores.packets_in)


@pytest.mark.parametrize("detail", LEVELS)
def test_a_lone_multicast_spike_reaches_each_core_as_fast_as_a_lone_packet(detail):
    values = {"noc.detail": detail, "noc.multicast": "tree"}
    # The cores are on different routers: of one router, those of a message wait for nothing either.
    targets = [9, 44, 85, 127]
    alone = [one_spike("loihi", [target], values=values, sender=0).packets for target in targets]
    together = one_spike("loihi", targets, values=values, sender=0).packets
    assert together.core.tolist() == targets
    np.testing.assert_array_equal(together.arrival_ps, [packets.arrival_ps[0] for packets in alone])


@pytest.mark.parametrize("chip", ["loihi", "spinnaker"])
def test_a_core_spends_the_time_of_one_packet_on_a_multicast_spike(chip):
    values = {"time.packet_out": "100 ns"}
    none, tree = (
        one_spike(chip, TARGETS[chip], values=values | {"noc.multicast": multicast}, sender=0)
        for multicast in ("none", "tree")
    )
    assert none.cores.busy_ps[0] - tree.cores.busy_ps[0] == (len(TARGETS[chip]) - 1) * 100_000


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 100), timing=st.sampled_from(["ideal", "trace"]))
def test_trees_carry_every_packet_over_fewer_links(seed, timing):
    network = random_network(n=40, n_sources=8, fan_in=6, seed=seed)
    none, router, tree = (
        run_chip(
            "loihi",
            network,
            40,
            timing=timing,
            values={"mapping.neurons_per_core": 2, "noc.multicast": multicast},
        )[1]
        for multicast in ("none", "router", "tree")
    )
    assert tree.links.flits.sum() < router.links.flits.sum() < none.links.flits.sum()
    assert tree.sent == router.sent == none.sent


def test_a_spinnaker_spike_pays_for_each_router_of_its_tree_once():
    assert load("spinnaker").description.noc.multicast == "tree"
    hardware = one_spike("spinnaker", TARGETS["spinnaker"], sender=0)
    n_routers = 1 + len(hardware.links.flits)
    # 1 nJ for 40 bits through a router (SpiNNMachine).
    assert hardware.energy_j["packets"] + hardware.energy_j["hops"] == pytest.approx(n_routers * 1e-9)
    assert hardware.energy_of_population_j["hops"][0] == pytest.approx((n_routers - 1) * 1e-9)


def test_a_hexagon_of_side_eight_has_the_48_chips_of_a_spinnaker_board():
    x, y = hexagon_places(8)
    # SpiNNMachine, version_5.py: columns 0 to 7 begin and end in these rows.
    begin, end = [0, 0, 0, 0, 0, 1, 2, 3], [3, 4, 5, 6, 7, 7, 7, 7]
    assert len(x) == 48
    for column in range(8):
        assert sorted(y[x == column].tolist()) == list(range(begin[column], end[column] + 1))


@pytest.mark.parametrize("side", [2, 4, 8])
def test_packets_in_a_hexagon_take_shortest_ways(side):
    network = Network(Hexagon(side))
    x, y = hexagon_places(side)
    source, target = np.divmod(np.arange(len(x) ** 2), len(x))
    right, up = x[target] - x[source], y[target] - y[source]
    shortest = np.where(right * up > 0, np.maximum(abs(right), abs(up)), abs(right) + abs(up))
    np.testing.assert_array_equal(network.path_hops(source, target), shortest)


@pytest.mark.parametrize("detail", LEVELS)
def test_a_hexagon_under_heavy_load_is_free_of_deadlock(detail):
    rng = np.random.default_rng(8)
    network = Network(Hexagon(6, 2), buffer_depth=1, detail=detail)
    n = network.n_terminals
    source = np.repeat(rng.integers(0, n, 2000), 3)
    target = rng.integers(0, n, len(source))
    network.inject(0, source, target, group=np.arange(len(source)) // 3)
    network.drain()
    assert network.n_in_flight == 0
    assert (network.arrival_cycles >= network.zero_load_cycles(source, target)).all()


def test_cores_of_a_hexagon_lie_where_its_routers_do():
    network = Neurons(1.0)
    add_neurons(network, 3)
    _, hardware = run_chip("spinnaker", network, 1, mapping=[0, 5 * 16, 767])
    assert hardware.shape == (32, 32)
    # On the chips (0, 0), (0, 1) and (7, 7), row by row on each.
    assert hardware.cores.x.tolist() == [0, 0, 31]
    assert hardware.cores.y.tolist() == [0, 4, 31]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"noc.multicast": "tree", "noc.router": "credit4"},
            "noc.multicast: is tree; it needs router = credit3",
        ),
        ({"noc.multicast": "tree", "noc.flits_per_packet": 2}, "flits_per_packet = 1, not credit3 and 2"),
        (
            {"noc.topology": "hexagon", "noc.shape": "8x6"},
            "noc.shape: is 8x6; topology = hexagon needs a square with an even side",
        ),
    ],
)
def test_trees_and_hexagons_that_cannot_be_are_refused(values, message):
    with pytest.raises(ChipDescriptionError, match=message):
        load("loihi", values)
