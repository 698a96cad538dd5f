"""Short-term plasticity against a numerical solution of its differential equations."""

import itertools

import numpy as np
import pytest

from pycosim import _core, targets
from pycosim.backends import native
from pycosim.backends.base import Options
from pycosim.network import Plasticity
from pycosim.network.short_term import draw_key

from .backend_networks import DT_MS, add_pairs, connect, network_of, neurons, spike_array

SPIKES = np.array([0, 40, 45, 45, 130, 131, 400, 410, 900])
DELAY = 7


def solved(spike_steps, U, tau_rec, tau_facil, tau_psc, u, *, n_parts=400):
    """Fractions that spikes transmit: equations of x, y, z, u by the classical Runge-Kutta rule."""
    state, now, sent = np.array([1.0, 0.0, 0.0, u]), 0.0, []

    def slope(s):
        _, y, z, use = s
        return np.array(
            [z / tau_rec, -y / tau_psc, y / tau_psc - z / tau_rec, -use / tau_facil if tau_facil else 0.0]
        )

    for step in spike_steps:
        h = (step * DT_MS - now) / n_parts
        for _ in range(n_parts):
            a = slope(state)
            b = slope(state + h / 2 * a)
            c = slope(state + h / 2 * b)
            d = slope(state + h * c)
            state = state + h / 6 * (a + 2 * b + 2 * c + d)
        now = step * DT_MS
        state[3] = U + (state[3] * (1 - U) if tau_facil else 0.0)
        moved = state[3] * state[0]
        state += np.array([-moved, moved, 0.0, 0.0])
        sent.append(moved)
    return np.array(sent)


def synapse(*, weight=0.02, tau_syn=3.0, u=0.0, **parameters):
    network = network_of(spike_array(*SPIKES), neurons("IF_cond_exp", tau_syn_E=tau_syn))
    connect(network, 0, 1, np.array([weight]), DELAY)
    network.projections[0].plasticity = Plasticity("TsodyksMarkram", parameters=parameters, initial={"u": u})
    return network


def transmitted(simulation, tau_syn, steps=1000):
    """What arrived at each step, from the recorded conductance."""
    simulation.advance(steps)
    g = simulation.signal(1, "gsyn_exc")[:, 0]
    return np.concatenate([[0.0], g[1:] - g[:-1] * np.exp(-DT_MS / tau_syn)])


@pytest.mark.parametrize(
    ("U", "tau_rec", "tau_facil", "tau_syn", "u"),
    [
        (0.5, 80.0, 0.0, 3.0, 0.0),
        (0.1, 10.0, 100.0, 3.0, 0.0),
        (0.3, 50.0, 30.0, 5.0, 0.6),
        (0.4, 5.0, 20.0, 5.0, 0.0),  # equal time constants, where the closed form divides 0 by 0
    ],
)
def test_what_is_transmitted_solves_the_differential_equations(build, U, tau_rec, tau_facil, tau_syn, u):
    parameters = dict(U=U, tau_rec=tau_rec, tau_facil=tau_facil)
    found = transmitted(build(synapse(tau_syn=tau_syn, u=u, **parameters)), tau_syn)
    expected = np.zeros(1001)
    np.add.at(expected, SPIKES + DELAY, 0.02 * solved(SPIKES, tau_psc=tau_syn, u=u, **parameters))
    # 400 Runge-Kutta steps per interval of at most 50 ms leave errors of (0.125 / 3)^4 per time constant.
    np.testing.assert_allclose(found, expected, atol=0.02 * 1e-6)


def test_a_synapse_on_a_delta_neuron_inactivates_at_once(build):
    network = network_of(spike_array(100, 150), neurons("IF_curr_delta", tau_m=1e9))
    connect(network, 0, 1, np.array([1.0]), DELAY)
    parameters = dict(U=0.5, tau_rec=20.0, tau_facil=0.0)
    network.projections[0].plasticity = Plasticity("TsodyksMarkram", parameters=parameters)
    simulation = build(network)
    simulation.advance(200)
    jumps = np.diff(simulation.signal(1, "v")[:, 0])
    assert jumps[106] == pytest.approx(0.5)
    assert jumps[156] == pytest.approx(0.5 * (1 - 0.5 * np.exp(-5.0 / 20.0)), abs=1e-6)  # 1e-7 of leak


def test_the_weight_itself_stays_and_a_new_one_scales_later_spikes(build):
    parameters = dict(U=0.5, tau_rec=80.0, tau_facil=0.0)
    network = synapse(**parameters)
    simulation = build(network)
    simulation.advance(135)  # the spikes of 130 and 131 are under way
    assert simulation.weights(0).tolist() == [0.02]
    network.projections[0].weights = np.array([0.06])
    simulation.weights_changed(0)
    found = transmitted(simulation, 3.0, steps=865)
    expected = np.zeros(1001)
    weight = np.where(SPIKES < 135, 0.02, 0.06)
    np.add.at(expected, SPIKES + DELAY, weight * solved(SPIKES, tau_psc=3.0, u=0.0, **parameters))
    np.testing.assert_allclose(found, expected, atol=0.02 * 1e-6)


def stochastic(rule, n_synapses, spike_steps, initial=None, **parameters):
    """A source with synapses of 1 mV to many neurons; what each neuron got of each spike, (n_spikes, n)."""
    network = network_of(spike_array(*spike_steps), neurons("IF_curr_delta", n_synapses, tau_m=1e9))
    everyone = np.arange(n_synapses)
    add_pairs(network, 0, 1, np.zeros(n_synapses, int), everyone, np.ones(n_synapses), DELAY)
    network.projections[0].plasticity = Plasticity(rule, parameters=parameters, initial=initial or {})
    network.populations[1].parameters["v_thresh"] = 1e9
    simulation = native.build(network)
    simulation.advance(max(spike_steps) + DELAY + 1)
    jumps = np.diff(simulation.signal(1, "v"), axis=0)[np.array(spike_steps) + DELAY - 1]
    simulation.close()
    return jumps


def test_a_simple_stochastic_synapse_transmits_all_or_nothing_with_its_probability():
    p = np.repeat([0.0, 0.3, 1.0], 2000)
    got = stochastic("SimpleStochastic", 6000, [10, 20, 30], p=p)
    np.testing.assert_allclose(got, np.round(got), atol=1e-5)  # 1e-6 of leak
    assert np.all(got[:, :2000] < 0.5)
    assert np.all(got[:, 4000:] > 0.5)
    middle = got[:, 2000:4000] > 0.5
    # Four standard errors of a frequency of 0.3 in 6000 draws, and of independent pairs in 2000.
    assert abs(middle.mean() - 0.3) < 4 * np.sqrt(0.21 / 6000)
    assert abs((middle[0] & middle[1]).mean() - 0.09) < 4 * np.sqrt(0.09 * 0.91 / 2000)


@pytest.mark.parametrize(("rule", "n"), [("StochasticTsodyksMarkram", 1), ("Quantal", 5)])
def test_the_mean_of_stochastic_release_is_that_of_the_deterministic_model(rule, n):
    spikes, U, tau_rec, tau_facil = [50, 90, 110, 300], 0.3, 20.0, 15.0
    parameters = dict(U=U, tau_rec=tau_rec, tau_facil=tau_facil) | (
        {"n": float(n)} if rule == "Quantal" else {}
    )
    got = stochastic(rule, 4000, spikes, **parameters)
    x, u, last, expected = 1.0, 0.0, 0, []
    for step in spikes:
        interval = (step - last) * DT_MS
        u = u * np.exp(-interval / tau_facil)
        u, x, last = u + U * (1 - u), 1 - (1 - x) * np.exp(-interval / tau_rec), step
        expected.append(u * x)
        x -= u * x
    # Four standard errors; the deviation of one site is at most 0.5.
    np.testing.assert_allclose(got.mean(axis=1), expected, atol=4 * 0.5 / np.sqrt(4000 * n))
    np.testing.assert_allclose(got * n, np.round(got * n), atol=1e-4)


def test_sites_that_are_empty_at_the_start_do_not_release():
    parameters = dict(U=1.0, n=4.0, tau_rec=1e9, tau_facil=0.0)
    got = stochastic("Quantal", 3, [10, 20], initial={"a": np.array([0.0, 1.0, 4.0])}, **parameters)
    np.testing.assert_allclose(got, [[0.0, 0.25, 1.0], [0.0, 0.0, 0.0]], atol=1e-4)


def numbers_in_turn(key, synapse, spike):
    """Yield the numbers in [0, 1) that a synapse draws at a spike, one block of words at a time."""
    for block in itertools.count():
        words = _core.philox4x32((spike, 0, synapse, block), key)
        for high, low in (words[:2], words[2:]):
            yield ((high << 32 | low) >> 11) * 2.0**-53


def released_one_by_one(key, synapse, steps, *, U, n, tau_rec, tau_facil):
    """Return how many sites of a synapse release at each spike."""
    available, use, last, found = n, 0.0, 0, []
    for spike, step in enumerate(steps):
        interval = (step - last) * DT_MS
        use = use * np.exp(-interval / tau_facil)
        use, last = use + U * (1 - use), step
        recovery = 1 - np.exp(-interval / tau_rec)
        numbers = numbers_in_turn(key, synapse, spike)
        available += sum([next(numbers) < recovery for _ in range(n - available)])
        found.append(sum([next(numbers) < use for _ in range(available)]))
        available -= found[-1]
    return found


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("delays", [(DELAY,), (DELAY, DELAY + 1, DELAY + 2, DELAY + 3)])
@pytest.mark.parametrize(("n_synapses", "n"), [(1, 1), (15, 2), (128, 1), (400, 1), (300, 5)])
def test_synapses_that_are_drawn_together_release_as_each_alone(n_synapses, n, delays, threads):
    """Two sources with all synapses each, whose spikes act in the same step, also twice, and in others."""
    steps = [[10, 14, 15, 15, 40, 90], [14, 40, 41, 43]]
    network = network_of(
        spike_array(*steps[0]),
        spike_array(*steps[1], index=0),
        neurons("IF_curr_delta", n_synapses, tau_m=1e9, v_thresh=1e9),
    )
    everyone = np.arange(n_synapses)
    own_delays = np.resize(np.array(delays), n_synapses)
    expected = np.zeros((120, n_synapses))
    parameters = dict(U=0.4, tau_rec=3.0, tau_facil=2.0)
    for source, weight in ((0, 1.0), (1, 100.0)):
        weights = np.full(n_synapses, weight)
        add_pairs(network, source, 2, np.zeros(n_synapses, int), everyone, weights, own_delays)
        rule = Plasticity("Quantal", parameters=parameters | {"n": float(n)})
        network.projections[source].plasticity = rule
        key = draw_key(network, source)
        for k in everyone:
            found = released_one_by_one(key, int(k), steps[source], n=n, **parameters)
            jumps = weight * np.array(found) / n
            np.add.at(expected[:, k], np.array(steps[source]) + own_delays[k] - 1, jumps)
    simulation = targets.build("native", network, Options(threads=threads))
    simulation.advance(120)
    got = np.diff(simulation.signal(2, "v"), axis=0)
    simulation.close()
    # A hundred steps of leak from at most 600 mV, 1e-10 of it in each; the smallest difference is 0.2 mV.
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-4)
