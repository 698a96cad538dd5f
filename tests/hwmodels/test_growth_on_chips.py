"""Networks that grow while a chip runs them."""

import numpy as np
import pytest

from pycosim.backends.base import Options
from pycosim.backends.native.simulation import NativeSimulation
from pycosim.errors import DoesNotFitError
from pycosim.hwmodels.simulation import build
from pycosim.network import Network, Plasticity

from .chip_networks import (
    RESTLESS,
    add_neurons,
    add_poisson,
    add_spikes,
    all_pairs,
    connect,
    random_network,
    record_all,
    spikes_of,
)

TABLES = {
    "packets": "emission_step source core emission_ps injection_ps arrival_ps lateness_steps".split(),
    "cores": (
        "core x y neurons synapses relays synaptic_events spikes packets_in packets_out busy_ps".split()
    ),
    "links": "x_from y_from x_to y_to flits".split(),
}
SLOW_MESH = {"noc.hop_x": "3 ms", "noc.hop_y": "3 ms", "noc.local": "7 ms", "noc.cycle": "1 ms"}
SLOW_MESH |= {"noc.flit": "1 ms"}


def on_chip(chip, network, values=None, **options):
    return build(chip, network, Options(**options, overrides=values or {}))


def restless(network, n, label="restless"):
    return add_neurons(network, n, label=label, **{k: RESTLESS[k] for k in ("i_offset", "tau_refrac")})


@pytest.mark.parametrize("timing", ["ideal", "trace", "closed"])
def test_growth_by_a_silent_source_changes_nothing_that_is_measured(chip, timing):
    def record(grows):
        network = random_network()
        simulation = on_chip(chip, network, timing=timing, speedup=50.0)
        simulation.advance(77)
        if grows:
            add_spikes(network, [], [], 3)
            simulation.network_grown()
        simulation.advance(73)
        return simulation.hardware, spikes_of(simulation, network)

    (alone, spikes), (grown, spikes_grown) = record(False), record(True)
    np.testing.assert_array_equal(spikes, spikes_grown)
    assert alone.sent > 500
    for table, columns in TABLES.items():
        for column in columns:
            one, two = (getattr(getattr(hardware, table), column) for hardware in (alone, grown))
            np.testing.assert_array_equal(one, two, err_msg=f"{table}.{column}")
    np.testing.assert_array_equal(alone.step_duration_ps, grown.step_duration_ps)
    assert alone.energy_j == grown.energy_j
    assert alone.utilisation == grown.utilisation
    assert "The network grew after step 77: " in grown.notes[0]
    assert alone.notes == grown.notes[1:]


def test_new_neurons_take_the_next_free_places():
    network = Network(1.0)
    add_neurons(network, 5)
    simulation = on_chip("loihi", network, {"mapping.neurons_per_core": 3}, timing="ideal")
    simulation.advance(2)
    add_neurons(network, 3, label="more")
    simulation.network_grown()
    assert simulation.hardware.core_of_neuron.tolist() == [0, 0, 0, 1, 1, 1, 2, 2]
    assert simulation.hardware.cores.neurons.tolist() == [3, 3, 2]


def test_neurons_placed_by_a_table_stay_and_later_ones_follow_in_sequence():
    network = Network(1.0)
    add_neurons(network, 3)
    simulation = on_chip("loihi", network, timing="ideal", mapping=np.array([7, 2, 9]))
    add_neurons(network, 2, label="more")
    simulation.network_grown()
    assert simulation.hardware.core_of_neuron.tolist() == [7, 2, 9, 9, 9]
    assert "not by the table of cores" in simulation.hardware.notes[0]


def test_a_neuron_that_would_need_too_many_inputs_on_the_open_core_opens_another():
    network = Network(1.0)
    target, sources = add_neurons(network, 1), add_poisson(network, 200)
    connect(network, *all_pairs(sources, target))
    simulation = on_chip("truenorth", network, timing="ideal")
    more, others = add_neurons(network, 2, label="more"), add_poisson(network, 100)
    connect(network, *all_pairs(others, more[:1]))
    connect(network, *all_pairs(sources, more[1:]))
    simulation.network_grown()
    cores = simulation.hardware.core_of_neuron
    assert [cores[i] for i in (*target, *more)] == [0, 1, 2]


def test_a_network_that_no_longer_fits_names_the_limit_and_goes_on_as_it_was():
    network = Network(1.0)
    neurons = restless(network, 200)
    record_all(network)
    chip = {"noc.shape": "1x1"}
    simulation = on_chip("truenorth", network, chip, timing="closed")
    simulation.advance(4)
    add_neurons(network, 57, label="too many")
    with pytest.raises(DoesNotFitError, match=r"cores: needs 2, the limit is 1"):
        simulation.network_grown()
    simulation.advance(4)
    assert simulation.spikes(0)[0].tolist() == np.repeat([1, 3, 5, 7], len(neurons)).tolist()


def grown_with_splitters(build_one):
    """Let neurons that have one target get more, so that they need splitters."""
    network = Network(1.0)
    sources, targets = restless(network, 3), add_neurons(network, 3, label="targets")
    connect(network, sources, targets, weights=3.0, delays=3)
    record_all(network)
    simulation = build_one(network)
    simulation.advance(10)
    later = add_neurons(network, 300, label="later")
    connect(network, *all_pairs(sources[:2], later), weights=6.0, delays=4)
    connect(network, later[:20], targets[0] + np.arange(20) % 3, weights=2.0, delays=2)
    record_all(network)
    simulation.network_grown()
    simulation.advance(20)
    late = add_neurons(network, 5, label="late")
    connect(network, *all_pairs(sources, late), weights=30.0, delays=2)
    record_all(network)
    simulation.network_grown()
    simulation.advance(20)
    return network, simulation


@pytest.mark.parametrize("timing", ["ideal", "trace", "closed"])
def test_neurons_that_get_more_targets_get_splitters(timing):
    network, simulation = grown_with_splitters(lambda net: on_chip("truenorth", net, timing=timing))
    native = spikes_of(*reversed(grown_with_splitters(NativeSimulation)))
    record = simulation.hardware
    assert record.relays > 0
    assert record.sent == record.delivered + record.in_flight
    assert native.shape[1] > 200
    assert record.late == 0
    np.testing.assert_array_equal(spikes_of(simulation, network), native)


def test_a_packet_that_is_under_way_meets_only_the_synapses_for_which_it_was_sent():
    network = Network(1.0)
    source = add_spikes(network, [1, 30], [0, 0], 1)
    old, other = add_neurons(network, 1, label="old"), add_neurons(network, 1, label="other")
    connect(network, source, old, weights=1.0, delays=1)
    simulation = on_chip("truenorth", network, SLOW_MESH, timing="closed")
    simulation.advance(3)
    assert simulation.hardware.in_flight == 1
    connect(network, source, old, weights=100.0, delays=1)
    connect(network, *all_pairs(source, other), weights=1.0, delays=1)
    simulation.network_grown()
    simulation.advance(20)
    assert simulation.hardware.late == 1
    lifted, untouched = simulation.state(1, "v")[0], simulation.state(2, "v")[0]
    assert -65.0 < lifted < -45.0
    assert untouched == -65.0
    simulation.advance(25)
    assert simulation.state(2, "v")[0] > -65.0


def test_a_late_packet_does_not_pass_through_plastic_synapses_that_are_newer():
    network = Network(1.0)
    source, cell = add_spikes(network, [1], [0], 1), add_neurons(network, 1)
    connect(network, source, cell, weights=1e-9, delays=1)
    simulation = on_chip("truenorth", network, SLOW_MESH, timing="closed")
    simulation.advance(3)
    connect(network, source, cell, weights=5.0, delays=1)
    parameters = {"tau_rec": 100.0, "tau_facil": 0.0, "U": 0.5}
    network.projections[-1].plasticity = Plasticity("TsodyksMarkram", parameters=parameters)
    simulation.network_grown()
    simulation.advance(20)
    assert simulation.hardware.late == 1
    assert simulation.state(1, "v")[0] < -64.999


def test_splitters_that_move_still_send_what_is_under_way_to_them():
    network = Network(1.0)
    source, targets = restless(network, 1), add_neurons(network, 2, label="targets")
    connect(network, *all_pairs(source, targets), weights=1.0, delays=np.array([3, 4]))
    simulation = on_chip("truenorth", network, SLOW_MESH | {"noc.local": "10 ms"}, timing="closed")
    simulation.advance(6)
    before = simulation.mapping.relay_core[0]
    connect(network, *all_pairs(source, targets), weights=1.0, delays=5)
    add_neurons(network, 600, label="many")
    simulation.network_grown()
    assert simulation.mapping.relay_core[0] == before
    assert before not in simulation.hardware.core_of_neuron
    first = simulation.hardware.sent
    simulation.advance(60)
    assert simulation.hardware.packets.arrived[:first].all()
