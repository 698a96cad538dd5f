"""Plastic networks give the same on every path: backends, threads, and spikes that a chip carries."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim.backends import native, reference
from pycosim.backends.base import Options
from pycosim.backends.native.simulation import NativeSimulation

from .backend_networks import DT_MS, assert_identical, recorded
from .plastic_networks import pair_rule, plastic_pair, weights_of, with_plasticity
from .test_deferred_delivery import STEPS, deliver, random_cores, run_deferred

SEEDS = st.integers(0, 2**32 - 1)


def result_of(simulation, network):
    return recorded(simulation, network) | weights_of(simulation, network)


@given(seed=SEEDS)
@settings(max_examples=12, deadline=None)
def test_native_agrees_with_the_reference(seed):
    network = with_plasticity(seed)
    simulations = [native.build(network), reference.build(network)]
    for part in (1, 59, 140):
        for simulation in simulations:
            simulation.advance(part)
        found, expected = (result_of(simulation, network) for simulation in simulations)
        for key in expected:
            # Inputs are added in another order, and traces decay at once instead of step by step.
            np.testing.assert_allclose(found[key], expected[key], rtol=1e-9, atol=1e-12, err_msg=str(key))
    simulations[0].close()


def change(network, rng):
    """Change weights or parameters of some plastic projections; which, and how to say so."""
    for index, projection in enumerate(network.projections):
        if projection.plasticity is None or rng.random() < 0.4:
            continue
        if rng.random() < 0.5:
            projection.weights = projection.weights * rng.uniform(0.8, 1.2)
            yield "weights_changed", index
            continue
        parameters = projection.plasticity.parameters
        scaled = {
            name: parameters[name] * 0.9
            for name in ("A_plus", "eta", "U", "tau_rec", "p")
            if name in parameters
        }
        projection.plasticity = replace(projection.plasticity, parameters=parameters | scaled)
        yield "plasticity_changed", index


@given(seed=SEEDS)
@settings(max_examples=12, deadline=None)
def test_native_agrees_with_the_reference_when_weights_and_parameters_change_between_runs(seed):
    network, rng = with_plasticity(seed), np.random.default_rng(seed)
    simulations = [native.build(network, Options(threads=2)), reference.build(network)]
    for part in (1, 50, 49, 100):
        for simulation in simulations:
            simulation.advance(part)
        for method, index in change(network, rng):
            for simulation in simulations:
                getattr(simulation, method)(index)
    found, expected = (result_of(simulation, network) for simulation in simulations)
    for key in expected:
        np.testing.assert_allclose(found[key], expected[key], rtol=1e-8, atol=1e-12, err_msg=str(key))
    simulations[0].close()


@given(seed=SEEDS, parts=st.lists(st.integers(1, 100), max_size=4))
@settings(max_examples=12, deadline=None)
def test_threads_and_interruptions_change_no_bit(seed, parts):
    network = with_plasticity(seed)
    results = []
    for threads in (1, 2, 3):
        simulation = native.build(network, Options(threads=threads))
        for part in parts if threads > 1 else [sum(parts)]:
            simulation.advance(part)
            simulation.weights(0)
        results.append(result_of(simulation, network))
        simulation.close()
    assert_identical(results[0], results[1])
    assert_identical(results[0], results[2])


@given(seed=SEEDS, threads=st.integers(1, 3), laziness=st.sampled_from([0.0, 0.5, 1.0]))
@settings(max_examples=25, deadline=None)
def test_spikes_delivered_on_time_in_any_order_give_exactly_the_plain_run(seed, threads, laziness):
    network, rng = with_plasticity(seed), np.random.default_rng(seed)
    cores = random_cores(network, rng)
    seen = run_deferred(network, cores, rng, threads=threads, laziness=laziness)
    plain = NativeSimulation(network)
    plain.advance(STEPS)
    assert_identical(seen, recorded(plain, network))
    plain.close()


def test_weights_are_the_same_where_a_chip_carries_the_spikes():
    network = with_plasticity(5)
    plain, carried = (
        NativeSimulation(network),
        NativeSimulation(network, core_of_neuron=np.zeros(network.n_neurons, np.int32)),
    )
    plain.advance(STEPS)
    fired = carried.initial_spikes()
    for step in range(STEPS + 1):
        deliver(carried, *((step, neuron, 0) for neuron in fired))
        if step < STEPS:
            fired = carried.step_deferred()
    assert_identical(result_of(carried, network), result_of(plain, network))
    plain.close()
    carried.close()


@pytest.mark.parametrize("late", [0, 7])
def test_a_late_packet_pairs_at_the_step_at_which_it_reaches_the_synapse(late):
    network = plastic_pair(pair_rule(), [300], [340], delay=10)
    simulation = NativeSimulation(network, core_of_neuron=np.zeros(3, np.int32))
    fired = simulation.initial_spikes()
    for step in range(400):
        deliver(simulation, *((step, neuron, 0, late if neuron == 0 else 0) for neuron in fired))
        fired = simulation.step_deferred()
    expected = 0.5 + 0.01 * np.exp(-(50 - late) * DT_MS / 17.0)
    assert simulation.weights(0)[0] == pytest.approx(expected, abs=1e-12)
    simulation.close()


def test_a_long_run_with_few_presynaptic_spikes_forgets_no_postsynaptic_one():
    """The history of postsynaptic spikes is bounded: synapses catch up with it now and then."""
    post = np.arange(100, 9000, 13)
    network = plastic_pair(pair_rule(A_minus=0.001, A_plus=0.001), [150, 8950], post, delay=10)
    found, expected = native.build(network), reference.build(network)
    for simulation in (found, expected):
        simulation.advance(9100)
    assert len(found.spikes(2)[0]) == len(post)
    np.testing.assert_allclose(found.weights(0), expected.weights(0), rtol=1e-11)
    found.close()
