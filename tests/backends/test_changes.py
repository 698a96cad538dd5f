"""Changes of parameters, spike times, weights and delays during a run."""

import numpy as np

from pycosim.network import Population, Recording

from .backend_networks import connect, network_of, neurons, one_synapse


def test_changed_parameter_acts_from_the_next_step_and_keeps_the_state(build):
    network = network_of(neurons("IF_curr_exp", 2))
    simulation = build(network)
    simulation.advance(100)
    network.populations[0].parameters["i_offset"] = np.array([0.0, 1.0])
    simulation.parameters_changed(0)
    simulation.advance(100)
    v = simulation.signal(0, "v")
    np.testing.assert_array_equal(v[:101], -65)
    np.testing.assert_array_equal(v[101:, 0], -65)
    np.testing.assert_allclose(v[101], [-65, -65 + 20 * -np.expm1(-0.1 / 20)], rtol=0, atol=1e-12)


def test_neuron_stays_refractory_when_its_parameters_change(build):
    network = network_of(neurons("IF_curr_exp", i_offset=1.0))
    simulation = build(network)
    simulation.advance(280)
    simulation.parameters_changed(0)
    simulation.advance(320)
    np.testing.assert_array_equal(simulation.spikes(0)[0], [278, 576])


def test_changed_spike_times_act_from_the_next_step(build):
    network = one_synapse("IF_curr_delta", spike_steps=[5, 30], delay=2)
    simulation = build(network)
    simulation.advance(10)
    source = network.populations[0]
    source.spike_steps, source.spike_indices = np.array([10, 11, 20]), np.zeros(3, np.int64)
    simulation.parameters_changed(0)
    simulation.advance(40)
    np.testing.assert_array_equal(simulation.spikes(0)[0], [5, 11, 20])


def test_spike_times_may_change_before_the_first_step(build):
    network = one_synapse("IF_curr_delta", spike_steps=[5])
    simulation = build(network)
    network.populations[0].spike_steps = np.array([0])
    simulation.parameters_changed(0)
    simulation.advance(10)
    np.testing.assert_array_equal(simulation.spikes(0)[0], [0])


def poisson(rate):
    parameters = {"rate": rate, "start": 0.0, "duration": 1e10}
    recordings = {"spikes": Recording(np.arange(50))}
    return Population("poisson", "SpikeSourcePoisson", 50, parameters=parameters, recordings=recordings)


def test_poisson_rate_can_be_changed_between_runs(build):
    network = network_of(poisson(500.0))
    simulation = build(network)
    simulation.advance(150)
    network.populations[0].parameters["rate"] = 0.0
    simulation.parameters_changed(0)
    simulation.advance(150)
    steps = simulation.spikes(0)[0]
    # 375 spikes are expected, with a standard deviation of 19.
    assert 250 < len(steps) < 500
    assert steps.max() <= 150


def test_poisson_spikes_do_not_depend_on_how_a_run_is_cut(build):
    whole, pieces = build(network_of(poisson(100.0))), build(network_of(poisson(100.0)))
    whole.advance(700)
    for n_steps in (1, 0, 299, 400):
        pieces.advance(n_steps)
    for a, b in zip(whole.spikes(0), pieces.spikes(0)):
        np.testing.assert_array_equal(a, b)


def test_spike_has_the_weight_and_delay_that_hold_when_it_is_emitted(build):
    network = one_synapse("IF_curr_delta", spike_steps=[5, 9, 10, 11], delay=10, weight=1.0, tau_m=1e9)
    connect(network, 0, 1, 0.25, 20)
    simulation = build(network)
    simulation.advance(10)
    network.projections[0].weights, network.projections[0].delays = 2.0, 3
    simulation.weights_changed(0)
    simulation.advance(40)
    jumps = np.diff(simulation.signal(1, "v")[:, 0])
    expected = np.zeros(50)
    expected[[15 - 1, 19 - 1, 20 - 1]] += 1.0  # emitted at 5, 9, 10
    expected[14 - 1] += 2.0  # emitted at 11
    expected[[25 - 1, 29 - 1, 30 - 1, 31 - 1]] += 0.25
    np.testing.assert_allclose(jumps, expected, rtol=0, atol=1e-9)  # the leak with 1e9 ms is 1e-9 mV


def test_weights_may_change_at_every_step(build):
    network = one_synapse("IF_curr_delta", spike_steps=range(20), delay=5, weight=0.0, tau_m=1e9)
    simulation = build(network)
    for step in range(20):
        network.projections[0].weights = np.array([step / 100])
        simulation.weights_changed(0)
        simulation.advance(1)
    simulation.advance(10)
    jumps = np.diff(simulation.signal(1, "v")[:, 0])
    # The source's spikes of step 0 are emitted when the first run begins.
    sent = np.concatenate([[0.0], np.arange(19) / 100])
    np.testing.assert_allclose(jumps[4:24], sent, rtol=0, atol=1e-7)


def test_a_state_that_is_set_is_what_the_next_step_begins_with(build):
    network = network_of(neurons("IF_curr_exp", 3))
    simulation = build(network)
    simulation.advance(50)
    simulation.set_state(0, "v", np.array([-65.0, -60.0, -40.0]))
    simulation.set_state(0, "i_e", np.array([0.2, 0.0, 0.0]))
    np.testing.assert_array_equal(simulation.state(0, "v"), [-65.0, -60.0, -40.0])
    simulation.advance(10)
    v = simulation.signal(0, "v")
    np.testing.assert_array_equal(v[:51], -65)
    # tau_m = 20 ms: exponential decay to rest, in steps of 0.1 ms.
    times_ms = 0.1 * np.arange(1, 11)
    np.testing.assert_allclose(v[51:, 1], -65 + 5 * np.exp(-times_ms / 20), rtol=0, atol=1e-12)
    # The current, tau_syn = 5 ms and cm = 1 nF, moves the membrane by i tau_m tau_s / (cm (tau_m - tau_s))
    # times the difference of the two decays.
    moved = 0.2 * 20 * 5 / 15 * (np.exp(-times_ms / 20) - np.exp(-times_ms / 5))
    np.testing.assert_allclose(v[51:, 0], -65 + moved, rtol=0, atol=1e-12)
    # The third is above the threshold after the step, and fires.
    np.testing.assert_array_equal(simulation.spikes(0), [[51], [2]])
