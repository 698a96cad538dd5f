"""TrueNorth's rule of one axon (core, type and delay) per neuron, and the splitters that help."""

import numpy as np
import pytest

from pycosim.errors import DoesNotFitError
from pycosim.hwmodels.load import load
from pycosim.hwmodels.simulation import fit
from pycosim.network import Network

from .chip_networks import (
    RESTLESS,
    add_neurons,
    add_poisson,
    add_spikes,
    all_pairs,
    connect,
    record_all,
    run_chip,
    run_native,
)


def two_targets(delays=(3, 3)):
    """Return a restless neuron and two targets; an explicit mapping puts each on a core of its own."""
    network = Network(1.0)
    source = add_neurons(network, 1, label="source", **{k: RESTLESS[k] for k in ("i_offset", "tau_refrac")})
    targets = add_neurons(network, 2, label="targets")
    connect(network, *all_pairs(source, targets), weights=40.0, delays=np.array(delays))
    record_all(network)
    return network


APART = np.array([0, 70, 140])


def test_two_target_cores_need_two_relays_on_a_core_of_their_own():
    mapping, utilisation = fit(load("truenorth"), two_targets(), APART)
    assert mapping.n_relays == 2
    relay_core = mapping.relay_core[0]
    assert relay_core not in APART
    assert mapping.relays_of_core[relay_core] == 2
    assert mapping.axons_of_core[relay_core] == 1
    assert utilisation["cores"] == (4, 4096)


def test_one_target_core_at_one_delay_needs_no_relays():
    mapping, _ = fit(load("truenorth"), two_targets(), np.array([0, 70, 70]))
    assert mapping.n_relays == 0


def test_two_delays_to_the_same_core_are_two_targets():
    mapping, _ = fit(load("truenorth"), two_targets(delays=(3, 4)), np.array([0, 70, 70]))
    assert mapping.n_relays == 2
    assert mapping.axons_of_core[70] == 2


def test_without_splitters_two_targets_are_refused():
    with pytest.raises(
        DoesNotFitError, match=r"targets of a neuron \(core, type and delay\): needs 2, the limit is 1"
    ):
        fit(load("truenorth", {"mapping.splitters": False}), two_targets(), APART)


def test_external_sources_need_no_splitters():
    network = Network(1.0)
    sources, targets = add_poisson(network, 3), add_neurons(network, 2)
    connect(network, *all_pairs(sources, targets))
    mapping, _ = fit(load("truenorth"), network, [0, 0, 0, 4, 5])
    assert mapping.n_relays == 0


@pytest.mark.parametrize(("n_targets", "fits"), [(256, True), (257, False)])
def test_the_relays_of_a_neuron_must_fit_on_one_core(n_targets, fits):
    network = Network(1.0)
    source, targets = add_neurons(network, 1), add_neurons(network, n_targets)
    connect(network, *all_pairs(source, targets))
    mapping = np.arange(1 + n_targets)
    if fits:
        assert fit(load("truenorth"), network, mapping)[0].n_relays == 256
    else:
        with pytest.raises(DoesNotFitError, match="neurons per core: needs 257, the limit is 256"):
            fit(load("truenorth"), network, mapping)


def test_relay_cores_are_filled_without_breaking_their_limits():
    network = Network(1.0)
    sources, targets = add_neurons(network, 100), add_neurons(network, 30)
    connect(network, *all_pairs(sources, targets))
    cores = np.concatenate((np.zeros(100, int), 1 + np.arange(30)))
    mapping, _ = fit(load("truenorth"), network, cores)
    relays = mapping.relays_of_core[mapping.relays_of_core > 0]
    # A neuron's 30 relays stay together: eight groups of 30 fill a core of 256, 100 groups take 13 cores.
    assert relays.tolist() == [240] * 12 + [120]
    places = [sorted(mapping.relay_place[mapping.axons.source == s].tolist()) for s in range(100)]
    assert places[:9] == [list(range(30 * (s % 8), 30 * (s % 8) + 30)) for s in range(9)]


@pytest.mark.parametrize("delay", [2, 3, 15])
def test_relays_take_their_tick_from_the_delay(delay):
    network = two_targets((delay, delay))
    spikes, hardware = run_chip("truenorth", network, 40, mapping=APART)
    np.testing.assert_array_equal(spikes, run_native(network, 40))
    assert hardware.late == 0
    # The splitter fires one tick after the spike, so the way takes at least a tick.
    assert hardware.packets.latency_ps.min() >= hardware.period_ps
    assert hardware.relays == 2


def test_a_delay_of_one_step_through_relays_is_one_tick_late():
    network = two_targets((1, 1))
    spikes, hardware = run_chip("truenorth", network, 40, mapping=APART)
    arrived = hardware.packets.arrived
    assert set(hardware.packets.lateness_steps[arrived].tolist()) == {1}
    assert hardware.late == arrived.sum()
    np.testing.assert_array_equal(spikes, run_native(two_targets((2, 2)), 40))


def test_only_the_packets_of_the_short_delay_are_late():
    network = two_targets((1, 4))
    spikes, hardware = run_chip("truenorth", network, 60, mapping=np.array([0, 70, 70]))
    np.testing.assert_array_equal(spikes, run_native(two_targets((2, 4)), 60))
    assert 0 < hardware.late < hardware.delivered


def test_a_relayed_spike_crosses_the_network_on_chip_in_two_stages():
    network = two_targets((5, 5))
    _, hardware = run_chip("truenorth", network, 20, mapping=APART)
    source, relay, *targets = (
        int(np.flatnonzero(hardware.cores.core == core)[0]) for core in (0, 1, 70, 140)
    )
    n_spikes = hardware.cores.spikes[source]
    assert hardware.cores.packets_out[source] == n_spikes
    # The spike of the last step is still on its way to the relays, which wait for the next tick.
    assert hardware.cores.packets_in[relay] in (n_spikes - 1, n_spikes)
    assert hardware.cores.packets_out[relay] == hardware.cores.spikes[relay]
    assert hardware.cores.spikes[relay] >= 2 * (n_spikes - 1)
    assert (hardware.cores.packets_in[targets] == hardware.cores.spikes[relay] // 2).all()


def test_delays_of_fifteen_ticks_arrive_on_time_and_a_sixteenth_is_refused():
    for delay in (15, 16):
        network = Network(1.0)
        source = add_spikes(network, [0, 3], [0, 0], 1)
        connect(network, source, add_neurons(network, 1), weights=40.0, delays=delay)
        record_all(network)
        if delay == 15:
            np.testing.assert_array_equal(run_chip("truenorth", network, 40)[0], run_native(network, 40))
        else:
            with pytest.raises(DoesNotFitError, match="delay in steps: needs 16, the limit is 15"):
                run_chip("truenorth", network, 40)
