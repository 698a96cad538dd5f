"""The timer discipline: phases, overruns, and packets that are dropped."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim.errors import ChipDescriptionError
from pycosim.hwmodels.load import load
from pycosim.hwmodels.timing.timer import phases
from pycosim.network import Network
from pycosim.testing.chip import expect_conserved

from .chip_networks import (
    ALWAYS,
    add_neurons,
    all_pairs,
    connect,
    random_network,
    record_all,
    run_chip,
    run_native,
)

MS = 10**9


def test_phases_lie_within_the_spread_and_do_not_depend_on_which_cores_are_in_use():
    description = load("spinnaker").description
    cores = np.arange(description.n_cores)
    spread = phases(description, cores, MS)
    assert spread.min() >= 0
    assert spread.max() < description.time.timer_spread.value
    # Uniform over 0.1 ms: the mean of 768 draws has a standard error of 1 us; four of them.
    assert spread.mean() == pytest.approx(50_000_000, abs=4_200_000)
    np.testing.assert_array_equal(phases(description, cores[5:9], MS), spread[5:9])
    assert phases(description, cores, 1000).max() < 1000
    other = phases(load("spinnaker", {"time.timer_seed": 2}).description, cores, MS)
    assert np.any(other != spread)


def spikes_and_record(core, seed=1):
    network = Network(1.0)
    connect(network, *all_pairs(add_neurons(network, 1, **ALWAYS), add_neurons(network, 1)), delays=1)
    values = {"time.timer_seed": seed, "time.timer_spread": "0.9 ms"}
    return run_chip("spinnaker", network, 8, mapping=[0, core], values=values)[1]


def test_neurons_fire_when_the_timer_of_their_core_calls():
    description = load("spinnaker", {"time.timer_seed": 3, "time.timer_spread": "0.9 ms"}).description
    phase = phases(description, np.array([0]), MS)[0]
    packets = spikes_and_record(20, seed=3).packets
    # The first neuron of the core: one update of 0.6 us and one spike of 0.2 us after the timer.
    assert set((packets.emission_ps - packets.emission_step * MS).tolist()) == {phase + 800_000}


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 200), st.integers(1, 767))
def test_a_packet_is_late_exactly_if_its_core_began_the_next_step_before_it_came(seed, core):
    description = load("spinnaker", {"time.timer_seed": seed, "time.timer_spread": "0.9 ms"}).description
    phase = phases(description, np.array([core]), MS)[0]
    packets = spikes_and_record(core, seed).packets
    here = packets.arrived
    # No packet is under way when the first core wakes: phases are below 0.9 ms, passes and ways below 0.1 ms.
    late = packets.arrival_ps[here] >= (packets.emission_step[here] + 1) * MS + phase
    np.testing.assert_array_equal(packets.lateness_steps[here], late)


def test_a_core_with_too_much_work_begins_later_steps_late_and_says_so():
    network = Network(1.0)
    add_neurons(network, 200, **ALWAYS)
    connect(network, *all_pairs(range(100), range(200)), delays=1, weights=1e-9)
    record_all(network)
    # 200 updates of 6 us are 1.2 ms in a step of 1 ms.
    values = {"time.neuron_update": "6 us", "time.timer_spread": "0 us", "mapping.neurons_per_core": 200}
    _, hardware = run_chip("spinnaker", network, 20, values=values)
    assert hardware.overruns == 20
    assert hardware.step_duration_ps.min() >= 200 * 6_000_000
    assert hardware.late > 0
    assert any("overruns" in note for note in hardware.notes)
    first = hardware.packets.source == 0
    begin = hardware.packets.emission_ps[first] - hardware.packets.emission_step[first] * MS
    assert np.all(np.diff(begin) > 0)


def congested(drop_after, timing="closed", seed=0):
    """Return the record of a run in which many cores send to one chip over slow links."""
    network = Network(1.0)
    sources, targets = add_neurons(network, 40, **ALWAYS), add_neurons(network, 4)
    connect(network, *all_pairs(sources, targets), delays=1, weights=1e-9)
    mapping = np.append(np.random.default_rng(seed).integers(1, 48, 40) * 16, [0, 1, 2, 3])
    values = {"noc.slowdown": 40, "time.timer_spread": "0 us"}
    if drop_after is not None:
        values["time.drop_after"] = drop_after
    return run_chip("spinnaker", network, 12, mapping=mapping, timing=timing, values=values)[1]


def test_packets_that_wait_longer_than_the_time_out_are_dropped_and_no_others():
    free = congested("1 s")
    assert free.dropped == 0
    some = congested("50 us")
    assert 0 < some.dropped < some.sent
    assert congested("10 us").dropped > some.dropped
    packets = some.packets
    assert np.all(packets.arrival_ps[packets.dropped] == -2)
    assert np.all(packets.lateness_steps[packets.dropped] == -1)
    # What arrived took at most the time-out, its own way (7 hops of 8 us and 4 us), and the core's work.
    assert packets.latency_ps.max() <= 50_000_000 + 7 * 8_000_000 + 4_000_000 + 20_000_000


def test_spikes_on_dropped_packets_do_not_act():
    network = Network(1.0)
    sources, targets = add_neurons(network, 16, **ALWAYS), add_neurons(network, 1)
    connect(network, *all_pairs(sources, targets), delays=1, weights=50.0)
    record_all(network)
    mapping = np.append(np.arange(1, 17) * 16, 0)
    values = {"noc.slowdown": 100, "time.timer_spread": "0 us", "time.drop_after": "0 us"}
    spikes, hardware = run_chip("spinnaker", network, 12, mapping=mapping, values=values)
    assert hardware.dropped == hardware.sent
    kept, _ = run_chip("spinnaker", network, 12, mapping=mapping, values=values | {"time.drop_after": "1 s"})
    traced, record = run_chip("spinnaker", network, 12, mapping=mapping, values=values, timing="trace")
    assert record.dropped > 0
    np.testing.assert_array_equal(traced, run_native(network, 12))
    assert np.count_nonzero(spikes[1] == 16) == 0 < np.count_nonzero(kept[1] == 16)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 50),
    slowdown=st.sampled_from([1, 20, 200]),
    drop_after=st.sampled_from(["0 us", "1 us", "50 us", "1 s"]),
    timing=st.sampled_from(["trace", "closed"]),
    per_core=st.integers(1, 8),
)
def test_what_is_sent_is_delivered_dropped_or_in_flight(seed, slowdown, drop_after, timing, per_core):
    values = {
        "noc.slowdown": slowdown, "time.drop_after": drop_after, "mapping.neurons_per_core": per_core,
        "time.timer_seed": seed,
    }  # fmt: skip
    network = random_network(n=30, n_sources=8, fan_in=5, seed=seed, delays=(1, 4))
    _, hardware = run_chip("spinnaker", network, 40, timing=timing, values=values)
    assert hardware.sent > 0
    expect_conserved(hardware)
    packets = hardware.packets
    in_flight = np.count_nonzero(packets.arrival_ps == -1)
    assert in_flight == hardware.in_flight
    if drop_after == "1 s":
        assert hardware.dropped == 0


def test_splitters_do_not_go_with_timers():
    with pytest.raises(ChipDescriptionError, match="splitters"):
        load("spinnaker", {"mapping.splitters": True})


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 200), st.sampled_from([1, 2, 3]))
def test_packets_under_way_when_the_first_core_wakes_are_in_time_for_those_that_wake_later(seed, delay):
    # The timers are spread over the whole step of 0.1 ms, so that many are under way at its end.
    values = {"time.timer_seed": seed, "time.timer_spread": "0.1 ms"}
    network = random_network(n=30, n_sources=8, fan_in=5, seed=seed, delays=(delay, delay), dt_ms=0.1)
    _, hardware = run_chip("spinnaker", network, 200, mapping=np.arange(38) * 20 % 760, values=values)
    packets, period = hardware.packets, hardware.period_ps
    phase = phases(load("spinnaker", values).description, packets.core, period)
    here = packets.arrived
    begins = (packets.emission_step + delay) * period + phase
    np.testing.assert_array_equal(packets.lateness_steps[here] > 0, (packets.arrival_ps > begins)[here])
    assert hardware.sent > 50
