"""Membranes, thresholds and synapses against closed forms; tolerances are those of rounding, unless said."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from pycosim.backends import native
from pycosim.backends.base import Options

from .backend_networks import (
    CONDUCTANCE_MODELS,
    CURRENT_MODELS,
    DT_MS,
    NEURON_MODELS,
    connect,
    network_of,
    neuron_parameters,
    neurons,
    one_synapse,
    spike_array,
)

# Sums of some hundred rounding errors of numbers near 65 mV.
ROUNDING_MV = 1e-10


@pytest.mark.parametrize("model", NEURON_MODELS)
def test_driven_neuron_fires_at_the_first_step_after_the_analytic_time(build, model):
    simulation = build(network_of(neurons(model, i_offset=1.0)))
    simulation.advance(2000)
    steps, indices = simulation.spikes(0)
    # 20 ms * ln 4 = 27.7259 ms, then every 27.7259 + 2 ms, each rounded up to the grid.
    np.testing.assert_array_equal(steps, 278 + 298 * np.arange(6))
    assert not indices.any()


@pytest.mark.parametrize("model", NEURON_MODELS)
def test_membrane_relaxes_exponentially(build, model):
    simulation = build(network_of(neurons(model, v=-55.0, i_offset=0.2)))
    simulation.advance(500)
    t_ms = DT_MS * np.arange(501)
    v_infinite = -65 + 0.2 * 20
    expected = v_infinite + (-55 - v_infinite) * np.exp(-t_ms / 20)
    np.testing.assert_allclose(simulation.signal(0, "v")[:, 0], expected, rtol=0, atol=ROUNDING_MV)


@pytest.mark.parametrize("model", NEURON_MODELS)
def test_spike_first_moves_the_membrane_one_step_after_arrival_or_at_once_on_a_delta_synapse(build, model):
    simulation = build(one_synapse(model, spike_steps=[50], delay=10))
    simulation.advance(100)
    v = simulation.signal(1, "v")[:, 0]
    first = 60 if model == "IF_curr_delta" else 61
    np.testing.assert_array_equal(v[:first], -65.0)
    assert v[first] > -65.0


@pytest.mark.parametrize("tau_syn", [1.0, 5.0, 20.0])
@pytest.mark.parametrize("receptor", ["excitatory", "inhibitory"])
def test_exponential_current_gives_the_analytic_postsynaptic_potential(build, tau_syn, receptor):
    name = "tau_syn_E" if receptor == "excitatory" else "tau_syn_I"
    weight = 0.5 if receptor == "excitatory" else -0.5
    network = one_synapse("IF_curr_exp", weight=weight, receptor=receptor, cm=0.5, **{name: tau_syn})
    simulation = build(network)
    simulation.advance(800)
    t_ms = DT_MS * np.arange(801 - 60)
    if tau_syn == 20.0:  # the membrane's time constant: the limit of the formula below
        expected = weight / 0.5 * t_ms * np.exp(-t_ms / 20)
    else:
        scale = weight / 0.5 / (1 / tau_syn - 1 / 20)
        expected = scale * (np.exp(-t_ms / 20) - np.exp(-t_ms / tau_syn))
    np.testing.assert_allclose(simulation.signal(1, "v")[60:, 0] + 65, expected, rtol=0, atol=ROUNDING_MV)


@pytest.mark.parametrize("tau_syn", [1.0, 5.0, 20.0])
def test_alpha_current_gives_the_analytic_postsynaptic_potential(build, tau_syn):
    network = one_synapse("IF_curr_alpha", weight=0.5, cm=0.5, tau_syn_E=tau_syn)
    simulation = build(network)
    simulation.advance(800)
    t_ms = DT_MS * np.arange(801 - 60)
    scale = 0.5 * np.e / tau_syn / 0.5
    if tau_syn == 20.0:
        expected = scale * t_ms**2 / 2 * np.exp(-t_ms / 20)
    else:
        a = 1 / tau_syn - 1 / 20
        expected = scale * np.exp(-t_ms / 20) * (1 / a**2 - np.exp(-a * t_ms) * (t_ms / a + 1 / a**2))
    np.testing.assert_allclose(simulation.signal(1, "v")[60:, 0] + 65, expected, rtol=0, atol=ROUNDING_MV)


def test_delta_synapses_add_their_weights_to_the_membrane(build):
    network = one_synapse("IF_curr_delta", weight=2.0)
    connect(network, 0, 1, -0.5, 10, "inhibitory")
    simulation = build(network)
    simulation.advance(200)
    expected = 1.5 * np.exp(-DT_MS * np.arange(201 - 60) / 20)
    np.testing.assert_allclose(simulation.signal(1, "v")[60:, 0] + 65, expected, rtol=0, atol=ROUNDING_MV)


def _conductances(model, t_ms):
    """An excitatory spike of 0.02 uS acts at 6 ms, an inhibitory one of 0.03 uS at 9 ms."""
    result = []
    for weight, onset, tau in ((0.02, 6.0, 5.0), (0.03, 9.0, 8.0)):
        since = np.maximum(t_ms - onset, 0)
        shape = np.exp(-since / tau) if model == "IF_cond_exp" else since / tau * np.exp(1 - since / tau)
        result.append(weight * shape * (t_ms >= onset))
    return result


def _conductance_run(build, model, dt_ms):
    network = network_of(
        spike_array(round(5 / dt_ms)),
        spike_array(round(8 / dt_ms)),
        neurons(model, i_offset=0.3),
        dt_ms=dt_ms,
    )
    connect(network, 0, 2, 0.02, round(1 / dt_ms))
    connect(network, 1, 2, 0.03, round(1 / dt_ms), "inhibitory")
    simulation = build(network)
    simulation.advance(round(30 / dt_ms))
    return simulation


def _exact_membrane(model, t_ms):
    """Integrate between the arrivals, where the right-hand side is smooth."""

    def slope(t, v):
        g_e, g_i = _conductances(model, t)
        return (-65 - v) / 20 + g_e * (0 - v) + g_i * (-75 - v) + 0.3

    v, values = -65.0, np.empty(len(t_ms))
    for start, stop in ((0.0, 6.0), (6.0, 9.0), (9.0, 30.0)):
        inside = (t_ms >= start - 1e-9) & (t_ms <= stop + 1e-9)
        # Just inside, so that the solver sees the conductance as it is after the arrival.
        span = (np.nextafter(start, np.inf), np.nextafter(stop, 0))
        times = np.clip(t_ms[inside], *span)
        solution = solve_ivp(slope, span, [v], t_eval=times, method="DOP853", rtol=1e-12, atol=1e-12)
        values[inside], v = solution.y[0], solution.y[0, -1]
    return values


@pytest.mark.parametrize("model", CONDUCTANCE_MODELS)
def test_conductances_are_exact(build, model):
    simulation = _conductance_run(build, model, 0.1)
    expected = _conductances(model, 0.1 * np.arange(301))
    for variable, column in zip(("gsyn_exc", "gsyn_inh"), expected):
        # 1e-15 is rounding of 0.03; the grid point 6.0 = 60 * 0.1 itself is not exact, hence some ulps more.
        np.testing.assert_allclose(simulation.signal(2, variable)[:, 0], column, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("model", CONDUCTANCE_MODELS)
def test_conductance_membrane_converges_with_second_order(build, model):
    errors = []
    for dt_ms in (0.1, 0.05):
        t_ms = dt_ms * np.arange(round(30 / dt_ms) + 1)
        v = _conductance_run(build, model, dt_ms).signal(2, "v")[:, 0]
        errors.append(np.abs(v - _exact_membrane(model, t_ms)).max())
    # The rule's error at 0.1 ms is some 1e-4 mV; half a step makes a quarter of it.
    assert errors[0] < 5e-4
    assert 3.7 < errors[0] / errors[1] < 4.3


@pytest.mark.parametrize("model", NEURON_MODELS)
def test_membrane_is_held_at_reset_for_the_refractory_time(build, model):
    simulation = build(network_of(neurons(model, i_offset=1.0, v_reset=-70.0, tau_refrac=1.5)))
    simulation.advance(400)
    v = simulation.signal(0, "v")[:, 0]
    (fired,) = np.flatnonzero(np.diff(v) < -5) + 1
    np.testing.assert_array_equal(v[fired : fired + 16], -70.0)
    assert v[fired + 16] > -70.0


def test_weights_that_arrive_on_a_refractory_delta_neuron_are_lost(build):
    network = one_synapse("IF_curr_delta", spike_steps=[9, 12, 19, 29, 30], delay=1, weight=15.0)
    simulation = build(network)
    simulation.advance(60)
    # Fires at 10, is refractory in 11..30, so that of the arrivals at 13, 20, 30 and 31 the last one acts.
    np.testing.assert_array_equal(simulation.spikes(1)[0], [10, 31])


def test_synaptic_current_goes_on_while_the_neuron_is_refractory(build):
    network = one_synapse("IF_curr_exp", spike_steps=[9, 20], delay=1, weight=1.0, v=-49.9)
    simulation = build(network)
    simulation.advance(30)
    np.testing.assert_array_equal(simulation.spikes(1)[0], [1])
    expected = np.exp(-20 * DT_MS / 5) + np.exp(-9 * DT_MS / 5)
    np.testing.assert_allclose(simulation.state(1, "i_e"), expected, rtol=1e-13)


def test_membrane_exactly_at_threshold_fires(build):
    network = one_synapse("IF_curr_delta", v_rest=0.0, v_reset=0.0, v=0.0, v_thresh=10.0, weight=10.0)
    simulation = build(network)
    simulation.advance(100)
    np.testing.assert_array_equal(simulation.spikes(1)[0], [60])


def test_neuron_without_refractory_time_can_fire_at_every_step(build):
    simulation = build(network_of(neurons("IF_curr_delta", tau_refrac=0.0, v_rest=-40.0, tau_m=0.01)))
    simulation.advance(5)
    np.testing.assert_array_equal(simulation.spikes(0)[0], [1, 2, 3, 4, 5])


def test_neuron_above_threshold_at_the_end_of_the_refractory_time_fires_then(build):
    parameters = dict(tau_refrac=0.5, v_rest=-40.0, tau_m=0.01)
    simulation = build(network_of(neurons("IF_curr_delta", **parameters)))
    simulation.advance(20)
    np.testing.assert_array_equal(simulation.spikes(0)[0], [1, 7, 13, 19])


def test_spike_of_a_source_at_step_zero_is_recorded_and_acts_after_its_delay(build):
    simulation = build(one_synapse("IF_curr_delta", spike_steps=[0], delay=1, weight=2.0))
    assert len(simulation.spikes(0)[0]) == 0
    simulation.advance(1)
    np.testing.assert_array_equal(simulation.spikes(0)[0], [0])
    np.testing.assert_array_equal(simulation.signal(1, "v")[:, 0], [-65, -63])


def test_source_that_emits_two_spikes_in_one_step_acts_twice(build):
    simulation = build(one_synapse("IF_curr_delta", spike_steps=[5, 5], delay=1, weight=2.0))
    simulation.advance(6)
    np.testing.assert_array_equal(simulation.spikes(0)[0], [5, 5])
    assert simulation.state(1, "v")[0] == -61.0


def test_chain_of_neurons_passes_a_spike_on(build):
    network = network_of(spike_array(3), *(neurons("IF_curr_delta") for _ in range(3)))
    for pre in range(3):
        connect(network, pre, pre + 1, 20.0, 10 + pre)
    simulation = build(network)
    simulation.advance(50)
    assert [simulation.spikes(index)[0].tolist() for index in range(4)] == [[3], [13], [24], [36]]


@pytest.mark.parametrize("model", CURRENT_MODELS)
def test_currents_that_have_died_away_leave_the_membrane_at_rest(build, model):
    changed = {} if model == "IF_curr_delta" else {"tau_syn_E": 0.1, "tau_syn_I": 0.1}
    simulation = build(one_synapse(model, spike_steps=[1], delay=1, tau_m=1.0, **changed))
    simulation.advance(2000)
    assert abs(simulation.state(1, "v")[0] + 65) < ROUNDING_MV


def test_every_model_has_parameters_here():
    from pycosim.network import MODELS

    for model in NEURON_MODELS:
        assert set(neuron_parameters(model)) == set(MODELS[model].parameters)


@pytest.mark.parametrize("threads", [1, 2])
def test_what_has_died_away_below_the_normal_numbers_is_zero_on_native(threads):
    network = one_synapse("IF_cond_exp", spike_steps=[0], delay=1, weight=1e-305)
    simulation = native.build(network, Options(threads=threads))
    simulation.advance(1500)
    conductance = simulation.signal(1, "gsyn_exc")[:, 0]
    simulation.close()
    smallest = np.finfo(float).tiny
    # 5 ms * ln(1e-305 / 2.2e-308) is 30.6 ms after the spike
    assert conductance[306] > smallest
    assert not conductance[310:].any()
