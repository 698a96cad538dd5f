"""Plastic synapses through PyNN."""

import numpy as np
import pytest
from pyNN.parameters import Sequence
from pyNN.random import RandomDistribution

from pycosim.errors import InvalidInputError, NotSupportedError

W_MAX, W = 1e-6, 5e-7


def stdp(sim, timing=None, dependence=None, **options):
    return sim.STDPMechanism(
        timing or sim.SpikePairRule(tau_plus=20.0, tau_minus=20.0, A_plus=0.01, A_minus=0.012),
        dependence or sim.AdditiveWeightDependence(w_min=0.0, w_max=W_MAX),
        **({"weight": W, "delay": 3.0} | options),
    )


def one_neuron_fires_at_100_ms(sim, spike_times, synapse):
    """Sources with one train each, plastic synapses to a neuron that another source fires; the projection."""
    sim.setup(timestep=0.1)
    trains = [Sequence(np.atleast_1d(times)) for times in spike_times]
    times = trains if len(trains) > 1 else trains[0]
    sources = sim.Population(len(trains), sim.SpikeSourceArray(spike_times=times))
    driver = sim.Population(1, sim.SpikeSourceArray(spike_times=[99.0]))
    neuron = sim.Population(1, sim.IF_curr_delta(v_rest=-65.0, v_reset=-65.0, v_thresh=-50.0))
    sim.Projection(driver, neuron, sim.OneToOneConnector(), sim.StaticSynapse(weight=100.0, delay=1.0))
    return sim.Projection(sources, neuron, sim.AllToAllConnector(), synapse)


def weights(projection):
    return np.array(projection.get("weight", "list", with_address=False))


@pytest.mark.parametrize("fraction", [0.0, 0.5, 1.0])
def test_final_weights_trace_the_stdp_window_shifted_by_the_parts_of_the_delay(sim, fraction):
    lags = np.arange(-30, 31)
    projection = one_neuron_fires_at_100_ms(sim, 100.0 + lags, stdp(sim, dendritic_delay_fraction=fraction))
    sim.run(200.0)
    interval = -lags + 3.0 * fraction - 3.0 * (1 - fraction)
    change = np.where(interval > 0, 0.01, -0.012) * np.exp(-np.abs(interval) / 20.0) * (interval != 0)
    np.testing.assert_allclose(weights(projection), W + W_MAX * change, rtol=1e-9)


def test_weights_can_be_read_and_set_while_the_script_runs_and_reset_restores_the_first_ones(sim):
    projection = one_neuron_fires_at_100_ms(sim, [[90.0, 190.0]], stdp(sim))
    seen = []
    sim.run(200.0, callbacks=[lambda t: seen.append(weights(projection)[0]) or t + 50.0])
    potentiated = W + W_MAX * 0.01 * np.exp(-13.0 / 20.0)
    np.testing.assert_allclose(seen[:4], [W, W, W, potentiated], rtol=1e-9)
    assert projection[0].weight == weights(projection)[0] < potentiated
    sim.reset()
    assert weights(projection)[0] == W
    sim.run(150.0)
    assert weights(projection)[0] == pytest.approx(potentiated, rel=1e-9)
    projection.set(weight=2e-7)
    assert weights(projection)[0] == 2e-7
    sim.run(1.0)
    assert weights(projection)[0] == 2e-7


def test_parameters_of_the_parts_can_be_read_and_set(sim):
    projection = one_neuron_fires_at_100_ms(sim, [90.0, 91.0], stdp(sim))
    assert projection.get(["A_plus", "w_max", "delay"], "list") == [
        (0, 0, 0.01, W_MAX, 3.0),
        (1, 0, 0.01, W_MAX, 3.0),
    ]
    assert projection[1].tau_minus == 20.0
    projection.set(A_plus=[0.0, 0.1])
    sim.run(150.0)
    np.testing.assert_allclose(weights(projection), [W, W + W_MAX * 0.1 * np.exp(-12.0 / 20.0)], rtol=1e-9)


def test_amplitudes_may_differ_between_synapses_but_time_constants_may_not(sim):
    rule = sim.SpikePairRule(A_plus=RandomDistribution("uniform", low=0.0, high=0.1))
    projection = one_neuron_fires_at_100_ms(sim, [90.0, 90.0], stdp(sim, timing=rule))
    sim.run(150.0)
    amplitudes = np.array(projection.get("A_plus", "list", with_address=False))
    expected = np.minimum(W + W_MAX * amplitudes * np.exp(-13.0 / 20.0), W_MAX)
    np.testing.assert_allclose(weights(projection), expected, rtol=1e-9)
    assert amplitudes[0] != amplitudes[1]
    various = sim.SpikePairRule(tau_plus=RandomDistribution("uniform", low=10.0, high=20.0))
    with pytest.raises(NotSupportedError, match=r"tau_plus differs between synapses"):
        one_neuron_fires_at_100_ms(sim, [90.0, 90.0], stdp(sim, timing=various))


@pytest.mark.parametrize("timing", ["SpikePairRule", "Vogels2011Rule"])
@pytest.mark.parametrize(
    "dependence",
    [
        "AdditiveWeightDependence",
        "MultiplicativeWeightDependence",
        "AdditivePotentiationMultiplicativeDepression",
        "GutigWeightDependence",
    ],
)
def test_every_timing_rule_goes_with_every_weight_dependence(sim, timing, dependence):
    rule = getattr(sim, timing)(eta=1e-8) if timing == "Vogels2011Rule" else getattr(sim, timing)()
    synapse = stdp(sim, rule, getattr(sim, dependence)(w_min=0.0, w_max=W_MAX))
    projection = one_neuron_fires_at_100_ms(sim, [90.0], synapse)
    sim.run(150.0)
    assert W < weights(projection)[0] < W_MAX


def test_two_mechanisms_do_not_share_parameters(sim):
    gutig = stdp(sim, dependence=sim.GutigWeightDependence(w_max=W_MAX))
    additive = stdp(sim)
    assert "mu_plus" in gutig.translations
    assert "mu_plus" not in additive.translations


def test_what_a_mechanism_lacks_is_named(sim):
    sim.setup(timestep=0.1)
    with pytest.raises(NotSupportedError, match="timing_dependence=None"):
        sim.STDPMechanism(weight_dependence=sim.AdditiveWeightDependence())
    with pytest.raises(InvalidInputError, match="dendritic_delay_fraction=2"):
        stdp(sim, dendritic_delay_fraction=2)


def depressing(sim, **changed):
    sim.setup(timestep=0.1)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[10.0, 30.0, 50.0]))
    neurons = sim.Population(2, sim.IF_cond_exp(tau_syn_E=2.0))
    parameters = dict(U=0.5, tau_rec=800.0, tau_facil=0.0, weight=0.01, delay=0.5) | changed
    synapse = sim.TsodyksMarkramSynapse(**parameters)
    projection = sim.Projection(source, neurons, sim.AllToAllConnector(), synapse)
    neurons.record("gsyn_exc")
    return neurons, projection


def steps_of_conductance(neurons):
    g = np.asarray(neurons.get_data().segments[-1].filter(name="gsyn_exc")[0])
    return np.stack([g[i] - g[i - 1] * np.exp(-0.1 / 2.0) for i in (105, 305, 505)])


def test_a_depressing_synapse_transmits_what_has_recovered(sim):
    neurons, projection = depressing(sim)
    sim.run(60.0)
    found = steps_of_conductance(neurons)[:, 0]
    # With tau_syn far below the interval: x recovers towards 1 from what is left, with tau_rec = 800 ms.
    z = 0.5 / (1 - 2.0 / 800.0) * (np.exp(-20.0 / 800.0) - np.exp(-20.0 / 2.0))
    y = 0.5 * np.exp(-20.0 / 2.0)
    np.testing.assert_allclose(found[:2], [0.01 * 0.5, 0.01 * 0.5 * (1 - y - z)], rtol=1e-9)
    assert found[2] < found[1]
    assert projection.get("weight", "array").tolist() == [[0.01, 0.01]]
    assert projection.get("U", "array").tolist() == [[0.5, 0.5]]


def test_initialize_sets_the_use_that_facilitation_starts_from(sim):
    neurons, projection = depressing(sim, U=0.2, tau_facil=100.0)
    projection.initialize(u=0.5)
    sim.run(60.0)
    u = 0.5 * np.exp(-10.0 / 100.0)
    first = steps_of_conductance(neurons)[0]
    np.testing.assert_allclose(first, 0.01 * (u + 0.2 * (1 - u)), rtol=1e-9)
    sim.reset()
    with pytest.raises(InvalidInputError, match="no state variable 'x'"):
        projection.initialize(x=0.5)


def test_reset_restores_the_resources(sim):
    neurons, _ = depressing(sim)
    sim.run(60.0)
    first = steps_of_conductance(neurons)
    sim.reset()
    sim.run(60.0)
    np.testing.assert_array_equal(steps_of_conductance(neurons), first)


def test_chips_learn_as_native_does(sim):
    import pycosim.loihi as loihi

    results = []
    for target, options in ((sim, {}), (loihi, {"timing": "ideal"})):
        target.setup(timestep=1.0, seed=3, **options)
        noise = target.Population(20, target.SpikeSourcePoisson(rate=30.0))
        cells = target.Population(10, target.IF_curr_exp(tau_refrac=2.0))
        rule = target.SpikePairRule(A_plus=0.05, A_minus=0.05)
        synapse = target.STDPMechanism(
            rule, target.AdditiveWeightDependence(w_max=2.0), weight=1.0, delay=2.0
        )
        projection = target.Projection(noise, cells, target.AllToAllConnector(), synapse)
        target.run(300.0)
        results.append(weights(projection))
        target.end()
    np.testing.assert_array_equal(results[0], results[1])
    assert np.ptp(results[0]) > 0.1


def test_stochastic_synapses_have_their_parameters_and_initial_values(sim):
    sim.setup(timestep=0.1, seed=7)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=np.arange(5.0, 500.0, 5.0)))
    neurons = sim.Population(3, sim.IF_cond_exp(tau_syn_E=1.0))
    neurons.record("gsyn_exc")
    simple = sim.SimpleStochasticSynapse(weight=0.5, p=np.array([[0.0, 0.5, 1.0]]))
    quantal = sim.MultiQuantalSynapse(weight=0.1, U=0.4, n=3, tau_rec=50.0)
    first = sim.Projection(source, neurons, sim.AllToAllConnector(), simple)
    second = sim.Projection(source, neurons, sim.AllToAllConnector(), quantal)
    second.initialize(a=0.0, u=0.4)
    assert first.get("p", "list", with_address=False) == [0.0, 0.5, 1.0]
    second.set(n=[1, 2, 3], weight=0.0)
    assert second.get("n", "list", with_address=False) == [1.0, 2.0, 3.0]
    sim.run(500.0)
    g = np.asarray(neurons.get_data().segments[0].filter(name="gsyn_exc")[0])
    arrivals = (np.diff(g, axis=0) > 0.2).sum(axis=0)
    assert arrivals[0] == 0
    assert 25 < arrivals[1] < 75  # five standard deviations around half of 99
    assert arrivals[2] == 99


def test_a_parameter_of_one_connection_can_be_set_and_an_unknown_one_is_refused(sim):
    _, projection = depressing(sim)
    projection[1].U = 0.25
    assert projection.get("U", "list", with_address=False) == [0.5, 0.25]
    with pytest.raises(AttributeError, match="no attribute 'V'; it has weight, delay, U, tau_rec, tau_facil"):
        projection[1].V = 0.25


def test_a_list_of_connections_may_have_columns_for_parameters(sim):
    sim.setup(timestep=0.1)
    cells = sim.Population(3, sim.IF_cond_exp())
    rows = [(0, 2, 0.1, 1.0, 0.3, 50.0), (0, 1, 0.2, 2.0, 0.4, 60.0), (2, 0, 0.3, 1.0, 0.5, 70.0)]
    connector = sim.FromListConnector(rows, column_names=["weight", "delay", "U", "tau_rec"])
    projection = sim.Projection(cells, cells, connector, sim.TsodyksMarkramSynapse(tau_facil=10.0))
    found = projection.get(["weight", "delay", "U", "tau_rec", "tau_facil"], "list")
    assert sorted(found) == sorted((*row, 10.0) for row in rows)
