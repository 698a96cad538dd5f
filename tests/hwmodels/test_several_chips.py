"""Systems of several chips: numbering, links between chips, shared edges, barriers, energy."""

import numpy as np
import pytest

from pycosim.errors import ChipDescriptionError
from pycosim.hwmodels.load import load
from pycosim.hwmodels.noc import ChipMesh, Mesh, Network
from pycosim.hwmodels.timing.disciplines import barrier_ps
from pycosim.hwmodels.timing.fabric import Fabric
from pycosim.network import Network as Neurons

from .chip_networks import ALWAYS, add_neurons, add_spikes, all_pairs, connect, random_network, run_chip


def fabric_of(chip, cores, **values):
    description = load(chip, values).description
    return Fabric(description.noc, np.array(cores), description.mapping.entry_router)


def test_a_message_to_the_next_loihi_chip_takes_the_hops_on_both_and_the_link_between_them():
    # Core 0 is on the tile (0, 0) of the first chip, core 128 on the first tile of the second chip, (8, 0).
    fabric = fabric_of("loihi", [0, 1, 128, 128 + 4 * 9], **{"noc.chips": "2x1", "noc.chip_hop": "250 ns"})
    local, first, inside = fabric.lone_latency_ps(np.zeros(3, int), np.arange(1, 4))
    assert first - local == 7 * 4100 + 250_000
    assert inside - first == 4100 + 6500


def test_cores_of_several_chips_are_numbered_chip_by_chip_and_lie_side_by_side():
    network = Neurons(1.0)
    add_neurons(network, 4)
    _, hardware = run_chip("loihi", network, 1, mapping=[0, 127, 128, 384], values={"noc.chips": "2x2"})
    assert hardware.shape == (32, 16)
    assert hardware.cores.x.tolist() == [0, 15, 16, 16]
    assert hardware.cores.y.tolist() == [0, 7, 0, 8]


def test_a_mesh_of_one_chip_and_one_of_equal_links_are_the_plain_mesh():
    rng = np.random.default_rng(3)
    n = 2000
    packets = np.sort(rng.integers(0, 800, n)), rng.integers(0, 48, n), rng.integers(0, 48, n), 2
    plain = Network(Mesh(8, 6))
    plain.inject(*packets)
    plain.drain()
    one = Network(ChipMesh(1, 1, 8, 6))
    one.inject(*packets)
    one.drain()
    np.testing.assert_array_equal(one.arrival_cycles, plain.arrival_cycles)
    four = ChipMesh(2, 2, 4, 3)
    x, y = four.graph().routing.terminal_x, four.graph().routing.terminal_y
    number = np.empty(48, int)
    number[y * 8 + x] = np.arange(48)
    split = Network(four)
    split.inject(packets[0], number[packets[1]], number[packets[2]], 2)
    split.drain()
    np.testing.assert_array_equal(split.arrival_cycles, plain.arrival_cycles)


@pytest.mark.parametrize("detail", ["cycle", "queue"])
def test_the_rows_at_the_edge_of_a_chip_share_one_serial_link(detail):
    rows, spacing, per_row = 4, 7, 25
    sources, targets = np.arange(rows) * 2 + 1, 8 + np.arange(rows) * 2
    arrivals = {}
    for shared in (False, True):
        network = Network(
            ChipMesh(2, 1, 2, rows, chip_flit_cycles=spacing, shared_edges=shared), detail=detail
        )
        network.inject(0, np.tile(sources, per_row), np.tile(targets, per_row))
        network.drain()
        arrivals[shared] = np.sort(network.arrival_cycles)
    assert set(np.diff(arrivals[False])) == {0, spacing}
    assert set(np.diff(arrivals[True])) == {spacing}
    assert arrivals[True][0] == arrivals[False][0]
    assert arrivals[True][-1] - arrivals[True][0] == (rows * per_row - 1) * spacing


def test_split_packets_stay_in_their_rows():
    network = Network(ChipMesh(2, 1, 2, 3, shared_edges=True))
    network.inject(0, [1, 3, 5], [6, 8, 10])
    network.drain()
    links, flits = network.links, network.link_flits
    crossing = (links.from_router >= 0) & (links.from_router < 6) & (links.to_router >= 6)
    assert sorted(zip(links.from_router[crossing], links.to_router[crossing], flits[crossing])) == [
        (1, 6, 1),
        (3, 8, 1),
        (5, 10, 1),
    ]


def test_a_truenorth_edge_passes_as_many_spikes_per_second_as_published():
    cores = np.append(63 + 64 * np.arange(64), 4096 + 64 * np.arange(64))
    fabric = fabric_of("truenorth", cores, **{"noc.chips": "2x1"})
    fabric.send(np.zeros(640, np.int64), np.tile(np.arange(64), 10), np.tile(np.arange(64, 128), 10))
    arrival = fabric.run_until_idle()[1]
    rate = 639 / (arrival.max() - arrival.min()) * 1e12
    # 160 Mspikes/s over four edges with two directions each (M14, S6).
    assert 8 * rate == pytest.approx(160e6, rel=0.001)


def test_a_barrier_over_chips_has_the_measured_times_and_a_slope_of_0_21_us():
    def barrier(chips, used):
        return barrier_ps(load("loihi", {"noc.chips": chips}).description, np.asarray(used) * 128)

    assert barrier("4x64", np.arange(256)) == 14_300_000
    assert barrier("12x64", np.arange(768)) == 16_200_000
    small = [barrier("8x8", used) for used in ([0, 1], [0, 1, 2], [0, 1, 2, 3], [0, 9])]
    np.testing.assert_allclose(small, np.array([3, 4, 5, 4]) * 0.21e6, rtol=0.002)


def test_one_chip_of_several_keeps_its_own_barrier():
    description = load("loihi", {"noc.chips": "2x2"}).description
    assert barrier_ps(description, np.array([0])) == 113_000
    assert barrier_ps(description, np.arange(128)) == 465_000
    assert barrier_ps(description, 128 + np.arange(128)) == 465_000


def test_steps_over_two_chips_end_with_the_barrier_over_chips():
    network = Neurons(1.0)
    connect(network, *all_pairs(add_neurons(network, 1), add_neurons(network, 1)), delays=2)
    values = {"noc.chips": "2x1"}
    _, together = run_chip("loihi", network, 3, mapping=[0, 1], values=values)
    _, apart = run_chip("loihi", network, 3, mapping=[0, 128], values=values)
    # Two neurons of 8.4 ns each; on two cores of one tile, 113 ns; over a row of two chips 3 x 0.2103 us.
    assert set(together.step_duration_ps.tolist()) == {8_400 + 113_000}
    assert set(apart.step_duration_ps.tolist()) == {8_400 + round(3 * 14_300_000 / 68)}


def test_energy_of_links_between_chips_is_their_own_cause():
    network = Neurons(1.0)
    sources = add_spikes(network, [1, 2, 3], [0, 0, 0], 1)
    neurons = add_neurons(network, 1, **ALWAYS)
    connect(network, *all_pairs(sources, neurons), delays=2)
    connect(network, *all_pairs(neurons, add_neurons(network, 1)), delays=4)
    _, hardware = run_chip("truenorth", network, 10, mapping=[0, 63, 4096], values={"noc.chips": "2x1"})
    n = hardware.cores.spikes[0]
    assert hardware.energy_j["links between chips"] == pytest.approx(n * 832e-12)
    _, one_chip = run_chip("truenorth", network, 10, mapping=[0, 63, 64])
    assert "links between chips" not in one_chip.energy_j
    assert hardware.energy_j["static"] == pytest.approx(2 * one_chip.energy_j["static"])
    _, loihi = run_chip("loihi", network, 10, mapping=[0, 63, 128], values={"noc.chips": "2x1"})
    assert loihi.energy_j["links between chips"] is None


def test_networks_too_large_for_one_chip_fill_the_next():
    network = random_network(n=300)
    values = {"mapping.neurons_per_core": 2, "noc.chips": "2x1"}
    spikes, hardware = run_chip("loihi", network, 50, values=values)
    assert hardware.cores.core.max() == 149
    assert hardware.late == 0
    np.testing.assert_array_equal(spikes, run_chip("loihi", network, 50)[0])


def test_several_chips_need_the_times_of_the_links_between_them():
    with pytest.raises(ChipDescriptionError, match="topology = mesh, not hierarchy"):
        load("dynapse", {"noc.chips": "2x1"})
    with pytest.raises(
        ChipDescriptionError, match=r"noc\.chip_hop: is 200 ps; it must be a multiple of cycle"
    ):
        load("loihi", {"noc.chips": "2x1", "noc.chip_hop": "0.2 ns"})
