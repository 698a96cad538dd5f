"""What is recorded, and when."""

import numpy as np
import pytest

from pycosim.errors import InvalidInputError
from pycosim.network import Recording

from .backend_networks import network_of, neurons, one_synapse, spike_array


def record(population, variable, indices, interval=1):
    population.recordings[variable] = Recording(np.array(indices), interval)


def test_first_sample_is_the_initial_value_and_the_last_that_of_the_present_step(build):
    simulation = build(network_of(neurons("IF_curr_exp", 3, v=np.array([-60.0, -61, -62]))))
    simulation.advance(100)
    v = simulation.signal(0, "v")
    assert v.shape == (101, 3)
    np.testing.assert_array_equal(v[0], [-60, -61, -62])
    np.testing.assert_array_equal(v[-1], simulation.state(0, "v"))


def test_nothing_but_the_initial_value_before_the_first_step(build):
    simulation = build(network_of(neurons("IF_cond_exp", 2)))
    np.testing.assert_array_equal(simulation.signal(0, "gsyn_exc"), [[0, 0]])
    steps, indices = simulation.spikes(0)
    assert steps.dtype == indices.dtype == np.int64
    assert len(steps) == len(indices) == 0


def test_samples_are_taken_at_multiples_of_the_interval(build):
    everything, some = (network_of(neurons("IF_curr_exp", 4, i_offset=0.5)) for _ in range(2))
    record(some.populations[0], "v", [1, 3], 7)
    first, second = build(everything), build(some)
    for simulation in (first, second):
        simulation.advance(10)
        simulation.advance(20)
    np.testing.assert_array_equal(second.signal(0, "v"), first.signal(0, "v")[::7, [1, 3]])


def test_reading_does_not_disturb_what_is_recorded(build):
    read_often, read_once = (build(one_synapse("IF_curr_exp", i_offset=1.0)) for _ in range(2))
    for n_steps in (1, 99, 200, 300):
        read_often.advance(n_steps)
        read_often.signal(1, "v")
        read_often.spikes(1)
    read_once.advance(600)
    np.testing.assert_array_equal(read_often.signal(1, "v"), read_once.signal(1, "v"))
    np.testing.assert_array_equal(read_often.spikes(1)[0], read_once.spikes(1)[0])


def test_only_recorded_neurons_have_spikes(build):
    network = network_of(neurons("IF_curr_delta", 4, i_offset=1.0), spike_array(1, 2, size=3, index=1))
    record(network.populations[0], "spikes", [0, 2])
    record(network.populations[1], "spikes", [0, 2])
    simulation = build(network)
    simulation.advance(300)
    steps, indices = simulation.spikes(0)
    np.testing.assert_array_equal(steps, [278, 278])
    np.testing.assert_array_equal(indices, [0, 2])
    assert len(simulation.spikes(1)[0]) == 0


def test_clear_forgets_spikes_and_begins_again_with_the_present_sample(build):
    network = network_of(neurons("IF_curr_exp", i_offset=1.0))
    record(network.populations[0], "v", [0], 4)
    simulation, other = build(network), build(network_of(neurons("IF_curr_exp", i_offset=1.0)))
    simulation.advance(278)
    simulation.clear(0)
    assert len(simulation.spikes(0)[0]) == 0
    simulation.advance(400)
    other.advance(678)
    np.testing.assert_array_equal(simulation.spikes(0)[0], [576])
    np.testing.assert_array_equal(simulation.signal(0, "v"), other.signal(0, "v")[278::4])


def test_recording_that_is_added_during_the_run_starts_at_the_present_step(build):
    network = network_of(neurons("IF_cond_exp", 2, i_offset=0.5))
    network.populations[0].recordings = {"v": Recording(np.array([0]))}
    simulation = build(network)
    simulation.advance(30)
    network.populations[0].recordings["gsyn_exc"] = Recording(np.array([1]), 5)
    simulation.recording_changed(0)
    simulation.advance(20)
    assert simulation.signal(0, "v").shape == (51, 1)
    assert simulation.signal(0, "gsyn_exc").shape == (5, 1)


def test_neuron_that_is_added_to_a_recording_has_no_samples_from_before(build):
    everything, some = (network_of(neurons("IF_curr_exp", 3, i_offset=0.5)) for _ in range(2))
    record(some.populations[0], "v", [1], 5)
    first, second = build(everything), build(some)
    first.advance(40)
    second.advance(20)
    record(some.populations[0], "v", [0, 1], 5)
    second.recording_changed(0)
    second.advance(20)
    v = second.signal(0, "v")
    expected = first.signal(0, "v")[::5, [0, 1]].copy()
    expected[:4, 0] = np.nan
    np.testing.assert_array_equal(v, expected)


def test_recording_with_a_new_interval_begins_anew(build):
    network = network_of(neurons("IF_curr_exp"))
    simulation = build(network)
    simulation.advance(20)
    record(network.populations[0], "v", [0], 5)
    simulation.recording_changed(0)
    simulation.advance(20)
    assert simulation.signal(0, "v").shape == (5, 1)


def test_spikes_of_before_stay_when_more_neurons_are_recorded(build):
    network = network_of(neurons("IF_curr_exp", 2, i_offset=1.0))
    record(network.populations[0], "spikes", [1])
    simulation = build(network)
    simulation.advance(300)
    record(network.populations[0], "spikes", [0, 1])
    simulation.recording_changed(0)
    simulation.advance(300)
    steps, indices = simulation.spikes(0)
    np.testing.assert_array_equal(steps, [278, 576, 576])
    np.testing.assert_array_equal(indices, [1, 0, 1])


def test_reading_a_variable_that_is_not_recorded_says_what_is(build):
    network = network_of(neurons("IF_curr_exp"))
    simulation = build(network)
    with pytest.raises(InvalidInputError, match=r"gsyn_exc.*not recorded.*Recorded: v"):
        simulation.signal(0, "gsyn_exc")
    with pytest.raises(InvalidInputError, match=r"no such state.*v, i_e, i_i"):
        simulation.state(0, "g_e")


def test_progress_reports_every_step_once(build):
    simulation = build(one_synapse("IF_curr_exp"))
    done = []
    simulation.advance(2500, done.append)
    assert sum(done) == simulation.step == 2500
    assert min(done) > 0
