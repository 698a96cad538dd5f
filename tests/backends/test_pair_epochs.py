"""The all-to-all pair rules over many spikes: factors of spikes, new in each epoch, give what traces give."""

import numpy as np
import pytest

from pycosim.backends import native, reference
from pycosim.backends.base import Options
from pycosim.network import Plasticity, Population, Recording
from pycosim.network.plasticity import WEIGHT_DEPENDENCES

from .backend_networks import add_pairs, network_of, neurons, spike_array
from .plastic_networks import ADDITIVE, pair_rule

N_SOURCES, N_TARGETS = 20, 61  # no whole number of vectors
STEPS = 2000
# In ms, steps of 0.1 ms: with epochs of 900 steps, of 10,200, and without any.
TAUS = [(0.15, 0.3), (3.4, 1.7), (0.04, 3.0)]


def trains(rng, n, intervals):
    """Spike sources whose mean intervals are spread over a range of steps."""
    per_source = [
        np.flatnonzero(rng.random(STEPS - 20) < 1.0 / interval) for interval in rng.permutation(intervals)
    ]
    steps = np.concatenate(per_source)
    indices = np.repeat(np.arange(n), [len(train) for train in per_source])
    order = np.lexsort((indices, steps))
    return Population("source", "SpikeSourceArray", n, spike_steps=steps[order], spike_indices=indices[order])


def network_with(taus, dependence=ADDITIVE, *, fraction=1.0, delays=7, weights=(0.0, 1.0), seed=1, **changed):
    """Sources of all rates onto neurons that fire at given steps, each once for every spike of a driver."""
    rng = np.random.default_rng(seed)
    network = network_of(
        trains(rng, N_SOURCES, np.geomspace(4, 700, N_SOURCES)),
        trains(rng, N_TARGETS, np.geomspace(2, 900, N_TARGETS)),
        neurons("IF_curr_delta", N_TARGETS, tau_refrac=0.1, tau_m=1e6),
    )
    network.populations[2].recordings = {"spikes": Recording(np.arange(N_TARGETS))}
    every = np.arange(N_TARGETS)
    add_pairs(network, 1, 2, every, every, 1e6, 1)
    n = N_SOURCES * N_TARGETS
    sources, targets = np.repeat(np.arange(N_SOURCES), N_TARGETS), np.tile(every, N_SOURCES)
    delays = rng.choice(delays, n).astype(np.int32) if np.ndim(delays) else delays
    add_pairs(network, 0, 2, sources, targets, rng.uniform(*weights, n), delays)
    parameters = dict(tau_plus=taus[0], tau_minus=taus[1], A_plus=0.03, A_minus=0.02, w_min=0.0, w_max=1.0)
    powers = dict(mu_plus=0.4, mu_minus=0.7) if dependence == "GutigWeightDependence" else {}
    parameters |= powers | changed
    network.projections[1].plasticity = Plasticity(
        "SpikePairRule", dependence, parameters, dendritic_delay_fraction=fraction
    )
    return network


def weights_after(simulation, parts):
    """Return the weights at the end of each part, looking at them only there."""
    seen = []
    for part in parts:
        simulation.advance(part)
        seen.append(simulation.weights(1))
    assert len(simulation.spikes(2)[0]) > 20 * N_TARGETS
    simulation.close()
    return np.array(seen)


def assert_agreement(network):
    parts = (1, 899, 950, STEPS - 1850)
    found, expected = (weights_after(build(network), parts) for build in (native.build, reference.build))
    assert np.abs(expected[-1] - expected[0]).max() > 0.1
    # Some hundred changes of a weight, each with a few units of rounding.
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("taus", TAUS)
@pytest.mark.parametrize("dependence", WEIGHT_DEPENDENCES)
@pytest.mark.parametrize("fraction", [0.0, 0.5, 1.0])
def test_weights_are_those_of_traces_that_decay_step_by_step(taus, dependence, fraction):
    assert_agreement(network_with(taus, dependence, fraction=fraction))


@pytest.mark.parametrize("taus", TAUS)
def test_synapses_of_one_source_with_different_delays(taus):
    assert_agreement(network_with(taus, delays=[3, 8, 40], fraction=0.5))


def test_a_long_dendrite_on_which_several_spikes_are_under_way():
    assert_agreement(network_with(TAUS[0], delays=60))


@pytest.mark.parametrize("dependence", [ADDITIVE, "MultiplicativeWeightDependence"])
def test_weights_out_of_bounds_stay_until_something_changes_them(dependence):
    network = network_with(TAUS[1], dependence, weights=(-0.5, 1.5), A_minus=0.0)
    assert_agreement(network)
    simulation = native.build(network)
    before = simulation.weights(1)
    simulation.advance(30)
    outside = (before < 0.0) | (before > 1.0)
    unchanged = outside & (before == simulation.weights(1))
    assert 0 < np.count_nonzero(unchanged) < np.count_nonzero(outside)
    simulation.close()


def test_bounds_that_are_moved_past_weights():
    network = network_with(TAUS[0])
    simulations = [native.build(network), reference.build(network)]
    for simulation in simulations:
        simulation.advance(400)
    plasticity = network.projections[1].plasticity
    plasticity.parameters["w_max"] = 0.4
    for simulation in simulations:
        simulation.plasticity_changed(1)
    found, expected = (weights_after(simulation, [500, 900]) for simulation in simulations)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("changed", [{"A_plus": -0.02}, {"A_minus": -0.01}, {"A_plus": 0.0}, {"w_min": -1.0}])
def test_gains_of_any_sign(changed):
    assert_agreement(network_with(TAUS[0], **changed))


@pytest.mark.parametrize("taus", TAUS)
@pytest.mark.parametrize("dependence", WEIGHT_DEPENDENCES)
def test_threads_and_looking_at_weights_change_no_bit(taus, dependence):
    network = network_with(taus, dependence, fraction=0.5, delays=[3, 8])
    alone = weights_after(native.build(network), [STEPS])
    for threads, parts in ((1, [100] * 20), (2, [899, 1101]), (3, [1, 1999])):
        beside = weights_after(native.build(network, Options(threads=threads)), parts)
        np.testing.assert_array_equal(beside[-1], alone[-1])


def membranes(simulation, population):
    simulation.advance(100)
    found = simulation.signal(population, "v")
    simulation.close()
    return found


def test_spikes_of_a_source_in_the_same_step_transmit_what_each_of_them_left():
    rng = np.random.default_rng(3)
    network = network_of(
        spike_array(20, 60, 60, 60, 61, 90, 90),
        trains(rng, N_TARGETS, np.geomspace(2, 900, N_TARGETS)),
        neurons("IF_curr_delta", N_TARGETS, tau_refrac=0.1, tau_m=1e6),
    )
    network.populations[2].recordings = {"v": Recording(np.arange(N_TARGETS))}
    every = np.arange(N_TARGETS)
    add_pairs(network, 0, 2, np.zeros_like(every), every, rng.uniform(0.3, 0.9, N_TARGETS), 7)
    add_pairs(network, 1, 2, every, every, 1e6, 1)
    network.projections[0].plasticity = pair_rule(fraction=0.5, A_minus=0.2)
    found, expected = (membranes(build(network), 2) for build in (native.build, reference.build))
    # Potentials of some ten mV, that are changed a hundred times.
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert np.diff(expected, axis=0)[66].max() > 1.0  # by three weights


def test_two_synapses_of_a_source_with_the_same_cell_both_transmit():
    rng = np.random.default_rng(4)
    network = network_of(
        trains(rng, 5, np.full(5, 3.0)),
        neurons("IF_curr_delta", N_TARGETS, v_thresh=1e9, tau_m=1e6),
    )
    network.populations[1].recordings = {"v": Recording(np.arange(N_TARGETS))}
    twice = np.repeat(np.arange(N_TARGETS), 2)
    pre, post = np.repeat(np.arange(5), twice.size), np.tile(twice, 5)
    add_pairs(network, 0, 1, pre, post, rng.uniform(0.3, 0.9, pre.size), 7)
    network.projections[0].plasticity = pair_rule(fraction=0.5, A_minus=0.2)
    found, expected = (membranes(build(network), 1) for build in (native.build, reference.build))
    # As above; one weight of two would be missing, or half of what is expected.
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert np.diff(expected, axis=0).max() > 4 * 0.3  # of two sources in the same step


def test_parameters_that_are_equal_may_be_written_as_columns():
    network = network_with(TAUS[0])
    shared = weights_after(native.build(network), [STEPS])
    n = network.projections[1].n_synapses
    network.projections[1].plasticity.parameters["A_plus"] = np.full(n, 0.03)
    columns = weights_after(native.build(network), [STEPS])
    np.testing.assert_allclose(columns, shared, rtol=1e-11, atol=1e-13)
