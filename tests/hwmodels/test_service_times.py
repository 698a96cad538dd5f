"""Service times: queues at cores, the order of work, and the way through the network-on-chip."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycosim.hwmodels.load import load
from pycosim.hwmodels.timing.fabric import Fabric
from pycosim.hwmodels.timing.service import serve
from pycosim.network import Network

from .chip_networks import (
    ALWAYS,
    add_neurons,
    add_spikes,
    all_pairs,
    connect,
    random_network,
    record_all,
    run_chip,
)


def served_one_by_one(place, arrival, service, free):
    free, done = free.copy(), np.zeros(len(place), np.int64)
    for job in sorted(range(len(place)), key=lambda j: (arrival[j], j)):
        done[job] = free[place[job]] = max(arrival[job], free[place[job]]) + service[job]
    return done, free


jobs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 50), st.integers(0, 9)), max_size=40)


@given(jobs, st.lists(st.integers(0, 40), min_size=5, max_size=5), st.sampled_from([0, 10**6, 2**61]))
def test_queues_equal_those_worked_through_job_by_job(jobs, free, offset):
    place, arrival, service = (np.array([job[i] for job in jobs], np.int64) for i in range(3))
    # A far first arrival at place 0 makes the times too large for the trick that lifts groups apart.
    arrival = arrival + np.where(place == 0, offset, 0)
    free = np.array(free, np.int64)
    expected, expected_free = served_one_by_one(place, arrival, service, free)
    done = serve(place, arrival, service, free)
    np.testing.assert_array_equal(done, expected)
    np.testing.assert_array_equal(free, expected_free)


def fabric_of(chip, cores, **values):
    description = load(chip, values).description
    return Fabric(description.noc, np.array(cores), description.mapping.entry_router)


def test_a_lone_loihi_spike_takes_the_published_hops():
    # Cores 0 and 4 * (2 * 8 + 3) are on the tiles (0, 0) and (3, 2).
    fabric = fabric_of("loihi", [0, 1, 76])
    within, across = fabric.lone_latency_ps(np.array([0, 0]), np.array([1, 2]))
    assert within == 2100
    assert across - within == 3 * 4100 + 2 * 6500 == 25_300


@pytest.mark.parametrize("router", ["credit3", "credit4", "credit5"])
def test_hop_times_do_not_depend_on_the_router_pipeline(router):
    fabric = fabric_of("loihi", [0, 1, 76], **{"noc.router": router})
    assert fabric.lone_latency_ps(np.array([0, 0]), np.array([1, 2])).tolist() == [2100, 27_400]


def test_a_lone_dynapse_event_takes_the_levels_of_the_hierarchy():
    fabric = fabric_of("dynapse", [0, 1, 4, 12])
    own, chip, east, diagonal = fabric.lone_latency_ps(np.zeros(4, int), np.arange(4))
    assert own == 5000
    assert chip == 5000 + 2 * 5000
    assert east == chip + 2 * 5000 + 15_400
    assert diagonal == east + 15_400


def test_slow_links_stretch_every_way_by_the_same_factor():
    places = np.zeros(3, int), np.arange(3)
    ordinary = fabric_of("loihi", [0, 1, 76]).lone_latency_ps(*places)
    slow = fabric_of("loihi", [0, 1, 76], **{"noc.slowdown": 10_000}).lone_latency_ps(*places)
    np.testing.assert_array_equal(slow, ordinary * 10_000)


def test_messages_arrive_as_alone_when_they_do_not_meet(chip):
    fabric = fabric_of(chip, [0, 3, 7, 12])
    source, destination = (a.ravel() for a in np.meshgrid(np.arange(5), np.arange(4)))
    times = 10**6 * np.arange(1, 21)
    numbers = fabric.send(times, source, destination)
    arrived, when = fabric.run_until_idle()
    np.testing.assert_array_equal(np.sort(arrived), numbers)
    np.testing.assert_array_equal(
        when[np.argsort(arrived)] - times, fabric.lone_latency_ps(source, destination)
    )


def test_loads_counted_without_simulation_equal_those_simulated(chip):
    # Nothing is in flight at the end: the sources fall silent in time, and excitation is too weak to go on.
    network = random_network(n=40, n_sources=8, rate=400.0, excitation=0.2)
    for population in network.populations:
        if population.is_source:
            population.parameters["duration"] = 30.0
    mapping = np.arange(48) % 11
    ideal, trace = (run_chip(chip, network, 200, timing=t, mapping=mapping)[1] for t in ("ideal", "trace"))
    assert trace.in_flight == 0
    assert trace.cores.spikes[:11].sum() > 50
    for table, column in (
        (table, column)
        for table, columns in {
            "links": ("x_from", "y_from", "x_to", "y_to", "flits"),
            "cores": ("synaptic_events", "spikes", "packets_in", "packets_out"),
        }.items()
        for column in columns
    ):
        np.testing.assert_array_equal(
            getattr(getattr(ideal, table), column), getattr(getattr(trace, table), column), column
        )
    timed = {"static"}
    assert {k: v for k, v in ideal.energy_j.items() if k not in timed} == {
        k: v for k, v in trace.energy_j.items() if k not in timed
    }


def test_a_loihi_core_works_through_its_neurons_in_order():
    network = Network(1.0)
    neurons = add_neurons(network, 3, **ALWAYS)
    target = add_neurons(network, 1)
    connect(network, *all_pairs(neurons, target), delays=2)
    _, hardware = run_chip("loihi", network, 1, mapping=[0, 0, 0, 1], values={"constants": "fitted"})
    packets = hardware.packets
    # Per neuron 9.7 ns update, 30 ns spike, 5.1 ns message; step 1 is due at 1 ms.
    expected = 10**9 + 9700 * np.array([1, 2, 3]) + 30_000 * np.array([1, 2, 3]) + 5100 * np.array([0, 1, 2])
    assert packets.emission_ps.tolist() == expected.tolist()
    assert packets.injection_ps.tolist() == (expected + 5100).tolist()
    # 2.1 ns within the tile, then 16 ns for the message and 4.7 ns for its one synapse.
    assert packets.arrival_ps.tolist() == (expected + 5100 + 2100 + 20_700).tolist()
    assert hardware.step_duration_ps.tolist() == [packets.arrival_ps[-1] + 600_000 - 10**9]


def test_events_at_one_core_wait_for_each_other():
    network = Network(1.0)
    sources = add_spikes(network, np.zeros(50, int), np.arange(50), 50)
    connect(network, *all_pairs(sources, add_neurons(network, 4)), delays=2)
    record_all(network)
    _, hardware = run_chip("loihi", network, 1)
    gaps = np.diff(np.sort(hardware.packets.arrival_ps))
    # Four synapses at 3.5 ns for each of 50 messages that arrive every 0.3 ns.
    assert set(gaps.tolist()) == {14_000}


def test_a_saturated_dynapse_core_takes_one_event_per_broadcast():
    network = Network(1.0)
    neurons = add_neurons(network, 300, **ALWAYS)
    target = add_neurons(network, 40)
    connect(network, neurons, np.repeat(np.asarray(target), 8)[:300])
    _, hardware = run_chip(
        "dynapse", network, 1, mapping=np.append(1 + np.arange(300) % 3, np.zeros(40, int))
    )
    arrivals = np.sort(hardware.packets.arrival_ps)
    assert len(arrivals) == 300
    rate = (len(arrivals) - 1) / (arrivals[-1] - arrivals[0]) * 1e12
    # One broadcast in 27 ns, 37 Mevent/s; 3 % for events at the ends of the burst.
    assert rate == pytest.approx(1 / 27e-9, rel=0.03)
