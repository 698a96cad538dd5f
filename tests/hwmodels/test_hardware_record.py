"""What the hardware record of a run holds."""

import numpy as np
import pytest

from pycosim.backends.base import Options
from pycosim.hwmodels.load import load
from pycosim.hwmodels.simulation import build
from pycosim.network import Network

from .chip_networks import ALWAYS, add_neurons, add_spikes, all_pairs, connect, random_network, run_chip


def positions(table, core):
    row = int(np.flatnonzero(table.core == core)[0])
    return float(table.x[row]), float(table.y[row])


@pytest.mark.parametrize(
    ("chip", "shape", "places"),
    [
        ("loihi", (16, 8), {0: (0, 0), 1: (1, 0), 2: (0, 1), 3: (1, 1), 4: (2, 0), 32: (0, 2), 127: (15, 7)}),
        ("truenorth", (64, 64), {0: (0, 0), 1: (1, 0), 64: (0, 1), 4095: (63, 63)}),
        ("dynapse", (4, 4), {0: (0, 0), 3: (1, 1), 4: (2, 0), 8: (0, 2), 15: (3, 3)}),
    ],
)
def test_cores_lie_on_the_floor_plan_where_their_numbers_say(chip, shape, places):
    network = Network(1.0)
    add_neurons(network, len(places))
    _, hardware = run_chip(chip, network, 1, mapping=list(places))
    assert hardware.shape == shape
    assert {core: positions(hardware.cores, core) for core in places} == places


def test_links_lie_between_the_routers_of_their_cores():
    network = Network(1.0)
    connect(network, *all_pairs(add_neurons(network, 1, **ALWAYS), add_neurons(network, 1)), delays=2)
    _, hardware = run_chip("loihi", network, 2, mapping=[0, 4 * 9])
    links = hardware.links
    ends = zip(links.x_from, links.y_from, links.x_to, links.y_to, links.flits)
    # From the tile (0, 0) with its middle at (0.5, 0.5) east to (1, 0), then to (1, 1).
    assert set(ends) == {(0.5, 0.5, 2.5, 0.5, 1), (2.5, 0.5, 2.5, 2.5, 1)}


def test_links_of_the_hierarchy_lead_from_cores_to_the_middle_of_their_chip():
    network = Network(1.0)
    connect(network, *all_pairs(add_neurons(network, 1, **ALWAYS), add_neurons(network, 1)), delays=2)
    _, hardware = run_chip("dynapse", network, 2, mapping=[0, 7])
    links = hardware.links
    ends = zip(links.x_from, links.y_from, links.x_to, links.y_to)
    assert set(ends) == {(0, 0, 0.5, 0.5), (0.5, 0.5, 2.5, 0.5), (2.5, 0.5, 3, 1)}


def test_one_event_per_chip_reaches_all_cores_of_the_mask():
    network = Network(1.0)
    connect(network, *all_pairs(add_neurons(network, 1, **ALWAYS), add_neurons(network, 4)), delays=2)
    _, hardware = run_chip("dynapse", network, 2, mapping=[0, 4, 5, 6, 7])
    assert hardware.sent == hardware.delivered == 4
    assert hardware.cores.packets_out.tolist() == [1, 0, 0, 0, 0]
    assert hardware.cores.packets_in.tolist() == [0, 1, 1, 1, 1]
    assert len(set(hardware.packets.arrival_ps.tolist())) == 1
    assert hardware.links.flits.max() == 1


def test_events_and_packets_are_counted_where_they_happen(chip):
    network = Network(1.0)
    sources = add_spikes(network, [0, 2, 4], [0, 1, 0], 2)
    targets = add_neurons(network, 6)
    connect(network, *all_pairs(sources, targets), delays=3)
    _, hardware = run_chip(chip, network, 10, mapping=[0, 0, 1, 1, 1, 1, 2, 2])
    assert hardware.cores.core.tolist() == [1, 2]
    assert hardware.cores.neurons.tolist() == [4, 2]
    assert hardware.cores.synapses.tolist() == [8, 4]
    assert hardware.cores.packets_in.tolist() == [3, 3]
    assert hardware.cores.synaptic_events.tolist() == [12, 6]
    assert hardware.cores.packets_out.tolist() == [0, 0]
    assert hardware.packets.source.tolist() == [0, 0, 1, 1, 0, 0]
    assert hardware.packets.emission_ps.tolist() == [0, 0, 2 * 10**9, 2 * 10**9, 4 * 10**9, 4 * 10**9]


def test_the_record_may_be_asked_for_at_any_time(chip):
    network = random_network()
    simulation = build(chip, network)
    assert simulation.hardware.sent == 0
    simulation.advance(50)
    first = simulation.hardware
    simulation.advance(50)
    second = simulation.hardware
    assert (len(first.step_duration_ps), len(second.step_duration_ps)) == (50, 100)
    assert 0 < first.sent < second.sent
    np.testing.assert_array_equal(second.packets.emission_ps[: first.sent], first.packets.emission_ps)


def test_the_record_says_how_the_run_was_made(chip):
    options = Options(timing="trace", speedup=2.0, overrides={"noc.slowdown": 3})
    simulation = build(chip, random_network(), options)
    simulation.advance(3)
    record = simulation.hardware
    assert record.options == {
        "timing": "trace",
        "arithmetic": "float",
        "speedup": 2.0,
        "mapping": "sequential",
        "detail": "cycle",
        "inputs": "steps",
        "overrides": {"noc.slowdown": 3},
    }
    assert (record.chip, record.discipline) == (chip, load(chip).chip.discipline)
    assert record.period_ps == 500_000_000
    assert set(record.energy_j) == set(record.energy_assumed)
    assert all(used <= limit for used, limit in record.utilisation.values())


def test_assumed_constants_are_named_in_the_notes():
    _, hardware = run_chip("truenorth", random_network(), 2)
    assert any("noc.hop_x = 10 ns" in note and "ssumed" in note for note in hardware.notes)
    _, hardware = run_chip("dynapse", random_network(), 2)
    assert any("Recalled" in note and "time.packet_in = 27 ns" in note for note in hardware.notes)
    assert any("nearest step" in note for note in hardware.notes)


def test_input_that_comes_faster_than_it_can_be_put_in_is_noted():
    network = Network(0.001)
    sources = add_spikes(network, np.zeros(200, int), np.arange(200), 200)
    connect(network, sources, np.repeat(np.asarray(add_neurons(network, 4)), 50), delays=2)
    _, hardware = run_chip("dynapse", network, 3)
    assert any("faster than they can be put in" in note for note in hardware.notes)


def test_a_network_without_synapses_or_without_neurons_runs(chip):
    lonely = Network(1.0)
    add_neurons(lonely, 3, **ALWAYS)
    _, hardware = run_chip(chip, lonely, 10)
    assert (hardware.sent, hardware.cores.spikes.sum()) == (0, 15)
    inputs_only = Network(1.0)
    add_spikes(inputs_only, [1, 2], [0, 0], 1)
    _, hardware = run_chip(chip, inputs_only, 10)
    assert (hardware.sent, len(hardware.cores.core)) == (0, 0)


def test_a_source_that_emits_several_spikes_in_a_step_sends_as_many_packets(chip):
    network = Network(1.0)
    connect(network, add_spikes(network, [4, 4, 4], [0, 0, 0], 1), add_neurons(network, 1), delays=2)
    _, hardware = run_chip(chip, network, 10)
    assert hardware.sent == hardware.delivered == 3
