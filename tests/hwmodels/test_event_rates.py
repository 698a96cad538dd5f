"""DYNAP-SE's rates: saturated broadcast, a chip's input and output, and what bursts wait for."""

import numpy as np
import pytest

from pycosim.hwmodels.load import load
from pycosim.hwmodels.timing.fabric import Fabric
from pycosim.hwmodels.timing.service import serve
from pycosim.network import Network

from .chip_networks import ALWAYS, add_neurons, add_spikes, all_pairs, connect, run_chip

LEVELS = ["cycle", "queue"]


def fabric_of(cores, **values):
    description = load("dynapse", values).description
    return Fabric(description.noc, np.array(cores), description.mapping.entry_router)


def burst_to(target_core, source_cores, n, **values):
    """Let each of `n` neurons on some cores fire once at the same time, to one neuron on the target core."""
    network = Network(1.0)
    neurons = add_neurons(network, n, **ALWAYS)
    targets = add_neurons(network, -(-n // 60))
    connect(network, neurons, np.repeat(np.asarray(targets), 60)[:n])
    cores = np.append(np.resize(source_cores, n), np.full(len(targets), target_core))
    return run_chip("dynapse", network, 1, mapping=cores, values=values)[1]


def rate_of(times_ps):
    return (len(times_ps) - 1) / (times_ps.max() - times_ps.min()) * 1e12


@pytest.mark.parametrize("n", [100, 300, 700])
def test_a_core_takes_37_million_broadcasts_per_second_however_long_the_burst_is(n):
    hardware = burst_to(0, [1, 2, 3], n)
    # One broadcast in 27 ns (Mo18); 3 % for events at the ends of the burst.
    assert rate_of(hardware.packets.arrival_ps) == pytest.approx(1 / 27e-9, rel=0.03)
    assert hardware.dropped == hardware.in_flight == 0


def test_cores_of_one_chip_take_broadcasts_at_the_same_time():
    network = Network(1.0)
    sources = add_neurons(network, 60, **ALWAYS)
    targets = add_neurons(network, 4)
    connect(network, *all_pairs(sources, targets))
    mapping = np.append(np.resize([4, 5], 60), [0, 1, 2, 3])
    _, hardware = run_chip("dynapse", network, 1, mapping=mapping)
    arrival = hardware.packets.arrival_ps.reshape(60, 4)
    assert (np.ptp(arrival, axis=1) == 0).all()
    # One event over the mesh serves all four cores, so the link between the chips sets the rate.
    assert rate_of(arrival[:, 0]) == pytest.approx(1 / 33.3e-9, rel=0.01)


@pytest.mark.parametrize("detail", LEVELS)
def test_a_chip_takes_30_million_events_per_second_from_another(detail):
    # Cores 4 to 7 are on the chip east of the first; events for its two cores come over one link.
    fabric = fabric_of([4, 5, 6, 7, 0, 1], **{"noc.detail": detail})
    fabric.send(np.zeros(400, np.int64), np.resize([0, 1, 2, 3], 400), np.resize([4, 5], 400))
    assert rate_of(fabric.run_until_idle()[1]) == pytest.approx(30e6, rel=0.003)


@pytest.mark.parametrize("detail", LEVELS)
def test_a_chip_gives_30_million_events_per_second_to_another(detail):
    fabric = fabric_of([0, 1, 2, 3, 4, 5, 6, 7], **{"noc.detail": detail})
    fabric.send(np.zeros(400, np.int64), np.resize([0, 1, 2, 3], 400), np.resize([4, 5, 6, 7], 400))
    assert rate_of(fabric.run_until_idle()[1]) == pytest.approx(30e6, rel=0.003)


def test_events_come_in_from_outside_at_30_million_per_second():
    network = Network(1.0)
    sources = add_spikes(network, np.zeros(300, int), np.arange(300), 300)
    connect(network, sources, np.repeat(np.asarray(add_neurons(network, 8)), 40)[:300])
    _, hardware = run_chip("dynapse", network, 1, mapping=np.append(np.full(300, -1), np.arange(8) % 4))
    assert rate_of(hardware.packets.injection_ps) == pytest.approx(30e6, rel=0.003)
    assert rate_of(hardware.packets.arrival_ps) == pytest.approx(30e6, rel=0.01)


def test_within_a_chip_no_link_of_the_mesh_is_used():
    hardware = burst_to(0, [1, 2, 3], 120, **{"noc.flit": "1000 ns"})
    assert hardware.packets.latency_ps.max() < 120 * 30_000 + 100_000


@pytest.mark.parametrize("burst", [1, 10, 100])
def test_the_last_event_of_a_burst_waits_for_all_before_it(burst):
    hardware = burst_to(0, [1, 2, 3], burst)
    alone = burst_to(0, [1, 2, 3], 1).packets.latency_ps[0]
    worst = hardware.packets.latency_ps.max()
    # A queue of one server: the last of n events that come at once waits n - 1 broadcasts. Three cores
    # encode at 10 ns each and three R1 share the tree, so it is the broadcast that holds them up.
    assert worst - alone == pytest.approx((burst - 1) * 27_000, abs=2 * 27_000)


def test_latency_grows_without_bound_only_above_the_rate_of_a_broadcast():
    def mean_latency(gap_ps):
        fabric_times = np.arange(500) * gap_ps
        description = load("dynapse").description
        fabric = fabric_of([1, 2, 3, 0])
        fabric.send(fabric_times, np.arange(500) % 3, np.full(500, 3))
        number, arrival = fabric.run_until_idle()
        service = np.full(500, description.time.packet_in.value)
        done = serve(np.zeros(500, int), arrival, service, np.zeros(1, np.int64))
        latency = np.empty(500)
        latency[number] = done
        return latency - fabric_times

    below, above = mean_latency(28_000), mean_latency(20_000)
    assert np.ptp(below) == 0
    np.testing.assert_allclose(np.diff(above)[10:], 7_000)


def test_lateness_of_bursts_reaches_the_steps_of_the_network():
    network = Network(0.001)
    neurons = add_neurons(network, 240, **(ALWAYS | {"i_offset": 1e6, "tau_refrac": 0.1}))
    targets = add_neurons(network, 4)
    connect(network, neurons, np.repeat(np.asarray(targets), 60))
    mapping = np.append(np.resize([1, 2, 3], 240), np.zeros(4, int))
    _, hardware = run_chip("dynapse", network, 20, mapping=mapping)
    first = hardware.packets.emission_step == hardware.packets.emission_step[0]
    # 240 events at 27 ns are over after 6.5 us, in steps of 1 us.
    assert hardware.packets.lateness_steps[first].max() == round((240 * 27_000 + 52_000) / 1e6)
    assert hardware.late > 0
