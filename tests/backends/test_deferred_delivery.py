"""Spikes that a chip model carries: `step_deferred` and `deliver` of the native engine."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim.backends.native.simulation import NativeSimulation
from pycosim.errors import BackendError, InvalidInputError

from .backend_networks import (
    add_pairs,
    assert_identical,
    connect,
    network_of,
    neurons,
    one_synapse,
    random_network,
    recorded,
    spike_array,
)

STEPS = 120
N_CORES = 4


def deliver(simulation, *rows):
    """Rows of (emission step, source, core[, shift[, floor]])."""
    table = np.zeros((len(rows), 5), np.int64)
    for i, row in enumerate(rows):
        table[i, : len(row)] = row
    simulation.deliver(*(np.ascontiguousarray(column) for column in table.T))


def random_cores(network, rng):
    cores = rng.integers(0, N_CORES, network.n_neurons).astype(np.int32)
    return np.where(network.source_mask(), np.int32(-1), cores)


def run_deferred(network, cores, rng, *, threads, laziness):
    """Deliver every spike core by core, in random order and steps, just early enough to act on time."""
    simulation = NativeSimulation(network, threads=threads, core_of_neuron=cores)
    smallest_delay = network.delay_range[0]
    held = [(0, neuron, core) for neuron in simulation.initial_spikes() for core in range(N_CORES)]
    for step in range(1, STEPS + 1):
        rng.shuffle(held)
        is_due = [row[0] + smallest_delay <= step or rng.random() > laziness for row in held]
        due = [row for row, now in zip(held, is_due) if now]
        held = [row for row, now in zip(held, is_due) if not now]
        for part in np.array_split(np.arange(len(due)), 2):
            deliver(simulation, *(due[i] for i in part))
        fired = simulation.step_deferred()
        assert np.all(np.diff(fired) >= 0)
        held += [(step, neuron, core) for neuron in fired for core in range(N_CORES)]
    result = recorded(simulation, network)
    simulation.close()
    return result


def run_plain(network, **options):
    simulation = NativeSimulation(network, **options)
    simulation.advance(STEPS)
    result = recorded(simulation, network)
    simulation.close()
    return result


@given(
    seed=st.integers(0, 2**32 - 1),
    threads=st.integers(1, 3),
    laziness=st.sampled_from([0.0, 0.5, 1.0]),
)
@settings(max_examples=30, deadline=None)
def test_spikes_delivered_on_time_in_any_order_give_exactly_the_plain_run(seed, threads, laziness):
    network, rng = random_network(seed), np.random.default_rng(seed)
    deferred = run_deferred(network, random_cores(network, rng), rng, threads=threads, laziness=laziness)
    assert_identical(deferred, run_plain(network))


def test_plain_run_does_not_change_when_synapses_are_split_by_core():
    network = random_network(11)
    cores = random_cores(network, np.random.default_rng(11))
    assert_identical(run_plain(network, core_of_neuron=cores, threads=2), run_plain(network))


def membrane_jumps(simulation, population):
    v = simulation.signal(population, "v")[:, 0]
    return {int(step) + 1: round(jump, 6) for step, jump in enumerate(np.diff(v)) if abs(jump) > 1e-6}


@pytest.fixture
def split():
    """A source with synapses of 1 mV and delay 3 on core 0, of 2 mV and delay 5 on core 1."""
    parameters = dict(tau_m=1e9)
    network = network_of(
        spike_array(0, 0, 2), neurons("IF_curr_delta", **parameters), neurons("IF_curr_delta", **parameters)
    )
    connect(network, 0, 1, 1.0, 3)
    connect(network, 0, 2, 2.0, 5)
    simulation = NativeSimulation(network, core_of_neuron=np.array([-1, 0, 1]))
    yield simulation
    simulation.close()


def test_sources_appear_as_often_as_they_emit(split):
    np.testing.assert_array_equal(split.initial_spikes(), [0, 0])
    assert [split.step_deferred().tolist() for _ in range(3)] == [[], [0], []]
    np.testing.assert_array_equal(split.spikes(0)[0], [0, 0, 2])
    assert split.step == 3


def test_spikes_do_not_act_unless_they_are_delivered(split):
    split.initial_spikes()
    for _ in range(10):
        split.step_deferred()
    assert membrane_jumps(split, 1) == membrane_jumps(split, 2) == {}


def test_spike_acts_only_on_the_core_to_which_it_is_delivered(split):
    split.initial_spikes()
    deliver(split, (0, 0, 1))
    for _ in range(10):
        split.step_deferred()
    assert membrane_jumps(split, 2) == {5: 2.0}
    assert membrane_jumps(split, 1) == {}


@given(
    cores=st.lists(st.integers(-1, N_CORES), min_size=1, max_size=40),
    delays=st.data(),
    core=st.integers(-1, N_CORES),
)
@settings(max_examples=50, deadline=None)
def test_delivery_reaches_all_targets_on_the_core_and_no_others(cores, delays, core):
    n = len(cores)
    network = network_of(spike_array(0), neurons("IF_curr_delta", n, tau_m=1e9))
    columns = [delays.draw(st.lists(st.integers(1, 6), min_size=n, max_size=n)) for _ in range(2)]
    for column in columns:
        add_pairs(network, 0, 1, [0] * n, range(n), 1.0, np.array(column, np.int32))
    simulation = NativeSimulation(network, core_of_neuron=[9, *cores], threads=2)
    simulation.initial_spikes()
    deliver(simulation, (0, 0, core))
    for _ in range(6):
        simulation.step_deferred()
    expected = -65 + 2.0 * (np.array(cores) == core)
    np.testing.assert_allclose(simulation.state(1, "v"), expected, rtol=0, atol=1e-7)
    simulation.close()


def test_run_can_go_on_by_itself_after_deferred_steps(split):
    deliver_initial = [(0, source, core) for source in split.initial_spikes() for core in (0, 1)]
    deliver(split, *deliver_initial)
    split.step_deferred()
    split.advance(10)
    assert membrane_jumps(split, 1) == {3: 2.0, 5: 1.0}
    assert membrane_jumps(split, 2) == {5: 4.0, 7: 2.0}


@pytest.mark.parametrize(
    ("shift", "floor", "acts_at"),
    [(0, 0, 3), (4, 0, 7), (0, 6, 6), (4, 6, 7), (-2, 0, 1), (200_000, 0, None)],
)
def test_shift_and_floor_move_the_step_at_which_a_spike_acts(split, shift, floor, acts_at):
    split.initial_spikes()
    deliver(split, (0, 0, 0, shift, floor))
    for _ in range(20):
        split.step_deferred()
    assert membrane_jumps(split, 1) == ({acts_at: 1.0} if acts_at else {})


def test_late_spike_acts_at_the_next_step(split):
    split.initial_spikes()
    for _ in range(8):
        split.step_deferred()
    deliver(split, (0, 0, 0), (2, 0, 1, 0, 4))
    for _ in range(4):
        split.step_deferred()
    assert membrane_jumps(split, 1) == {9: 1.0}
    assert membrane_jumps(split, 2) == {9: 2.0}


def test_delivery_can_be_limited_to_synapses_of_one_delay(split):
    network = network_of(spike_array(0), neurons("IF_curr_delta", tau_m=1e9))
    add_pairs(network, 0, 1, [0, 0, 0], [0, 0, 0], np.array([1.0, 2.0, 4.0]), np.array([3, 5, 3], np.int32))
    simulation = NativeSimulation(network, core_of_neuron=np.zeros(2, np.int32))
    simulation.initial_spikes()
    zero = np.zeros(1, np.int64)
    simulation.deliver(zero, zero, zero, zero + 4, zero, zero + 5)
    simulation.deliver(zero, zero, zero, zero, zero, zero + 3)
    simulation.deliver(zero, zero, zero, zero, zero, zero + 2)
    for _ in range(12):
        simulation.step_deferred()
    assert membrane_jumps(simulation, 1) == {3: 5.0, 9: 2.0}
    simulation.close()


def test_delivery_to_a_core_without_synapses_of_the_source_does_nothing(split):
    split.initial_spikes()
    deliver(split, (0, 0, 7), (0, 0, -1), (0, 1, 0), (0, 2, 1))
    deliver(split)
    for _ in range(10):
        split.step_deferred()
    assert membrane_jumps(split, 1) == membrane_jumps(split, 2) == {}


def test_late_spike_finds_the_weights_of_its_emission_while_others_may_still_be_on_time():
    network = one_synapse("IF_curr_delta", spike_steps=[0, 1], delay=10, weight=1.0, tau_m=1e9)
    simulation = NativeSimulation(network, core_of_neuron=np.zeros(2, np.int32))
    simulation.initial_spikes()
    network.projections[0].weights = 3.0
    simulation.weights_changed(0)
    simulation.step_deferred()
    deliver(simulation, (0, 0, 0), (1, 0, 0))
    for _ in range(30):
        simulation.step_deferred()
    assert membrane_jumps(simulation, 1) == {10: 1.0, 11: 3.0}
    network.projections[0].weights = 5.0
    simulation.weights_changed(0)
    deliver(simulation, (0, 0, 0), (1, 0, 0))
    simulation.step_deferred()
    # All with weight 1 have acted long ago; 3 is the oldest still there.
    assert membrane_jumps(simulation, 1)[32] == 6.0
    simulation.close()


def test_deferred_steps_need_the_initial_spikes_first(split):
    with pytest.raises(BackendError, match="initial_spikes"):
        split.step_deferred()
    split.initial_spikes()
    with pytest.raises(BackendError, match="already"):
        split.initial_spikes()


def test_delivery_of_what_cannot_be_is_refused(split):
    split.initial_spikes()
    with pytest.raises(InvalidInputError, match=r"spike of step 1 .* at step 0"):
        deliver(split, (1, 0, 0))
    with pytest.raises(InvalidInputError, match="no neuron 3"):
        deliver(split, (0, 3, 0))
    with pytest.raises(InvalidInputError, match="different lengths"):
        split.deliver(*(np.zeros(n, np.int64) for n in (1, 1, 1, 1, 2)))


def test_delivery_needs_cores():
    simulation = NativeSimulation(one_synapse("IF_curr_delta"))
    simulation.initial_spikes()
    with pytest.raises(BackendError, match="core_of_neuron"):
        deliver(simulation, (0, 0, 0))
    simulation.close()


def test_every_neuron_needs_a_core():
    with pytest.raises(InvalidInputError, match=r"\(3,\).*each of the 2"):
        NativeSimulation(one_synapse("IF_curr_delta"), core_of_neuron=np.zeros(3))
